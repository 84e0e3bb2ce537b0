"""Edits after which a condition decides nothing: right where that happens to be so, and not what one would write."""

from __future__ import annotations

import ast
from contextlib import suppress

import numpy as np

from gradcheck.explain.blame.apart import TooLong, no_longer_than
from gradcheck.explain.blame.edits import Edit
from gradcheck.explain.blame.forcing import Force
from gradcheck.explain.blame.grafting import spelled_here
from gradcheck.explain.blame.written import Written


def decides_nothing(function: Written, edit: Edit, force: Force) -> bool:
    """Whether an edit makes a comparison true throughout, or false, that told entries or visits apart."""
    around: ast.AST | None = edit.node
    while isinstance(around, ast.expr | ast.keyword) and not isinstance(around, ast.Compare):
        around = function.source.parents.get(around)
    text = spelled_here(edit, function)
    if not isinstance(around, ast.Compare) or text is None or not isinstance(edit.node, ast.expr):
        return False
    if not _tells(force.reach.values.get(around, ())):
        return False
    noted = force.as_it_is(function, around)
    whole = function.source.segment_with(around, {edit.node: f"({text})"})
    with suppress(Exception, TooLong), no_longer_than(force.patience):
        code, space = compile(f"({whole})", "<hollow>", "eval"), function.functions[0].__globals__
        return noted is not None and not _tells([eval(code, space, dict(scope)) for scope in noted.scopes])
    return False


def _tells(values: object) -> bool:
    """Whether there is true and false among values."""
    flat = np.concatenate([np.ravel(value) for value in values]) if values else np.empty(0)  # type: ignore[attr-defined]
    return bool(flat.any() and not flat.all())
