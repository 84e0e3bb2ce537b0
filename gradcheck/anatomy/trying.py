"""One pass forward and backward of a layer in one convention, and what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import Convention
from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.naming import GRADIENTS, says
from gradcheck.anatomy.parameters import kept, moved
from gradcheck.anatomy.passes import Dependence, cotangent_like
from gradcheck.anatomy.places import Item, Place, arrays, walk
from gradcheck.ask import trees


@dataclass(frozen=True)
class Tried:
    """One pass forward and backward: the layer after it, its output, what came back, the arrays that backward moved."""

    machine: Machine
    convention: Convention
    values: tuple[Any, ...]
    own: Any
    output: Any
    came: Any
    after: tuple[tuple[Place, Any], ...]

    @property
    def depends(self) -> Dependence:
        """On what its output depends."""
        return Dependence(self.machine, self.values, self.convention.outputs)


def tried_once(
    machine: Machine, convention: Convention, inputs: tuple[Any, ...], factor: float = 1.0
) -> Tried | None:
    """The pass with ``factor`` times the usual cotangent; None where the layer is not called so."""
    own, values = machine.fresh(), trees.copied(inputs)
    ahead = machine.ahead(own, values)
    before = () if machine.layer is None else kept(own)
    try:
        output = convention.outputs.of(ahead.result, own)
        cotangent = trees.map_leaves(lambda path, leaf: factor * cotangent_like(path, leaf), output)
        given = convention.given(cotangent, ahead, own)
        came = machine.back(own, given)
    except Exception:  # it is not called so
        return None
    came = None if came is own else came  # returned so that calls can be chained
    fleeting = _identities(own)
    after = tuple(
        (place, value)
        for place, value in moved(before, own)
        if not _is_given_on(place, value, given) and fleeting.isdisjoint(_numbers(place))
    )
    return Tried(machine, convention, inputs, own, output, came, after)


def _identities(own: Any) -> set[int]:
    """The identities of what the layer keeps: what has them for its keys, ``grads[id(W)]``, has others in a copy."""
    every = list(walk(own, lambda name: False))
    numbers = {number for place, _ in every for number in _numbers(place)}
    return numbers & {id(value) for _, value in every}


def _numbers(place: Place) -> set[int]:
    return {step.key for step in place if isinstance(step, Item) and type(step.key) is int}


def _is_given_on(place: Place, value: Any, given: Sequence[Any]) -> bool:
    """Whether it is called a gradient, not of what, and is what backward was given."""
    return says(place[-1:], GRADIENTS) and any(
        np.array_equal(value, leaf) for _, leaf in trees.leaves(tuple(given)) if isinstance(leaf, np.ndarray)
    )


def returned_again(tried: Tried, values: Sequence[Any]) -> list[Place]:
    """Where among what backward returned one of these is: the output, ``return loss, grads``; zeros may be any."""
    return [
        place
        for place, part in arrays(tried.came, lambda name: False)
        if np.any(part) and any(np.array_equal(part, one) for one in values)
    ]
