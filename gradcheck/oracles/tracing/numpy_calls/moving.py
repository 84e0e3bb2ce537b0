"""Functions that only move entries: one derivative serves them all (see `moves`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np

from gradcheck.oracles.tracing.array import Traced, plain, plain_index, wrap
from gradcheck.oracles.tracing.function import handles
from gradcheck.oracles.tracing.moves import rearrange, rule
from gradcheck.oracles.tracing.refusal import refuse


def moved(x: Any, move: Callable[[Any], Any]) -> Any:
    """``move(x)``, recorded."""
    return wrap(rearrange(plain(x), move), (x,) if type(x) is Traced else ())


def _movement(function: Any) -> None:
    def handler(x: Any, *args: Any, **kwargs: Any) -> Any:
        fixed = [plain_index(arg) for arg in args]
        named = {key: plain_index(value) for key, value in kwargs.items()}
        return moved(x, lambda a: function(a, *fixed, **named))

    handles(function)(handler)


for _function in (
    np.tile, np.repeat, np.roll, np.rot90, np.flip, np.flipud, np.fliplr, np.diagonal, np.take, np.resize,
    np.broadcast_to, np.delete, np.rollaxis, np.take_along_axis, np.linalg.diagonal,
    np.lib.stride_tricks.sliding_window_view, np.matrix_transpose, np.linalg.matrix_transpose,
):  # fmt: skip
    _movement(_function)

# views by reshaping and by reordering axes are frequent: no table of positions for these
_reshaped = lambda ans, x, *args, **kwargs: lambda g: anp.reshape(g, np.shape(x))  # noqa: E731
rule(anp.expand_dims, _reshaped)
rule(anp.squeeze, _reshaped)
rule(anp.reshape, _reshaped)
rule(anp.ravel, _reshaped)


@handles(np.reshape)
def _reshape(a: Any, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    shape = plain_index(newshape if shape is None else shape)
    if order != "C":
        return moved(a, lambda x: np.reshape(x, shape, order=order))
    return wrap(anp.reshape(plain(a), shape), (a,))


@handles(np.ravel)
def _ravel(a: Any, order: Any = "C") -> Any:
    if order != "C":
        return moved(a, lambda x: np.ravel(x, "A" if order == "K" else order))
    return wrap(anp.ravel(plain(a)), (a,))


@handles(np.transpose, np.permute_dims)
def _transpose(a: Any, axes: Any = None) -> Any:
    return wrap(anp.transpose(plain(a), axes), (a,))


@handles(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return a.copy(order)


@handles(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    chosen = np.asarray(condition)
    return moved(a, lambda x: np.compress(chosen, x, axis))


@handles(np.sort)
def _sort(a: Any, axis: int | None = -1, **kwargs: Any) -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, np.argsort(a.plain_value, axis=axis, kind="stable"), axis)


@handles(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1, **kwargs: Any) -> Any:
    if axis is None:
        a, axis = np.ravel(a), -1
    return np.take_along_axis(a, np.argpartition(a.plain_value, kth, axis=axis), axis)


@handles(np.unique)
def _unique(ar: Any, *args: Any, **kwargs: Any) -> Any:
    _, first = np.unique(ar.plain_value, return_index=True)
    if args or kwargs:
        refuse("np.unique with options cannot be traced")
    return np.ravel(ar)[first]


@handles(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    return tuple(np.broadcast_to(a, shape) for a in arrays)
