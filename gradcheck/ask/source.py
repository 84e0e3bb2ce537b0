"""The source of a function as a tree, where it has one."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any


def indentation(function: Callable[..., Any] | CodeType) -> int:
    """By how many columns the source of a function that `tree_of` has stands further right in its file."""
    try:
        lines, _ = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return 0
    return len(lines[0]) - len(lines[0].lstrip())


def tree_of(function: Callable[..., Any] | CodeType) -> ast.Module | None:
    """The tree of a function's source, its lines counted as in its file; None where there is no source to be had."""
    try:
        lines, start = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (
        OSError,
        TypeError,
        SyntaxError,
    ):  # built in, typed into a shell, or a lambda in the middle of a line
        return None
    return ast.increment_lineno(tree, start - 1)
