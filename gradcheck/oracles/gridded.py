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
from functools import lru_cache
from itertools import pairwise

import numpy as np

from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import FIRST, Samples, step
from gradcheck.oracles.table import Table, spacing

_RATIO = 0.62
"""Of neighbouring steps: near the golden ratio, so that no two climb a whole number of stairs each."""

_FIRST, _MORE, _MOST = 7, 6, 60
"""Steps asked for at first, 0.9 to 0.05; how many more at a time; and the most evaluations in all."""

_TOLD, _UNTOLD = 0.03, 4.0
"""Share of the slope that is as good as it gets in single precision; how much further phi may move where it is not."""

_ALIKE = 0.2
"""Share by which slopes over two steps may differ where the longer one is no longer than phi's scale."""

_BARELY, _SWINGS = 32.0, 0.3
"""Deviations that phi moves by at least where the longest steps are long enough, and the share of its largest move that
it makes over the shortest where these are still too long."""

_STANDS = 0.3
"""Of the slope, the bound that steps beyond 1 must reach to be believed."""

_STANDS_OUT, _FOLLOWED = 16.0, 1e-5
"""In roundings, and as a share of phi's odd part: what three odd powers and an offset leave of a smooth phi."""

_TERMS, _ODD, _EVEN = 3, (1, 3, 5, 7), (2, 4, 6, 8)
"""The most terms of a fit, and the powers of the step in the odd and the even part."""

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


def gridded(memory: Samples, grid: float, tolerance: float, longest: float = FIRST) -> Estimate:
    """Derivative at 0 of a phi whose values are ``grid`` apart at the least, with a bound on its error.

    No scale of t is presumed: where phi barely leaves its noise, steps longer than ``longest`` are asked for; where it
    still swings over the shortest, shorter ones. Else none: a part of phi that is not rounded would be all they see.
    """
    long = _rung(longest)
    short = long + _FIRST
    steps, odd, even = _parts(memory, long, short)
    while steps.size < 3 and memory.calls + 2 * _MORE <= _MOST:
        short += _MORE
        steps, odd, even = _parts(memory, long, short)
    if steps.size < 3:
        return Estimate(math.nan, math.inf, False, evaluations=memory.calls)
    grid = _stair(odd, even, grid)
    best = _choose(steps, odd, even, grid)
    while best.bound > tolerance and memory.calls + 2 * _MORE <= _MOST:
        further = _further(best, odd, long, short)
        if further is None:
            break
        long, short = further
        steps, odd, even = _parts(memory, long, short)
        grid = _stair(odd, even, grid)
        best = _choose(steps, odd, even, grid)
    kink = _kink(steps, even, grid)
    if kink is None:
        longest = float(steps[-best.count])
        return Estimate(best.value, best.bound, evaluations=memory.calls, noise=best.noise, step=longest)
    half, error = kink
    best = _choose(steps, odd, even - half * steps, grid)
    left, right = best.value - half, best.value + half
    error += abs(half) + best.bound
    return Estimate(best.value, error, False, left, right, memory.calls, best.noise)


def stairs(table: Table) -> float:
    """The height of the stairs, where phi stands still over the finest steps because it is rounded; else 0.

    Further out a rounded phi moves by a stair here and there, which no polynomial follows; a flat one (t**3, a dead
    zone) moves smoothly.
    """
    if not table.plateau():
        return 0.0
    known = {t: v for t, v in table.samples.memo.items() if not math.isnan(v)}
    moving = (abs(t) for t, v in known.items() if v != table.centre)
    # no shorter than the finest step that moves: in between could lie the edge of a dead zone
    if scatter(table, min(moving, default=step(table.levels[0] - 2))) == 0.0:
        return 0.0
    values = {v for v in table.samples.memo.values() if not math.isnan(v)}
    return spacing(values) or min(abs(v - table.centre) for v in values if v != table.centre)


def scatter(table: Table, shortest: float) -> float:
    """The most that phi's odd part, over steps from ``shortest`` up to 18 times as long, is off any smooth curve."""
    residual, odd = residuals(table, shortest)
    if not residual.size:
        return 0.0
    worst, most = float(np.max(np.abs(residual))), float(np.max(np.abs(odd)))
    rounding = math.ulp(abs(table.centre) + most)
    return worst if worst > max(_STANDS_OUT * rounding, _FOLLOWED * most) else 0.0


def residuals(table: Table, shortest: float) -> tuple[np.ndarray, np.ndarray]:
    """What an offset and three odd powers leave of phi's odd part over such steps, and that part; empty if phi ends."""
    first = _rung(shortest) - _FIRST + 1
    steps, odd, _ = _parts(table.samples, first, first + _FIRST)
    return (_least_squares(steps, odd, (0, 1, 3, 5))[2] if steps.size == _FIRST else np.empty(0)), odd


def _stair(odd: np.ndarray, even: np.ndarray, grid: float) -> float:
    """The height of a stair where the shortest steps stand on one; else ``grid``."""
    moves = np.abs(np.concatenate([odd + even, odd - even]))
    if odd[-1] == even[-1] == 0.0 and moves.any():
        return max(grid, float(np.min(moves[moves > 0.0])))
    return grid


def _further(best: _Fit, odd: np.ndarray, long: int, short: int) -> tuple[int, int] | None:
    """Longer steps where phi barely leaves its noise, shorter ones where it swings over the shortest, else none."""
    if short - long < _FIRST + _MORE:
        return long, short + _MORE
    largest = np.max(np.abs(odd))
    if np.max(np.abs(odd[-3:])) > _SWINGS * largest:
        return long, short + _MORE
    told = best.bound <= _TOLD * abs(best.value)
    return (long - _MORE, short) if largest < (1.0 if told else _UNTOLD) * _BARELY * best.noise else None


def reach(table: Table) -> float:
    """The longest step worth asking for: a level beyond the coarsest that agrees with the next on the slope."""
    grid = table.grid()
    for coarser, level, finer in zip([None, *table.levels], table.levels, table.levels[1:], strict=False):
        slope, next_slope = table.rows[level][2], table.rows[finer][2]
        if abs(slope - next_slope) <= _ALIKE * abs(slope) + grid / step(finer):
            return FIRST if coarser is None else step(coarser)
    return FIRST


def _rung(h: float) -> int:
    return math.floor(math.log(h / FIRST) / math.log(_RATIO))


def _step(k: int) -> float:
    return FIRST * _RATIO**k


def _parts(memory: Samples, long: int, short: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, and phi's odd and even part at them, where phi is finite on both sides; coarse to fine."""
    centre = memory(0.0)
    rows = []
    for k in range(long, short):
        h = _step(k)
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
    # a bounded function looks like 0 over steps long enough, with a bound as small as one likes
    believed = [fit for fit in fits if steps[-fit.count] <= FIRST or fit.bound <= _STANDS * abs(fit.value)]
    for fit in sorted(believed, key=lambda fit: fit.bound):
        shorter = [other for other in fits if other.count < fit.count]
        if all(abs(other.value - fit.value) <= fit.bound + other.bound for other in shorter):
            return fit
    return max(fits, key=lambda fit: fit.bound)


def _window(steps: np.ndarray, odd: np.ndarray, even: np.ndarray, grid: float) -> list[_Fit]:
    """The fits of one window, by number of terms; each needs one more term to know its truncation by."""
    count, solved = steps.size, []
    for terms in range(1, min(count, _TERMS + 2)):
        value, spread, residual, uneven = _least_squares(steps, odd, _ODD[:terms])
        rest = _least_squares(steps, even, _EVEN[:terms])[2]
        freedom = 2 * (count - terms)
        # the even part holds three roundings to the odd one's two
        noise = math.sqrt((float(residual @ residual) + 0.5 * float(rest @ rest)) / freedom)
        noise = max(noise, _LEAST * grid)
        solved.append((value, max(noise * spread, uneven), noise, freedom))
    fits = []
    for (value, off, noise, freedom), (finer, *_) in pairwise(solved):
        student = _STUDENT[min(freedom, len(_STUDENT)) - 1]
        bound = _SAFETY * (student * off + abs(finer - value)) + grid / (2.0 * steps[0])
        fits.append(_Fit(value, float(bound), count, noise))
    return fits


def _least_squares(
    steps: np.ndarray, wanted: np.ndarray, powers: tuple[int, ...]
) -> tuple[float, float, np.ndarray, float]:
    """The first power's coefficient, what unit noise spreads it by, the residuals, and what these spread it by.

    The last is for noise that grows with the step: each residual counts where it stands, enlarged by what the fit bent
    towards it (HC3 of MacKinnon and White, J. Econometrics 29, 1985).
    """
    inverse, leaving = _operators(steps.tobytes(), powers)
    unit = float(steps[0] ** powers[0])
    residual = leaving @ wanted
    weighed = inverse * residual / np.maximum(leaving.diagonal(), _BENT)
    spread, uneven = math.sqrt(float(inverse @ inverse)), math.sqrt(float(weighed @ weighed))
    return float(inverse @ wanted) / unit, spread / unit, residual, uneven / unit


@lru_cache(maxsize=1024)
def _operators(steps: bytes, powers: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """What makes the first coefficient, and the residuals, of values at these steps; the same steps come again."""
    h = np.frombuffer(steps)
    columns = (h / h[0])[:, None] ** np.array(powers)
    inverse = np.linalg.pinv(columns)
    return inverse[0], np.eye(h.size) - columns @ inverse


_BENT = 0.05
"""Of a point, the share that the fit leaves as its residual, at least: below, the point decides the fit alone."""

_CLEAR = 8.0
"""Deviations by which a change of slope at 0 must stand out from the noise."""


def _kink(steps: np.ndarray, even: np.ndarray, grid: float) -> tuple[float, float] | None:
    """Half the change of slope at 0 and its error, where it shows in the even part: |h| beside h^2 and h^4."""
    for count in range(steps.size, 4, -1):
        window, wanted = steps[-count:], even[-count:]
        half, spread, residual, _ = _least_squares(window, wanted, (1, 2, 4))
        noise = max(_LEAST * grid, math.sqrt(float(residual @ residual) / (count - 3)))
        error = _CLEAR * noise * spread
        # a smooth bend falls with the step: at the finest steps that show one, a kink is most of the even part
        shown = np.flatnonzero(abs(half) * window > _CLEAR * grid)[-3:]
        off = np.abs(wanted[shown] - half * window[shown])
        if abs(half) > 2.0 * error and shown.size >= 2 and (off <= 0.5 * abs(half) * window[shown]).all():
            return half, error
    return None
