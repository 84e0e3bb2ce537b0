"""A backward that makes the step of gradient descent itself: the step is the gradient, where it is no more than it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import STEP, Convention
from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.naming import MOMENTA, RATES, hands_out, loose
from gradcheck.anatomy.parameters import Kept
from gradcheck.anatomy.passes import cotangent_like
from gradcheck.anatomy.places import Item, Place, arrays, found, put
from gradcheck.ask import trees


def rates_of(machine: Machine) -> tuple[Place, ...]:
    """Where the layer, or what it steps with, keeps a rate of descent."""
    return _floats_called(machine, RATES)


def memories_of(machine: Machine) -> tuple[Place, ...]:
    """Where it keeps how much of the steps before goes into the next one."""
    return _floats_called(machine, MOMENTA)


def _floats_called(machine: Machine, names: Collection[str]) -> tuple[Place, ...]:
    own = machine.fresh()
    if own is None:
        return ()
    every = ((place, place[-1], value) for place, value in arrays(own, hands_out) if place)
    return tuple(
        place
        for place, last, value in every
        if isinstance(value, float) and loose(str(last.key if isinstance(last, Item) else last.name)) in names
    )


def are_steps(
    machine: Machine,
    convention: Convention,
    values: tuple[Any, ...],
    steps: Sequence[Kept],
    rates: Sequence[Place],
    memories: Sequence[Place],
) -> bool:
    """Whether what backward changes is its rate times something linear in the cotangent: a gradient."""

    def made(rate: float, factor: float) -> list[Any]:
        own, given = machine.fresh(), trees.copied(values)
        for place in rates:
            put(own, place, rate)
        for place in memories:
            put(own, place, 0.0)
        ahead = machine.ahead(own, given)
        was = [np.array(found(own, one.settable[0])) for one in steps]
        output = convention.outputs.of(ahead.result, own)
        cotangent = trees.map_leaves(lambda path, leaf: factor * cotangent_like(path, leaf), output)
        machine.back(own, convention.given(cotangent, ahead, own, rate))
        return [old - found(own, one.settable[0]) for old, one in zip(was, steps, strict=True)]

    try:
        once, fast, twice = made(STEP, 1.0), made(2.0 * STEP, 1.0), made(STEP, 2.0)
    except Exception:  # it does more than a step
        return False
    return all(
        np.any(a)
        and np.allclose(b, 2.0 * a, rtol=1e-6)
        and (convention.implied or np.allclose(c, 2.0 * a, rtol=1e-6))
        for a, b, c in zip(once, fast, twice, strict=True)
    )
