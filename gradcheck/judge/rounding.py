"""How far an answer may be off by rounding: measured from the answer itself, entry by entry.

A gradient is right to its arithmetic, not to infinity: near an optimum, after a cancellation or in float32 its
entries carry errors far above 1e-16 of their size. Three measurements, the largest deviation counts:

- runs with random rounding, where the code can be met (`random_rounding`, the tape of autograd);
- ``g(x (1 +- ulp)) - g(x)``: inputs rounded differently, the point's as well as data and covector;
- ``(g(x + d) - 2 g(x) + g(x - d)) / 2`` for d of many ulps: in a second difference the linear trend of g goes and
  rounding stays, also one that is constant over a single ulp (a cast to float32 on the way).

The first alone sees what an invariance or a saturated unit hides from moved inputs; the others see into compiled code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.draws import blocks
from gradcheck.ask.point import Slot, beside
from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Pairing
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.ball import Ball

FACTOR = 8.0
"""Radius over the largest of `RUNS` deviations. Of six normal deviates all lie below 1/8 of the true one's size once in
a million entries (0.1^6); what is drawn is about twice what rounding makes, which buys the tail of the true one."""

CLOSE = 1.5
"""The same over the largest of `MANY_RUNS`, for a radius that holds in 99.5 of a hundred: 2.8 deviations of the true
one, 1.4 of what is drawn. They all lie below 1.4 / 1.5 of one three times in a hundred thousand entries (0.65^24)."""

RUNS, FEW_RUNS, MANY_RUNS = 6, 4, 24
"""Of a claim; of autograd, where each is a traced call of f; where most runs may show nothing."""

_STEPS = (0.65, 0.42)
"""Exponents of the unit roundoff: steps of u^0.65 and u^0.42 of an entry's own size (double: 4e-11 and 2e-7, single:
2e-5 and 9e-4), short enough for curvature to stay below the rounding of an ordinary function, long enough to leave a
float32 stair inside double code."""


def ulps(answer: Answer, part: slice = slice(None)) -> Floats:
    """The least radius an answer can have: its own last digits, and what underflows."""
    radius: Floats = np.abs(answer.value[part])
    radius *= 2.0 * answer.unit
    spread = answer.spread if isinstance(answer.spread, float) else answer.spread[part]
    radius += precision.underflow(answer.unit) + 4.0 * spread
    return radius


def peak(values: Floats) -> float:
    """The largest absolute value, without an array of them all."""
    return float(max(values.max(initial=0.0), -values.min(initial=0.0)))


@dataclass(frozen=True)
class Digits:
    """An answer that is right to its last digits: a ball whose radius is worked out where it is asked for."""

    answer: Answer

    @property
    def value(self) -> Floats:
        """The answer."""
        return self.answer.value

    @cached_property
    def radius(self) -> Floats:
        """Its last digits."""
        return ulps(self.answer)

    def highest(self, part: slice) -> float:
        """The largest radius of some entries."""
        spread = (
            self.answer.spread if isinstance(self.answer.spread, float) else peak(self.answer.spread[part])
        )
        floor = precision.underflow(self.answer.unit) + 4.0 * spread
        return float(peak(self.answer.value[part]) * (2.0 * self.answer.unit) + floor)

    def along(self, v: Floats) -> Ball:
        """As `Ball.along`."""
        radius = sum(float(ulps(self.answer, part) @ np.abs(v[part])) for part in blocks(0, v.size))
        return Ball(np.asarray(self.value @ v), np.asarray(radius))


def measured(answer: Answer, pairing: Pairing, count: int | None = None, factor: float = FACTOR) -> Floats:
    """The measured radius of each entry of an answer to ``pairing``, the claim's or autograd's, shape (P,)."""
    runs = answer.rolled(count or (FEW_RUNS if answer.whole else RUNS))
    deviation = np.zeros_like(answer.value)
    for run in runs:
        np.maximum(deviation, np.abs(run - answer.value), out=deviation)
    if not (runs and answer.whole):
        limit = _believable(answer, pairing)
        for moved in _moved(answer, pairing, stairs=not (runs and pairing.precise)):
            np.copyto(deviation, moved, where=(moved > deviation) & (moved <= limit))
    return factor * _pooled(deviation, answer, pairing.slots) + ulps(answer)


def _believable(answer: Answer, pairing: Pairing) -> Floats:
    """How large a deviation of moved inputs may be and still count as rounding.

    A quarter of the digits must be left, or a kink within an ulp would pardon every error. But what lies far below f's
    own rounding over a step of the entry's size, or that of the terms it is left of (they show at a small distance), is
    all rounding.
    """
    size, there = np.abs(answer.value), answer.at(beside(pairing.x, pairing.slots))
    terms = size if there is None else np.maximum(size, np.abs(there))
    floor = np.maximum(pairing.natural, 2.0**13 * answer.unit * terms)
    limit: Floats = np.maximum(answer.unit**0.25 * size, floor)
    return limit


def _moved(answer: Answer, pairing: Pairing, stairs: bool) -> Iterator[Floats]:
    """Deviations of the answer at moved inputs; over steps that leave a stair only where ``stairs`` may be rounding."""
    x, scale = pairing.x, pairing.scale
    ulp, rolls = 2.0 * answer.unit * scale, np.random.default_rng(0)
    for _ in range(3):
        # each entry by a sign of its own: moved all alike, sums of them would hardly re-roll their rounding
        nudged = answer.at(x + ulp * rolls.choice((-1.0, 1.0), x.size))
        if nudged is not None:
            yield np.abs(nudged - answer.value)
    # a sum over data or covector alone does not depend on the point
    yield from (np.abs(nudged - answer.value) for nudged in answer.nudged(RUNS))
    if not stairs:
        return  # f computes in double precision, and so was the claim seen to: stairs are digits that it lost
    for power in _STEPS:
        step = answer.unit**power * scale * rolls.choice((-1.0, 1.0), x.size)
        ahead, behind = answer.at(x + step), answer.at(x - step)
        if ahead is not None and behind is not None:
            yield 0.5 * np.abs(ahead - 2.0 * answer.value + behind)


def _pooled(deviation: Floats, answer: Answer, slots: tuple[Slot, ...]) -> Floats:
    """Entries whose few samples were all small by luck take half of what is typical of their leaf."""
    size = np.abs(answer.value)
    pooled = deviation.copy()
    for slot in slots:
        part = slice(slot.start, slot.stop)
        seen = size[part] > 0.0
        if slot.size > 1 and seen.any():
            typical = 0.5 * float(np.median(deviation[part][seen] / size[part][seen]))
            # where most of a leaf is rounding, that says nothing of the entries that are not
            np.maximum(pooled[part], min(typical, float(np.sqrt(answer.unit))) * size[part], out=pooled[part])
    return pooled
