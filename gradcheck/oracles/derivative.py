"""The derivative of a function of one variable, with a bound on its own error."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.extrapolate import neville
from gradcheck.oracles.ladder import COARSEST, FINEST, STEPS, Samples, step

__all__ = ["STEPS", "derivative", "one_sided"]

TARGET = 2e-10
SAFETY = 2.0


class _Table:
    """Everything known at the sampled levels, coarse to fine."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.centre = samples(0.0)
        self.levels: list[int] = []
        self.bad: set[int] = set()
        self.pairs: dict[int, tuple[float, float]] = {}

    def add(self, level: int) -> bool:
        if level in self.pairs or level in self.bad or not COARSEST <= level <= FINEST:
            return False
        p, m = self.samples.pair(level)
        if not math.isfinite(p - m) or not math.isfinite(p + m - 2 * self.centre):
            self.bad.add(level)
            return False
        self.pairs[level] = (p, m)
        self.levels = sorted(self.pairs)
        return True

    def solve(self) -> None:
        """Value, truncation, noise and bound of every level with the coarser ones before it."""
        f0 = self.centre
        self.h = [step(k) for k in self.levels]
        x = [h * h for h in self.h]
        pm = [self.pairs[k] for k in self.levels]
        d = [(p - m) / (2 * h) for (p, m), h in zip(pm, self.h, strict=True)]
        s = [((p - f0) + (m - f0)) / hh for (p, m), hh in zip(pm, x, strict=True)]
        self.floor = [math.ulp(max(abs(p), abs(m), abs(f0))) for p, m in pm]
        self.d, self.s = d, s
        self.value, self.truncation = neville(x, d, 1 / 54)
        curve, _ = neville(x, s, 1 / 54)
        n = len(d)
        quantum = self.quantum()
        self.noise = [0.0] * n
        for i in range(n):
            worst = max(self.floor[i] , quantum)
            for j in range(i + 1, n):
                odd = abs(self.value[j] - self.value[i]) * self.h[j]
                even = abs(curve[j] - curve[i]) * x[j] / 2
                worst = max(worst, SAFETY * (odd + even))
            if i + 1 < n and max(abs(q) for q in pm[i]) > 8 * abs(f0):
                worst = max(worst, odd_scale(self, i, i + 1))
            self.noise[i] = worst / self.h[i]
        self.bound = [t + e for t, e in zip(self.truncation, self.noise, strict=True)]

    def quantum(self) -> float:
        """Spacing of the values where the finest pairs do not move at all."""
        finest = self.pairs[self.levels[-1]]
        f0 = self.centre
        if finest[0] != f0 or finest[1] != f0:
            return 0.0
        gaps = [abs(q - f0) for pair in self.pairs.values() for q in pair if q != f0]
        return min(gaps, default=0.0)

    def best(self) -> int:
        """Smallest bound whose interval meets those of all finer, confirmed levels."""
        n = len(self.levels)
        order = sorted(range(n), key=lambda i: self.bound[i])
        for i in order:
            if all(
                abs(self.value[j] - self.value[i]) <= self.bound[i] + self.bound[j]
                for j in range(i + 1, n - 1)
            ):
                return i
        return order[0]


def odd_scale(table: _Table, i: int, j: int) -> float:
    """Noise that shrinks with phi itself (phi(0) = 0): carried over from level j in proportion."""
    return SAFETY * abs(table.value[j] - table.value[i]) * table.h[i]


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
    table = _Table(memory)
    if math.isnan(table.centre):
        return Estimate(math.nan, math.inf, False, math.nan, math.nan, memory.calls)
    table.add(3)
    table.add(5)
    if not table.levels:
        for k in (8, 11, 14, 17):
            if table.add(k):
                table.add(k + 2)
                break
        else:
            return _edge(memory)
    patience = {-1: 3, 1: 4}
    record = math.inf
    way = 0
    probed = False
    while len(table.levels) < 24:
        table.solve()
        i = table.best()
        bound, value = table.bound[i], table.value[i]
        target = tolerance or TARGET * abs(value)
        if bound <= target:
            if i < len(table.levels) - 1 and table.levels[-1] >= table.levels[i] + 3:
                break
            if table.add(table.levels[i] + 4) or table.add(table.levels[i] + 3):
                continue
            break
        if bound > 0.5 * record and way:
            patience[way] -= 1
        record = min(record, bound)
        way = -1 if table.noise[i] >= table.truncation[i] else 1
        if patience[way] <= 0:
            way = -way
        if patience[way] <= 0:
            if not probed:
                probed = True
                if table.add(max(table.levels[-1], table.levels[i] + 4) + 1):
                    continue
            break
        coarse = table.levels[max(0, i - 3)]
        if way == 1 and abs(table.truncation[i]) < 1e-4 * abs(value) and patience[-1] > 0:
            level = table.levels[0] - 1
        elif way == 1:
            level = table.levels[-1] + (1 if math.isfinite(bound) and i == len(table.levels) - 1 else 2)
        else:
            level = table.levels[0] - 1
        del coarse
        if not table.add(level):
            patience[way] = 0
    return _finish(table, i)


def _finish(table: _Table, i: int) -> Estimate:
    kink = _kink(table)
    if kink is not None:
        return kink
    return Estimate(table.value[i], table.bound[i], evaluations=table.samples.calls)


def _jump_rate(table: _Table) -> float | None:
    """Slope jump at 0: E(h)/h at the finest resolved levels, where it is constant; None where smooth."""
    f0 = table.centre
    rates = []
    for level in reversed(table.levels):
        p, m = table.pairs[level]
        e = (p - f0) + (m - f0)
        if abs(e) > 16 * math.ulp(max(abs(p), abs(m), abs(f0))):
            rates.append(e / step(level))
        if len(rates) == 3:
            break
    if len(rates) < 3 or max(abs(r - rates[0]) for r in rates) > 0.1 * abs(rates[0]):
        return None
    return rates[0]


def _kink(table: _Table) -> Estimate | None:
    rate = _jump_rate(table)
    if rate is None:
        return None
    memory = table.samples
    for level in (table.levels[-1] + 1, table.levels[-1] + 3):
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
            value, error = _slope(memory, side, [levels[0], levels[0] + 1, *levels[1:], levels[-1] + 1])
            return Estimate(value, error, evaluations=memory.calls)
    return Estimate(math.nan, math.inf, False, math.nan, math.nan, memory.calls)


def _slope(memory: Samples, side: int, levels: list[int]) -> tuple[float, float]:
    """One-sided slope from the given levels."""
    f0 = memory(0.0)
    h = [step(k) for k in levels]
    y = [memory(side * s) for s in h]
    keep = [i for i, v in enumerate(y) if not math.isnan(v)]
    if not keep or math.isnan(f0):
        return math.nan, math.inf
    h, y = [h[i] for i in keep], [y[i] for i in keep]
    d = [(v - f0) / s for v, s in zip(y, h, strict=True)]
    value, truncation = neville(h, d, 1 / 7.4)
    best, bound = value[0], math.inf
    for i in range(len(d)):
        noise = 2 * math.ulp(max(abs(y[i]), abs(f0)))
        for j in range(i + 1, len(d)):
            noise = max(noise, SAFETY * abs(value[j] - value[i]) * h[j])
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
