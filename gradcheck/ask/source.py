"""The source of a function as a tree, where it has one; the lines of a source, and what changed in it."""

from __future__ import annotations

import ast
import difflib
import inspect
import io
import linecache
from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

_Named = ast.FunctionDef | ast.AsyncFunctionDef
_Defined = _Named | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_NAMELESS = {"<lambda>": ast.Lambda, "<listcomp>": ast.ListComp, "<setcomp>": ast.SetComp,
             "<dictcomp>": ast.DictComp, "<genexpr>": ast.GeneratorExp}  # fmt: skip
"""What the code of a definition without a name is called."""


def lines_in(text: str) -> list[str]:
    """Lines as Python counts them, their ends as they are: a form feed ends none."""
    return io.StringIO(text, newline="").readlines()


def unified_diff(before: str, after: str, old: str, new: str) -> str:
    """What changed, between files of these names, as ``patch`` and ``git apply`` take it."""
    lines = difflib.unified_diff(lines_in(before), lines_in(after), old, new)
    return "".join(
        line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def tree_of(function: Callable[..., Any] | CodeType) -> _Defined | None:
    """The definition of a function in the tree of its file; None where there is no source to be had."""
    code = function if isinstance(function, CodeType) else getattr(inspect.unwrap(function), "__code__", None)
    if not isinstance(code, CodeType):
        return None
    places = [
        (line, column)
        for line, _, column, end in code.co_positions()
        if line is not None and column is not None and (column, end) != (0, 0)  # of what calls it
    ]
    text = "".join(lines_of(code.co_filename))
    there = [
        node
        for node in _definitions(text).get(code.co_firstlineno, ())
        if isinstance(node, _NAMELESS.get(code.co_name, _Named))
        and all(_is_in(node, place) for place in places)
    ]
    return there[-1] if there else None


def lines_of(file: str, space: dict[str, Any] | None = None) -> list[str]:
    """The lines of a file as it is now, for it may have been written and loaded anew; ``space`` knows its loader."""
    linecache.checkcache(file)
    return linecache.getlines(file, space)


def line_of(file: str, line: int) -> str:
    """One line of a file, which counts from 1; empty where there is none."""
    return "".join(lines_of(file)[line - 1 : line])


@lru_cache(maxsize=64)
def _definitions(text: str) -> dict[int, list[_Defined]]:
    """The functions of a file by the line that each begins at, the outer before the inner."""
    found: dict[int, list[_Defined]] = defaultdict(list)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return found
    for node in ast.walk(tree):
        if isinstance(node, _Defined):
            lines = [one.lineno for one in getattr(node, "decorator_list", ())]
            found[min([node.lineno, *lines])].append(node)
    return found


def _is_in(node: _Defined, place: tuple[int, int]) -> bool:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return (node.lineno, node.col_offset) <= place <= (node.end_lineno, node.end_col_offset)
