"""Elementwise functions: rules that autograd lacks, or that fail at special points."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.numpy import numpy_wrapper
from autograd.tracer import getval, notrace_primitives

from gradcheck.oracles.tracing.array import Traced
from gradcheck.oracles.tracing.function import handles, there, through
from gradcheck.oracles.tracing.moves import rule, sum_to
from gradcheck.oracles.tracing.tape import Step
from gradcheck.oracles.tracing.ufunc import composed

notrace_primitives[Step] = notrace_primitives[Step] | {anp.signbit, anp.spacing}

rule(anp.cbrt, lambda ans, x: lambda g: g / (3 * ans**2))
rule(
    anp.float_power,
    lambda ans, x, y: lambda g: sum_to(g * y * x ** anp.where(y, y - 1, 1.0), x),
    lambda ans, x, y: lambda g: sum_to(g * anp.log(anp.where(x, x, 1.0)) * ans, y),
)
rule(
    anp.fmod,
    lambda ans, x, y: lambda g: sum_to(g, x),
    lambda ans, x, y: lambda g: sum_to(-g * anp.trunc(x / y), y),
)
rule(
    anp.copysign,
    lambda ans, x, y: lambda g: sum_to(g * anp.sign(x) * anp.sign(ans), x),
    lambda ans, x, y: lambda g: sum_to(0.0 * g, y),
)


def _share(ans: Any, x: Any, exp: Any) -> Any:
    """What ``exp(x)`` has in ``exp(ans)``; nothing where it is zero, also where both are (an impossible event)."""
    impossible = getval(x) == -np.inf
    return anp._original_where(impossible, 0.0, exp(anp._original_where(impossible, 0.0, x - ans)))


for _sum, _exp in ((anp.logaddexp, anp.exp), (anp.logaddexp2, anp.exp2)):
    rule(
        _sum,
        lambda ans, x, y, exp=_exp: lambda g: sum_to(g * _share(ans, x, exp), x),
        lambda ans, x, y, exp=_exp: lambda g: sum_to(g * _share(ans, y, exp), y),
    )
rule(anp.ldexp, lambda ans, x, n: lambda g: sum_to(g * 2.0**n, x))
rule(
    anp.heaviside,
    lambda ans, x, h: lambda g: sum_to(0.0 * g, x),
    lambda ans, x, h: lambda g: sum_to(g * (x == 0), h),
)
rule(
    anp.sinc,
    lambda ans, x: lambda g: g * anp.where(x, (anp.cos(np.pi * x) - ans) / anp.where(x, x, 1.0), 0.0),
)
for _where_of in (numpy_wrapper.where, anp._original_where):
    rule(
        _where_of,
        None,
        lambda ans, c, x=None, y=None: lambda g: sum_to(anp._original_where(c, g, 0.0), x),
        lambda ans, c, x=None, y=None: lambda g: sum_to(anp._original_where(c, 0.0, g), y),
    )


@composed(np.divmod)
def _divmod(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y), np.remainder(x, y)


@composed(np.modf)
def _modf(x: Any) -> Any:
    whole = np.trunc(x)
    return x - whole, whole


@composed(np.vecdot)
def _vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    return np.sum(np.conj(a) * b, axis=axis)


@composed(*there("matvec"))
def _matvec(a: Any, x: Any) -> Any:
    return np.matmul(a, x[..., None])[..., 0]


@composed(*there("vecmat"))
def _vecmat(x: Any, a: Any) -> Any:
    return np.matmul(np.conj(x)[..., None, :], a)[..., 0, :]


@handles(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, **names: Any) -> Any:
    low, high = names.get("min", a_min), names.get("max", a_max)
    if low is not None:
        a = np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@handles(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return np.nonzero(condition)
    if isinstance(condition, Traced):
        condition = condition != 0
    return through(np.where, (condition, *choices), {})


@handles(np.choose)
def _choose(index: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    result = choices[0]
    for number in range(1, len(choices)):
        result = np.where(np.asarray(index) == number, choices[number], result)
    return result
