"""The claim's own rounding, measured entry by entry from the claim itself.

A claim is right to its arithmetic, not to infinity: near an optimum, after a cancellation or in float32 its
entries carry errors far above 1e-16 of their size. Two measurements, the larger counts:

- ``|g(x (1 +- ulp)) - g(x)|``: inputs rounded differently, three times;
- ``|g(x + d) - 2 g(x) + g(x - d)| / 2`` for d of many ulps: in a second difference the linear trend of g
  goes and rounding stays, also rounding that is constant over a single ulp.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge import precision

_ULPS_DOUBLE = (1e3, 1e6, 1e9)
_ULPS_SINGLE = (8.0, 256.0, 8192.0)  # steps of 1e-6 to 1e-3: longer ones would see curvature, not rounding

_ROLLS = 3


def claim_rounding(
    gradient: Callable[[Floats], Floats | None],
    x: Floats,
    at_x: Floats,
    scale: Floats,
    unit: float,
    floor: Floats,
) -> Floats:
    """A bound on each entry's rounding error, shape (P,); zeros where the claim cannot be asked again.

    Parameters
    ----------
    gradient
        The claim as a function of the point.
    at_x
        What it returned at ``x``.
    scale
        Length of a step of each entry's own size.
    unit
        Unit roundoff of the claim's arithmetic.
    floor
        Entries below this are all rounding (f's own, seen through one step of size ``scale``) and are
        believed whatever their relative size.

    Notes
    -----
    A claim that answers from remembered state (the last forward pass, say) does not see the moved point;
    it then shows no rounding, and is judged more strictly.
    """
    again = gradient(x)
    if again is None or not np.array_equal(again, at_x, equal_nan=True):
        return np.zeros_like(x)
    believable = np.maximum(precision.believable(unit) * np.abs(at_x), floor)
    rounding = np.zeros_like(x)

    def raise_to(measured: Floats) -> None:
        np.copyto(rounding, measured, where=(measured > rounding) & (measured <= believable))

    ulp = 2.0 * unit * scale
    rolls = np.random.default_rng(0)
    for _ in range(_ROLLS):
        # each entry by a sign of its own: moved all alike, sums of them would hardly re-roll their rounding
        nudged = gradient(x + ulp * rolls.choice((-1.0, 1.0), x.size))
        if nudged is not None:
            raise_to(np.abs(nudged - at_x))
    for ulps in _ULPS_DOUBLE if unit == precision.DOUBLE else _ULPS_SINGLE:
        ahead, behind = gradient(x + ulps * ulp), gradient(x - ulps * ulp)
        if ahead is not None and behind is not None:
            raise_to(0.5 * np.abs(ahead - 2.0 * at_x + behind))
    return rounding
