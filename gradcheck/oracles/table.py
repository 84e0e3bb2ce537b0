"""What is known of phi at the sampled levels: difference quotients, their extrapolation, truncation and noise."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable
from itertools import pairwise

from gradcheck.oracles.extrapolate import extrapolate
from gradcheck.oracles.ladder import COARSEST, FINEST, LEVEL_RATIO, Samples, step

# Noise is measured as the largest residual of the finer levels, odd and even part. A residual is the difference of two
# roundings uniform in +-1 (or of two phi evaluated with noise); the largest of four levels' lies below 0.6, and so
# 1.5 times it below the error of a quotient, in fewer than 1 of 100 cases, and then seldom at the step that counts.
# Of fewer levels the largest is smaller: these multiples are below the error as seldom.
SAFETY = 1.4
FEW = (4.0, 4.0, 3.0, 2.0)
_TINY = math.ulp(0.0)


class Table:
    """Pairs phi(+-h) at the sampled levels, coarse to fine, and what follows from them.

    ``levels`` and the lists beside it (``value``, ``bound``, ``truncation``, ``noise``, ``start``: valid after
    `solve`) run from the coarsest level to the finest. ``tried`` holds levels that gave nothing, too.
    """

    guard = LEVEL_RATIO**-2  # ratio of neighbouring x = h**2
    sees_corners = True

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.centre = samples(0.0)
        self.levels: list[int] = []
        self.tried: set[int] = set()
        self.coarsest = COARSEST
        self.pairs: dict[int, tuple[float, float]] = {}
        self.rows: dict[int, tuple[float, float, float, float, float]] = {}

    def add(self, level: int) -> bool:
        """Sample a level; False where that gives nothing new."""
        if level in self.tried:
            return False
        self.tried.add(level)
        if not self.coarsest <= level <= FINEST:
            return False
        h = step(level)
        p, m = self._sample(h)
        row = self._row(h, p, m)
        if not math.isfinite(row[2]):
            return False
        self.pairs[level] = (p, m)
        self.rows[level] = row
        insort(self.levels, level)
        return True

    def _sample(self, h: float) -> tuple[float, float]:
        return self.samples(h), self.samples(-h)

    def _row(self, h: float, p: float, m: float) -> tuple[float, float, float, float, float]:
        """What divides the noise, x, the quotient, the second quotient, and rounding (an ulp: two of a half)."""
        f0 = self.centre
        s = ((p - f0) + (m - f0)) / (h * h)
        s = s if math.isfinite(s) else 0.0  # beyond the largest number: no looking for kinks there
        return h, h * h, (p / 2 - m / 2) / h, s, math.ulp(max(abs(p), abs(m), abs(f0)))

    def restrict(self, level: int) -> None:
        """Forget the levels coarser than this one, for good."""
        self.coarsest = level
        self.levels = [k for k in self.levels if k >= level]

    def plateau(self) -> bool:
        """Whether phi does not move at all at the finest level."""
        p, m = self.pairs[self.levels[-1]]
        return p == self.centre == m

    def quantum(self) -> float:
        """Spacing of the values where the finest pair does not move: rounding inside phi, on a grid."""
        if not self.levels or not self.plateau():
            return 0.0
        f0 = self.centre
        return min((abs(q - f0) for k in self.levels for q in self.pairs[k] if q != f0), default=0.0)

    def grid(self) -> float:
        """Spacing of the numbers that all values are, where they lack so many bits that it is coarser than double's."""
        return spacing(v for k in self.levels for v in self.pairs[k])

    def _idle_bits(self) -> int:
        return idle_bits({v for k in self.levels for v in self.pairs[k]})

    def solve(self) -> int:
        """Fill the lists; the index of the level with the smallest bound that finer ones do not contradict.

        Whether the levels converge can only be told with the noise in mind, and the noise only where they
        converge: where it turns out to be far above rounding, everything is done once more with it.
        """
        quantum = self.quantum() / 2
        best = self._solve(quantum, quantum)
        extra = self.noise[best] * self.h[best]
        if extra > 8 * max(self.floor[best], quantum):
            best = self._solve(quantum, extra)
        return best

    def _solve(self, quantum: float, extra: float) -> int:
        h, x, d, s, floor = (list(c) for c in zip(*[self.rows[k] for k in self.levels], strict=True))
        coarse = 2.0 ** self._idle_bits()
        floor = [f * coarse for f in floor]
        unit = [max(f, extra) / a + abs(q) * 4.4e-16 + _TINY for f, a, q in zip(floor, h, d, strict=True)]
        value, truncation, spread, start = extrapolate(x, d, unit, self.guard)
        curve, bend, _, _ = extrapolate(
            x, s, [4 * u / a for u, a in zip(unit, h, strict=True)], self.guard, 2
        )
        pairs = [self.pairs[k] for k in self.levels]
        still = (self.centre, self.centre) if quantum else None
        noise: list[float] = []
        bound: list[float] = []
        scatter: list[float] = []
        witnesses: list[int] = []
        n = len(h)
        for i in range(n):
            v, t, c, b = value[i], truncation[i], curve[i], bend[i]
            base = floor[i] if floor[i] > quantum else quantum
            worst, relative = 0.0, 0.0
            largest, where, count, heard = 0.0, 1.0, 0, 0
            for j in range(n - 1, i, -1):
                if still and pairs[j] == still:
                    continue
                heard += 1
                odd, even = abs(value[j] - v) - t, abs(curve[j] - c) - b
                r = (odd * h[j] if odd > 0 else 0.0) + (even * x[j] / 2 if even > 0 else 0.0)
                if r > worst:
                    worst = r
                if r > 4 * floor[j] and not still:
                    # Absolute noise grows like 1/h in the difference quotients. What does not grow is relative
                    # to t, as large here as there; with one level alone it cannot be told.
                    r /= h[j]
                    count += 1
                    if count > 1 and r > relative and largest < r * math.sqrt(h[j] / where):
                        relative = r
                    if r > largest:
                        largest, where = r, h[j]
            if count == 1:
                relative = largest
            safety = FEW[heard] if heard < len(FEW) else SAFETY
            worst = max(safety * worst, base if heard > 2 else 1.5 * base)
            e = worst / h[i] * (spread[i] / unit[i])
            if safety * relative > e:
                e = safety * relative
            if i + 1 == n:  # nothing finer to measure noise: as large as one level up, at least
                e = max(e, noise[-1] if noise else 0.0)
            noise.append(e)
            scatter.append(worst)
            witnesses.append(heard)
            bound.append(t + e + abs(v) * 4.4e-16)
        self.h, self.d, self.floor = h, d, floor
        self.value, self.truncation, self.noise, self.bound, self.start = (
            value,
            truncation,
            noise,
            bound,
            start,
        )
        self.scatter, self.witnesses = scatter, witnesses
        best = self._choose()
        quiet = noise[best] * h[best] <= 8 * floor[best]
        self.settled = not self.sees_corners or _settles(s, x, floor)
        self.calm = not self.sees_corners or (quiet and self.settled)
        return best

    def surprise(self, i: int, beside: float) -> float:
        """How far a quotient at ``beside`` times the step of index i is from what the levels used at i predict."""
        h = beside * step(self.levels[i])
        _, x, d, _, floor = self._row(h, *self._sample(h))
        if not math.isfinite(floor):
            return 0.0
        used = range(self.start[i], i + 1)
        xs, row = [self.rows[self.levels[j]][1] for j in used], [self.d[j] for j in used]
        for m in range(1, len(row)):
            row = [
                b + (b - a) * (x - xs[j + m]) / (xs[j + m] - xs[j]) for j, (a, b) in enumerate(pairwise(row))
            ]
        return float(abs(d - row[0]))

    def _choose(self) -> int:
        """Lepski's choice: the smallest bound whose interval meets those of all finer, confirmed levels.

        A bounded function looks like 0 over steps long enough, with a bound as small as one likes: beyond a step
        of 1 only a slope that stands out from its bound counts.
        """
        value, bound = self.value, self.bound
        n = len(bound)
        order = [i for i in range(n) if self.levels[i] >= 1 or bound[i] <= 0.3 * abs(value[i])] or list(
            range(n)
        )
        order.sort(key=bound.__getitem__)
        for i in order:
            if all(abs(value[j] - value[i]) <= bound[i] + 3 * bound[j] for j in range(i + 1, n - 1)):
                return i
        return order[0]


def spacing(values: Iterable[float]) -> float:
    """Spacing of the numbers that all values are, where it is coarser than double's; else 0."""
    known = set(values)
    idle = idle_bits(known)
    return math.ulp(max(map(abs, known))) * 2.0**idle if idle else 0.0


def idle_bits(values: set[float]) -> int:
    """Last bits that are zero in every value: phi computes, or returns, in a lower precision."""
    idle = 52
    if len(values - {0.0}) < 4:
        return 0
    for v in values:
        mantissa = int(math.frexp(v)[0] * 9007199254740992.0)
        if mantissa:
            idle = min(idle, (mantissa & -mantissa).bit_length() - 1)
        if idle < 20:  # by chance once in a million, as every value must agree
            return 0
    return idle


class OneSidedTable(Table):
    """phi(h) on one side only: forward differences, a series in h."""

    guard = 1.0 / LEVEL_RATIO
    sees_corners = False

    def __init__(self, samples: Samples, side: int) -> None:
        super().__init__(samples)
        self.side = side

    def _sample(self, h: float) -> tuple[float, float]:
        value = self.samples(self.side * h)
        return value, value

    def _row(self, h: float, p: float, m: float) -> tuple[float, float, float, float, float]:
        f0 = self.centre
        return h, h, (p - f0) / (self.side * h), 0.0, 2 * math.ulp(max(abs(p), abs(f0)))


def _settles(s: list[float], x: list[float], floor: list[float]) -> bool:
    """Whether the second difference quotient stays within the size it has at coarse steps: a kink's grows like 1/h."""
    largest = abs(s[0])
    for q, a, f in zip(s, x, floor, strict=True):
        size = abs(q)
        if size > 4 * largest + 8 * f / a:
            return False
        largest = max(largest, size)
    return True
