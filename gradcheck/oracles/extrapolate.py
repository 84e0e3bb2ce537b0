"""Extrapolation to step 0: Neville's table over a ladder of steps, with the truncation it measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

# An order gained divides the truncation by at most the ratio of the steps it eliminates; where one correction
# is small by accident, a part of the one before it stands in.
ORDERS = 4


def neville(x: Sequence[float], y: Sequence[float], guard: float) -> tuple[list[float], list[float]]:
    """Extrapolate y(x), polynomial in x, to x = 0 from every point and the coarser ones before it.

    Returns for each point the extrapolation with the smallest measured truncation, and that truncation: the
    last correction of Neville's table, or ``guard`` times the one before it where that is larger. The first
    point has nothing to be compared with: its truncation is infinite.
    """
    best, error = [], []
    previous: list[float] = []
    for i, value in enumerate(y):
        row = [value]
        chosen, smallest, last = value, math.inf, 0.0
        for m in range(1, min(i, ORDERS) + 1):
            correction = (row[m - 1] - previous[m - 1]) / (x[i - m] / x[i] - 1.0)
            row.append(row[m - 1] + correction)
            size = abs(correction)
            bound = size if size > guard * last else guard * last
            last = size
            if bound <= smallest:
                chosen, smallest = row[m], bound
        best.append(chosen)
        error.append(smallest)
        previous = row
    return best, error
