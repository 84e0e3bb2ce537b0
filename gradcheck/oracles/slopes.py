"""One-sided slopes: what is left of a derivative at a kink or at the edge of a domain."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gradcheck.oracles.extrapolate import extrapolate
from gradcheck.oracles.ladder import LEVEL_RATIO, Samples, step
from gradcheck.oracles.table import SAFETY


def slope(memory: Samples, side: int, levels: Iterable[int], noise: float = 0.0) -> tuple[float, float, int]:
    """Slope on one side from the given levels, coarse to fine: value, bound, and the level it rests on.

    ``noise`` is what is known about the noise of phi beyond its last digit.
    """
    f0 = memory(0.0)
    known = [(k, step(k), memory(side * step(k))) for k in levels]
    known = [(k, h, v) for k, h, v in known if math.isfinite(v - f0)]
    if not known:
        return math.nan, math.inf, 0
    h = [a for _, a, _ in known]
    d = [(v - f0) / a for _, a, v in known]
    floor = [2 * max(noise, math.ulp(max(abs(v), abs(f0)))) for _, _, v in known]
    unit = [f / a + math.ulp(0.0) for f, a in zip(floor, h, strict=True)]
    value, truncation, spread, _ = extrapolate(h, d, unit, 1 / LEVEL_RATIO)
    best = (math.inf, value[0], known[0][0])
    for i in range(max(1, len(d) - 1)):
        worst = floor[i]
        for j in range(i + 1, len(d)):
            worst = max(worst, SAFETY * (abs(value[j] - value[i]) - truncation[i]) * h[j])
        bound = truncation[i] + worst / h[i] * (spread[i] / unit[i]) + abs(value[i]) * 4.4e-16
        if bound < best[0]:
            best = (bound, value[i], known[i][0])
    return side * best[1], best[0], best[2]
