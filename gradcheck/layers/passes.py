"""What passes forward show of a layer: which arrays it keeps, which it computes, on which its output depends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.layers.calling import Outputs
from gradcheck.layers.machine import Machine, draws
from gradcheck.layers.naming import is_given
from gradcheck.layers.parameters import Kept, called, kept, lasting
from gradcheck.layers.places import own_copy


@dataclass(frozen=True)
class Passes:
    """What passes forward showed: the layer as it is to be before each, and what they left alone."""

    machine: Machine
    lasting: tuple[Kept, ...]
    given: tuple[str, ...]


def passes(machine: Machine, values: tuple[Any, ...]) -> Passes:
    start = draws()
    own = machine.fresh()
    before = () if machine.layer is None else kept(own)
    machine.ahead(own, values)
    if not start.same(draws()):
        machine = replace(machine, draws=start)
    if machine.layer is None:
        return Passes(machine, (), ())
    warm, after, lasted = own_copy(own), kept(own), lasting(before, own)
    try:
        machine.ahead(own, tuple(trees.map_leaves(_moved, value) for value in values))
    except Exception:  # outside its domain: one pass has to do
        still = after
    else:
        still = lasting(after, own)
    known = {place for one in before for place in one.places}
    made = [one for one in still if isinstance(one.array, np.ndarray) and not known & {*one.places}]
    if made:  # at the first pass: such weights are part of the point
        machine, lasted = replace(machine, layer=warm), still
    places = {place for one in still for place in one.places}
    parameters = tuple(one for one in lasted if places & {*one.places})
    running = (called(one) for one in before if isinstance(one.array, np.ndarray) and is_given(one.places[0]))
    return Passes(machine, parameters, tuple(dict.fromkeys(running)))


def _moved(_: trees.Path, leaf: Any) -> Any:
    if not trees.is_floating(leaf):
        return leaf
    array = np.asarray(leaf)
    drawn = np.random.default_rng(1).uniform(0.5e-2, 1e-2, array.shape)
    other = (array * (1.0 + drawn)).astype(array.dtype)
    return other if isinstance(leaf, np.ndarray) else type(leaf)(other[()])


def cotangent_like(_: trees.Path, leaf: Any) -> Any:
    array = np.asarray(leaf)
    dtype = array.dtype if array.dtype.kind == "f" else np.float64
    return np.random.default_rng(0).uniform(0.5, 1.5, array.shape).astype(dtype)[()]


@dataclass(frozen=True)
class Dependence:
    """Whether forward gives another output when the layer is changed."""

    machine: Machine
    values: tuple[Any, ...]
    outputs: Outputs
    output: Any

    def __call__(self, change: Callable[[Any], None]) -> bool:
        own = self.machine.fresh()
        change(own)
        try:
            other = self.outputs.of(self.machine.ahead(own, self.values), own)
        except Exception:  # it was needed as it was
            return True
        pairs = zip(trees.leaves(self.output), trees.leaves(other), strict=False)
        return not all(np.array_equal(one, two, equal_nan=True) for (_, one), (_, two) in pairs)
