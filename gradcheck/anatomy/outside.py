"""What functions find outside their arguments: in closures and globals, in objects there, in their own attributes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any
from weakref import ref

import numpy as np

from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.places import Place, arrays, spelled
from gradcheck.anatomy.returned import Target
from gradcheck.ask import trees
from gradcheck.ask.callees import values_bound, values_given, values_named, values_reached


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


def reached(machine: Machine, own: Any, ahead: bool = False) -> list[tuple[Place, Any]]:
    """The arrays that the two, or the one that goes ``ahead``, and what they call find outside of ``own``, by place."""
    forward, backward = _functions(machine, own)
    space: dict[str, dict[int, Any]] = defaultdict(dict)
    for function in (forward,) if ahead else (forward, backward):
        for name, there in values_reached(function, _DEPTH):
            value = there() if isinstance(there, ref) else there
            if isinstance(value, type):
                space[value.__name__].setdefault(id(value), _of_class(value))
            elif value is not None and value is not own:
                space[name].setdefault(id(value), value)
    named = {
        f"{name}#{number + 1}" if number else name: value
        for name, values in space.items()
        for number, value in enumerate(values.values())
    }
    return [
        there
        for there in arrays(SimpleNamespace(**named), lambda name: False)
        if isinstance(there[1], np.ndarray) and trees.is_floating(there[1])
    ]


_DEPTH = 3
"""How many calls deep the functions are followed."""


def _of_class(kind: type) -> SimpleNamespace:
    """What a class and those that it inherits from have, as attributes of an object."""
    return SimpleNamespace(
        **{name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}
    )


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
