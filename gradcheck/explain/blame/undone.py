"""What an edit that is tried does to lists, dicts and objects that the functions hold, undone: the next starts anew.

An edit may append to a list of the user's, or put another array into it. Only for what runs apart from the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

Container = list[Any] | dict[Any, Any]

MOST = 300
"""Of more containers the first are looked after, the nearest to the functions."""


def containers(values: Iterable[Any]) -> tuple[Container, ...]:
    """The lists, the dicts and the attributes of objects that are reached from values, each once."""
    return tuple(one for one in _reached(values) if not isinstance(one, np.ndarray))


def arrays_in(values: Iterable[Any]) -> tuple[np.ndarray[Any, Any], ...]:
    """The arrays that are reached from them, in attributes of classes, too."""
    return tuple(one for one in _reached(values) if isinstance(one, np.ndarray))


def _reached(values: Iterable[Any]) -> Iterator[Container | np.ndarray[Any, Any]]:
    seen, count = set[int](), 0
    todo = [*values]
    for value in todo:  # which grows
        one = value if type(value) in (list, dict, tuple) else _attributes(value)
        known = id(value if isinstance(value, type) else one)
        if one is None or known in seen:
            continue
        seen.add(known)
        if isinstance(one, np.ndarray):
            yield one
            continue
        if not isinstance(one, tuple):
            yield one
            count += 1
        if count == MOST:
            break
        todo += one.values() if isinstance(one, dict) else one
        if one is not value and not isinstance(value, type):
            todo.append(type(value))


def _attributes(value: Any) -> Container | tuple[Any, ...] | np.ndarray[Any, Any] | None:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, ModuleType | FunctionType | MethodType):
        return None
    with suppress(Exception):  # of a class that answers for its attributes itself
        if isinstance(value, type):
            return tuple(vars(value).values())
        own = value.__dict__
        return own if type(own) is dict else None
    return None


@contextmanager
def undone(some: tuple[Container, ...]) -> Iterator[None]:
    """Put back what these hold now, whatever happens meanwhile."""
    before = [one.copy() for one in some]
    try:
        yield
    finally:
        for one, old in zip(some, before, strict=True):
            if isinstance(one, list):
                one[:] = old
            else:
                one.clear()
                one.update(old)
