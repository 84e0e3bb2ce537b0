"""Hidden activations in place: the NumPy calls that apply them, and those that leave their slope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Steps = list[Callable[[], object]]


class Hidden(NamedTuple):
    """``enter`` applies an activation to a buffer, ``differentiate`` leaves its derivative in ``slope``."""

    enter: Steps
    differentiate: Steps
    slope: Array


def _relu(values: Array) -> Hidden:
    zeros = _filled(values, 0)
    enter: Steps = [partial(np.maximum, values, zeros, out=values)]
    # Signs are a slope of the same dtype, which small arrays multiply by at a third of the cost of booleans;
    # large ones compare, and multiply by booleans, at half the cost of signs.
    if values.size <= 8192:
        slope = np.empty_like(values)
        return Hidden(enter, [partial(np.sign, values, slope)], slope)
    slope = np.empty_like(values, dtype=bool)
    return Hidden(enter, [partial(np.greater, values, np.array(0, values.dtype), slope)], slope)


def _sigmoid(values: Array) -> Hidden:
    # With e = exp(z) and d = 1 + e, the sigmoid is s = e / d and its slope s / d, accurate on both sides.
    d, one = np.empty_like(values), np.array(1, values.dtype)
    # beyond log(max) the exponential would overflow, where the sigmoid has long been as good as 1
    limit = _filled(values, np.floor(np.log(np.finfo(values.dtype).max)))
    enter: Steps = [
        partial(np.minimum, values, limit, out=values),
        partial(np.exp, values, values),
        partial(np.add, values, one, d),
        partial(np.divide, values, d, values),
    ]
    return Hidden(enter, [partial(np.divide, values, d, d)], d)


def _filled(values: Array, number: float) -> Array:
    """``number`` as an operand of the size of ``values``, or as one row where that saves memory traffic."""
    return np.full_like(values if values.size <= 32768 else values[:1], number)


def _tanh(values: Array) -> Hidden:
    slope, one = np.empty_like(values), np.array(1, values.dtype)
    enter: Steps = [partial(np.tanh, values, values)]
    return Hidden(
        enter, [partial(np.multiply, values, values, slope), partial(np.subtract, one, slope, slope)], slope
    )


HIDDEN: dict[str, Callable[[Array], Hidden]] = {"relu": _relu, "sigmoid": _sigmoid, "tanh": _tanh}
"""The hidden activations of the fast form."""
