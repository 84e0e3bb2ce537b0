"""Division by each vector's root mean square (Zhang and Sennrich, "Root mean square layer normalization", 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.normalised import blocks, flat


def initial_params(features: int, dtype: Any = np.float64) -> dict[str, Array]:
    """``gain`` ones, (features,)."""
    return {"gain": np.ones(features, dtype)}


def forward(params: Params, x: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    """``y_i = x_i r gain_i`` with ``r = (sum_j x_j^2 / n + eps)^(-1/2)`` along the last axis of ``x``."""
    rows, gain = flat(x), params["gain"]
    y, inverse = np.empty_like(rows), np.empty((len(rows), 1), x.dtype)
    for part in blocks(rows):
        square = np.einsum("ij,ij->i", rows[part], rows[part])[:, None] / x.dtype.type(x.shape[-1])
        inverse[part] = 1 / np.sqrt(square + x.dtype.type(eps))
        np.multiply(rows[part], inverse[part], out=y[part])
        y[part] *= gain
    return y.reshape(x.shape), (rows, inverse, gain)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x`` and ``gain``.

    ``dgain_i = sum_n dy_ni x_ni r_n``. Along one vector, with ``u_i = dy_i gain_i``: ``x`` acts directly and through
    ``r``, whose derivative is ``dr/dx_i = -r^3 x_i / n``. So ``dx_i = r u_i - r^3 x_i (sum_j u_j x_j) / n``.
    """
    rows, inverse, gain = cache
    d, dx, dgain = flat(dy), np.empty_like(rows), np.zeros_like(gain)
    for part in blocks(rows):
        r, xhat = inverse[part], rows[part] * inverse[part]
        dgain += np.einsum("ni,ni->i", d[part], xhat)
        u = d[part] * gain
        xhat *= np.einsum("ni,ni->n", u, xhat)[:, None] / rows.dtype.type(rows.shape[1])
        np.subtract(u, xhat, out=dx[part])
        dx[part] *= r
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
