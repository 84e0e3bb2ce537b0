"""What is asked along a direction, and what came back: frozen, and all that a verdict is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge.entrywise import Entrywise, Near
from gradcheck.judge.kinks import Ruling
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.slope import Slope
from gradcheck.oracles.ball import Ball, Relation


class Purpose(Enum):
    """Why a direction is looked along."""

    GUARD = auto()  # claim and autograd are one: against a blindness common to both
    ARBITER = auto()  # they differ: which of the two is right, along the entries that differ?
    GROUP = auto()  # entries of like contribution, judged by differences alone
    FLAT = auto()  # entries claimed to be zero: does f stand still along them?


@dataclass(frozen=True)
class Question:
    """A direction to look along, shape (P,), and the entries it is about."""

    purpose: Purpose
    v: Floats
    mask: np.ndarray


@dataclass(frozen=True)
class Fact:
    """What the claim, autograd and differences say along a direction.

    Attributes
    ----------
    claim, autograd
        The two along the direction; autograd's None where it is not heard.
    slope
        What differences say; an infinite error where they cannot.
    size
        What an error along the direction is relative to: the claim's span, near an optimum that of its terms.
    ruling
        At a kink, what became of the entries one by one.
    still
        Of a FLAT question: whether f was seen to stand still, or its slope told well enough.
    samples
        What was evaluated along the direction, by the step t.
    """

    question: Question
    claim: Ball
    autograd: Ball | None
    slope: Slope
    size: float
    ruling: Ruling | None = None
    still: bool = True
    samples: Mapping[float, float] = field(default_factory=dict, repr=False)

    @property
    def radius(self) -> float:
        """Within this an error of the claim along the direction is not seen."""
        return self.slope.error + float(self.claim.radius)

    @property
    def relation(self) -> Relation:
        """The claim against differences; at a kink the ruling over its entries."""
        return self.slope.meets(self.claim) if self.ruling is None else self.ruling.relation

    @property
    def jumps(self) -> bool:
        """Whether f was seen to jump at the point: over steps of all sizes on one side it differs by as much."""
        base = self.samples.get(0.0, 0.0)
        sides = (
            [abs(value - base) for t, value in self.samples.items() if 0 < sign * t < _NEAR]
            for sign in (1, -1)
        )
        return any(
            len(side) >= _SEVERAL and min(side) > max(0.5 * max(side), _SLIGHT * abs(base)) for side in sides
        )

    def sees(self, rtol: float) -> bool:
        """Whether an error of ``rtol`` along the direction would have been seen."""
        return self.radius <= rtol * self.size


_NEAR, _SEVERAL = 1e-3, 4
"""So near the point, and at so many steps there, a function that does not jump differs by amounts of all sizes."""


@dataclass(frozen=True)
class Case:
    """What is judged: the pairing, the claim beside autograd where it is heard, and what must be caught."""

    pairing: Pairing
    entries: Entrywise | Near | None
    rtol: float
    strict: bool
    differences: bool


class Side(Enum):
    """Whom differences support where claim and autograd differ."""

    AUTOGRAD = auto()
    CLAIM = auto()
    NEITHER = auto()
    KINK = auto()  # f is kinked here, and the entries were ruled on
    NEAR_KINK = auto()  # so close that differences cannot step under it
    BROKEN = auto()  # f has no derivative that differences could see, and none that the claim could mean
    HIDDEN = auto()  # f's rounding is larger than all that the gap changes


_RESOLVED = 0.25
"""Of the gap between claim and autograd, the error at which differences still tell the two apart."""

_SLIGHT = 1e-6
"""Of f's size: rounding inside f that is smooth over short steps (1 + tanh in a tail) can make up such a slope."""


def supported(fact: Fact, magnitude: float) -> Side:
    """Whom the differences of an ARBITER fact support."""
    assert fact.autograd is not None
    slope, claimed, true = fact.slope, float(fact.claim.value), float(fact.autograd.value)
    between = abs(claimed - true)
    if fact.ruling is not None:
        return Side.KINK
    if slope.error <= _RESOLVED * between:
        near = _RESOLVED * between + slope.error
        if slope.off(true) <= near:
            return Side.AUTOGRAD
        if slope.off(claimed) <= near:
            return Side.CLAIM
        # a third answer: too far off for rounding, or what rounding makes of a short step
        return Side.NEITHER if between > _SLIGHT * magnitude else Side.HIDDEN
    if slope.smooth:
        return Side.HIDDEN
    return Side.NEAR_KINK if slope.off(claimed) <= slope.error else Side.BROKEN
