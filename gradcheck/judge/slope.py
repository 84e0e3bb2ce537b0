"""What differences say along one direction: an interval for phi'(0), and how far it may be off.

Cheap agreement, dear disagreement. A claim is independent evidence: two central differences and the Richardson step
between them cost four evaluations, and when the claim meets one of the three within a small share of the direction's
span, no wrong claim does so by chance. Only where it does not, the oracle earns a bound of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gradcheck.ask import precision
from gradcheck.judge.pairing import Line
from gradcheck.oracles.ball import Ball, Relation, related
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.gridded import gridded
from gradcheck.oracles.ladder import COARSE, FINE, MIDDLE, STEPS, Samples

AGREEMENT = 1e-7
"""Share of the span within which the claim must meet a difference: rounding at `FINE` is a few 1e-11 of f."""

SHARP = 1e-9
"""The same where differences are the only oracle: nothing else would see an error of 1e-6 in one leaf."""

_PLACING = 1e-12
"""Share of the span by which the rounding of x + t v may move a difference over `FINE`."""


@dataclass(frozen=True)
class Slope:
    """phi'(0) by differences.

    Attributes
    ----------
    low, high
        The one-sided slopes in order at a kink, else both the derivative.
    error
        Bound on how far either is off; infinite where there is no derivative.
    noise
        Of f, in one evaluation.
    smooth
        Whether no kink or jump was met in what was probed.
    step
        The step of the difference that it rests on; 0 where there is no such step.
    measured
        What one evaluation of f was seen to be off by at that step; 0 where it was not measured.
    """

    low: float
    high: float
    error: float
    noise: float = 0.0
    smooth: bool = True
    step: float = 0.0
    measured: float = 0.0

    @property
    def value(self) -> float:
        """The derivative; the middle of the slopes at a kink."""
        return 0.5 * (self.low + self.high)

    @property
    def kinked(self) -> bool:
        """Whether f has different slopes on the two sides."""
        return self.high > self.low

    def off(self, value: float) -> float:
        """How far a value lies outside the slopes."""
        return max(self.low - value, value - self.high, 0.0)

    def meets(self, ball: Ball) -> Relation:
        """Whether a ball lies at the slope, or between the two of a kink."""
        return related(self.off(float(ball.value)), self.error + float(ball.radius))


def slope_along(line: Line, near: Ball, span: float, agreement: float = AGREEMENT) -> Slope:
    """Differences along ``line``, with as few evaluations as ``near``, what the slope is claimed to be, allows."""
    placing = _PLACING * span
    met = agreed(line, near, span, agreement)
    if met is not None:
        return replace(met, error=met.error + placing)
    wanted = max(1e-9 * span, 0.5 * (float(near.radius) + placing))
    estimate = derivative(line, samples=line.samples, tolerance=wanted, grid=_grid(line, near))
    earned = slope_of(estimate, float(near.radius) + placing)
    if _is_stair(line, near, earned, span):
        memory = Samples(line, line.samples)
        last = precision.spacing(line.pairing.magnitude, precision.DOUBLE)
        long = slope_of(gridded(memory, last, wanted), float(near.radius) + placing)
        earned = long if long.error < earned.error or earned.meets(near) is Relation.APART else earned
    # the step that the engine settled on is not known; noisy functions are measured over long ones
    return replace(earned, error=earned.error + placing, noise=earned.error * COARSE)


_ROUGH = 1e-3
"""Share of the span: so much noise is that of a part of f in lower precision, and long steps stand above it."""


def _is_stair(line: Line, near: Ball, earned: Slope, span: float) -> bool:
    """Whether a part of f may be rounded, and stand still under short steps while the rest moves smoothly.

    The slope over short steps is then a part of the slope only, or all noise; differences over long steps are those of
    the claim, where it is right.
    """
    if line.grid > 0.0 or earned.kinked or not earned.error < math.inf:
        return False
    if earned.meets(near) is not Relation.APART:
        return earned.error > _ROUGH * span
    gap = abs(float(near.value) - earned.value)
    return all(abs(slope - float(near.value)) <= 0.25 * gap for slope in line.central(COARSE, STEPS[2]))


_NOTHING = 1e-10
"""A step that an f which rounds its arguments to float32 takes no notice of."""


def _grid(line: Line, near: Ball) -> float:
    """The spacing of f's values, where they are known to be coarse; a token one where f rounds its arguments.

    Stairs are met where a step that the claim says would show in double precision changes nothing. Their height hangs
    on the slope: that there are any is all that is known of them.
    """
    due = _NOTHING * abs(float(near.value))
    last = precision.spacing(line.pairing.magnitude, precision.DOUBLE)
    if line.grid > 0.0 or line.pairing.precise or not due > 2.0**6 * last:
        return line.grid
    return last if line(_NOTHING) == line(0.0) else 0.0


def slope_of(estimate: Estimate, told_apart: float = 0.0) -> Slope:
    """An estimate as a slope; one-sided slopes no further apart than ``told_apart``, or their bound, are one."""
    if estimate.left is not None and estimate.right is not None:
        low, high = sorted((estimate.left, estimate.right))
        # the bound at a kink reaches over half the distance of the slopes and their own errors
        if high - low > max(estimate.error, told_apart) and math.isfinite(high - low):
            return Slope(low, high, max(estimate.error - 0.5 * (high - low), 0.0), smooth=False)
    error = estimate.error if math.isfinite(estimate.value) else math.inf
    return Slope(
        estimate.value,
        estimate.value,
        error,
        smooth=estimate.smooth,
        step=estimate.step,
        measured=estimate.noise,
    )


HIDDEN = Slope(math.nan, math.nan, math.inf)
"""Where differences were not even asked: what they could see is below f's rounding."""


def slope_between(line: Line, one: float, other: float) -> Slope:
    """Differences where two answers differ: sharp enough to tell which is right, no sharper.

    Four evaluations do where phi is smooth and its slope is that of either; else the oracle earns a bound.
    """
    between = abs(one - other)
    for candidate in (one, other):
        if _supports(line, candidate, 0.05 * between):
            return Slope(candidate, candidate, 0.05 * between, step=FINE)
    return slope_of(
        derivative(line, samples=line.samples, tolerance=0.05 * between, grid=line.grid),
        1e-3 * between,
    )


def _supports(line: Line, candidate: float, slack: float) -> bool:
    """Whether four evaluations already show phi smooth with slope ``candidate``, told to ``slack``."""
    if line.noise(FINE) > slack:
        return False
    coarse, fine = line.central(COARSE, FINE)
    # constant at a kink, proportional to the step elsewhere
    smooth = line.bend(FINE) <= 4.0 * ((FINE / COARSE) * line.bend(COARSE) + line.noise(FINE))
    extrapolated = fine + (fine - coarse) / ((COARSE / FINE) ** 2 - 1.0)
    return smooth and abs(fine - candidate) <= slack and abs(extrapolated - candidate) <= slack


def agreed(line: Line, near: Ball, span: float, agreement: float = AGREEMENT) -> Slope | None:
    """The slope where a handful of evaluations meets ``near``, what it is claimed to be; None where they do not."""
    # agreement on nothing is no evidence: a claim of 0 never passes here
    loose = AGREEMENT * span + float(near.radius)
    if loose <= 0.0 or line.noise(COARSE) > loose:
        return None
    # where f's rounding would drown the finer step, a less fine one does
    step = FINE if line.noise(FINE) <= loose else MIDDLE
    rounding = line.noise(step)
    tolerance = min(max(agreement * span, 2.0 * rounding) + float(near.radius), loose)
    coarse, fine = line.central(COARSE, step)
    bend = line.bend(step)
    if bend > 1e-6 * span + 4.0 * rounding and bend > 0.5 * line.bend(COARSE):
        return None  # at a kink the claim may meet the difference, which is the middle of its slopes
    extrapolated = fine + (fine - coarse) / ((COARSE / step) ** 2 - 1.0)
    found = ((extrapolated, step), (fine, step), (coarse, COARSE))
    for truth, at in found if rounding <= tolerance else found[2:]:
        if abs(truth - float(near.value)) <= tolerance:
            return Slope(truth, truth, tolerance, rounding * step, step=at)
    return None
