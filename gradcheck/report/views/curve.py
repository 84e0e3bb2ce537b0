"""Error against step of the differences behind a verdict: the geometry of a drawing, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gradcheck.report.views.figures import figure

LEFT, RIGHT, TOP, BOTTOM = 46, 352, 8, 160
"""Of the drawn area, in pixels; labels stand outside."""

_LABELS = 4
"""Of an axis, at most."""

_DEEPEST = 24
"""Decades shown at most below the largest error."""


@dataclass(frozen=True)
class Curve:
    """Paths and labels of a drawing.

    ``points`` are the differences, ``line`` joins them, ``noise`` is what f's noise makes of them, ``bound`` what the
    slope may be off by, ``claim`` how far off the claim is, ``chosen`` the step that counts; "" where there is none.
    ``across`` and ``down`` are (pixel, label).
    """

    points: str
    line: str
    noise: str
    bound: str
    claim: str
    chosen: str
    across: tuple[tuple[int, str], ...]
    down: tuple[tuple[int, str], ...]
    grid: str


def curve(steps: Mapping[str, Any]) -> Curve:
    """The drawing of `gradcheck.findings.Steps` in plain data."""
    sizes = [step for step, _ in steps["differences"]]
    errors = [abs(slope - steps["truth"]) for _, slope in steps["differences"]]
    shortest, longest = sizes[0] / 4.0, sizes[-1] * 4.0
    noise = [steps["noise"] / shortest, steps["noise"] / longest]
    off = abs(steps["claimed"] - steps["truth"])
    x = _Axis.over([shortest, longest], LEFT, RIGHT)
    y = _Axis.over([*errors, *noise, steps["bound"], off], BOTTOM, TOP)
    across, down = x.labels(), y.labels()
    points = [(x.at(step), y.at(error)) for step, error in zip(sizes, errors, strict=True)]
    return Curve(
        points="".join(f"M{px} {py}h0" for px, py in points),
        line="M" + "L".join(f"{px} {py}" for px, py in points),
        noise=f"M{LEFT} {y.at(noise[0])}L{RIGHT} {y.at(noise[1])}" if noise[0] > 0.0 else "",
        bound=_level(y, steps["bound"]),
        claim=_level(y, off) if off > steps["bound"] else "",
        chosen=f"M{x.at(steps['chosen'])} {TOP}V{BOTTOM}" if steps["chosen"] else "",
        across=across,
        down=down,
        grid="".join(
            [
                *(f"M{px} {TOP}V{BOTTOM}" for px, _ in across),
                *(f"M{LEFT} {py}H{RIGHT}" for py, _ in down),
            ]
        ),
    )


def _level(y: _Axis, size: float) -> str:
    return f"M{LEFT} {y.at(size)}H{RIGHT}" if size > 0.0 else ""


@dataclass(frozen=True)
class _Axis:
    """Decades from ``low`` to ``high`` as pixels from ``start`` to ``end``; zero lies at the low end."""

    low: float
    high: float
    start: int
    end: int

    @classmethod
    def over(cls, sizes: Iterable[float], start: int, end: int) -> _Axis:
        """The axis that holds these numbers."""
        logs = [math.log10(size) for size in sizes if 0.0 < size < math.inf] or [0.0]
        high = max(logs) + 0.3
        return cls(max(min(min(logs) - 0.3, high - 2.0), high - _DEEPEST), high, start, end)

    def at(self, size: float) -> int:
        """The pixel of a number."""
        share = (math.log10(size) - self.low) / (self.high - self.low) if size > 0.0 else 0.0
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start))

    def labels(self) -> tuple[tuple[int, str], ...]:
        """Powers of ten, evenly apart, few enough to be read."""
        first, last = math.ceil(self.low), math.floor(self.high)
        stride = max(1, math.ceil((last - first + 1) / _LABELS))
        return tuple((self.at(10.0**power), figure(10.0**power)) for power in range(first, last + 1, stride))
