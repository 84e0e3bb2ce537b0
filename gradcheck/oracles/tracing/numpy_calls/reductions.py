"""Reductions and running reductions."""

from __future__ import annotations

from functools import reduce
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.numpy import numpy_wrapper

from gradcheck.oracles.tracing.array import Traced, plain, wrap
from gradcheck.oracles.tracing.function import handles
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.refusal import refuse
from gradcheck.oracles.tracing.ufunc import accumulations, reductions

Axis = int | tuple[int, ...] | None
_NONE = np._NoValue


def _kept(keepdims: Any) -> bool:
    return False if keepdims is _NONE else bool(keepdims)


def _same_float(dtype: Any, name: str) -> None:
    if dtype is not None and np.dtype(dtype).kind != "f":
        refuse(f"np.{name} with dtype={dtype} cannot be traced")


@handles(np.sum)
def _sum(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = _NONE,
    initial: Any = _NONE, where: Any = True,
) -> Any:  # fmt: skip
    _same_float(dtype, "sum")
    a = as_array(a)
    if where is not True:
        a = np.where(where, a, 0.0)
    total = wrap(anp.sum(plain(a), axis=axis, keepdims=_kept(keepdims)))
    return total if initial is _NONE else total + initial


@handles(np.mean)
def _mean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = _NONE,
    *,
    where: Any = True,
) -> Any:
    _same_float(dtype, "mean")
    a = as_array(a)
    if where is not True:
        count = np.sum(np.broadcast_to(np.asarray(where), a.shape), axis=axis, keepdims=_kept(keepdims))
        return np.sum(a, axis=axis, keepdims=keepdims, where=where) / count
    return wrap(numpy_wrapper._primitive_mean(plain(a), axis=axis, keepdims=_kept(keepdims)))


def _spread(function: Any, primitive: Any) -> None:
    def handler(
        a: Any, axis: Axis = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: Any = _NONE,
        *, where: Any = True, mean: Any = _NONE, correction: Any = _NONE,
    ) -> Any:  # fmt: skip
        _same_float(dtype, function.__name__)
        if where is not True or mean is not _NONE:
            refuse(f"np.{function.__name__} with where= or mean= cannot be traced")
        ddof = ddof if correction is _NONE else correction
        return wrap(primitive(plain(as_array(a)), axis=axis, ddof=ddof, keepdims=_kept(keepdims)))

    handles(function)(handler)


_spread(np.var, numpy_wrapper._primitive_var)
_spread(np.std, numpy_wrapper._primitive_std)


def _extreme(functions: tuple[Any, ...], primitive: Any, pick: Any) -> None:
    def handler(
        a: Any, axis: Axis = None, out: None = None, keepdims: Any = _NONE, initial: Any = _NONE,
        where: Any = True,
    ) -> Any:  # fmt: skip
        if where is not True:
            a = np.where(where, a, initial)
        result = wrap(primitive(plain(as_array(a)), axis=axis, keepdims=_kept(keepdims)))
        return result if initial is _NONE else pick(result, initial)

    handles(*functions)(handler)


_extreme((np.max, np.amax), anp.max, np.maximum)
_extreme((np.min, np.amin), anp.min, np.minimum)


@handles(np.prod)
def _prod(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = _NONE,
    initial: Any = _NONE, where: Any = True,
) -> Any:  # fmt: skip
    # pairwise products and no division: right also where an entry is 0
    _same_float(dtype, "prod")
    a = as_array(a)
    if where is not True:
        a = np.where(where, a, 1.0)
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(n % a.ndim for n in axes)
    rest = tuple(n for n in range(a.ndim) if n not in axes)
    x = np.transpose(a, (*axes, *rest)).reshape((-1, *(a.shape[n] for n in rest)))
    while len(x) > 1:
        odd = x[len(x) - len(x) % 2 :]
        x = x[: len(x) - len(x) % 2 : 2] * x[1::2]
        x = np.concatenate([x, odd]) if len(odd) else x
    result = x[0] if len(x) else np.ones(x.shape[1:])
    if _kept(keepdims):
        result = np.reshape(result, tuple(1 if n in axes else a.shape[n] for n in range(a.ndim)))
    return result if initial is _NONE else result * initial


@handles(np.cumsum)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    _same_float(dtype, "cumsum")
    a = as_array(a)
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis % a.ndim)
    return wrap(anp.cumsum(plain(a), axis))


@handles(np.cumprod)
def _cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    # doubling: after k rounds every entry is the product of the 2**k entries up to it
    x = np.ravel(a) if axis is None else np.moveaxis(as_array(a), axis, 0)
    reach = 1
    while reach < len(x):
        x = np.concatenate([x[:reach], x[reach:] * x[:-reach]])
        reach *= 2
    return x if axis is None else np.moveaxis(x, 0, axis)


def running(x: Any, extreme: Any, axis: int) -> Any:
    """np.maximum.accumulate or np.minimum.accumulate: every entry is one of those before it."""
    values = np.moveaxis(x.plain_value if type(x) is Traced else x, axis, 0)
    best = extreme.accumulate(values, axis=0)
    steps = np.arange(len(values)).reshape((-1,) + (1,) * (values.ndim - 1))
    is_new = np.ones(values.shape, dtype=bool)
    is_new[1:] = best[1:] != best[:-1]
    source = np.maximum.accumulate(np.where(is_new, steps, 0), axis=0)
    return np.take_along_axis(x, np.moveaxis(source, 0, axis), axis)


accumulations[np.maximum] = lambda x, axis: running(x, np.maximum, axis)
accumulations[np.minimum] = lambda x, axis: running(x, np.minimum, axis)


def _fold(ufunc: Any) -> None:
    def reduction(a: Any, axis: int = 0, keepdims: bool = False, **options: Any) -> Any:
        x = np.ravel(a) if axis is None else np.moveaxis(a, axis, 0)
        result = reduce(ufunc, [x[i] for i in range(len(x))])
        return np.expand_dims(result, axis) if keepdims else result

    reductions[ufunc] = reduction


for _ufunc in (np.logaddexp, np.logaddexp2, np.hypot, np.subtract, np.matmul):
    _fold(_ufunc)
