"""The derivative of a function of one variable, with a bound on its own error."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradcheck.oracles.corner import corner
from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import COARSEST, FINEST, STEPS, Samples
from gradcheck.oracles.slopes import one_sided
from gradcheck.oracles.table import Table

__all__ = ["STEPS", "derivative", "one_sided"]

TARGET = 2e-10
FIRST_LEVELS = (3, 5, 2, 7, 9)


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
    table = _start(memory)
    if table is None:
        return Estimate(math.nan, math.inf, False, math.nan, math.nan, memory.calls)
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


def _start(memory: Samples) -> Table | None:
    """The first levels, on both sides where phi lives on both, else on one."""
    for side in (0, 1, -1):
        table = Table(memory, side)
        if math.isnan(table.centre):
            return None
        for k in FIRST_LEVELS:
            table.add(k)
        for k in range(11, 18, 2):
            if len(table.levels) < 2:
                table.add(k)
        if len(table.levels) >= 2:
            return table
    return None


def _next(table: Table, i: int, tolerance: float) -> int | None:
    """The level worth sampling next; None where nothing more is to be gained."""
    levels, tried = table.levels, table.tried
    k, finest = levels[i], levels[-1]
    value, bound, t, n = table.value[i], table.bound[i], table.truncation[i], table.noise[i]
    if finest < k + 4 or i > len(levels) - 3:
        for level in (k + 2, k + 4, k + 3, k + 1):
            if level not in tried and level <= FINEST:
                return level
    target = tolerance or TARGET * abs(value)
    if bound <= target:
        return None
    rounding = all(abs(d) * h <= 4 * f for d, h, f in zip(table.d, table.h, table.floor, strict=True))
    unresolved = bound > 0.3 * abs(value) and not rounding
    shallow = finest < 12 or _all_noise(table, n * table.h[i])
    if shallow and (unresolved or n * table.h[i] > 8 * table.floor[i]) and not table.plateau():
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


def _all_noise(table: Table, noise: float) -> bool:
    """Whether phi varies no more than its noise over everything sampled: it may live on a much finer scale."""
    return 10 * noise > max(abs(v - table.centre) for k in table.levels for v in table.pairs[k])


def _like(ratio: float, expected: float) -> bool:
    return 0.6 * expected < ratio < 1.6 * expected


def _bends(table: Table) -> bool:
    """Whether the even part at the finest levels falls like h, as at a kink, or not at all, as at a jump."""
    if len(table.levels) < 2:
        return False
    above, wide, _, before, _ = table.rows[table.levels[-2]]
    h, x, _, s, floor = table.rows[table.levels[-1]]
    last, previous = abs(s) * x, abs(before) * wide
    if last <= 16 * max(floor, table.quantum()):
        return False
    return previous > 0 and (_like(last / previous, h / above) or _like(last / previous, 1.0))


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
