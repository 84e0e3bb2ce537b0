"""Sliding, interpolating and summarising functions, written with the simpler ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.oracles.tracing.array import Traced, plain, wrap
from gradcheck.oracles.tracing.function import handles
from gradcheck.oracles.tracing.moves import scatter
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.refusal import refuse


@handles(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    a = as_array(a)
    ends = [None if e is None or e is np._NoValue else _edge(e, a, axis) for e in (prepend, append)]
    x = np.concatenate([part for part in (ends[0], a, ends[1]) if part is not None], axis)
    x = np.moveaxis(x, axis, 0)
    for _ in range(n):
        x = x[1:] - x[:-1]
    return np.moveaxis(x, 0, axis)


def _edge(end: Any, a: Any, axis: int) -> Any:
    shape = list(a.shape)
    shape[axis] = 1
    return np.broadcast_to(end, shape) if np.ndim(end) == 0 else end


@handles(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = np.ravel(ary)
    parts = (to_begin, flat[1:] - flat[:-1], to_end)
    return np.concatenate([np.ravel(as_array(part)) for part in parts if part is not None])


@handles(np.gradient)
def _gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = tuple(range(f.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    steps = list(spacing) if len(spacing) == len(axes) else list(spacing or (1.0,)) * len(axes)
    if edge_order != 1 or any(np.ndim(h) for h in steps):
        refuse("np.gradient with coordinates or edge_order=2 cannot be traced")
    results = [_slope(np.moveaxis(f, n, 0), h, n) for n, h in zip(axes, steps, strict=True)]
    return results[0] if len(results) == 1 else tuple(results)


def _slope(x: Any, step: Any, axis: int) -> Any:
    parts = [(x[1:2] - x[:1]) / step, (x[2:] - x[:-2]) / (2 * step), (x[-1:] - x[-2:-1]) / step]
    return np.moveaxis(np.concatenate(parts), 0, axis)


@handles(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(as_array(y), axis, -1)
    widths = dx if x is None else np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))
    return np.sum(widths * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


@handles(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    if v.size > a.size:
        a, v = v, a
    n, m = a.size, v.size
    where = np.arange(n + m - 1)[:, None] - np.arange(m)[None, :]
    inside = (where >= 0) & (where < n)
    full = np.matmul(np.where(inside, a[np.clip(where, 0, n - 1)], 0.0), v)
    start = {"full": 0, "same": (m - 1) // 2, "valid": m - 1}[mode]
    return full[start : start + {"full": n + m - 1, "same": n, "valid": n - m + 1}[mode]]


@handles(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    if mode == "same":
        return _same_correlation(a, v)
    if np.size(v) > np.size(a):
        return _convolve(v, a[::-1], mode)[::-1]
    return _convolve(a, v[::-1], mode)


def _same_correlation(a: Any, v: Any) -> Any:
    if np.size(v) > np.size(a):
        refuse("np.correlate with the longer array second and mode='same' cannot be traced")
    start = np.size(v) // 2
    return _convolve(a, v[::-1], "full")[start : start + np.size(a)]


@handles(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if period is not None:
        refuse("np.interp with period= cannot be traced")
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    at, knots = _plain(x), _plain(xp)
    low = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    inner = fp[low] + (fp[low + 1] - fp[low]) / (xp[low + 1] - xp[low]) * (x - xp[low])
    inner = np.where(at < knots[0], fp[0] if left is None else left, inner)
    return np.where(at > knots[-1], fp[-1] if right is None else right, inner)


def _plain(x: Any) -> Any:
    return x.plain_value if type(x) is Traced else x


@handles(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    if fweights is not None or aweights is not None:
        refuse("np.cov with weights cannot be traced")
    x = np.atleast_2d(as_array(m))
    x = x if rowvar or np.ndim(m) == 1 else x.T
    if y is not None:
        more = np.atleast_2d(as_array(y))
        x = np.concatenate([x, more if rowvar or np.ndim(y) == 1 else more.T])
    x = x - np.mean(x, axis=1, keepdims=True)
    factor = x.shape[1] - (ddof if ddof is not None else 0 if bias else 1)
    return np.squeeze(np.dot(x, x.T) / factor)


@handles(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, **kwargs: Any) -> Any:
    c = np.cov(x, y, rowvar)
    scale = np.sqrt(np.diagonal(c))
    return c / scale[:, None] / scale[None, :]


@handles(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    result: Any = np.zeros_like(x)
    for coefficient in p:
        result = result * x + coefficient
    return result


@handles(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    count = len(x) if N is None else N
    powers = range(count) if increasing else range(count - 1, -1, -1)
    return np.stack([x**k if k else np.ones_like(x) for k in powers], axis=1)


@handles(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    where = np.asarray(x)
    size = max(int(where.max(initial=-1)) + 1, minlength)
    return wrap(scatter(plain(as_array(weights)), where, (size,)))


@handles(np.apply_along_axis)
def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    lines = np.moveaxis(arr, axis, -1)
    results = [as_array(func1d(lines[i], *args, **kwargs)) for i in np.ndindex(lines.shape[:-1])]
    grid = np.reshape(np.stack(results), lines.shape[:-1] + np.shape(results[0]))
    return np.moveaxis(grid, -1, axis) if np.ndim(results[0]) else grid


@handles(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    replacement = np.nan_to_num(x.plain_value, True, nan, posinf, neginf)
    result = np.where(np.isfinite(x), x, replacement)
    if not copy:
        x[...] = result
    return x if not copy else result
