"""The derivative of a function whose values lie on a coarse grid: single, half, a table, six decimals.

Short steps show stairs, and stairs look like constants: what can be seen, only long steps show, and each of them with
noise of a few grid spacings. So nothing is extrapolated to step 0. The odd part (phi(h) - phi(-h)) / 2 = a h + b h^3 +
... is fitted over windows of steps, by least squares with one, two and three terms. A window's residuals (of the even
part as well) measure the noise, whatever made it: the grid, sums before it, arguments rounded to it. What one more term
moves ``a`` by measures the truncation. Of the windows the one with the least bound counts whose interval meets those of
all shorter ones (Lepski's choice, as in `gradcheck.oracles.derivative`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import FIRST, Samples

_RATIO = 0.62
"""Of neighbouring steps: near the golden ratio, so that no two climb a whole number of stairs each."""

_COARSE, _STEPS = 7, 13
"""Steps asked for at first, 0.9 to 0.05, and at most: down to 0.003."""

_TERMS = (1, 2, 3)

_LEAST = 0.3
"""Noise of an odd part in grid spacings, at least: two roundings uniform over a spacing, halved, have 0.2."""

_SAFETY = 1.5
"""Of many windows the one whose residuals are small by luck is chosen more often than not."""

_STUDENT = (636.6, 31.6, 12.9, 8.61, 6.87, 5.96, 5.41, 5.04, 4.78, 4.59, 4.44, 4.32, 4.22, 4.14, 4.07)
"""Student's t that is exceeded once in a thousand, for 1, 2, ... degrees of freedom."""


@dataclass(frozen=True)
class _Fit:
    """A window's fit: the slope, the bound on it, the steps it took and the noise it saw."""

    value: float
    bound: float
    count: int
    noise: float


def gridded(memory: Samples, grid: float, tolerance: float) -> Estimate:
    """Derivative at 0 of a phi whose values are ``grid`` apart at the least, with a bound on its error."""
    best: _Fit | None = None
    for count in (_COARSE, _STEPS):
        steps, odd, even = _parts(memory, count)
        if steps.size < 3:
            continue
        best = _choose(steps, odd, even, grid)
        if best.bound <= tolerance:
            break
    if best is None:
        return Estimate(math.nan, math.inf, False, evaluations=memory.calls)
    kink = _kink(steps, even, grid)
    if kink is None:
        return Estimate(best.value, best.bound, evaluations=memory.calls)
    half, error = kink
    left, right = best.value - half, best.value + half
    return Estimate(best.value, abs(half) + 2.0 * error, False, left, right, memory.calls)


def _parts(memory: Samples, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, and phi's odd and even part at them, where phi is finite on both sides; coarse to fine."""
    centre = memory(0.0)
    rows = []
    for k in range(count):
        h = FIRST * _RATIO**k
        ahead, behind = memory(h), memory(-h)
        if math.isfinite(ahead - behind) and math.isfinite(centre):
            rows.append((h, 0.5 * (ahead - behind), 0.5 * ((ahead - centre) + (behind - centre))))
    table = np.array(rows).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _choose(steps: np.ndarray, odd: np.ndarray, even: np.ndarray, grid: float) -> _Fit:
    fits = [
        fit
        for first in range(steps.size - 2)
        for fit in _window(steps[first:], odd[first:], even[first:], grid)
    ]
    fits.sort(key=lambda fit: fit.bound)
    for fit in fits:
        shorter = [other for other in fits if other.count < fit.count]
        if all(abs(other.value - fit.value) <= fit.bound + other.bound for other in shorter):
            return fit
    return fits[-1]


def _window(steps: np.ndarray, odd: np.ndarray, even: np.ndarray, grid: float) -> list[_Fit]:
    """The fits of one window, by number of terms; each needs one more term to know its truncation by."""
    count, scaled = steps.size, steps / steps[0]
    solved = []
    for terms in (*_TERMS, _TERMS[-1] + 1):
        if count <= terms:
            break
        powers = scaled[:, None] ** (2 * np.arange(terms) + 1)
        coefficients, spread = _least_squares(powers, odd)
        residual = odd - powers @ coefficients
        evens = scaled[:, None] ** (2 * np.arange(1, terms + 1))
        rest = even - evens @ _least_squares(evens, even)[0] if count > terms else np.zeros(0)
        freedom = 2 * (count - terms)
        # the even part holds three roundings to the odd one's two
        noise = math.sqrt((float(residual @ residual) + 0.5 * float(rest @ rest)) / freedom)
        solved.append((coefficients[0] / steps[0], spread / steps[0], max(noise, _LEAST * grid), freedom))
    fits = []
    for (value, spread, noise, freedom), (finer, *_) in pairwise(solved):
        student = _STUDENT[min(freedom, len(_STUDENT)) - 1]
        bound = _SAFETY * (student * noise * spread + abs(finer - value)) + grid / (2.0 * steps[0])
        fits.append(_Fit(float(value), float(bound), count, noise))
    if not fits and solved:
        value, spread, noise, freedom = solved[0]
        bound = _STUDENT[min(freedom, len(_STUDENT)) - 1] * noise * spread + grid / steps[0]
        fits.append(_Fit(float(value), float(bound), count, noise))
    return fits


def _least_squares(columns: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, float]:
    """The coefficients, and what unit noise in ``wanted`` spreads the first of them by."""
    inverse = np.linalg.pinv(columns)
    return inverse @ wanted, float(np.linalg.norm(inverse[0]))


_CLEAR = 8.0
"""Deviations by which a change of slope at 0 must stand out from the noise."""


def _kink(steps: np.ndarray, even: np.ndarray, grid: float) -> tuple[float, float] | None:
    """Half the change of slope at 0 and its error, where it shows in the even part: |h| beside h^2 and h^4."""
    for count in range(steps.size, 4, -1):
        window, wanted = steps[-count:], even[-count:]
        scaled = window / window[0]
        columns = np.stack([scaled, scaled**2, scaled**4], axis=1)
        coefficients, spread = _least_squares(columns, wanted)
        residual = wanted - columns @ coefficients
        noise = max(_LEAST * grid, math.sqrt(float(residual @ residual) / (count - 3)))
        half, error = float(coefficients[0] / window[0]), _CLEAR * noise * spread / float(window[0])
        # a smooth bend falls with the step: at the finest step a kink is most of what is left of the even part
        mostly = abs(half) * window[-1] > 0.5 * abs(wanted[-1])
        if abs(half) > 2.0 * error and mostly:
            return half, error
    return None
