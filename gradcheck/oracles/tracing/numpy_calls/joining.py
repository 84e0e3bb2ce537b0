"""Functions that join arrays."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from gradcheck.oracles.tracing.array import Traced, plain, wrap
from gradcheck.oracles.tracing.function import handles


def as_array(x: Any) -> Any:
    """An array of what may be a number, a list of traced numbers or an array."""
    if isinstance(x, list | tuple):
        if any(type(item) is Traced for item in x) and not any(map(np.ndim, x)):
            return wrap(anp.array_from_args((), {}, *[plain(item) for item in x]))
        return np.stack([as_array(item) for item in x]) if len(x) else np.asarray(x, dtype=float)
    return x if isinstance(x, np.ndarray) else np.reshape(x, ())


@handles(np.concatenate, np.concat)
def _concatenate(arrays: Any, axis: int | None = 0, **kwargs: Any) -> Any:
    arrays = [as_array(a) for a in arrays]
    if axis is None:
        arrays, axis = [np.ravel(a) for a in arrays], 0
    return wrap(anp.concatenate_args(axis % max(np.ndim(arrays[0]), 1), *[plain(a) for a in arrays]))


@handles(np.block)
def _block(arrays: Any) -> Any:
    depth, first = 0, arrays
    while isinstance(first, list):
        depth, first = depth + 1, first[0]
    ndim = max(depth, _deepest(arrays))
    return _joined(arrays, depth, ndim)


def _deepest(arrays: Any) -> int:
    return max(map(_deepest, arrays)) if isinstance(arrays, list) else np.ndim(arrays)


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    if not isinstance(arrays, list):
        array = as_array(arrays)
        return np.reshape(array, (1,) * (ndim - array.ndim) + np.shape(array))
    return np.concatenate([_joined(a, depth - 1, ndim) for a in arrays], -depth)
