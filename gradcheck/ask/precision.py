"""Unit roundoff: of a dtype, and as numbers show it whatever their dtype is.

A number of p significant bits has unit roundoff 2^-p: 53 in double, 24 in single, 11 in half, 8 in bfloat16, 4 in
float8. A function may take and return float64 and compute in any of them on the way (a cast, a framework's default, a
table); its values tell, for bits that were never there are zeros.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats

DOUBLE, SINGLE, HALF = 2.0**-53, 2.0**-24, 2.0**-11

FORMATS = (4, 8, 11, 24)
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


_NORMAL = {HALF: 2.0**-14, 2.0**-4: 2.0**-6}
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
    if bits(values[:: max(1, values.size // _SAMPLE)]) > FORMATS[-1]:
        return DOUBLE
    used = bits(values)
    if np.unique(np.abs(values[np.isfinite(values) & (values != 0.0)])).size < _ENOUGH:
        return DOUBLE
    return next((2.0**-format for format in FORMATS if used <= format), DOUBLE)


def of_decimals(values: Floats, at: Floats) -> float:
    """The unit roundoff at ``at`` of numbers that were printed with so many decimals; double's where they were not.

    Such a number is as coarse wherever the point is. Numbers of fewer digits than those of any format count something:
    they are no rounded ones.
    """
    sizes = np.unique(np.abs(values[np.isfinite(values) & (values != 0.0)]))
    if sizes.size < _ENOUGH:
        return DOUBLE
    largest = float(np.max(np.abs(at), initial=0.0)) or float(sizes[-1])
    unit = max(0.5 * decimal(values) / largest, DOUBLE)
    return unit if unit <= 2.0 ** -min(FORMATS) else DOUBLE


def decimal(values: Floats) -> float:
    """The spacing of printed numbers, 1e-6 of 0.25 and 0.125001, 0.5 of 1.0, 1.5 and 2.5; 0 where one has all digits.

    A double has so few digits once in 100,000.
    """
    numbers = np.unique(np.abs(values[:: max(1, values.size // _SAMPLE)])).tolist()
    places = [_last_decimal(number) for number in numbers]
    place = min((place for place in places if place), default=0.0)
    if 0.0 in places or place == 0.0:
        return 0.0
    counts = [round(number / place) for number in numbers if np.isfinite(number)]
    return place * (math.gcd(*(count - counts[0] for count in counts)) or 1)


_DIGITS, _SUMMED = 11, 4.0
"""The most digits of a printed number, and the roundings that sums of such numbers may be off by."""


def _last_decimal(value: float) -> float | None:
    """The place of a number's last decimal; 0 where there are as many as a double takes, None of what has none."""
    if value == 0.0 or not np.isfinite(value):
        return None
    digits = f"{value:.{_DIGITS + 1}e}"
    mantissa, _, exponent = digits.partition("e")
    place = len(mantissa.rstrip("0")) - len("0.") - int(exponent)
    near = abs(float(digits) - value) <= _SUMMED * np.spacing(value)
    return float(10.0**-place) if near and len(mantissa.rstrip("0")) <= _DIGITS + 1 else 0.0


def may_be_left_over(values: Floats, scale: Floats) -> bool:
    """Whether numbers are so little beside the arguments that terms which cancel may leave them, ``sum(x - mean(x))``.

    Their bits are few, and tell of no format.
    """
    largest = np.max(np.abs(values[np.isfinite(values)]), initial=0.0)
    return bool(largest <= np.sqrt(DOUBLE) * np.max(scale, initial=0.0))


def spacing(value: float, unit: float) -> float:
    """The distance of neighbouring numbers of this unit roundoff around ``value``."""
    return (
        0.0 if value == 0.0 or not np.isfinite(value) else 2.0 * unit * 2.0 ** np.floor(np.log2(abs(value)))
    )


def of_spacing(spacing: Floats, x: Floats) -> float:
    """The unit roundoff of numbers that are so far from their neighbours, by the largest."""
    largest = float(np.max(np.abs(x), initial=0.0))
    below = 2.0 ** np.floor(np.log2(largest)) if largest else np.inf
    return max(0.5 * float(np.max(spacing, initial=0.0)) / float(below), DOUBLE)


def default_rtol(unit: float) -> float:
    """The relative error that a check must be able to see before it may pass.

    A thousandth in double; below, half a million roundoffs (single: 3 %), of which a gradient of some layers carries
    a few hundred; never more than 30 %.
    """
    return min(0.3, max(1e-3, 2.0**19 * unit))
