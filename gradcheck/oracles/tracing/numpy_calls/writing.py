"""NumPy functions that write into their first argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.oracles.tracing.array import Traced
from gradcheck.oracles.tracing.function import handles
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.refusal import refuse


def _target(array: Any, name: str) -> Traced:
    if type(array) is not Traced:
        refuse(f"{name} writes a traced value into a plain array")
    return array


@handles(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    target = _target(dst, "np.copyto")
    if where is True:
        target[...] = src
    else:
        chosen = np.broadcast_to(np.asarray(where), target.shape)
        target[chosen] = np.broadcast_to(src, target.shape)[chosen]


@handles(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    mask, values = np.asarray(mask), np.ravel(as_array(values))
    _target(a, "np.putmask")[mask] = values[np.flatnonzero(mask) % values.size]


@handles(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    mask, values = np.asarray(mask), np.ravel(as_array(vals))
    _target(arr, "np.place")[mask] = values[np.arange(np.count_nonzero(mask)) % values.size]


@handles(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    where, values = np.ravel(ind), np.ravel(as_array(v))
    _target(a, "np.put").flat[where] = values[np.arange(where.size) % values.size]
