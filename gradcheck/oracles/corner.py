"""Kinks and jumps: what the even part of phi shows and central differences do not."""

from __future__ import annotations

import math

from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import FINEST, step
from gradcheck.oracles.slopes import slope
from gradcheck.oracles.table import Table

RESOLVED = 16.0  # times rounding: four roundings enter the even part, and a tenth of it is to be told apart


def corner(table: Table) -> Estimate | None:
    """The kink or the jump at 0, if there is one."""
    return _jump(table) or _kink(table)


def _even(table: Table, level: int) -> tuple[float, float, float]:
    h, x, _, s, floor = table.rows[level]
    return h, s * x, floor


def _slope_change(table: Table, quantum: float) -> float:
    """Slope to the right minus slope to the left, as h shrinks; 0 where it vanishes or cannot be told.

    J(h) = (phi(h) + phi(-h) - 2 phi(0))/h is kappa + c h for a kink with curvature. Two estimates of kappa
    from the three finest resolved levels must agree, and be most of the finest J: a smooth function has
    kappa = 0, a narrow smooth corner a J that still falls.
    """
    found: list[tuple[float, float]] = []
    for level in reversed(table.levels):
        h, e, floor = _even(table, level)
        if abs(e) > RESOLVED * max(floor, quantum):
            found.append((h, e / h))
            if len(found) == 3:
                break
    if len(found) < 3:
        return 0.0
    (hc, c), (hb, b), (ha, a) = found
    fine, coarse = c - (b - c) * hc / (hb - hc), b - (a - b) * hb / (ha - hb)
    if abs(fine - coarse) > 0.1 * abs(fine) or abs(fine) < 0.5 * abs(c):
        return 0.0
    return fine


def _contradicts(table: Table, level: int, change: float, quantum: float) -> bool:
    """Whether the even part at a level is not that of a kink at 0."""
    h, e, floor = _even(table, level)
    return abs(e - change * h) > 0.2 * abs(change) * h + RESOLVED * max(floor, quantum)


def _kink(table: Table) -> Estimate | None:
    quantum = table.quantum()
    change = _slope_change(table, quantum)
    if change == 0.0:
        return None
    finest = table.levels[-1]
    if _contradicts(table, finest, change, quantum):
        return None
    for level in (finest + 1, finest + 3, finest + 6, finest + 10):
        if level > FINEST or not table.add(level):
            break
        if _contradicts(table, level, change, quantum):
            return None
        h, _, floor = _even(table, level)
        if abs(change) * h < RESOLVED * max(floor, quantum):
            break
    memory = table.samples
    right, right_error, _ = slope(memory, +1, table.levels, quantum)
    left, left_error, _ = slope(memory, -1, table.levels, quantum)
    value = (left + right) / 2
    error = abs(right - left) / 2 + max(left_error, right_error)
    return Estimate(value, error, False, left, right, memory.calls)


def _jump(table: Table) -> Estimate | None:
    f0, memory = table.centre, table.samples
    torn = []
    for side in (1, -1):
        size = _intercept(table, side)
        if size != 0.0:
            torn.append((side, size))
    if not torn:
        return None
    finest = table.levels[-1]
    for level in (finest + 1, finest + 4, finest + 8):
        if not table.add(level):
            break
        for side, size in torn:
            if abs(memory(side * step(level)) - f0 - size) > 0.1 * abs(size):
                return None
    slopes = {1: 0.0, -1: 0.0}
    for side in slopes:
        size = dict(torn).get(side)
        slopes[side] = slope(memory, side, table.levels)[0] if size is None else side * math.copysign(math.inf, size)
    finite = [s for s in slopes.values() if math.isfinite(s)]
    value = finite[0] if finite else table.value[0]
    return Estimate(value, math.inf, False, slopes[-1], slopes[1], memory.calls)


def _intercept(table: Table, side: int) -> float:
    """Height of the step at 0 on one side, from three pairs of levels that agree; 0 where there is none."""
    f0, memory = table.centre, table.samples
    levels = table.levels[-4:]
    if len(levels) < 4:
        return 0.0
    h = [step(k) for k in levels]
    y = [memory(side * a) - f0 for a in h]
    found = [y[i + 1] - (y[i] - y[i + 1]) * h[i + 1] / (h[i] - h[i + 1]) for i in range(3)]
    size = found[2]
    floor = max(table.rows[k][4] for k in levels)
    if abs(size) < 2 * RESOLVED * floor or max(abs(q - size) for q in found) > 0.1 * abs(size):
        return 0.0
    return size if abs(y[3] - size) <= 0.1 * abs(size) else 0.0
