"""A backward that makes the step of gradient descent itself: the step is the gradient, where it is no more than it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import STEP, Convention
from gradcheck.anatomy.machine import Machine
from gradcheck.anatomy.naming import RATES, hands_out, loose
from gradcheck.anatomy.parameters import Kept
from gradcheck.anatomy.passes import cotangent_like
from gradcheck.anatomy.places import Attribute, Place, arrays, found, put
from gradcheck.ask import trees


def rates_of(machine: Machine) -> tuple[Place, ...]:
    """Where the layer, or what it steps with, keeps a rate of descent."""
    if machine.layer is None:
        return ()
    return tuple(
        place
        for place, value in arrays(machine.layer, hands_out)
        if isinstance(value, float) and isinstance(place[-1], Attribute) and loose(place[-1].name) in RATES
    )


def are_steps(
    machine: Machine,
    convention: Convention,
    values: tuple[Any, ...],
    steps: Sequence[Kept],
    rates: Sequence[Place],
) -> bool:
    """Whether what backward changes is its rate times something linear in the cotangent: a gradient."""

    def made(rate: float, factor: float) -> list[Any]:
        own = machine.fresh()
        for place in rates:
            put(own, place, rate)
        result = machine.ahead(own, values)
        was = [np.array(found(own, one.settable[0])) for one in steps]
        output = convention.outputs.of(result, own)
        cotangent = trees.map_leaves(lambda path, leaf: factor * cotangent_like(path, leaf), output)
        machine.back(own, convention.given(cotangent, result, own, values, rate))
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
