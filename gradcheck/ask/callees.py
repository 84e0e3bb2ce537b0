"""Which functions a function names, found without calling it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_LIBRARIES = frozenset({"builtins", "numpy", "scipy", "autograd", "gradcheck"})


def callees(function: Callable[..., Any], depth: int) -> Iterator[FunctionType]:
    """The function itself and those that it names, and they, the nearest first; none of a numerical library's."""
    seen: set[FunctionType] = set()
    level: list[Any] = [function]
    for _ in range(depth):
        below: list[Any] = []
        for one in level:
            plain, owner = _plain(one)
            if plain is None or plain in seen or _is_library(plain):
                continue
            seen.add(plain)
            yield plain
            below += _named(plain, owner)
        level = below


def _plain(one: Any) -> tuple[FunctionType | None, Any]:
    """The function that a call of ``one`` runs, and the object whose method it is, None without one."""
    while isinstance(one, partial):
        one = one.func
    if isinstance(one, MethodType):
        owner, one = one.__self__, one.__func__
        return (one if isinstance(one, FunctionType) else None), owner
    if isinstance(one, FunctionType):
        return one, None
    called = inspect.getattr_static(type(one), "__call__", None)
    return (called, one) if isinstance(called, FunctionType) else (None, None)


def values_named(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function finds in globals and closures, by name."""
    plain, _ = _plain(function)
    if plain is None:
        return {}
    found = {name: plain.__globals__[name] for name in _words(plain.__code__) if name in plain.__globals__}
    for name, cell in zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # bound later than now
            continue
    return found


def _named(function: FunctionType, owner: Any) -> Iterator[Any]:
    """What a function names that can be called, methods of the objects that it names and of its own included."""
    values, words = values_named(function).values(), _words(function.__code__)
    yield from filter(callable, values)
    for one in (owner, *values):
        if isinstance(one, ModuleType):
            own = {} if one.__name__.partition(".")[0] in _LIBRARIES else vars(one)
            yield from (own[name] for name in words if isinstance(own.get(name), FunctionType))
            continue
        for name in () if _is_library(type(one)) else words:
            method = inspect.getattr_static(type(one), name, None)
            if isinstance(method, FunctionType):
                yield MethodType(method, one)


def _words(code: CodeType) -> list[str]:
    """Names of globals and attributes, those in functions and comprehensions inside it included."""
    inner = (word for one in code.co_consts if isinstance(one, CodeType) for word in _words(one))
    return list(dict.fromkeys([*code.co_names, *inner]))


def _is_library(named: Any) -> bool:
    return (named.__module__ or "").partition(".")[0] in _LIBRARIES
