"""Extrapolation to step 0: Neville's table over a ladder of steps, with the truncation it measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

# A fifth order gains less than it lets in: by then the coarsest step is 7.4**5 times the finest.
ORDERS = 4
# The last correction is the error of the order before it, so of this one an upper bound while the steps converge;
# three times it also covers a coarsest step at the end of its convergence.
DOUBT = 3.0
# Changes that fall like the root of x are those beside a jump of the curvature: so closely, and they are believed.
LINE = 0.2


def extrapolate(
    x: Sequence[float], y: Sequence[float], noise: Sequence[float], guard: float, orders: int = ORDERS
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
    orders
        The most orders gained.

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
    trusted, halves = False, 0
    change = abs(y[0] - y[1]) if n > 1 else 0.0
    for i in range(1, n):
        xi, blur = x[i], noise[i]
        row, row_noise = [y[i]], [blur]
        following = abs(y[i] - y[i + 1]) if i + 1 < n else 0.0
        strict = possible = False
        if i + 1 < n:
            expected = (xi - x[i + 1]) / (x[i - 1] - xi)
            slack = 2.0 * (expected * noise[i - 1] + blur + noise[i + 1])
            strict, possible = _converges(change, following, expected, slack)
            half = (math.sqrt(xi) - math.sqrt(x[i + 1])) / (math.sqrt(x[i - 1]) - math.sqrt(xi))
            if not strict and abs(following - half * change) < LINE * half * change:
                halves += 1
            elif strict and halves >= 2:  # where noise sets in, one change may fall as far by luck
                halves, strict, possible = 0, False, False
        trusted = strict or (possible and trusted)
        unsure = 0.0 if trusted else DOUBT * following
        best, chosen, first, carried = DOUBT * change, y[i], i, blur
        last = 0.0
        for m in range(1, min(i, orders, len(above)) + 1):
            before = above[m - 1]
            if m == 1:
                if not possible:
                    break
            else:
                # the column must fall from row to row as the next power of x; one too short to tell, below the one
                # before it
                moved, slack = abs(row[-1] - before), 2.0 * (row_noise[-1] + above_noise[m - 1])
                if m <= len(over):
                    if moved > 2.0 * xi / x[i - m] * abs(before - over[m - 1]) + slack:
                        break
                elif moved > abs(row[-2] - above[m - 2]) + slack:
                    break
            fall = x[i - m] / xi - 1.0
            correction = (row[-1] - before) / fall
            row.append(row[-1] + correction)
            row_noise.append(row_noise[-1] + (row_noise[-1] + above_noise[m - 1]) / fall)
            size = abs(correction)
            measured = DOUBT * (size if size > guard * last else guard * last)
            last = size
            if measured < unsure:
                measured = unsure
            if measured <= best:
                best, chosen, first, carried = measured, row[-1], i - m, row_noise[-1]
                if measured < 0.01 * blur:  # nothing more to be gained
                    break
        truncation.append(best)
        value.append(chosen)
        spread.append(carried)
        start.append(first)
        over, above, above_noise = above, row, row_noise
        change = following
    return value, truncation, spread, start


def _converges(coarse: float, fine: float, expected: float, slack: float) -> tuple[bool, bool]:
    """Whether the change between two points falls off to the next as a power of x: surely, possibly.

    A term in x falls as ``expected``, and where it is missing (by symmetry, or at an inflection of the slope) one
    in x**2 as its square. Twice and a quarter of these leave room for the next term of the series; outside them
    the coarse point lies beyond what a polynomial describes. Possibly: noise could hide it.
    """
    first = expected * coarse
    second = expected * first
    strict = 0.25 * first <= fine <= 2.0 * first or 0.25 * second <= fine <= 4.0 * second
    return strict, strict or 0.25 * first - slack <= fine <= 2.0 * first + slack
