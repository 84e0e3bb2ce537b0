"""The derivative of a function of one variable, with a bound on its own error."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradcheck.oracles.corner import corner
from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import COARSEST, FINEST, STEPS, Samples, step
from gradcheck.oracles.slopes import one_sided, slope
from gradcheck.oracles.table import Table

__all__ = ["STEPS", "derivative", "one_sided"]

TARGET = 2e-10


def derivative(
    phi: Callable[[float], float],
    *,
    samples: dict[float, float] | None = None,
    tolerance: float = 0.0,
) -> Estimate:
    """Derivative of ``phi`` at 0 with a bound on its error."""
    memory = Samples(phi, samples)
    with np.errstate(all="ignore"):
        return _derivative(memory, tolerance)


def _derivative(memory: Samples, tolerance: float) -> Estimate:
    table = Table(memory)
    if math.isnan(table.centre):
        return Estimate(math.nan, math.inf, False, math.nan, math.nan, memory.calls)
    for k in (3, 5, 2, 8):
        table.add(k)
    for k in (10, 12, 14):
        if len(table.levels) < 2:
            table.add(k)
    if len(table.levels) < 2:
        return _edge(memory)
    while True:
        i = table.solve()
        found = corner(table)
        if found is not None:
            return found
        if len(table.levels) != len(table.value):
            continue
        level = _next(table, i, tolerance)
        if level is None or len(table.tried) > 27:
            break
        table.add(level)
    return Estimate(table.value[i], table.bound[i], evaluations=memory.calls)


def _next(table: Table, i: int, tolerance: float) -> int | None:
    """The level worth sampling next; None where nothing more is to be gained."""
    levels, tried = table.levels, table.tried
    k, finest = levels[i], levels[-1]
    value, bound, t, n = table.value[i], table.bound[i], table.truncation[i], table.noise[i]
    if finest < k + 3:
        for level in (k + 4, k + 3):
            if level not in tried and level <= FINEST:
                return level
    target = tolerance or TARGET * abs(value)
    if bound <= target:
        return None
    rounding = all(abs(d) * h <= 4 * f for d, h, f in zip(table.d, table.h, table.floor, strict=True))
    unresolved = bound > 0.3 * abs(value) and not rounding
    if (unresolved or n * table.h[i] > 8 * table.floor[i]) and not table.plateau():
        deeper = [level for level in levels if level > k + 3]
        if finest + 1 not in tried and len(deeper) < 2:
            return finest + 1
        if len(deeper) < (9 if unresolved else 3):
            for level in (finest + 3, finest + 2, finest + 1):
                if level not in tried and level <= FINEST:
                    return level
    if not table.calm and _bends(table) and finest + 1 <= FINEST:
        return finest + 1
    if t > n:
        return _more_order(table, i) or (k + 1 if k + 1 not in tried else None)
    if k - 1 not in tried:
        return k - 1
    return _more_order(table, i - 1) if i else None


def _bends(table: Table) -> bool:
    """Whether the second difference quotient still grows at the finest level: a kink may lie there."""
    if len(table.levels) < 2:
        return False
    _, x, _, s, floor = table.rows[table.levels[-1]]
    return abs(s) * x > 16 * max(floor, table.quantum()) and abs(s) > 2 * abs(table.rows[table.levels[-2]][3])


def _more_order(table: Table, i: int) -> int | None:
    """A level that raises the order of the extrapolation ending at index i."""
    levels, tried = table.levels, table.tried
    if i < 0:
        return None
    start = table.start[i]
    for level in range(levels[start] + 1, levels[i]):
        if level not in tried:
            return level
    if start == 0 and levels[0] - 1 not in tried and levels[0] > COARSEST:
        return levels[0] - 1
    return None


def _edge(memory: Samples) -> Estimate:
    """phi lives on one side only."""
    for side in (+1, -1):
        levels = [k for k in (3, 5) if not math.isnan(memory(side * step(k)))]
        levels = levels or [k for k in (8, 10, 12) if not math.isnan(memory(side * step(k)))]
        if len(levels) >= 2:
            chain = sorted({levels[0] - 1, levels[0], levels[0] + 1, levels[-1], levels[-1] + 3})
            value, error, _ = slope(memory, side, chain)
            return Estimate(value, error, evaluations=memory.calls)
    return Estimate(math.nan, math.inf, False, math.nan, math.nan, memory.calls)
