"""Sliding, interpolating and summarising functions, written with the simpler ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.oracles.tracing.array import Traced, plain, wrap
from gradcheck.oracles.tracing.function import handles
from gradcheck.oracles.tracing.moves import scatter
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.refusal import refuse


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
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, **options: Any) -> Any:
    if options.get("period") is not None:
        refuse("np.interp with period= cannot be traced")
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    at, knots = _plain(x), _plain(xp)
    low = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    inner = fp[low] + (fp[low + 1] - fp[low]) / (xp[low + 1] - xp[low]) * (x - xp[low])
    inner = np.where(at < knots[0], fp[0] if left is None else left, inner)
    return np.where(at > knots[-1], fp[-1] if right is None else right, inner)


def _plain(x: Any) -> Any:
    return x.plain_value if type(x) is Traced else x


@handles(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    where = np.asarray(x)
    size = max(int(where.max(initial=-1)) + 1, minlength)
    return wrap(scatter(plain(as_array(weights)), where, (size,)))
