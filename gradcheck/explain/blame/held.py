"""What functions hold, closed over, global, or of their object: nothing that is tried may write into the arrays."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.task import Task
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.written import Written

Arrays = tuple[np.ndarray[Any, Any], ...]


@dataclass(frozen=True, eq=False)
class Place:
    """What stands under a name where a function finds it: in a cell, a module, an object or its own defaults."""

    space: CellType | dict[str, Any] | FunctionType
    name: str
    value: Any

    def put(self, value: Any) -> None:
        """Let something else stand there; only in a process of our own."""
        if isinstance(self.space, CellType):
            self.space.cell_contents = value
        elif isinstance(self.space, FunctionType):
            _set_default(self.space, self.name, value)
        else:
            self.space[self.name] = value


Put = tuple[tuple[Place, Any], ...]
"""What is to stand at which places."""


@dataclass(frozen=True, eq=False)
class Held:
    """The arrays that functions, f and the claim hold, and the places of what they hold."""

    arrays: Arrays
    places: tuple[Place, ...]

    def of(self, kind: type) -> tuple[Place, ...]:
        """The places of what is of that very type."""
        return tuple(one for one in self.places if type(one.value) is kind)

    def defaults(self, kind: type) -> tuple[Place, ...]:
        """Those of them that are defaults of f and of the claim."""
        return tuple(one for one in self.of(kind) if isinstance(one.space, FunctionType))


def held_by(functions: tuple[Written, ...], task: Task) -> Held:
    """What functions, f and the claim hold."""
    places = tuple(_places(functions, task))
    arrays = {id(one): one for place in places for one in _arrays(place.value)}
    return Held(tuple(arrays.values()), places)


@contextmanager
def putting(put: Put) -> Iterator[None]:
    """Let something else stand at places while this lasts; only in a process of our own."""
    for place, value in put:
        place.put(value)
    try:
        yield
    finally:
        for place, _ in put:
            place.put(place.value)


@contextmanager
def holding(arrays: Arrays, others: Arrays) -> Iterator[None]:
    """Let arrays have other entries while this lasts; only in a process of our own."""
    before = [(one, np.ndarray.copy(one), one.flags.writeable) for one in arrays]
    for one, other in zip(arrays, others, strict=True):
        one.flags.writeable = True
        one[...] = other
    try:
        yield
    finally:
        for one, old, writeable in before:
            one[...] = old
            one.flags.writeable = writeable


def protect(arrays: Arrays, probe: Probe) -> None:
    """Let what functions hold be read only, but for that into which the claim, as it is now, or f writes.

    Only in a process of our own. An edit by which a result starts as such an array would change what f computes, and
    with it what is right.
    """
    before, keeps = probe.answer(), probe.keeps_f()
    held = tuple(one for one in arrays if one.flags.writeable)
    for array in held:
        array.flags.writeable = False
    now = probe.answer()
    differs = before is not None and (
        now is None or not np.array_equal(now.flat, before.flat, equal_nan=True)
    )
    if differs or (keeps and not probe.keeps_f()):
        for array in held:
            array.flags.writeable = True
        half = len(held) // 2
        for some in (held[:half], held[half:]) if half else ():
            protect(some, probe)


def _arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict | list | tuple):
        with suppress(trees.Endless):
            yield from (leaf for _, leaf in trees.leaves(value) if isinstance(leaf, np.ndarray))


def _places(functions: Iterable[Written], task: Task) -> Iterator[Place]:
    for function in (function for one in functions for function in one.functions):
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # not filled yet
                yield Place(cell, name, cell.cell_contents)
        space = function.__globals__
        yield from (Place(space, name, space[name]) for name in function.__code__.co_names if name in space)
    for callee in (task.f.function, task.claim.function):
        space = getattr(getattr(callee, "__self__", None), "__dict__", {})
        yield from (Place(space, name, value) for name, value in space.items())
    yield from _settings(task)


def _settings(task: Task) -> Iterator[Place]:
    """The numbers and flags that are a default of both f and the claim; what one has alone is not the other's."""
    of_each = [
        (function, _defaults(function))
        for callee in (task.f.function, task.claim.function)
        if isinstance(function := getattr(callee, "__func__", callee), FunctionType)
    ]
    if len(of_each) == 2:
        both = of_each[0][1].items() & of_each[1][1].items()
        yield from (Place(function, name, value) for function, _ in of_each for name, value in sorted(both))


def _defaults(function: FunctionType) -> dict[str, Any]:
    given = inspect.signature(function, follow_wrapped=False).parameters.values()
    return {one.name: one.default for one in given if type(one.default) in (float, bool, int)}


def _set_default(function: FunctionType, name: str, value: Any) -> None:
    named, placed = function.__kwdefaults__ or {}, function.__defaults__ or ()
    if name in named:
        function.__kwdefaults__ = {**named, name: value}
        return
    names = function.__code__.co_varnames[: function.__code__.co_argcount][-len(placed) :]
    function.__defaults__ = tuple(
        value if own == name else old for own, old in zip(names, placed, strict=True)
    )
