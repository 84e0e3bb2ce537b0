"""Activations with their slope in one go, block by block: the numbers of `activations` and `gated`, sooner.

Value and slope share their exponential, and a block stays in the cache from the first NumPy call to the last. Each
kernel gets a block of inputs and fills one of values and one of slopes; the derivations stand beside the plain forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradcheck import Case
from reference_impls.activations import ACTIVATIONS
from reference_impls.broadcast import short_buffer
from reference_impls.erf import erfc
from reference_impls.gated import GATED
from reference_impls.layers.blocks import blocks

Array = np.ndarray[Any, np.dtype[Any]]
Kernel = Callable[[Array, Array, Array], None]

BLOCK = 2**15
"""Entries at a time: inputs, values, slopes and what lies between them stay in the second-level cache."""


def value_and_slope(name: str, z: Array) -> tuple[Array, Array]:
    """``h(z)`` and ``h'(z)``, entry by entry, of the activation of this ``name``: a key of `KERNELS`."""
    flat = np.ascontiguousarray(z).reshape(-1)
    value, slope = np.empty((2, flat.size), z.dtype)
    for start in range(0, flat.size, BLOCK):
        part = slice(start, start + BLOCK)
        KERNELS[name](flat[part], value[part], slope[part])
    return value.reshape(z.shape), slope.reshape(z.shape)


def _sigmoid(z: Array, value: Array, slope: Array) -> None:
    """With ``e = exp(-z)``: ``s = 1 / (1 + e)`` and ``1 - s = e s``, both with all their digits."""
    _exponential(z, slope)
    np.divide(1, np.add(slope, 1, out=value), out=value)
    _finite(slope)
    slope *= value
    slope *= value


def _exponential(z: Array, out: Array) -> None:
    """``exp(-z)``, infinite far out, where the sigmoid is 0."""
    with np.errstate(over="ignore"):
        np.exp(np.negative(z, out=out), out=out)


def _finite(e: Array) -> None:
    """The largest number for infinity, which times 0 would be none."""
    np.minimum(e, np.finfo(e.dtype).max, out=e)


def _gate(z: Array) -> tuple[Array, Array]:
    """The sigmoid ``s`` of ``z``; and ``1 - s``, or 0 where ``s`` is."""
    s, rest = np.empty((2, *z.shape), z.dtype)
    _exponential(z, rest)
    np.divide(1, rest + 1, out=s)
    _finite(rest)
    rest *= s
    return s, rest


def _tanh(z: Array, value: Array, slope: Array) -> None:
    """With ``q = exp(-2 |z|)`` the slope is ``1 / cosh(z)^2 = 4 q / (1 + q)^2``, which has digits where tanh is 1."""
    np.tanh(z, out=value)
    q = np.exp(-np.abs(z))
    q *= q
    np.add(q, 1, out=slope)
    slope *= slope
    q *= 4
    np.divide(q, slope, out=slope)


def _relu(z: Array, value: Array, slope: Array) -> None:
    np.maximum(z, 0, out=value)
    np.greater(z, 0, out=slope)


def _leaky_relu(z: Array, value: Array, slope: Array) -> None:
    np.greater(z, 0, out=slope)
    np.maximum(slope, 0.01, out=slope)  # numpy.where mistakes every other branch
    np.multiply(z, slope, out=value)


_ENOUGH = 40.0
"""Where softplus and the gelus have become ``z``, and a normal density 0, to double precision."""


def _softplus(z: Array, value: Array, slope: Array) -> None:
    e = np.exp(np.minimum(z, _ENOUGH))
    np.log1p(e, out=value)
    value += np.maximum(z - _ENOUGH, 0)
    np.divide(e, 1 + e, out=slope)


def _elu(z: Array, value: Array, slope: Array) -> None:
    below = np.minimum(z, 0)
    np.exp(below, out=slope)
    np.expm1(below, out=value)
    value += np.maximum(z, 0)


def _hard_tanh(z: Array, value: Array, slope: Array) -> None:
    np.clip(z, -1, 1, out=value)
    np.less(np.abs(z), 1, out=slope)


def _hard_sigmoid(z: Array, value: Array, slope: Array) -> None:
    np.clip((z + 3) / 6, 0, 1, out=value)
    np.less(np.abs(z), 3, out=slope)
    slope /= 6


def _hard_swish(z: Array, value: Array, slope: Array) -> None:
    np.less(np.abs(z), 3, out=slope)
    slope *= z / 3 + 0.5
    slope += z >= 3
    np.clip((z + 3) / 6, 0, 1, out=value)
    value *= z


def _silu(z: Array, value: Array, slope: Array) -> None:
    s, rest = _gate(z)
    np.multiply(z, s, out=value)
    np.multiply(s, 1 + z * rest, out=slope)


def _gelu(z: Array, value: Array, slope: Array) -> None:
    phi = erfc(-math.sqrt(0.5) * z)
    phi *= 0.5
    np.multiply(z, phi, out=value)
    bounded = np.clip(z, -_ENOUGH, _ENOUGH)
    density = np.exp(-0.5 * bounded * bounded)
    density *= 1 / math.sqrt(2 * math.pi)
    np.add(phi, z * density, out=slope)


def _gelu_tanh(z: Array, value: Array, slope: Array) -> None:
    scale, cube = math.sqrt(2 / math.pi), 0.044715
    bounded = np.clip(z, -_ENOUGH, _ENOUGH)
    square = cube * bounded * bounded
    s, rest = _gate(2 * scale * bounded * (1 + square))
    np.multiply(z, s, out=value)
    np.multiply(s, 1 + 2 * scale * bounded * (1 + 3 * square) * rest, out=slope)


class Rows(NamedTuple):
    """A function of ``z`` and its pullback ``vjp(upstream, value)``, which needs no more than the value."""

    value: Callable[[Array], Array]
    vjp: Callable[[Array, Array], Array]


KERNELS: dict[str, Kernel] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "softplus": _softplus,
    "elu": _elu,
    "hard_tanh": _hard_tanh,
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": _hard_swish,
    "silu": _silu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
}
"""Every activation whose entries do not depend on one another and that has a slope, by name."""


def _by_rows(fill: Callable[..., None], *given: Array) -> Array:
    """What ``fill`` writes into its last argument, some rows of all arrays at a time."""
    made = np.empty(given[0].shape, given[0].dtype)
    # of what is repeated, or read backwards, NumPy would add up a row one by one in its own precision
    contiguous = (*map(np.ascontiguousarray, given), made)
    rows = [array.reshape(math.prod(made.shape[:-1]), made.shape[-1]) for array in contiguous]
    with short_buffer():
        for part in blocks(rows[-1]):
            fill(*(array[part] for array in rows))
    return made


def _softmax(z: Array, p: Array) -> None:
    np.exp(np.subtract(z, z.max(axis=1, keepdims=True), out=p), out=p)
    p *= 1 / _sums(p)


def _softmax_vjp(upstream: Array, p: Array, pulled: Array) -> None:
    np.subtract(upstream, np.vecdot(upstream, p)[:, None], out=pulled)
    pulled *= p


def _log_softmax(z: Array, logs: Array) -> None:
    np.subtract(z, z.max(axis=1, keepdims=True), out=logs)
    logs -= np.log(_sums(np.exp(logs)))


def _log_softmax_vjp(upstream: Array, logs: Array, pulled: Array) -> None:
    np.multiply(np.exp(logs, out=pulled), -_sums(upstream), out=pulled)
    pulled += upstream


def _sums(rows: Array) -> Any:
    """The sum of each row, (rows, 1)."""
    return (rows @ np.ones(rows.shape[1], rows.dtype))[:, None]


ROWS = {
    "softmax": Rows(partial(_by_rows, _softmax), partial(_by_rows, _softmax_vjp)),
    "log_softmax": Rows(partial(_by_rows, _log_softmax), partial(_by_rows, _log_softmax_vjp)),
}
"""Those whose entries hang together along the last axis, by name."""


def cases() -> list[Case]:
    """Each pullback as the claim about the plain form, over more than one block of entries."""
    z = 2 * np.random.default_rng(22).standard_normal((4, BLOCK // 4 + 5))
    plain = ACTIVATIONS | GATED
    return [
        Case(f"fast_activations/{name}", plain[name].value, partial(_pulled, name), (z,), kind="vjp")
        for name in (*KERNELS, *ROWS)
    ]


def _pulled(name: str, upstream: Array, z: Array) -> Any:
    if name in ROWS:
        return ROWS[name].vjp(upstream, ROWS[name].value(z))
    return upstream * value_and_slope(name, z)[1]
