"""Which functions a function names, found without calling it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

_LIBRARIES = frozenset({"numpy", "scipy", "autograd", "gradcheck"})


def callees(function: Callable[..., Any], depth: int) -> Iterator[FunctionType]:
    """The function itself and those that it names, and they, the nearest first; none of a numerical library's."""
    seen: set[FunctionType] = set()
    level: list[Any] = [function]
    for _ in range(depth):
        below: list[Any] = []
        for one in level:
            plain = one.__func__ if isinstance(one, MethodType) else one
            if not isinstance(plain, FunctionType):
                plain = vars(type(plain)).get("__call__")
            if not isinstance(plain, FunctionType) or plain in seen or _is_library(plain):
                continue
            seen.add(plain)
            yield plain
            closed = inspect.getclosurevars(plain)
            below += [
                value for value in (*closed.nonlocals.values(), *closed.globals.values()) if callable(value)
            ]
        level = below


def _is_library(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in _LIBRARIES
