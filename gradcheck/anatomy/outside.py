"""What functions find outside their arguments: in closures and globals, in objects there, in their own attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any

import numpy as np

from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.places import Place, arrays, spelled
from gradcheck.anatomy.returned import Target
from gradcheck.ask import trees
from gradcheck.ask.callees import values_bound, values_given, values_named


def outside(machine: Machine, own: Any) -> list[Target]:
    """The arrays that forward finds outside of its arguments, and of itself where it is a method."""
    forward, _ = _functions(machine, own)
    every = {
        id(value): Target(spelled(place), value, places=(place,))
        for place, value in _arrays(forward, own)
        if isinstance(value, np.ndarray) and trees.is_floating(value)
    }
    return list(every.values())


def are_functions(machine: Machine, own: Any) -> bool:
    """Whether the two are functions: a pair of them, or what a layer has for its methods."""
    return not any(isinstance(one, MethodType) for one in _functions(machine, own)) or own is None


def numbers_outside(machine: Machine, own: Any) -> dict[Place, Any]:
    """Every array and number that either of the two has outside, by its place."""
    return dict(there for function in _functions(machine, own) for there in _arrays(function, own))


def _functions(machine: Machine, own: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    if own is None:
        return machine.forward, machine.backward
    return getattr(own, machine.methods[0]), getattr(own, machine.methods[1])


def _arrays(function: Callable[..., Any], own: Any) -> Iterator[tuple[Place, Any]]:
    found = values_named(function) | values_bound(function) | values_given(function)
    for name, value in found.items():
        if value is not None and value is own:
            continue  # the layer itself
        # what functions have as attributes is called as it is where it has a name of its own
        held = vars(value) if isinstance(value, FunctionType) else {name: value}
        yield from arrays(SimpleNamespace(**held), lambda name: False)
