"""A backward that makes the step of gradient descent itself: the step is the gradient, where it is no more than it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import STEP
from gradcheck.anatomy.naming import MOMENTA, RATES, loose
from gradcheck.anatomy.parameters import Kept, felt, kept, rounding
from gradcheck.anatomy.passes import cotangent_like
from gradcheck.anatomy.places import Item, Place, found, put, put_as
from gradcheck.anatomy.trying import Tried
from gradcheck.ask import trees


def settings_of(tried: Tried) -> tuple[tuple[Place, float], ...]:
    """Where the layer, or what it steps with, keeps what a step hangs on, and what that is set to.

    The rate to 1, so that the step is the gradient; the share of earlier steps in the next to 0. What the output hangs
    on is no such thing, whatever it is called: ``alpha`` is a slope, ``beta`` a temperature, ``rate`` what is dropped.
    """
    own = tried.machine.fresh()
    every = () if own is None else kept(own)
    floats = [one for one in every if isinstance(one.array, float) and one.places[0]]
    called_so = [one for one in floats if _last(one.places[0]) in RATES | MOMENTA]
    used = felt(called_so, tried.depends)
    places = [one.places[0] for one in called_so if one not in used]
    return (
        *((place, STEP) for place in places if _last(place) in RATES),
        *((place, 0.0) for place in places if _last(place) in MOMENTA),
    )


def _last(place: Place) -> str:
    step = place[-1]
    return loose(str(step.key if isinstance(step, Item) else step.name))


def are_steps(tried: Tried, steps: Sequence[Kept], settings: Sequence[tuple[Place, float]]) -> bool:
    """Whether what backward changes is its rate times something linear in the cotangent: a gradient."""
    machine, convention = tried.machine, tried.convention

    def made(rate: float, factor: float, passes: int = 1) -> list[Any]:
        own = machine.fresh()
        for place, value in settings:
            put(own, place, rate * value)
        was = [np.array(found(own, one.settable[0])) for one in steps]
        for number in range(passes):
            if number:
                _put_back(own, steps, was)
            ahead = machine.ahead(own, trees.copied(tried.values))
            output = convention.outputs.of(ahead.result, own)
            cotangent = trees.map_leaves(lambda path, leaf: factor * cotangent_like(path, leaf), output)
            machine.back(own, convention.given(cotangent, ahead, own, rate))
        return [old - found(own, one.settable[0]) for old, one in zip(was, steps, strict=True)]

    try:
        once, fast, twice = made(STEP, 1.0), made(2.0 * STEP, 1.0), made(STEP, 2.0)
        later = made(STEP, 1.0, passes=2) if _counts(tried, steps) else once
    except Exception:  # it does more than a step
        return False
    return all(
        np.any(a)
        and np.allclose(b, 2.0 * a, rtol=1e-6, atol=rounding(one))
        and (convention.implied or np.allclose(c, 2.0 * a, rtol=1e-6, atol=rounding(one)))
        and np.allclose(d, a, rtol=1e-6, atol=rounding(one))
        for one, a, b, c, d in zip(steps, once, fast, twice, later, strict=True)
    )


def _put_back(own: Any, steps: Sequence[Kept], was: Sequence[Any]) -> None:
    for one, old in zip(steps, was, strict=True):
        value = old.copy() if isinstance(one.array, np.ndarray) else type(one.array)(old)
        for place in one.settable:
            put_as(own, place, value)


def _counts(tried: Tried, steps: Sequence[Kept]) -> bool:
    """Whether a pass changes a number that the layer keeps, on which its rate may hang: it decays."""
    stepped = {place for one in steps for place in one.places}
    return any(np.ndim(value) == 0 and np.any(value) and place not in stepped for place, value in tried.after)
