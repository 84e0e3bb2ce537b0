"""Extrapolation to step 0: Neville's table over a ladder of steps, with the truncation it measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

# A fifth order gains less than it lets in: by then the coarsest step is 7.4**5 times the finest.
ORDERS = 4


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
    value, truncation, spread, start = [y[0]], [math.inf], [noise[0]], [0]
    above, above_noise = [y[0]], [noise[0]]
    for i in range(1, len(x)):
        row, row_noise = [y[i]], [noise[i]]
        best = (abs(y[i] - y[i - 1]), y[i], noise[i], i)
        last = 0.0
        for m in range(1, min(i, ORDERS) + 1):
            j = i - m
            if len(above) < m or not _converges(x, y, noise, j):
                break
            fall = x[j] / x[i] - 1.0
            correction = (row[-1] - above[m - 1]) / fall
            row.append(row[-1] + correction)
            row_noise.append(row_noise[-1] + (row_noise[-1] + above_noise[m - 1]) / fall)
            size = abs(correction)
            measured = max(size, guard * last)
            last = size
            if measured <= best[0]:
                best = (measured, row[-1], row_noise[-1], j)
        truncation.append(best[0])
        value.append(best[1])
        spread.append(best[2])
        start.append(best[3])
        above, above_noise = row, row_noise
    return value, truncation, spread, start


def _converges(x: Sequence[float], y: Sequence[float], noise: Sequence[float], j: int) -> bool:
    """Whether the changes from point j to the next two finer ones fall off as a power of x, noise aside.

    A term in x falls as ``expected``, one in x**2 as its square. Twice and a quarter of these leave room for
    the next term of the series; beyond them point j lies outside what a polynomial describes.
    """
    if j + 2 >= len(x):
        return False
    coarse, fine = abs(y[j] - y[j + 1]), abs(y[j + 1] - y[j + 2])
    expected = (x[j + 1] - x[j + 2]) / (x[j] - x[j + 1])
    slack = 2.0 * (noise[j + 1] + noise[j + 2])
    return fine <= 2.0 * expected * coarse + slack and 4.0 * (fine + slack) >= expected * expected * coarse
