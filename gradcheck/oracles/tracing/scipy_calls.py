"""scipy.special on traced arrays, where autograd.scipy or a line of algebra has the rule.

Imported only once a function of SciPy has been met, so SciPy need not be installed.
"""

from __future__ import annotations

from typing import Any

import autograd.scipy.special as asp
import numpy as np
import scipy.special as sp
from autograd.extend import primitive

from gradcheck.oracles.tracing.function import holds_traced
from gradcheck.oracles.tracing.moves import rule
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.standins import stands_for
from gradcheck.oracles.tracing.ufunc import composed, primitives

for _name in dir(sp):
    _ufunc = getattr(sp, _name)
    if isinstance(_ufunc, np.ufunc) and _ufunc not in primitives:
        primitives[_ufunc] = getattr(asp, _name, None) or primitive(_ufunc)

_ROOT_PI = np.sqrt(np.pi)


def _unary(ufunc: Any, derivative: Any) -> None:
    rule(primitives[ufunc], lambda ans, x: lambda g: g * derivative(ans, x))


_unary(sp.expit, lambda ans, x: ans * primitives[sp.expit](-x))  # 1 - ans has no digits left for large x
_unary(sp.log_expit, lambda ans, x: primitives[sp.expit](-x))
_unary(sp.ndtr, lambda ans, x: np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))
_unary(sp.log_ndtr, lambda ans, x: np.exp(-0.5 * x**2 - ans) / np.sqrt(2 * np.pi))
_unary(sp.ndtri, lambda ans, x: np.sqrt(2 * np.pi) * np.exp(0.5 * ans**2))
_unary(sp.erfcx, lambda ans, x: 2 * x * ans - 2 / _ROOT_PI)
_unary(sp.erfi, lambda ans, x: 2 / _ROOT_PI * np.exp(x**2))
_unary(sp.dawsn, lambda ans, x: 1 - 2 * x * ans)
_unary(sp.loggamma, lambda ans, x: asp.psi(x))
_unary(
    sp.exprel, lambda ans, x: np.where(np.abs(x) > 1e-5, (np.exp(x) - ans) / np.where(x, x, 1.0), 0.5 + x / 3)
)
_unary(sp.entr, lambda ans, x: -np.log(x) - 1)


@composed(sp.xlogy)
def _xlogy(x: Any, y: Any) -> Any:
    zero = (x == 0) & ~np.isnan(y)
    return np.where(zero, 0.0, x * np.log(np.where(zero, 1.0, y)))


@composed(sp.xlog1py)
def _xlog1py(x: Any, y: Any) -> Any:
    zero = (x == 0) & ~np.isnan(y)
    return np.where(zero, 0.0, x * np.log1p(np.where(zero, 0.0, y)))


@composed(sp.rel_entr)
def _rel_entr(x: Any, y: Any) -> Any:
    return sp.xlogy(x, x / y)


@composed(sp.kl_div)
def _kl_div(x: Any, y: Any) -> Any:
    return sp.xlogy(x, x / y) - x + y


@composed(sp.huber)
def _huber(delta: Any, r: Any) -> Any:
    return np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta))


@composed(sp.pseudo_huber)
def _pseudo_huber(delta: Any, r: Any) -> Any:
    return delta**2 * (np.sqrt(1 + (r / delta) ** 2) - 1)


@composed(sp.boxcox)
def _boxcox(x: Any, power: Any) -> Any:
    return np.where(power == 0, np.log(x), (x**power - 1) / np.where(power == 0, 1.0, power))


@stands_for(sp.logsumexp)
def _logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    if return_sign or not (holds_traced(a) or holds_traced(b)):
        return sp.logsumexp(a, axis, b, keepdims, return_sign)
    a = as_array(a)
    top = np.max(a.plain_value if hasattr(a, "plain_value") else a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    terms = np.exp(a - top) if b is None else b * np.exp(a - top)
    result = np.log(np.sum(terms, axis=axis, keepdims=True)) + top
    return result if keepdims else np.squeeze(result, axis)


@stands_for(sp.softmax)
def _softmax(x: Any, axis: Any = None) -> Any:
    return np.exp(_log_softmax(x, axis)) if holds_traced(x) else sp.softmax(x, axis)


@stands_for(sp.log_softmax)
def _log_softmax(x: Any, axis: Any = None) -> Any:
    if not holds_traced(x):
        return sp.log_softmax(x, axis)
    return x - _logsumexp(x, axis, keepdims=True)
