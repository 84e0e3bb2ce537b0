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
