"""Which statements under an ``if`` never ran."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from gradcheck.ask.source import tree_of

_PACKAGE = str(Path(__file__).parent.parent)

Lines = dict[CodeType, set[int]]
"""Of each function that has an ``if`` the lines that ran."""


@contextmanager
def lines_run(lines: Lines) -> Iterator[None]:
    """Within it the lines that run are noted; the caller's own tracing waits."""

    def called(frame: FrameType, event: str, _: Any) -> Any:
        if not _choices(frame.f_code):
            return None
        ran = lines.setdefault(frame.f_code, set())

        def line(frame: FrameType, event: str, _: Any) -> Any:
            ran.add(frame.f_lineno)
            return line

        return line

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(before)


def never_run(lines: Lines) -> Iterator[tuple[str, int, str]]:
    """File, line and condition of each branch that was passed by: its ``if`` was reached, its body was not."""
    for code, ran in lines.items():
        for line, first, text in _choices(code):
            if line in ran and first not in ran:
                yield code.co_filename, first, text


@lru_cache(maxsize=1024)
def _choices(code: CodeType) -> tuple[tuple[int, int, str], ...]:
    """The lines of each ``if`` and of the first statement of each of its branches; what only raises is no branch."""
    if not is_users(code):
        return ()
    tree = tree_of(code)
    found = []
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.If):
            condition = ast.unparse(node.test)
            for branch, text in ((node.body, f"if {condition}"), (node.orelse, f"else of if {condition}")):
                if branch and not isinstance(branch[0], ast.Raise | ast.If):
                    found.append((node.lineno, branch[0].lineno, text))
    return tuple(found)


def is_users(code: CodeType) -> bool:
    """Whether a function is neither ours nor of an installed library."""
    name = code.co_filename
    return (
        not name.startswith(("<frozen", _PACKAGE))
        and "site-packages" not in name
        and "/lib/python" not in name
    )
