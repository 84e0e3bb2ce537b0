"""Which statements under an ``if``, and which sides of a conditional expression, never ran."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from gradcheck.ask.source import tree_of
from gradcheck.ask.whose import is_users

_Place = tuple[int, int]
"""Line and column."""

Ran = dict[CodeType, set[_Place]]
"""Of each function that has a branch the places whose code ran."""


@dataclass(frozen=True)
class _Side:
    """One side of a choice: from where to where its condition stands, and the side; what a reader calls it."""

    test: tuple[_Place, _Place]
    body: tuple[_Place, _Place]
    text: str


@contextmanager
def places_run(ran: Ran) -> Iterator[None]:
    """Within it the places that run are noted; the caller's own tracing waits."""

    def called(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if not _sides(code) or _all_ran(code, here := ran.setdefault(code, set())):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        places = _places(code)

        def step(frame: FrameType, event: str, _: Any) -> Any:
            place = places[frame.f_lasti // 2] if event == "opcode" else None
            if place is not None and place not in here:
                here.add(place)
                if _all_ran(code, here):  # each further opcode would cost as much, and tell nothing
                    frame.f_trace_opcodes = False
                    return None
            return step

        return step

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(before)


def _all_ran(code: CodeType, places: set[_Place]) -> bool:
    return all(_any_in(side.body, places) for side in _sides(code))


def never_run(ran: Ran) -> Iterator[tuple[str, int, str]]:
    """File, line and condition of each side that was passed by: its condition was looked at, it was not."""
    for code, places in ran.items():
        for side in _sides(code):
            if _any_in(side.test, places) and not _any_in(side.body, places):
                yield code.co_filename, side.body[0][0], side.text


def _any_in(span: tuple[_Place, _Place], places: set[_Place]) -> bool:
    first, last = span
    return any(first <= place < last for place in places)


@lru_cache(maxsize=1024)
def _places(code: CodeType) -> tuple[_Place | None, ...]:
    """Where each instruction stands in the file."""
    return tuple(
        None if line is None or column is None else (line, column)
        for line, _, column, _ in code.co_positions()
    )


@lru_cache(maxsize=1024)
def _sides(code: CodeType) -> tuple[_Side, ...]:
    """The sides of each choice that instructions stand in; what only raises is none."""
    if not is_users(code):
        return ()
    tree = tree_of(code)
    instructions = {place for place in _places(code) if place is not None}
    found = []
    for node in ast.walk(tree) if tree else ():
        for asked, branch, text in _branches(node):
            parts: list[Any] = branch if isinstance(branch, list) else [branch]
            if parts and not isinstance(parts[0], ast.Raise | ast.If):
                found.append(_Side(_span([asked]), _span(parts), text))
    return tuple(side for side in found if _any_in(side.body, instructions))


def _branches(node: ast.AST) -> Iterator[tuple[ast.expr, Any, str]]:
    """Of a choice what is looked at, what may run then, and what a reader calls that."""
    match node:
        case ast.If() | ast.IfExp():
            condition = ast.unparse(node.test)
            yield from (
                (node.test, node.body, f"if {condition}"),
                (node.test, node.orelse, f"else of if {condition}"),
            )
        case ast.While():
            yield node.test, node.body, f"while {ast.unparse(node.test)}"
        case ast.For():
            yield node.iter, node.body, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
        case ast.Match():
            for one in node.cases:
                yield node.subject, one.body, f"case {ast.unparse(one.pattern)}"


def _span(nodes: list[Any]) -> tuple[_Place, _Place]:
    """From the first to behind the last."""
    first, last = nodes[0], nodes[-1]
    return (first.lineno, first.col_offset), (last.end_lineno, last.end_col_offset)
