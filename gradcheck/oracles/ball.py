"""Ball arithmetic: a value and the radius within which the exact one lies.

Every number that a verdict rests on is a ball, and the radius was measured. Two balls certainly differ, agree, or it
cannot be told; these are the three answers of a check. Radii add up as in interval arithmetic (Johansson, "Arb:
efficient arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Computers 66, 2017): no luck of signs
is counted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from gradcheck.ask.trees import Floats

MARGIN = 3.0
"""Between one and this many radii two balls are told neither equal nor apart: radii are measured, and a measurement
that sampled a distribution can fall short of its tail."""


class Relation(Enum):
    """Of two balls: within each other's radius, certainly apart, or not to be told."""

    AGREE = auto()
    APART = auto()
    UNTOLD = auto()


_SQUARED = (1e-140, 1e150)
"""Between these lengths squares neither vanish nor overflow."""


def length(terms: Floats) -> float:
    """``sqrt(sum terms^2)``, the size of a sum without luck of the terms' signs; also where squares overflow."""
    plain = float(np.linalg.norm(terms))
    if _SQUARED[0] < plain < _SQUARED[1]:
        return plain
    largest = float(np.max(np.abs(terms), initial=0.0))
    return largest * float(np.linalg.norm(terms / largest)) if 0.0 < largest < np.inf else largest


def related(gap: float, radius: float) -> Relation:
    """The relation of two values that are ``gap`` apart, by the sum of their radii."""
    if gap <= radius:
        return Relation.AGREE
    return Relation.APART if gap > MARGIN * radius else Relation.UNTOLD


@dataclass(frozen=True)
class Ball:
    """Values and their radii, of one shape."""

    value: Floats
    radius: Floats

    def along(self, v: Floats) -> Ball:
        """``<value, v>``, the sum of the entries' balls scaled by ``v``."""
        return Ball(np.asarray(self.value @ v), np.asarray(self.radius @ np.abs(v)))
