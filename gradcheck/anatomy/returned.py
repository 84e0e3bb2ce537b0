"""What backward returned, told apart by names: which part of a dict or object is the gradient of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import in_common
from gradcheck.anatomy.naming import INPUTS
from gradcheck.anatomy.parameters import Kept, paired
from gradcheck.anatomy.places import Attribute, Item, Place, arrays, get
from gradcheck.ask import trees
from gradcheck.ask.whose import is_open

Ways = tuple[Place, ...]
"""The places by which something may be called."""


@dataclass(frozen=True, eq=False)
class Target:
    """What a gradient is looked for of: an argument of forward, or a parameter, which is kept at ``places``."""

    name: str
    value: Any
    differentiable: bool = True
    places: tuple[Place, ...] = ()

    @property
    def is_array(self) -> bool:
        """Whether it is one array of floats."""
        return self.differentiable and isinstance(self.value, np.ndarray)

    @property
    def may_be_setting(self) -> bool:
        """Whether it is a number that a layer keeps: a parameter only if a gradient of it came."""
        return bool(self.places) and not isinstance(self.value, np.ndarray)

    def fits(self, gradient: Any) -> bool:
        """Whether this has the tree and the shapes of what it should be the gradient of; of an array, a list may.

        But a list of arrays is no parameter's: it holds those of several.
        """
        if gradient is None or (self.places and self.is_array and _holds_arrays(gradient)):
            return False
        try:
            if self.is_array:
                came = np.asarray(gradient)
                return came.dtype.kind not in "OUV" and came.shape == np.shape(self.value)
            mine, theirs = (
                [(path, np.shape(leaf)) for path, leaf in trees.leaves(tree)]
                for tree in in_common(self.value, gradient)
            )
        except Exception:
            return False
        return mine == theirs


def _holds_arrays(gradient: Any) -> bool:
    return isinstance(gradient, list | tuple) and any(isinstance(one, np.ndarray) for one in gradient)


def by_keys(
    result: Any, inputs: Sequence[Target], parameters: Sequence[Target], names: Sequence[str]
) -> dict[str, Place]:
    """Where in dicts and objects among what was returned the gradient of each target stands, by the target's name.

    That of ``W`` is under "W", "dW", "grad_W", that of ``W[1]`` under 1 in what is returned as ``dW``, one of
    ``names``. A dict of parameters that forward takes has its gradients in a dict, too, which may hold those of other
    inputs as well. What has its shape counts before what has not.
    """
    boxes = list(_boxes(result, names))
    nested = [one for one in inputs if one.differentiable and isinstance(one.value, dict | list | tuple)]
    plain = [one for one in (*parameters, *inputs) if one.differentiable and one not in nested]
    ends = Counter(_end(one) for one in plain)
    sole = [one for one in inputs if one.is_array]
    found: dict[str, Place] = {}
    every = (
        {one.name: one.places or (_place(one.name),) for one in plain},
        {one.name: (_place(_end(one)),) for one in plain if ends[_end(one)] == 1},
        {one.name: tuple(map(_place, INPUTS)) for one in sole if len(sole) == 1},
    )
    for may_be, ways, box in product((Target.fits, _anything), every, boxes):
        pairs = _paired(box, found, [(one, ways[one.name]) for one in plain if one.name in ways])
        found |= {one.name: place for one, place in pairs if may_be(one, get(result, place))}
    whole = ((one.name, box.where) for one in nested for box in boxes if one.fits(box.value))
    return found | dict(whole)


def _anything(_: Target, gradient: Any) -> bool:
    return gradient is not None


def _paired(
    box: _Box, found: Mapping[str, Place], asked: Sequence[tuple[Target, Ways]]
) -> list[tuple[Target, Place]]:
    still = [(one, ways) for one, ways in asked if one.name not in found]
    places = {box.called(place): place for place, _ in arrays(box.value, lambda name: False)}
    free = {
        spoken: (*box.where, *place)
        for spoken, place in places.items()
        if (*box.where, *place) not in found.values()
    }
    pairs = paired(
        [Kept(ways, one.value, None) for one, ways in still],
        [(spoken, get(box.value, places[spoken])) for spoken in free],
    )
    return [(still[number][0], free[spoken[0]]) for number, spoken in pairs.items()]


@dataclass(frozen=True)
class _Box:
    """What holds gradients by names, where among what was returned it stands, and the variable that this is."""

    where: Place
    value: Any
    name: str

    def called(self, place: Place) -> Place:
        """What a place in it is called."""
        first, *rest = place
        if hasattr(self.value, "_fields") and isinstance(first, Item):
            first = Attribute(self.value._fields[first.key])
        return (Attribute(self.name), first, *rest)


def _boxes(result: Any, names: Sequence[str]) -> Iterator[_Box]:
    """All of what was returned, or some of its parts; what has a name may be called so, or not."""
    if _is_box(result):
        yield _Box((), result, _GRADIENTS)
    elif isinstance(result, tuple | list):
        for number, part in enumerate(result):
            if _is_box(part):
                name = names[number] if number < len(names) else ""
                yield from (_Box((Item(number),), part, called) for called in (name, _GRADIENTS) if called)


_GRADIENTS = "gradients"
"""What holds gradients is called so, whatever it is called."""


def _is_box(value: Any) -> bool:
    return isinstance(value, Mapping) or (is_open(value) and not isinstance(value, np.ndarray))


def _place(name: str) -> Place:
    return (Attribute(name),)


def _end(one: Target) -> str:
    return one.name.rpartition(".")[2]
