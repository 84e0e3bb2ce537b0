"""Reductions and running reductions."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from inspect import signature
from typing import Any, NamedTuple

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


class _Asked(NamedTuple):
    """One call of a reduction: the array, over which axes, and what else it was told."""

    a: Any
    axis: Axis
    kept: bool
    more: dict[str, Any]

    def by(self, primitive: Any, **options: Any) -> Any:
        """The reduction by one of autograd's primitives."""
        return wrap(primitive(plain(self.a), axis=self.axis, keepdims=self.kept, **options))


def _reduces(*functions: Any) -> Callable[[Callable[[_Asked], Any]], Callable[[_Asked], Any]]:
    """Register how to answer a call of these functions, which have one signature."""
    names, called = tuple(signature(functions[0]).parameters), functions[0].__name__

    def register(answer: Callable[[_Asked], Any]) -> Callable[[_Asked], Any]:
        def handler(*args: Any, **kwargs: Any) -> Any:
            given = (*zip(names, args, strict=False), *kwargs.items())
            told = {name: value for name, value in given if value is not _NONE}
            _same_float(told.get("dtype"), called)
            a, axis, kept = as_array(told["a"]), told.get("axis"), bool(told.get("keepdims"))
            return answer(_Asked(a, axis, kept, told))

        handles(*functions)(handler)
        return answer

    return register


def _same_float(dtype: Any, name: str) -> None:
    if dtype is not None and np.dtype(dtype).kind != "f":
        refuse(f"np.{name} with dtype={dtype} cannot be traced")


def _folds(function: Callable[[_Asked], Any], join: Any, neutral: float | None) -> Callable[[_Asked], Any]:
    """The same with ``where=``, which puts ``neutral`` elsewhere (``initial`` if None), and with ``initial=``."""

    def answer(asked: _Asked) -> Any:
        initial, where = asked.more.get("initial"), asked.more.get("where", True)
        if where is not True:
            asked = asked._replace(a=np.where(where, asked.a, initial if neutral is None else neutral))
        result = function(asked)
        return result if initial is None else join(result, initial)

    return answer


def _product(asked: _Asked) -> Any:
    # pairwise products and no division: right also where an entry is 0
    a, axis = asked.a, asked.axis
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(n % a.ndim for n in axes)
    rest = tuple(n for n in range(a.ndim) if n not in axes)
    x = np.transpose(a, (*axes, *rest)).reshape((-1, *(a.shape[n] for n in rest)))
    while len(x) > 1:
        odd = x[len(x) - len(x) % 2 :]
        x = x[: len(x) - len(x) % 2 : 2] * x[1::2]
        x = np.concatenate([x, odd]) if len(odd) else x
    result = x[0] if len(x) else np.ones(x.shape[1:])
    shape = tuple(1 if n in axes else a.shape[n] for n in range(a.ndim))
    return np.reshape(result, shape) if asked.kept else result


_reduces(np.sum)(_folds(lambda asked: asked.by(anp.sum), np.add, 0.0))
_reduces(np.prod)(_folds(_product, np.multiply, 1.0))
_reduces(np.max, np.amax)(_folds(lambda asked: asked.by(anp.max), np.maximum, None))
_reduces(np.min, np.amin)(_folds(lambda asked: asked.by(anp.min), np.minimum, None))


@_reduces(np.mean)
def _mean(asked: _Asked) -> Any:
    where: Any = asked.more.get("where", True)
    options: dict[str, Any] = {"axis": asked.axis, "keepdims": asked.kept}
    if where is True:
        return asked.by(numpy_wrapper._primitive_mean)
    count = np.sum(np.broadcast_to(np.asarray(where), asked.a.shape), **options)
    return np.sum(asked.a, where=where, **options) / count


def _spread(function: Any, primitive: Any) -> None:
    def answer(asked: _Asked) -> Any:
        if asked.more.get("where", True) is not True or "mean" in asked.more:
            refuse(f"np.{function.__name__} with where= or mean= cannot be traced")
        return asked.by(primitive, ddof=asked.more.get("correction", asked.more.get("ddof", 0)))

    _reduces(function)(answer)


_spread(np.var, numpy_wrapper._primitive_var)
_spread(np.std, numpy_wrapper._primitive_std)


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
