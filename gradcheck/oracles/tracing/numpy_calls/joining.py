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


@handles(np.stack)
def _stack(arrays: Any, axis: int = 0, **kwargs: Any) -> Any:
    arrays = [as_array(a) for a in arrays]
    axis = axis % (np.ndim(arrays[0]) + 1)
    if len({np.shape(a) for a in arrays}) > 1:
        raise ValueError("all input arrays must have the same shape")
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis)


@handles(np.vstack)
def _vstack(arrays: Any, **kwargs: Any) -> Any:
    return np.concatenate([np.atleast_2d(as_array(a)) for a in arrays], 0)


@handles(np.hstack)
def _hstack(arrays: Any, **kwargs: Any) -> Any:
    arrays = [np.atleast_1d(as_array(a)) for a in arrays]
    return np.concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@handles(np.dstack)
def _dstack(arrays: Any) -> Any:
    return np.concatenate([np.atleast_3d(as_array(a)) for a in arrays], 2)


@handles(np.column_stack)
def _column_stack(arrays: Any) -> Any:
    columns = [np.atleast_1d(as_array(a)) for a in arrays]
    return np.concatenate([c[:, None] if c.ndim == 1 else c for c in columns], 1)


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


@handles(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([as_array(arr), as_array(values)], axis)


@handles(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = as_array(arr), as_array(values)
    source = np.arange(arr.size).reshape(arr.shape)
    added = arr.size + np.arange(values.size).reshape(values.shape)
    return np.concatenate([arr, values], None)[np.insert(source, obj, added, axis)]
