"""What an edit that is tried does to lists, dicts and objects that the functions hold, undone: the next starts anew.

An edit may append to a list of the user's, or put another array into it. Only for what runs apart from the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FunctionType, MethodType, ModuleType
from typing import Any

Container = list[Any] | dict[Any, Any]

MOST = 300
"""Of more containers the first are looked after, the nearest to the functions."""


def containers(values: Iterable[Any]) -> tuple[Container, ...]:
    """The lists, the dicts and the attributes of objects that are reached from values, each once."""
    found: dict[int, Container] = {}
    todo = [*values]
    for value in todo:  # which grows
        one = value if type(value) in (list, dict, tuple) else _attributes(value)
        if one is None or id(one) in found:
            continue
        if not isinstance(one, tuple):
            found[id(one)] = one
        if len(found) == MOST:
            break
        todo += one.values() if isinstance(one, dict) else one
    return tuple(found.values())


def _attributes(value: Any) -> dict[str, Any] | None:
    if isinstance(value, type | ModuleType | FunctionType | MethodType):
        return None
    with suppress(Exception):  # of a class that answers for its attributes itself
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
