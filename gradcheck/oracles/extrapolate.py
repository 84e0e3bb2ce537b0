"""Extrapolation to step 0: Neville's table over a ladder of steps, with the truncation it measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

# A fifth order gains less than it lets in: by then the coarsest step is 7.4**5 times the finest.
ORDERS = 4
# The last correction is the error of the order before it, so of this one an upper bound while the steps converge;
# three times it also covers a coarsest step at the end of its convergence.
DOUBT = 3.0


def extrapolate(
    x: Sequence[float], y: Sequence[float], noise: Sequence[float], guard: float
) -> tuple[list[float], list[float], list[float], list[int]]:
    """Extrapolate y(x), polynomial in x, to x = 0 from every point and the coarser ones that converge.

    Parameters
    ----------
    x
        Powers of the steps, coarse to fine (h for one-sided, h**2 for central differences).
    y, noise
        The difference quotients, and what rounding may have done to each.
    guard
        Part of the last but one correction that stands in where the last is small by accident: an order gained
        divides the truncation by about the ratio of neighbouring x, seldom by more.

    Returns
    -------
    value, truncation, spread, start
        For each point the extrapolation, its truncation as measured, the noise of all points carried through
        the table, and the coarsest point used. The first point has nothing to be compared with: its
        truncation is infinite.
    """
    n = len(x)
    value, truncation, spread, start = [y[0]], [math.inf], [noise[0]], [0]
    above, above_noise = [y[0]], [noise[0]]
    over: list[float] = []
    trusted: list[bool] = []
    for i in range(1, n):
        row, row_noise = [y[i]], [noise[i]]
        strict, possible = _converges(x, y, noise, i - 1)
        trusted.append(strict or (possible and i > 1 and trusted[-1]))
        unsure = 0.0 if trusted[-1] or i + 1 == n else abs(y[i] - y[i + 1])
        best = (abs(y[i] - y[i - 1]), y[i], noise[i], i)
        last = 0.0
        for m in range(1, min(i, ORDERS) + 1):
            if len(above) < m:
                break
            blur = row_noise[-1] + above_noise[m - 1]
            if not (possible if m == 1 else _falls(x, row, above, over, blur, i)):
                break
            fall = x[i - m] / x[i] - 1.0
            correction = (row[-1] - above[m - 1]) / fall
            row.append(row[-1] + correction)
            row_noise.append(row_noise[-1] + (row_noise[-1] + above_noise[m - 1]) / fall)
            size = abs(correction)
            measured = max(DOUBT * size, DOUBT * guard * last, unsure)
            last = size
            if measured <= best[0]:
                best = (measured, row[-1], row_noise[-1], i - m)
        truncation.append(best[0])
        value.append(best[1])
        spread.append(best[2])
        start.append(best[3])
        over, above, above_noise = above, row, row_noise
    return value, truncation, spread, start


def _converges(x: Sequence[float], y: Sequence[float], noise: Sequence[float], j: int) -> tuple[bool, bool]:
    """Whether the changes from point j to the next two finer ones fall off as a power of x: surely, possibly.

    A term in x falls as ``expected``, and where it is missing (by symmetry, or at an inflection of the slope) one
    in x**2 as its square. Twice and a quarter of these leave room for the next term of the series; outside them
    point j lies beyond what a polynomial describes. Possibly: noise could hide it.
    """
    if j + 2 >= len(x):
        return False, False
    coarse, fine = abs(y[j] - y[j + 1]), abs(y[j + 1] - y[j + 2])
    expected = (x[j + 1] - x[j + 2]) / (x[j] - x[j + 1])
    first, second = expected * coarse, expected * expected * coarse
    strict = 0.25 * first <= fine <= 2.0 * first or 0.25 * second <= fine <= 4.0 * second
    slack = 2.0 * (expected * noise[j] + noise[j + 1] + noise[j + 2])
    return strict, strict or 0.25 * first - slack <= fine <= 2.0 * first + slack


def _falls(
    x: Sequence[float], row: list[float], above: list[float], over: list[float], noise: float, i: int
) -> bool:
    """Whether the last column falls from row to row as the next power of x, so that one more order helps.

    Where the column is too short to tell, it is taken on trust. Half powers, as at the edge of a domain, and
    steps too long for the series end here.
    """
    m = len(row)
    if len(over) < m:
        return True
    coarse, fine = abs(above[m - 1] - over[m - 1]), abs(row[-1] - above[m - 1])
    expected = 1.0
    for k in range(m):
        expected *= x[i - k] / x[i - k - 1]
    return fine <= 2.0 * expected * coarse + 2.0 * noise
