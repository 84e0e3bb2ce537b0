"""Today's numerical derivatives with error estimates, each at its defaults: value, claimed error, whether it warned."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Function = Callable[[float], float]


class Claim(NamedTuple):
    """What a method says: derivative, bound on its error, and whether it flagged the point as doubtful."""

    value: float
    error: float
    flagged: bool = False


def ours(phi: Function) -> Claim:
    """`gradcheck.derivative`."""
    from gradcheck.oracles.derivative import derivative

    estimate = derivative(phi)
    return Claim(estimate.value, estimate.error, not estimate.smooth)


def numdifftools(phi: Function) -> Claim:
    """`numdifftools.Derivative` with its error estimate (Richardson on adaptive steps)."""
    import numdifftools as nd

    found = nd.Derivative(np.vectorize(phi, otypes=[float]), full_output=True)(0.0)
    value, error = (
        (found[0], found[1].error_estimate) if len(found) == 2 else (found.estimate, found.error_estimate)
    )
    return Claim(float(value), float(error))


def scipy_differentiate(phi: Function) -> Claim:
    """`scipy.differentiate.derivative`, order 8, with its error and status."""
    from scipy.differentiate import derivative

    found = derivative(np.vectorize(phi, otypes=[float]), 0.0)
    return Claim(float(found.df), float(found.error), not bool(found.success))


def ridders(phi: Function) -> Claim:
    """Ridders 1982: start at 0.1, steps shrink by 1.4, at most 10 rows, stop when the error doubles."""
    shrink, h = 1.4, 0.1
    above = [(phi(h) - phi(-h)) / (2 * h)]
    best = Claim(above[0], math.inf)
    for _ in range(9):
        h /= shrink
        row = [(phi(h) - phi(-h)) / (2 * h)]
        factor = 1.0
        for previous in above:
            factor *= shrink**2
            row.append((row[-1] * factor - previous) / (factor - 1))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - previous))
            if error <= best.error:
                best = Claim(row[-1], error)
        if abs(row[-1] - above[-1]) >= 2 * best.error:
            break
        above = row
    return best


def gsl_central(phi: Function) -> Claim:
    """The GNU Scientific Library's deriv_central from its manual: 5 points at h = 1e-4, then the balanced step."""
    h = 1e-4
    value, rounding, truncation = _five_points(phi, h)
    error = rounding + truncation
    if rounding < truncation and rounding > 0 and truncation > 0:
        better = h * (rounding / (2 * truncation)) ** (1 / 3)
        again, rounding, truncation = _five_points(phi, better)
        if rounding + truncation < error and abs(again - value) < 4 * error:
            return Claim(again, rounding + truncation)
    return Claim(value, error)


def _five_points(phi: Function, h: float) -> tuple[float, float, float]:
    eps = 2.220446049250313e-16
    far, near = [phi(h), phi(-h)], [phi(h / 2), phi(-h / 2)]
    r3 = 0.5 * (far[0] - far[1])
    r5 = (4 / 3) * (near[0] - near[1]) - r3 / 3
    e3 = (abs(far[0]) + abs(far[1])) * eps
    e5 = 2 * (abs(near[0]) + abs(near[1])) * eps + e3
    digits = max(abs(r3 / h), abs(r5 / h)) * eps
    return r5 / h, abs(e5 / h) + digits, abs((r5 - r3) / h)


def fixed_step(h: float) -> Callable[[Function], Claim]:
    """A central difference at one step, as torch (1e-6) and jax (1e-4) take it: no error is claimed."""

    def method(phi: Function) -> Claim:
        return Claim((phi(h) - phi(-h)) / (2 * h), 0.0)

    return method


METHODS: dict[str, Callable[[Function], Claim]] = {
    "gradcheck.derivative": ours,
    "numdifftools.Derivative": numdifftools,
    "scipy.differentiate": scipy_differentiate,
    "GSL deriv_central": gsl_central,
    "Ridders": ridders,
    "torch's step, 1e-6": fixed_step(1e-6),
    "jax's step, 1e-4": fixed_step(1e-4),
}
