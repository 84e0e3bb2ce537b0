"""Putting an edit into the tree of its function, running the function with it, and taking it out again."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from gradcheck.explain.blame.edits import Edit
from gradcheck.explain.blame.written import Written


@contextmanager
def edited(function: Written, edit: Edit) -> Iterator[bool]:
    """The function with the edit, for as long as this lasts."""
    undo = exchange(function, edit)
    if undo is None:
        yield False
        return
    before = function.functions[0].__code__
    try:
        code = function.compiled()
        if code is not None:
            function.install(code)
        yield code is not None
    finally:
        undo()
        function.install(before)


def kept(function: Written, edit: Edit) -> Iterator[ast.AST]:
    """Leave an edit in the tree; its nodes, which stand nowhere in the source."""
    before = set(ast.walk(function.node))
    exchange(function, edit)
    yield from set(ast.walk(function.node)) - before


def install(function: Written) -> None:
    """Let the function run as its tree is now."""
    if (code := function.compiled()) is not None:
        function.install(code)


def exchange(function: Written, edit: Edit) -> Callable[[], None] | None:
    """Put the edit's node into the tree; what takes it out again, None where it does not fit."""
    text = spelled_here(edit, function)
    new = None if text is None else parsed(text, edit.node)
    holder = function.source.parents.get(edit.node)
    if new is None or holder is None:
        return None
    for part in ast.walk(new):
        if isinstance(part, ast.expr | ast.stmt):
            ast.copy_location(part, edit.node)
    for name, held in ast.iter_fields(holder):
        if held is edit.node:
            setattr(holder, name, new)
            return lambda: setattr(holder, name, edit.node)
        if isinstance(held, list) and any(part is edit.node for part in held):
            place = next(i for i, part in enumerate(held) if part is edit.node)
            held[place] = new
            return lambda: held.__setitem__(place, edit.node)
    return None


def parsed(text: str, node: ast.expr | ast.stmt) -> ast.expr | ast.stmt | None:
    """The tree of a text that is to stand for a node; None where it is none."""
    try:
        return (
            ast.parse(text).body[0]
            if isinstance(node, ast.stmt)
            else ast.parse(f"({text})", mode="eval").body
        )
    except (SyntaxError, ValueError):
        return None


def spelled_here(edit: Edit, function: Written) -> str | None:
    """The text of an edit with NumPy called as it is where the function is written; None where it is not known."""
    if "np." not in edit.text:
        return edit.text
    space = function.functions[0].__globals__
    name = next((name for name, value in space.items() if value is np), None)
    return None if name is None else edit.text.replace("np.", f"{name}.")


def above(function: Written, node: ast.AST) -> Iterator[ast.AST]:
    """The expressions and the statement that a node is part of."""
    holder = function.source.parents.get(node)
    while holder is not None and isinstance(holder, ast.expr | ast.stmt) and holder is not function.node:
        yield holder
        if isinstance(holder, ast.stmt):
            return
        holder = function.source.parents.get(holder)
