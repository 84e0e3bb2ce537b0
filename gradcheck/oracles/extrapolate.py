"""Extrapolation to step 0: Neville's table over a ladder of steps, with the truncation it measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

ORDERS = 4


def extrapolate(
    x: Sequence[float], y: Sequence[float], noise: Sequence[float], guard: float
) -> tuple[list[float], list[float], list[int]]:
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
    value, truncation, start
        For each point the extrapolation, its truncation as measured, and the coarsest point it uses. The first
        point has nothing to be compared with: its truncation is infinite.
    """
    n = len(x)
    value, truncation, start = [y[0]], [math.inf], [0]
    previous = [y[0]]
    for i in range(1, n):
        step = y[i] - y[i - 1]
        row = [y[i]]
        chosen, smallest, last, first = y[i], abs(step), 0.0, i
        for m in range(1, min(i, ORDERS) + 1):
            j = i - m
            if len(previous) < m or not (i + 1 < n or m > 1) or not _converges(x, y, noise, j):
                break
            correction = (row[m - 1] - previous[m - 1]) / (x[j] / x[i] - 1.0)
            row.append(row[m - 1] + correction)
            size = abs(correction)
            bound = max(size, guard * last)
            last = size
            if bound <= smallest:
                chosen, smallest, first = row[m], bound, j
        value.append(chosen)
        truncation.append(smallest)
        start.append(first)
        previous = row
    return value, truncation, start


def _converges(x: Sequence[float], y: Sequence[float], noise: Sequence[float], j: int) -> bool:
    """Whether the change from point j to the next two finer ones falls off as a power of x, noise aside."""
    if j + 2 >= len(x):
        return False
    coarse, fine = abs(y[j] - y[j + 1]), abs(y[j + 1] - y[j + 2])
    expected = (x[j + 1] - x[j + 2]) / (x[j] - x[j + 1])
    slack = 2.0 * (noise[j + 1] + noise[j + 2])
    return fine <= 2.0 * expected * coarse + slack and 4.0 * fine + 4 * slack >= expected * expected * coarse
