"""One direction: the claim beside what differences say of it.

Cheap agreement, dear disagreement. The claim is independent evidence: two central differences and the Richardson
step between them cost four evaluations, and when the claim meets one of the three within `AGREEMENT` of the
direction's span, no wrong claim does so by chance. Only where it does not, the oracle earns a bound of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from gradcheck.evidence import Floats
from gradcheck.oracles.derivative import STEPS, derivative
from gradcheck.oracles.estimate import Estimate
from gradcheck.pairing import Line, Pairing

COARSE, FINE = STEPS[3], STEPS[5]
"""About 8^-3 and 8^-5 of the entries' scale: truncation h^2 and rounding u/h of the finer are both near 1e-10."""

AGREEMENT = 1e-7
"""Share of the span within which the claim must meet a difference: rounding at `FINE` is a few 1e-11 of f."""

SINGLE = 3e-5
"""The same for a claim computed in single precision, 2^-24 and its accumulation over the entries."""

ROUNDING = 2.0**-53
_NOISE = 8.0  # evaluations of f are taken to be right to eight roundings until measured otherwise
MARGIN = 3.0  # between one and this many tolerances a disagreement is nobody's proven fault


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
    one-sided slopes where there is a kink (otherwise both are ``truth``).
    """

    outcome: Outcome
    claimed: float
    truth: float
    tolerance: float
    left: float
    right: float
    reason: str = ""


def noise(line: Line, step: float) -> float:
    """Rounding of f in a central difference over ``step``, before it is measured."""
    return _NOISE * line.pairing.precision * line.pairing.magnitude / step


def compare(line: Line, claimed: float, span: float, allowance: float) -> Comparison:
    """Judge ``claimed`` against phi'(0).

    Parameters
    ----------
    span
        ``sqrt(sum (g_i v_i)^2)``: the size of the claim along this direction without luck of the signs.
    allowance
        The claim's own rounding along this direction.
    """
    return _agreement(line, claimed, span, allowance) or _earned(line, claimed, span, allowance)


def along(pairing: Pairing, v: Floats, rounding: Floats | None = None) -> Comparison:
    """Compare the claim of ``pairing`` with differences along ``v``.

    ``rounding`` is the claim's measured rounding, entry by entry; without it, four roundings of its arithmetic.
    """
    terms = pairing.claimed * v
    allowance = 4.0 * pairing.unit * float(np.abs(terms).sum())
    if rounding is not None:
        allowance += 4.0 * float(np.linalg.norm(rounding * v))
    return compare(Line(pairing, v), float(terms.sum()), float(np.linalg.norm(terms)), allowance)


def _agreement(line: Line, claimed: float, span: float, allowance: float) -> Comparison | None:
    # agreement on nothing is no evidence: a claim of 0 never passes here
    tolerance = (SINGLE if line.pairing.unit > 1e-12 else AGREEMENT) * span
    if tolerance <= 0.0 or noise(line, COARSE) > tolerance:
        return None
    coarse, fine = central(line, COARSE, FINE)
    extrapolated = fine + (fine - coarse) / ((COARSE / FINE) ** 2 - 1.0)
    for truth in (extrapolated, fine, coarse) if noise(line, FINE) <= tolerance else (coarse,):
        if abs(truth - claimed) <= tolerance:
            return Comparison(Outcome.AGREES, claimed, truth, tolerance + allowance, truth, truth)
    return None


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
    gap = abs(claimed - estimate.value)
    outcome = (
        Outcome.AGREES
        if gap <= tolerance
        else Outcome.DIFFERS
        if gap > MARGIN * tolerance
        else Outcome.UNRESOLVED
    )
    reason = "the claim lies at the edge of what differences resolve" if outcome is Outcome.UNRESOLVED else ""
    return Comparison(outcome, claimed, estimate.value, tolerance, estimate.value, estimate.value, reason)
