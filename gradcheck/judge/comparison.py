"""One direction: the claim beside what differences say of it.

Cheap agreement, dear disagreement. The claim is independent evidence: two central differences and the Richardson
step between them cost four evaluations, and when the claim meets one of the three within `AGREEMENT` of the
direction's span, no wrong claim does so by chance. Only where it does not, the oracle earns a bound of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge import precision
from gradcheck.judge.pairing import Line, Pairing
from gradcheck.oracles.derivative import STEPS, derivative
from gradcheck.oracles.estimate import Estimate

COARSE, MIDDLE, FINE = STEPS[3], STEPS[4], STEPS[5]
"""About 8^-3 and 8^-5 of the entries' scale: truncation h^2 and rounding u/h of the finer are both near 1e-10."""

AGREEMENT = 1e-7
"""Share of the span within which the claim must meet a difference: rounding at `FINE` is a few 1e-11 of f."""

SHARP = 1e-9
"""The same where differences are the only oracle: nothing else would see an error of 1e-6 in one leaf."""


ROUNDING = precision.DOUBLE
_NOISE = 8.0  # evaluations of f are taken to be right to eight roundings until measured otherwise
MARGIN = 3.0  # between one and this many tolerances a disagreement is nobody's proven fault
WIDE_MARGIN = 10.0  # the same where the oracle itself is no better than a hundredth of the span


class Outcome(Enum):
    """What a comparison along one direction came to."""

    AGREES = auto()
    DIFFERS = auto()
    KINKED = auto()
    UNRESOLVED = auto()


@dataclass(frozen=True)
class Comparison:
    """The claim against the oracle's interval along one direction.

    ``tolerance`` is the oracle's bound and the claim's own rounding together; ``left`` and ``right`` are the
    one-sided slopes where there is a kink (otherwise both are ``truth``); ``noise`` is f's in one
    evaluation.
    """

    outcome: Outcome
    claimed: float
    truth: float
    tolerance: float
    left: float
    right: float
    reason: str = ""
    noise: float = 0.0


def noise(line: Line, step: float) -> float:
    """Rounding of f in a central difference over ``step``, before it is measured."""
    return _NOISE * line.pairing.precision * line.pairing.magnitude / step


def compare(
    line: Line, claimed: float, span: float, allowance: float, agreement: float = AGREEMENT
) -> Comparison:
    """Judge ``claimed`` against phi'(0).

    Parameters
    ----------
    span
        ``sqrt(sum (g_i v_i)^2)``: the size of the claim along this direction without luck of the signs.
    allowance
        The claim's own rounding along this direction.
    agreement
        Share of the span within which claim and difference must meet to need no further proof.
    """
    if line.pairing.precision > ROUNDING:
        return _in_single(line, claimed, span, allowance)
    agreed = _agreement(line, claimed, span, allowance, agreement)
    if agreed is not None:
        return agreed
    earned = _earned(line, claimed, span, allowance)
    if earned.outcome is Outcome.DIFFERS and _long_steps_side_with(claimed, line, earned.truth):
        # a part of f is rounded to float32 (or to a grid) and stands still under short steps, while the rest
        # moves smoothly: their slope is a part of the slope only
        coarse = _in_single(line, claimed, span, allowance)
        return (
            coarse
            if coarse.outcome is Outcome.AGREES
            else replace(earned, outcome=Outcome.UNRESOLVED, reason=EDGE)
        )
    if _ROUGH * span < earned.tolerance < float("inf"):
        # so much noise is float32's more often than not, and long steps stand above it
        coarse = _in_single(line, claimed, span, allowance)
        if coarse.outcome is Outcome.AGREES and coarse.tolerance < earned.tolerance:
            return coarse
    return earned


_ROUGH = 1e-3

EDGE = "the claim lies at the edge of what differences resolve"


def _long_steps_side_with(claimed: float, line: Line, truth: float) -> bool:
    gap = abs(claimed - truth)
    return all(abs(slope - claimed) <= 0.25 * gap for slope in central(line, COARSE)) and all(
        abs(slope - claimed) <= 0.25 * gap for slope in central(line, STEPS[2])
    )


def _bends_at_once(line: Line, step: float, visible: float) -> bool:
    """Whether the change of slope across 0 is the same at both steps: curvature's is in proportion to the step."""
    bend, wide = (abs(line(h) + line(-h) - 2.0 * line(0.0)) / h for h in (step, COARSE))
    return bend > visible and bend > 0.5 * wide


def along(pairing: Pairing, v: Floats, agreement: float = AGREEMENT) -> Comparison:
    """Compare the claim of ``pairing`` with differences along ``v``; the claim may be off by four roundings."""
    span = float(np.linalg.norm(pairing.claimed * v))
    # sqrt(n) times the 2-norm bounds the sum of the sizes
    allowance = 4.0 * pairing.unit * float(np.sqrt(v.size)) * span
    return compare(Line(pairing, v), float(pairing.claimed @ v), span, allowance, agreement)


def _agreement(
    line: Line, claimed: float, span: float, allowance: float, agreement: float
) -> Comparison | None:
    # agreement on nothing is no evidence: a claim of 0 never passes here
    single = line.pairing.unit > ROUNDING
    loose = (precision.along(line.pairing.unit) if single else AGREEMENT) * span
    if loose <= 0.0 or noise(line, COARSE) > loose:
        return None
    # where f's rounding would drown the finer step, a less fine one does
    step = FINE if noise(line, FINE) <= loose else MIDDLE
    rounding = noise(line, step)
    tolerance = loose if single else min(max(agreement * span, 2.0 * rounding), loose)
    coarse, fine = central(line, COARSE, step)
    if _bends_at_once(line, step, 1e-6 * span + 4.0 * rounding):
        return None  # at a kink the claim may meet the difference, which is the middle of its slopes
    extrapolated = fine + (fine - coarse) / ((COARSE / step) ** 2 - 1.0)
    for truth in (extrapolated, fine, coarse) if rounding <= tolerance else (coarse,):
        if abs(truth - claimed) <= tolerance:
            within = tolerance + allowance
            return Comparison(Outcome.AGREES, claimed, truth, within, truth, truth, noise=rounding * step)
    return None


_LONG = (0.3, 0.1, 0.03)
"""Steps for an f that insists on float32: its arguments are rounded to 6e-8 as well, so that a shorter step is
lost in the rounding of x + h v, which looks like a slope of its own."""


def _in_single(line: Line, claimed: float, span: float, allowance: float) -> Comparison:
    first, second, third = central(line, *_LONG)
    bends = [abs(line(h) + line(-h) - 2.0 * line(0.0)) / h for h in _LONG]
    # Richardson in h^2 over steps of ratio 3 (10/3 for the first pair), twice
    coarse, fine = second + (second - first) / 8.0, third + (third - second) / (100.0 / 9.0 - 1.0)
    best = fine + (fine - coarse) / 99.0
    rounding = _NOISE * 2.0**-24 * (line.pairing.magnitude + span) / _LONG[-1]
    tolerance = abs(best - fine) + rounding + allowance
    if bends[2] > 0.5 * bends[1] and bends[2] > 4.0 * rounding:
        slopes = [(line(sign * _LONG[-1]) - line(0.0)) / (sign * _LONG[-1]) for sign in (-1.0, 1.0)]
        return Comparison(Outcome.KINKED, claimed, best, tolerance, min(slopes), max(slopes))
    return _placed(claimed, best, tolerance, span)


def _placed(claimed: float, truth: float, tolerance: float, span: float) -> Comparison:
    """The outcome where f is smooth: inside the tolerance, well outside, or at its edge."""
    gap = abs(claimed - truth)
    if gap <= tolerance:
        return Comparison(Outcome.AGREES, claimed, truth, tolerance, truth, truth)
    if gap > (MARGIN if tolerance <= 1e-2 * span else WIDE_MARGIN) * tolerance:
        return Comparison(Outcome.DIFFERS, claimed, truth, tolerance, truth, truth)
    return Comparison(Outcome.UNRESOLVED, claimed, truth, tolerance, truth, truth, EDGE)


def central(line: Line, *steps: float) -> list[float]:
    """Central differences of phi at 0 over each of ``steps``."""
    values = line.ask([signed for step in steps for signed in (step, -step)])
    return [
        (ahead - behind) / (2.0 * step)
        for step, ahead, behind in zip(steps, values[::2], values[1::2], strict=True)
    ]


def slopes(estimate: Estimate) -> tuple[float, float]:
    """The one-sided slopes where there is a kink at 0, in order; twice the value where there is none.

    The bound at a kink reaches over half the distance of the slopes and their own errors, so that a distance
    beyond the bound is more than error.
    """
    if estimate.left is not None and estimate.right is not None:
        low, high = sorted((estimate.left, estimate.right))
        if high - low > estimate.error:
            return low, high
    return estimate.value, estimate.value


def _earned(line: Line, claimed: float, span: float, allowance: float) -> Comparison:
    slack = allowance + 1e-12 * span
    estimate = derivative(line, samples=line.samples, tolerance=max(1e-9 * span, 0.5 * slack))
    low, high = slopes(estimate)
    if high - low > slack:
        tolerance = max(estimate.error - 0.5 * (high - low), 0.0) + slack
        return Comparison(Outcome.KINKED, claimed, estimate.value, tolerance, low, high)
    tolerance = estimate.error + slack
    if not tolerance < float("inf"):
        reason = "f is not finite, jumps or is too rough around the point for a derivative to be measured"
        return Comparison(
            Outcome.UNRESOLVED, claimed, estimate.value, tolerance, estimate.value, estimate.value, reason
        )
    # the step that the engine settled on is not known; noisy functions are measured over long ones
    return replace(_placed(claimed, estimate.value, tolerance, span), noise=estimate.error * COARSE)
