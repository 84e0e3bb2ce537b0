"""The derivative of a function of one variable, with a bound on its own error."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable

import numpy as np

from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.extrapolate import extrapolate
from gradcheck.oracles.ladder import COARSEST, FINEST, STEPS, Samples, step

__all__ = ["STEPS", "derivative", "one_sided"]

TARGET = 2e-10
SAFETY = 2.0


class Table:
    """Everything known at the sampled levels, coarse to fine."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.centre = samples(0.0)
        self.levels: list[int] = []
        self.tried: set[int] = set()
        self.pairs: dict[int, tuple[float, float]] = {}
        self.rows: dict[int, tuple[float, float, float, float, float]] = {}

    def add(self, level: int) -> bool:
        """Sample a level; False where that gives nothing new."""
        if level in self.tried:
            return False
        self.tried.add(level)
        if not COARSEST <= level <= FINEST:
            return False
        p, m = self.samples.pair(level)
        f0 = self.centre
        h = step(level)
        d, s = (p - m) / (2 * h), ((p - f0) + (m - f0)) / (h * h)
        if not (math.isfinite(d) and math.isfinite(s)):
            return False
        self.pairs[level] = (p, m)
        self.rows[level] = (h, h * h, d, s, math.ulp(max(abs(p), abs(m), abs(f0))))
        insort(self.levels, level)
        return True

    def plateau(self) -> bool:
        p, m = self.pairs[self.levels[-1]]
        return p == self.centre == m

    def quantum(self) -> float:
        """Spacing of the values where the finest pairs do not move at all."""
        if not self.plateau():
            return 0.0
        f0 = self.centre
        return min((abs(q - f0) for pair in self.pairs.values() for q in pair if q != f0), default=0.0)

    def solve(self) -> int:
        quantum = self.quantum()
        i = self._solve(quantum, 0.0)
        extra = self.noise[i] * self.h[i]
        if extra > 8 * self.floor[i]:
            i = self._solve(quantum, extra)
        return i

    def _solve(self, quantum: float, extra: float) -> int:
        rows = [self.rows[k] for k in self.levels]
        h, x, d, s, floor = (list(c) for c in zip(*rows, strict=True))
        self.h, self.floor, self.d = h, floor, d
        n = len(h)
        unit = [max(f, extra) / a for f, a in zip(floor, h, strict=True)]
        value, truncation, start = extrapolate(x, d, unit, 1 / 54)
        curve, bend, _ = extrapolate(x, s, [4 * u / a for u, a in zip(unit, h, strict=True)], 1 / 54)
        self.value, self.truncation, self.start = value, truncation, start
        noise, bound = [], []
        for i in range(n):
            v, t, c, b = value[i], truncation[i], curve[i], bend[i]
            worst = max(floor[i], quantum)
            for j in range(i + 1, n):
                odd = abs(value[j] - v) - t
                even = abs(curve[j] - c) - b
                r = (odd * h[j] if odd > 0 else 0.0) + (even * x[j] / 2 if even > 0 else 0.0)
                if r * SAFETY > worst:
                    worst = r * SAFETY
            if i + 2 < n:
                near, far = abs(value[i + 1] - v), abs(value[n - 1] - v)
                if near * h[i] * SAFETY > worst and far * far * h[n - 1] < near * near * h[i + 1]:
                    worst = near * h[i] * SAFETY
            noise.append(worst / h[i])
            bound.append(t + worst / h[i])
        self.noise, self.bound = noise, bound
        order = sorted(range(n), key=bound.__getitem__)
        for i in order:
            if all(abs(value[j] - value[i]) <= bound[i] + bound[j] for j in range(i + 1, n - 1)):
                return i
        return order[0]


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
    while len(table.tried) < 28:
        i = table.solve()
        found = _kink(table)
        if found is not None:
            return found
        level = _next(table, i, tolerance)
        if level is None:
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
    if t > n:
        return _more_order(table, i) or (k + 1 if k + 1 not in tried else None)
    if k - 1 not in tried:
        return k - 1
    return _more_order(table, i - 1) if i else None


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


def _jump_rate(table: Table) -> float | None:
    """Slope jump at 0: E(h)/h at the finest resolved levels, where it is constant; None where smooth."""
    rates: list[float] = []
    for level in reversed(table.levels):
        h, x, _, s, floor = table.rows[level]
        if abs(s) * x > 16 * floor:
            rates.append(s * h)
        elif rates:
            break
        if len(rates) == 3:
            break
    if len(rates) < 3 or max(abs(r - rates[0]) for r in rates) > 0.1 * abs(rates[0]):
        return None
    return rates[0]


def _kink(table: Table) -> Estimate | None:
    rate = _jump_rate(table)
    if rate is None:
        return None
    memory = table.samples
    for level in (table.levels[-1] + 4, table.levels[-1] + 8):
        table.add(level)
    rate = _jump_rate(table)
    if rate is None:
        return None
    right, right_error = _slope(memory, +1, table.levels)
    left, left_error = _slope(memory, -1, table.levels)
    value = (left + right) / 2
    error = abs(right - left) / 2 + max(left_error, right_error)
    return Estimate(value, error, False, left, right, memory.calls)


def _edge(memory: Samples) -> Estimate:
    """phi lives on one side only."""
    for side in (+1, -1):
        levels = [k for k in (3, 5) if not math.isnan(memory(side * step(k)))]
        levels = levels or [k for k in (8, 10, 12) if not math.isnan(memory(side * step(k)))]
        if len(levels) >= 2:
            value, error = _slope(memory, side, [levels[0] - 1, levels[0], levels[0] + 1, levels[-1], levels[-1] + 3])
            return Estimate(value, error, evaluations=memory.calls)
    return Estimate(math.nan, math.inf, False, math.nan, math.nan, memory.calls)


def _slope(memory: Samples, side: int, levels: list[int]) -> tuple[float, float]:
    """One-sided slope from the given levels."""
    f0 = memory(0.0)
    known = [(step(k), memory(side * step(k))) for k in levels]
    known = [(h, v) for h, v in known if not math.isnan(v)]
    if not known or math.isnan(f0):
        return math.nan, math.inf
    h = [a for a, _ in known]
    d = [(v - f0) / a for a, v in known]
    floor = [2 * math.ulp(max(abs(v), abs(f0))) for _, v in known]
    value, truncation, _ = extrapolate(h, d, [f / a for f, a in zip(floor, h, strict=True)], 1 / 7.4)
    best, bound = value[0], math.inf
    for i in range(len(d)):
        noise = floor[i]
        for j in range(i + 1, len(d)):
            noise = max(noise, SAFETY * (abs(value[j] - value[i]) - truncation[i]) * h[j])
        total = truncation[i] + noise / h[i]
        if total < bound:
            best, bound = value[i], total
    return side * best, bound


def one_sided(
    phi: Callable[[float], float],
    *,
    samples: dict[float, float] | None = None,
    side: int = 1,
) -> tuple[float, float]:
    """Slope of phi at 0 from one side only, and a bound on its error; about five steps."""
    memory = Samples(phi, samples)
    with np.errstate(all="ignore"):
        return _slope(memory, 1 if side > 0 else -1, [1, 2, 3, 5, 8])
