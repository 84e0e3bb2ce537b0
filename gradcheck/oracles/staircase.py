"""A part of phi rounded to single precision beside one that is not: short steps see only the other part."""

from __future__ import annotations

import numpy as np

from gradcheck.oracles.gridded import reach, residuals, scatter
from gradcheck.oracles.table import Table

# What single precision rounds a part of phi by is at most four ulps of the whole of it.
SINGLE = 2.0**-22
# Times the step that first differs, how far out stairs are looked for.
FAR = 18.0
# Where a slope first differs, the odd part is off by about a stair; a curve that powers do not follow is off by more.
LOUDER = 8.0


def staircase(table: Table, i: int) -> tuple[float, float] | None:
    """Value and bound from longer steps, where those at index i lie within one stair; else None.

    On a stair the rounded part stands still, and phi has a smooth slope that is not the one meant. So has phi
    between corners close to 0. Longer steps tell: among them stairs are noise, a corner is an offset. Where it is
    noise no louder than single precision makes it, the longer steps count, and the bound reaches over what the
    short ones say: a faint fine structure looks the same.
    """
    edge = _edge(table, i)
    if edge < 2:
        return None
    far = FAR * table.h[edge]
    largest = max(
        abs(v) for k, h in zip(table.levels, table.h, strict=True) if h <= far for v in table.pairs[k]
    )
    rounding, single = table.floor[edge], SINGLE * largest
    offset = abs(table.d[edge] - table.value[i]) * table.h[edge]
    # many stairs may lie within the step of the edge
    if far > reach(table) or not 64 * rounding < offset < 64 * single:
        return None
    noise = scatter(table, table.h[edge])
    if not 64 * rounding < noise < min(4 * single, LOUDER * offset):
        return None
    # beyond the last of some corners phi is smooth again, among stairs it never is
    if FAR * far <= reach(table) and np.max(np.abs(residuals(table, far)[0]), initial=0.0) < noise / 8:
        return None
    expected = [
        (t + 4 * noise / h + abs(v - table.value[i]) + table.bound[i], v)
        for t, h, v in zip(table.truncation[:edge], table.h, table.value, strict=False)
    ]
    bound, value = min(expected)
    return value, bound


def _edge(table: Table, i: int) -> int:
    """The index of the shortest step with another slope than at index i, where truncation is not the reason; else 0."""
    value, bound = table.value[i], table.bound[i]
    off = [abs(d - value) for d in table.d[:i]]
    for j in range(i - 1, 0, -1):
        if off[j] > 4 * (bound + table.floor[j] / table.h[j]):
            # truncation falls to here like the square of the step, beside a jump of the curvature like the step
            return j if off[j] > 4 * off[j - 1] * (table.h[j] / table.h[j - 1]) else 0
    return 0
