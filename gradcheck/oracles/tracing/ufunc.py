"""Ufuncs on traced arrays: calls, ``out=`` and ``where=``, and the methods reduce, accumulate, outer, at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import isbox, notrace_primitives

from gradcheck.oracles.tracing import memory
from gradcheck.oracles.tracing.array import Traced, dispatch, plain, wrap
from gradcheck.oracles.tracing.refusal import refuse
from gradcheck.oracles.tracing.tape import Step, record

# what stands in numpy already: to ask for every name it knows imports its compiler of Fortran and its tests as well
primitives: dict[Any, Any] = {
    ufunc: getattr(anp, name)
    for name, ufunc in vars(np).items()
    if isinstance(ufunc, np.ufunc) and hasattr(anp, name)
}
"""ufunc -> autograd's primitive."""

reductions: dict[Any, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip

accumulations: dict[Any, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}
"""ufunc -> how to call its accumulate; extended where more are known."""


composites: dict[Any, Callable[..., Any]] = {}


def composed(*ufuncs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register ufuncs that are written with others."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        composites.update(dict.fromkeys(ufuncs, function))
        return function

    return register


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``Traced.__array_ufunc__`` does."""
    if method == "__call__" and not kwargs:
        return apply(ufunc, inputs)
    if method == "at":
        return _at(ufunc, *inputs)
    options = dict(kwargs)
    outs = options.pop("out", (None,))
    if len(outs) > 1:
        refuse(f"np.{ufunc.__name__} with out= cannot be traced")
    (out,) = outs
    if method == "__call__":
        return _call(ufunc, inputs, out, **options)
    by_method: Callable[..., Any] = _METHODS.get(method, _unknown)
    result = by_method(ufunc, *inputs, **options)
    return result if out is None else into(out, result)


def apply(ufunc: Any, inputs: tuple[Any, ...]) -> Any:
    """``ufunc(*inputs)``."""
    boxes = [plain(x) for x in inputs]
    if not any([isbox(box) for box in boxes]):
        return wrap(ufunc(*boxes))
    if ufunc in composites:
        return composites[ufunc](*inputs)
    primitive = primitives.get(ufunc) or _of_scipy(ufunc)
    if primitive is None:
        refuse(f"np.{ufunc.__name__} has no derivative rule")
    if primitive in notrace_primitives[Step]:
        return wrap(primitive(*boxes))
    return wrap(record(ufunc, primitive, boxes))


def _of_scipy(ufunc: Any) -> Any:
    if "scipy.special" not in sys.modules:
        return None
    from gradcheck.oracles.tracing import scipy_calls

    del scipy_calls
    return primitives.get(ufunc)


def into(out: Any, result: Any) -> Any:
    """Write a result where ``out=`` says."""
    if not isinstance(out, Traced):
        if isinstance(result, Traced) and result.depends:
            refuse("a traced result is written into a plain array")
        out[...] = plain(result)
        return out
    if np.shape(result) != out.shape:
        raise ValueError(f"output of shape {np.shape(result)} does not fit an array of shape {out.shape}")
    memory.assign(out, plain(result))
    return out


def _call(
    ufunc: Any, inputs: tuple[Any, ...], out: Any, where: Any = True, dtype: Any = None, **ignored: Any
) -> Any:
    if dtype is not None and np.dtype(getattr(dtype, "type", dtype)).kind not in "fc":
        refuse(f"np.{ufunc.__name__} with dtype={dtype} cannot be traced")
    if where is True:
        result = apply(ufunc, inputs)
        return result if out is None else into(out, result)
    if out is None:
        refuse(f"np.{ufunc.__name__} with where= but without out= leaves entries undefined")
    # only the chosen entries are computed: the others may have no derivative, or an infinite one
    chosen = np.broadcast_to(np.asarray(where, dtype=bool), out.shape)
    parts = [np.broadcast_to(x, out.shape)[chosen] for x in inputs]
    out[chosen] = apply(ufunc, tuple(parts))
    return out


def _reduce(ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
    reduction = reductions.get(ufunc)
    if reduction is None:
        refuse(f"np.{ufunc.__name__}.reduce cannot be traced")
    given = {name: value for name, value in options.items() if value is not np._NoValue}
    return reduction(array, axis=axis, **given)


def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    accumulation = accumulations.get(ufunc)
    if accumulation is None:
        refuse(f"np.{ufunc.__name__}.accumulate cannot be traced")
    return accumulation(array, axis=axis)


def _outer(ufunc: Any, a: Any, b: Any, **ignored: Any) -> Any:
    return apply(ufunc, (np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b))


def _at(ufunc: Any, target: Any, index: Any, *values: Any) -> None:
    if not isinstance(target, Traced):
        refuse(f"np.{ufunc.__name__}.at writes a traced value into a plain array")
    if ufunc not in (np.add, np.subtract):
        refuse(f"np.{ufunc.__name__}.at cannot be traced")
    memory.add_at(target, index, values[0], 1.0 if ufunc is np.add else -1.0)


def _unknown(ufunc: Any, *inputs: Any, **options: Any) -> Any:
    refuse(f"this method of np.{ufunc.__name__} cannot be traced")


_METHODS: dict[str, Callable[..., Any]] = {"reduce": _reduce, "accumulate": _accumulate, "outer": _outer}
dispatch["ufunc"] = call_ufunc
