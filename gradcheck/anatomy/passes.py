"""What passes forward show of a layer: which arrays it keeps, which it computes, on which its output depends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import Outputs
from gradcheck.anatomy.copies import own_copy
from gradcheck.anatomy.machine import Machine, draws
from gradcheck.anatomy.naming import is_given
from gradcheck.anatomy.outside import are_functions, outside, reached
from gradcheck.anatomy.parameters import Kept, called, felt, kept, lasting, remade
from gradcheck.anatomy.places import arrays, found, put, walk
from gradcheck.anatomy.returned import Target
from gradcheck.ask import trees


@dataclass(frozen=True)
class Passes:
    """What passes forward showed: the layer as it is to be before each, what they left alone, what they made anew.

    ``outside`` is what they left alone of what functions find outside their arguments, and the layer has not.
    """

    machine: Machine
    lasting: tuple[Kept, ...] = ()
    remade: tuple[Kept, ...] = ()
    given: tuple[str, ...] = ()
    outside: tuple[Target, ...] = ()


def passes(machine: Machine, values: tuple[Any, ...]) -> Passes:
    """What two passes forward leave alone, the second at inputs that are moved.

    Raises
    ------
    ForwardRaised
        There is no first.
    """
    start = draws()
    own = machine.fresh()
    before = () if machine.layer is None else kept(own)
    around = outside(machine, own) if are_functions(machine, own) else []
    machine.tried_ahead(own, values)
    if not start.same(draws()):
        machine = replace(machine, draws=start)
    there = {id(one.value) for one in outside(machine, own)} if around else set()
    around = [one for one in around if id(one.value) in there]
    if machine.layer is None:
        return Passes(machine, outside=tuple(around))
    warm, after, lasted = own_copy(own), kept(own), lasting(before, own)
    anew = remade(before, own)
    try:
        machine.ahead(own, tuple(trees.map_leaves(_moved, value) for value in values))
    except Exception:  # outside its domain: one pass has to do
        still = after
    else:
        _forget(warm, own)
        still = tuple(one for one in lasting(after, own) if found(warm, one.settable[0]) is not None)
    known = {place for one in before for place in one.places}
    made = [one for one in still if isinstance(one.array, np.ndarray) and not known & {*one.places}]
    warmed = replace(machine, layer=warm)
    if made and _matter(warmed, values, made):
        machine, lasted, anew = (
            warmed,
            still,
            remade(after, own),
        )  # weights of the first pass are part of the point
    places = {place for one in still for place in one.places}
    parameters = tuple(one for one in lasted if places & {*one.places})
    running = (called(one) for one in before if isinstance(one.array, np.ndarray) and is_given(one.places[0]))
    return Passes(
        machine, parameters, anew, tuple(dict.fromkeys(running)), _not_in(around, (machine.layer, own))
    )


def _not_in(around: Sequence[Target], layers: Sequence[Any]) -> tuple[Target, ...]:
    if not around:
        return ()
    inside = {id(value) for layer in layers for _, value in arrays(layer, lambda name: False)}
    return tuple(one for one in around if id(one.value) not in inside)


def found_outside(machine: Machine, parameters: Sequence[Kept], depends: Dependence) -> list[Kept]:
    """Those that the layer keeps, but that forward finds elsewhere, in a closure or a class: moved in vain."""
    if machine.layer is None:
        return []
    around = {id(value) for _, value in reached(machine, machine.layer, ahead=True)}
    kept_too = [one for one in parameters if id(found(machine.layer, one.settable[0])) in around]
    used = felt(kept_too, depends)
    return [one for one in kept_too if one not in used]


def _forget(warm: Any, again: Any) -> None:
    """Take from the lists and counters of a layer what its first pass added to them, as the next one did ``again``."""
    for place, value in list(walk(warm, lambda name: False)):
        more = found(again, place)
        if type(value) is int and type(more) is int and more > value:
            put(warm, place, 2 * value - more)
        elif isinstance(value, list) and isinstance(more, list) and len(more) > len(value):
            del value[len(value) - len(more) :]


def _matter(machine: Machine, values: tuple[Any, ...], made: Sequence[Kept]) -> bool:
    """Whether the output depends on any of what the first pass made; what is merely kept of it is no weight."""
    result = machine.tried_ahead(machine.fresh(), values).result
    return result is None or bool(felt(made, Dependence(machine, values, Outputs())))


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
    """The output of forward of a layer that is changed, to compare; None where it raises."""

    machine: Machine
    values: tuple[Any, ...]
    outputs: Outputs

    def __call__(self, change: Callable[[Any], None]) -> list[bytes] | None:
        own = self.machine.fresh()
        change(own)
        try:
            output = self.outputs.of(self.machine.ahead(own, trees.copied(self.values)).result, own)
        except Exception:  # it was needed as it was
            return None
        return [np.asarray(leaf).tobytes() for _, leaf in trees.leaves(output)]
