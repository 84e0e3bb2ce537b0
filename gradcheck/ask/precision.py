"""Unit roundoff: of a dtype, and as numbers show it whatever their dtype is.

A number of p significant bits has unit roundoff 2^-p: 53 in double, 24 in single, 11 in half, 8 in bfloat16, 4 in
float8. A function may take and return float64 and compute in any of them on the way (a cast, a framework's default, a
table); its values tell, for bits that were never there are zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats

DOUBLE, SINGLE = 2.0**-53, 2.0**-24

_BITS = (4, 8, 11, 24)
"""Significant bits of float8 (e4m3), bfloat16, half and single: numbers of fewer bits are of the next format up."""

_ENOUGH = 2
"""So many different numbers must lack the last bits: of two doubles 29 bits are all zero once in 10^17."""


_SAMPLE = 256
"""So many of a large array's numbers are looked at first: that of double precision all lack the last bits is out of the
question."""


@lru_cache(maxsize=256)
def of(dtype: Any) -> float:
    """Unit roundoff of a dtype, or of its name; double's for what is no binary float below it."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        return DOUBLE
    return max(float(np.finfo(kind).eps) / 2.0, DOUBLE) if kind.kind == "f" else DOUBLE


_NORMAL = {2.0**-11: 2.0**-14, 2.0**-4: 2.0**-6}
"""The smallest normal number of half precision and of float8 (e4m3), of few exponents; the others go down as single."""


def underflow(unit: float) -> float:
    """What arithmetic of this unit roundoff may lose at the ends of its range.

    Below the smallest normal number digits go, and the reciprocals of what overflows (``1 / (1 + exp(-z))``) lie there.
    """
    return _NORMAL.get(unit, float(np.finfo(np.float32 if unit > DOUBLE else np.float64).tiny))


def bits(values: Floats) -> int:
    """The most significant bits that any of the numbers uses; 0 where all are 0 or not finite."""
    fraction, _ = np.frexp(values[np.isfinite(values) & (values != 0.0)])
    whole = np.abs(fraction * 2.0**53).astype(np.uint64)
    if whole.size == 0:
        return 0
    lowest = whole & (~whole + np.uint64(1))
    return 53 - int(np.log2(float(lowest.min())))


def shown(values: Floats) -> float:
    """The unit roundoff that numbers show; double's where they are too few to show any other."""
    if bits(values[:: max(1, values.size // _SAMPLE)]) > _BITS[-1]:
        return DOUBLE
    used = bits(values)
    if np.unique(np.abs(values[np.isfinite(values) & (values != 0.0)])).size < _ENOUGH:
        return DOUBLE
    return next((2.0**-format for format in _BITS if used <= format), DOUBLE)


def coarse(values: Floats) -> bool:
    """Whether the numbers may be of fewer digits than double's, or else just round ones."""
    return bits(values) <= _BITS[-1] or lattice(values) > 0.0


def lattice(values: Floats) -> float:
    """The spacing of the fixed point that all numbers have: so many decimals, or bits behind the point; 0 without one.

    What was printed with six decimals, or counted in units of 2^-20, is as coarse wherever the point is.
    """
    sample = np.abs(values[:: max(1, values.size // _SAMPLE)])
    whole = sample[np.isfinite(sample) & (sample > 0.0)].tolist()
    return max(_least(map(_binary, whole)), _least(map(_decimal, whole)))


def of_lattice(values: Floats, at: Floats) -> float:
    """The unit roundoff at ``at`` of numbers that show a fixed point; double's where they are too few, or show none.

    Numbers of fewer digits than those of any format count something: they are no rounded ones.
    """
    sizes = np.unique(np.abs(values[np.isfinite(values) & (values != 0.0)]))
    if sizes.size < _ENOUGH:
        return DOUBLE
    largest = float(np.max(np.abs(at), initial=0.0)) or float(sizes[-1])
    unit = max(0.5 * lattice(values) / largest, DOUBLE)
    return unit if unit <= 2.0 ** -min(_BITS) else DOUBLE


_IDLE, _DIGITS = 20, 11
"""A double has so many last bits of zero once in a million, so few decimal digits once in 100,000."""


def _least(steps: Iterable[float]) -> float:
    """The least of them; 0 where one is 0, or there are none."""
    least = np.inf
    for step in steps:
        if step == 0.0:
            return 0.0
        least = min(least, step)
    return least if least < np.inf else 0.0


def _binary(value: float) -> float:
    """The last bit that is set; 0 where it is one of the last there are."""
    last = float(np.ldexp(1.0, np.frexp(value)[1] - bits(np.array([value]))))
    return last if last >= 2.0**_IDLE * float(np.spacing(value)) else 0.0


def _decimal(value: float) -> float:
    """The place of the last decimal digit; 0 where there are as many as a double takes."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, part = mantissa.partition(".")
    few = len(f"{whole}{part}".lstrip("0")) <= _DIGITS
    return 10.0 ** (int(exponent or 0) - len(part)) if few else 0.0


def spacing(value: float, unit: float) -> float:
    """The distance of neighbouring numbers of this unit roundoff around ``value``."""
    return (
        0.0 if value == 0.0 or not np.isfinite(value) else 2.0 * unit * 2.0 ** np.floor(np.log2(abs(value)))
    )


def default_rtol(unit: float) -> float:
    """The relative error that a check must be able to see before it may pass.

    A thousandth in double; below, half a million roundoffs (single: 3 %), of which a gradient of some layers carries
    a few hundred; never more than 30 %.
    """
    return min(0.3, max(1e-3, 2.0**19 * unit))
