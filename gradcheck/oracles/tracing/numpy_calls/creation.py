"""Functions that make arrays from arrays, and questions whose answer is constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.oracles.tracing.array import Constant, Traced
from gradcheck.oracles.tracing.function import handles


def fresh(array: Any) -> Any:
    """A new array that traced values may be written into; integers and booleans stay plain."""
    return Traced(array) if array.dtype.kind in "fc" and isinstance(array, np.ndarray) else array


def _like(function: Any) -> None:
    def handler(a: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        value = np.asarray(a.plain_value if type(a) is Traced else a)
        kind = np.float64 if dtype is None or np.dtype(dtype).kind == "f" else dtype
        return fresh(function(value, kind, *args, **{**kwargs, "subok": False}))

    handles(function)(handler)


for _function in (np.zeros_like, np.ones_like, np.empty_like):
    _like(_function)


def _constant(function: Any) -> None:
    def handler(*args: Any, **kwargs: Any) -> Any:
        result = function(*[_value(a) for a in args], **{k: _value(v) for k, v in kwargs.items()})
        return result.view(Constant) if isinstance(result, np.ndarray) else result

    handles(function)(handler)


def _value(argument: Any) -> Any:
    if type(argument) is Traced:
        return argument.plain_value
    return [_value(a) for a in argument] if isinstance(argument, list | tuple) else argument


for _question in (
    np.isin, np.digitize, np.lexsort, np.nanargmax, np.nanargmin, np.isrealobj, np.may_share_memory,
    np.shares_memory, np.array_repr, np.array_str, np.array2string, np.common_type, np.min_scalar_type,
    np.can_cast, np.tril_indices_from, np.triu_indices_from, np.diag_indices_from, np.linalg.matrix_rank,
    np.shape, np.ndim, np.size, np.iscomplexobj, np.result_type, np.histogram_bin_edges, np.array_equal,
    np.array_equiv, np.allclose, np.isclose, np.count_nonzero,
):  # fmt: skip
    _constant(_question)
