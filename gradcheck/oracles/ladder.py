"""The ladder of steps, and phi sampled on it."""

from __future__ import annotations

import math
from collections.abc import Callable

# Neighbouring steps differ by e**2 = 7.4: coarser ladders save evaluations and cost trust, finer ones repeat
# the same information. A power of an irrational number also keeps the steps off the grid of doubles: on that
# grid x + h v is exact, rounding inside phi does not change from step to step, and noise is invisible. The
# leading factor does the same for the step of level 0.
FIRST, LEVEL_RATIO = 0.9, math.exp(2.0)
COARSEST, FINEST = -15, 20  # steps 1e13 ... 4e-18: scales of 1e-12 ... 1e12, with room to extrapolate


def step(level: int) -> float:
    """Step of a level: level 0 is about 1, level 3 about 8**-3, level 5 about 8**-5."""
    return FIRST * math.exp(-2.0 * level)


# The judge takes its own central differences at STEPS[3] and STEPS[5], so that they are reused here.
STEPS: tuple[float, ...] = tuple(step(level) for level in range(FINEST + 1))
COARSE, MIDDLE, FINE = STEPS[3], STEPS[4], STEPS[5]
"""About 8^-3 and 8^-5 of the entries' scale: truncation h^2 and rounding u/h of the finer are both near 1e-10."""
_ALL = {level: step(level) for level in range(COARSEST, FINEST + 1)}


class Samples:
    """phi with a memory: NaN where it raises or is not finite, and a count of the calls."""

    __slots__ = ("calls", "memo", "phi")

    def __init__(self, phi: Callable[[float], float], memo: dict[float, float] | None) -> None:
        self.phi = phi
        self.memo = {} if memo is None else memo
        self.calls = 0

    def __call__(self, t: float) -> float:
        known = self.memo.get(t)
        if known is not None:
            return known
        self.calls += 1
        try:
            value = float(self.phi(t))
        except Exception:
            value = math.nan
        if not math.isfinite(value):
            value = math.nan
        self.memo[t] = value
        return value

    def pair(self, level: int) -> tuple[float, float]:
        """``phi(+h), phi(-h)`` at the step of a level."""
        h = _ALL[level]
        return self(h), self(-h)
