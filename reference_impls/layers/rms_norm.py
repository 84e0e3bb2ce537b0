"""Division by each vector's root mean square (Zhang and Sennrich, "Root mean square layer normalization", 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.broadcast import short_buffer
from reference_impls.layers.axes import must_agree, must_answer, must_have
from reference_impls.layers.blocks import blocks, room
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.targets import must_lie


def initial_params(features: int, dtype: Any = np.float64) -> dict[str, Array]:
    """``gain`` ones, (features,)."""
    return {"gain": np.ones(features, dtype)}


def forward(params: Params, x: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    """``y_i = x_i r gain_i`` with ``r = (sum_j x_j^2 / n + eps)^(-1/2)`` along the last axis of ``x``."""
    must_have("x", x, vectors=..., features=len(params["gain"]))
    must_have("gain", params["gain"], features=x.shape[-1])
    must_agree(x=x, **params)
    must_lie("eps", eps, 0)
    rows = np.ascontiguousarray(x).reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    y, inverse = np.empty_like(rows), np.empty((len(rows), 1), x.dtype)
    with short_buffer():
        for part in blocks(rows):
            square = np.vecdot(rows[part], rows[part]) / max(1, x.shape[-1])
            inverse[part, 0] = 1 / np.sqrt(square + x.dtype.type(eps))
            np.multiply(rows[part], inverse[part], out=y[part])
            y[part] *= params["gain"]
    return y.reshape(x.shape), (rows, inverse, params["gain"], x.shape)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x`` and ``gain``.

    ``dgain_i = sum_n dy_ni x_ni r_n``. Along one vector, with ``u_i = dy_i gain_i``: ``x`` acts directly and through
    ``r``, whose derivative is ``dr/dx_i = -r^3 x_i / n``. So ``dx_i = r u_i - r^3 x_i (sum_j u_j x_j) / n``.
    """
    x, inverse, gain, shape = cache
    must_answer(dy, shape, x.dtype)
    d, count = np.ascontiguousarray(dy).reshape(x.shape), max(1, x.shape[1])
    dx, dgain, along = np.empty_like(x), np.zeros_like(gain), room(x)
    with short_buffer():
        for part in blocks(x):
            r, into = inverse[part], dx[part]
            products = np.multiply(d[part], x[part], out=into)
            dgain += r[:, 0] @ products
            np.multiply(x[part], r * r * (products @ gain)[:, None] / count, out=along[: len(r)])
            np.multiply(d[part], gain, out=into)
            into -= along[: len(r)]
            into *= r
    return dx.reshape(dy.shape), {"gain": dgain}


def cases() -> list[Case]:
    """A batch of vectors, one vector, sequences, and float32."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((3, 4, 6))
    params = {"gain": rng.standard_normal(6)}
    single = {"gain": params["gain"].astype(np.float32)}
    return [
        Case("rms_norm/batch", Layer(forward, backward, params), None, (x[0],), kind="layer"),
        Case("rms_norm/one", Layer(forward, backward, params), None, (x[0, :1],), kind="layer"),
        Case("rms_norm/sequences", Layer(forward, backward, params), None, (x,), kind="layer"),
        Case(
            "rms_norm/float32", Layer(forward, backward, single), None, (x.astype(np.float32),), kind="layer"
        ),
    ]
