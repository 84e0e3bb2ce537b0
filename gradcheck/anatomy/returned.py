"""What backward returned, told apart by names: which part of a dict or object is the gradient of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import in_common
from gradcheck.anatomy.naming import INPUTS
from gradcheck.anatomy.parameters import Kept, paired
from gradcheck.anatomy.places import Attribute, Item, Place, arrays
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
        """Whether this has the tree and the shapes of what it should be the gradient of; of an array, a list may."""
        if gradient is None:
            return False
        try:
            if self.is_array:
                return bool(np.shape(gradient) == np.shape(self.value))
            mine, theirs = (
                [(path, np.shape(leaf)) for path, leaf in trees.leaves(tree)]
                for tree in in_common(self.value, gradient)
            )
        except Exception:
            return False
        return mine == theirs


def by_keys(result: Any, inputs: Sequence[Target], parameters: Sequence[Target]) -> dict[str, Place]:
    """Where in dicts and objects among what was returned the gradient of each target stands, by the target's name.

    That of ``W`` is under "W", "dW", "grad_W". A dict of parameters that forward takes has its gradients in a dict,
    too, which may hold those of other inputs as well.
    """
    boxes = list(_boxes(result))
    nested = [one for one in inputs if one.differentiable and isinstance(one.value, dict | list | tuple)]
    plain = [one for one in (*parameters, *inputs) if one.differentiable and one not in nested]
    ends = Counter(_end(one) for one in plain)
    sole = [one for one in inputs if one.is_array]
    found: dict[str, Place] = {}
    for ways in (
        {one.name: one.places or (_place(one.name),) for one in plain},
        {one.name: (_place(_end(one)),) for one in plain if ends[_end(one)] == 1},
        {one.name: tuple(map(_place, INPUTS)) for one in sole if len(sole) == 1},
    ):
        for where, box in boxes:
            found |= _paired(where, box, found, [(one, ways[one.name]) for one in plain if one.name in ways])
    whole = ((one.name, where) for one in nested for where, box in boxes if one.fits(box))
    return found | dict(whole)


def _paired(
    where: Place, box: Any, found: Mapping[str, Place], asked: Sequence[tuple[Target, Ways]]
) -> dict[str, Place]:
    still = [(one, ways) for one, ways in asked if one.name not in found]
    told = {_told(box, place): ((*where, *place), value) for place, value in arrays(box, lambda name: False)}
    free = {spoken: there for spoken, there in told.items() if there[0] not in found.values()}
    pairs = paired(
        [Kept(ways, one.value, None) for one, ways in still],
        [(spoken, value) for spoken, (_, value) in free.items()],
    )
    return {still[number][0].name: free[spoken[0]][0] for number, spoken in pairs.items()}


def _boxes(result: Any) -> Iterator[tuple[Place, Any]]:
    """What of it holds gradients by names: all of it, or some of its parts."""
    if _is_box(result):
        yield (), result
    elif isinstance(result, tuple | list):
        yield from (((Item(number),), part) for number, part in enumerate(result) if _is_box(part))


def _is_box(value: Any) -> bool:
    return isinstance(value, Mapping) or (is_open(value) and not isinstance(value, np.ndarray))


def _told(box: Any, place: Place) -> Place:
    """What a place in a container of gradients is called."""
    first, *rest = place
    if hasattr(box, "_fields") and isinstance(first, Item):
        first = Attribute(box._fields[first.key])
    return (Attribute("gradients"), first, *rest)


def _place(name: str) -> Place:
    return (Attribute(name),)


def _end(one: Target) -> str:
    return one.name.rpartition(".")[2]
