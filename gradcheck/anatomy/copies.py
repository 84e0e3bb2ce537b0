"""A copy of a layer that may be changed at will: arrays of its class, what cannot be copied, closures over it."""

from __future__ import annotations

import copy
import dis
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from gradcheck.anatomy.places import Place, fields, found, put, walk
from gradcheck.anatomy.shared import views_again
from gradcheck.ask.random_rounding import Rolled
from gradcheck.ask.whose import is_open


def own_copy(layer: Any) -> Any:
    """A copy, arrays and containers of its class included; functions that close over the layer close over the copy."""
    held = list(walk(layer, lambda name: False))
    # what it shares with its copies may hold what a trace left there, which is in no memory
    views = dict(views_again(value for _, value in held if issubclass(type(value), np.ndarray)))
    known: dict[int, Any] = dict(views)
    try:
        own = layer if any(_has_its_way(value) for _, value in held) else copy.deepcopy(layer, known)
    except Exception:
        own = layer
    if own is layer or type(own) is not type(layer):
        # it holds what cannot be copied (a lock, a file), asks itself for what it has not yet, answers to
        # all that it is asked for, or may not be copied
        known = dict(views)
        own = _copied(layer, known)
    for name, value in fields(own).items():
        if isinstance(value, dict | list | np.ndarray) and name not in getattr(own, "__dict__", {name: None}):
            setattr(own, name, copy.deepcopy(value, known))
    # a run sees each array as another one, whose base it is
    seen = [value for _, value in held if type(value) is Rolled and id(value) in known]
    known |= {id(value.base): known[id(value)] for value in seen}
    keyed = by_identity(held, known)
    keyed_anew(own, [place for place in keyed if found(own, place) is not found(layer, place)], known)
    functions = [(place, value) for place, value in held if type(value) is FunctionType]
    for _, function in functions:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if name in _rebinds(function.__code__) and id(cell) not in known:
                known[id(cell)] = _cell_of_its_own(cell, known)
    for place, function in functions:
        if (anew := _closing_over(function, known)) is not function:
            put(own, place, anew)
    return own


def by_identity(held: Iterable[tuple[Place, Any]], known: Collection[int]) -> list[Place]:
    """Where dicts are that have the identities of what is ``known`` for keys: ``grads[id(W)]``."""
    return [
        place
        for place, value in held
        if type(value) is dict and any(type(key) is int and key in known for key in value)
    ]


def keyed_anew(own: Any, places: Sequence[Place], known: Mapping[int, Any]) -> None:
    """Give dicts the identities of others for keys, those of what took the place of what had them."""
    for there in (found(own, place) for place in places):
        if type(there) is dict:
            items = [(id(known[key]) if key in known else key, child) for key, child in there.items()]
            there.clear()
            there.update(items)


def _has_its_way(value: Any) -> bool:
    """Whether an object says itself what a copy of it is, which may be the object."""
    return is_open(value) and hasattr(type(value), "__deepcopy__") and not isinstance(value, np.ndarray)


def _closing_over(function: FunctionType, known: dict[int, Any]) -> FunctionType:
    """The function, over the copies of what it closes over; the same where nothing of that was copied."""
    if id(function) in known:
        again: FunctionType = known[id(function)]
        return again
    known[id(function)] = function  # functions that call one another
    cells = function.__closure__ or ()
    anew = tuple(_cell(cell, known) for cell in cells)
    if all(one is cell for one, cell in zip(anew, cells, strict=True)):
        return function
    bound = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, anew
    )
    bound.__kwdefaults__ = function.__kwdefaults__
    vars(bound).update(vars(function))
    known[id(function)] = bound
    return bound


@lru_cache(maxsize=1024)
def _rebinds(code: CodeType) -> frozenset[str]:
    """The names of a closure that a function gives another value: ``nonlocal``."""
    return frozenset(
        step.argval for step in dis.get_instructions(code) if step.opname == "STORE_DEREF"
    ) & frozenset(code.co_freevars)


def _cell_of_its_own(cell: CellType, known: dict[int, Any]) -> CellType:
    try:
        held = cell.cell_contents
    except ValueError:  # not bound yet
        return CellType()
    is_plain = isinstance(held, dict | list | np.ndarray)
    return CellType(copy.deepcopy(held, known) if is_plain else known.get(id(held), held))


def _cell(cell: CellType, known: dict[int, Any]) -> CellType:
    if id(cell) in known:
        own: CellType = known[id(cell)]
        return own
    try:
        held = cell.cell_contents
    except ValueError:  # not bound yet
        return cell
    anew = _closing_over(held, known) if type(held) is FunctionType else known.get(id(held), held)
    return cell if anew is held else CellType(anew)


def _empty(kind: type) -> Any:
    """An object of this class without attributes; None for what is made of more than attributes."""
    if not kind.__dictoffset__ and not hasattr(kind, "__slots__"):
        return None
    try:
        return object.__new__(kind)
    except TypeError:  # a list of its own kind, or an array
        return None


def _copied(value: Any, known: dict[int, Any]) -> Any:
    """As `copy.deepcopy`, but that what cannot be copied is shared."""
    if id(value) in known:
        return known[id(value)]
    new: Any
    if type(value) in (list, deque):
        new = known[id(value)] = type(value)()
        new.extend(_copied(child, known) for child in value)
    elif type(value) is dict:
        new = known[id(value)] = {}
        new.update((key, _copied(child, known)) for key, child in value.items())
    elif type(value) is tuple:
        new = known[id(value)] = tuple(_copied(child, known) for child in value)
    elif is_open(value) and (new := _empty(type(value))) is not None:
        known[id(value)] = new
        for name, child in fields(value).items():
            object.__setattr__(new, name, _copied(child, known))
    else:
        try:
            new = copy.deepcopy(value)
        except Exception:
            new = value
        known[id(value)] = new
    return new
