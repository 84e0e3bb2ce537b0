"""A statement that a claim lacks: what should have been written into part of an array, or added to it.

The array is known to want something more, and the rest of it to be right. Which part that is stands, as a rule, where f
reads it or where the claim does something else with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.edits import ADDED, Edit
from gradcheck.explain.blame.flow import place
from gradcheck.explain.blame.forcing import Force, Wanted
from gradcheck.explain.blame.goals import Goals
from gradcheck.explain.blame.missing import in_place, sight_of, then
from gradcheck.explain.blame.patch import bare
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.sight import LARGEST, Candidate
from gradcheck.explain.blame.synthesis import texts_of
from gradcheck.explain.blame.watch import is_float

_EQUAL = 1e-7
"""Relative difference of what is the same; the edit is proved afterwards."""
_FOUND, _EACH = 40, 8
"""Texts of a value that are looked for, and of them the short ones that are tried."""


@dataclass(frozen=True, eq=False)
class Lack:
    """An array that wants more where it is read: the ``read``, with all that is seen there, and what it lacks."""

    read: Wanted
    lacks: Floats
    after: ast.stmt | None = None


def unwritten(
    scene: Scene, force: Force, goals: Goals, wanted: tuple[Wanted, ...]
) -> Iterator[tuple[Any, Edit]]:
    """Edits that write into part of an array what is wanted of it, before the array is read."""
    for one in dict.fromkeys(_lacks(force, wanted)):
        function, source = one.read.function, one.read.function.source
        name, scope = source.segment(one.read.node), one.read.scopes[0]
        for index in dict.fromkeys(_indices(scene, one.read.node)):
            if scene.time.late():
                return
            for form, value in _written(name, index, one, scope, goals):
                site, _, _ = in_place(one.read)
                site = replace(site, target=(value,), now=(np.zeros_like(value),))
                sight = (*sight_of(scene, site), *_gathered(scope))
                for text in sorted(set(islice(texts_of(site.target, sight), _FOUND)), key=len)[:_EACH]:
                    new = form.format(bare(text)) if text[0] != "-" else _negative(form, bare(text[1:]))
                    node = one.after or _statement(source.parents, one.read.node)
                    old, between = source.segment(node), then(source, node)
                    whole = f"{old}{between}{new}" if one.after else f"{new}{between}{old}"
                    yield function, Edit(ADDED, "written", node, whole)


def _gathered(scope: Mapping[str, Any]) -> Iterator[Candidate]:
    """The rows of one variable that another one tells."""
    arrays = [(name, value) for name, value in scope.items() if isinstance(value, np.ndarray) and value.ndim]
    for name, value in arrays:
        for index, rows in arrays:
            if is_float(value) and rows.dtype.kind in "iu" and value.size <= LARGEST:
                with suppress(IndexError):  # of an index for something else
                    yield Candidate(f"{name}[{index}]", (value[rows],))


def _negative(form: str, text: str) -> str:
    negative = f"-({text})" if " " in text else f"-{text}"
    return form.replace("+=", "-=").format(text) if "+=" in form else form.format(negative)


def _lacks(force: Force, wanted: tuple[Wanted, ...]) -> Iterator[Lack]:
    for one in wanted:
        if len(one.values) != 1 or not np.ndim(one.values[0]):
            continue
        gap = one.values[0] - force.reach.values[one.node][0]
        if isinstance(one.node, ast.Name):
            yield Lack(force.as_it_is(one.function, one.node) or one, gap, one.after)
            continue
        above = one.function.source.parents[one.node]
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Name):
            reads = [
                node
                for node in ast.walk(one.function.node)
                if isinstance(node, ast.Name)
                and node.id == above.targets[0].id
                and node.lineno > above.lineno
                if isinstance(node.ctx, ast.Load) and len(force.reach.values.get(node, ())) == 1
            ]
            reads = [node for node in reads if not _is_written_to(one.function.source.parents, node)]
            first = min(reads, key=lambda node: (node.lineno, node.col_offset), default=None)
            if first is not None and (read := force.as_it_is(one.function, first)) is not None:
                yield Lack(read, gap)


def _is_written_to(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> bool:
    return isinstance(getattr(parents[node], "ctx", None), ast.Store)


def _statement(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> ast.stmt:
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return node


def _indices(scene: Scene, read: ast.expr) -> Iterator[str]:
    """Texts of the parts that are taken of anything in the claim and in f, and what tells entries apart there."""
    for one in (*scene.functions, *scene.of_f):
        for node in ast.walk(one.node):
            if isinstance(node, ast.Subscript):
                text = one.source.segment(node.slice)
                yield text.removeprefix("(").removesuffix(")") if isinstance(node.slice, ast.Tuple) else text


def _written(
    name: str, index: str, one: Lack, scope: Mapping[str, Any], goals: Goals
) -> Iterator[tuple[str, Floats]]:
    """How a value is written into a part, and the value, where that is all that is lacking."""
    lacks = one.lacks
    try:
        where = place(ast.parse(f"_[{index}]", mode="eval").body.slice, one.read.function, scope)  # type: ignore[attr-defined]
        part, hits = lacks[where], np.zeros(lacks.shape)
        np.add.at(hits, where, 1.0)
    except Exception:  # of what means nothing there
        return
    size = np.abs(lacks).max(initial=0.0)
    if np.any(np.abs(lacks[hits == 0.0]) > _EQUAL * size):
        return
    several = [
        part for part in (where if isinstance(where, tuple) else (where,)) if isinstance(part, np.ndarray)
    ]
    if not several or "range(" in index or "arange(" in index:
        if not hits.all():  # else it is no part
            yield f"{name}[{index}] += {{}}", np.asarray(part)
        return
    inside = f"({index})" if isinstance(where, tuple) else index
    for goal in goals.of(np.shape(part), 1):
        added = np.zeros(lacks.shape)
        np.add.at(added, where, goal.values[0])
        if np.all(np.abs(added - lacks) <= _EQUAL * size):
            yield f"np.add.at({name}, {inside}, {{}})", goal.values[0]
