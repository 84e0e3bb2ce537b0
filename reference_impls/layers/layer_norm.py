"""Layer normalisation: each vector along the last axis, by its own mean and variance (Ba, Kiros and Hinton, 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.broadcast import short_buffer
from reference_impls.layers.blocks import blocks, room
from reference_impls.layers.layer import Array, Layer, Params


def initial_params(features: int, dtype: Any = np.float64) -> dict[str, Array]:
    """``gain`` ones and ``shift`` zeros, (features,) each."""
    return {"gain": np.ones(features, dtype), "shift": np.zeros(features, dtype)}


def forward(params: Params, x: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    """``y = xhat gain + shift``, ``xhat`` being ``x`` (..., features) normalised along its last axis."""
    rows = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    y, ones, count = np.empty_like(rows), np.ones(x.shape[-1], x.dtype), x.dtype.type(max(1, x.shape[-1]))
    mean, inverse = np.empty((2, len(rows), 1), x.dtype)
    with short_buffer():
        for part in blocks(rows):
            mean[part, 0] = rows[part] @ ones / count
            centred = np.subtract(rows[part], mean[part], out=y[part])
            inverse[part, 0] = 1 / np.sqrt(np.vecdot(centred, centred) / count + x.dtype.type(eps))
            centred *= inverse[part]
            centred *= params["gain"]
            centred += params["shift"]
    return y.reshape(x.shape), (rows, mean, inverse, params["gain"])


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``gain`` and ``shift``.

    ``y_ni = xhat_ni gain_i + shift_i``: every vector ``n`` used the same gain and shift, so ``dshift_i = sum_n dy_ni``
    and ``dgain_i = sum_n dy_ni xhat_ni``; and ``dxhat_ni = dy_ni gain_i`` goes back through the normalisation as in
    `normalised.normalised_vjp`, where this is derived: in each row ``dx_i = r (dxhat_i - mean(dxhat) - xhat_i
    mean(dxhat xhat))``.

    With ``c_ni = x_ni - m_n`` and the products ``dy_ni c_ni`` all four sums are products of a matrix and a vector.
    """
    x, mean, inverse, gain = cache
    d, count = dy.reshape(x.shape), x.dtype.type(max(1, x.shape[1]))
    dx, (dgain, dshift), c = np.empty_like(x), np.zeros((2, x.shape[1]), x.dtype), room(x)
    with short_buffer():
        for part in blocks(x):
            r, into = inverse[part], dx[part]
            centred = np.subtract(x[part], mean[part], out=c[: len(r)])
            products = np.multiply(d[part], centred, out=into)
            dgain += r[:, 0] @ products
            dshift += np.ones(len(r), x.dtype) @ d[part]
            centred *= r * r * (products @ gain)[:, None] / count
            centred += (d[part] @ gain)[:, None] / count
            np.multiply(d[part], gain, out=into)
            into -= centred
            into *= r
    return dx.reshape(dy.shape), {"gain": dgain, "shift": dshift}


def cases() -> list[Case]:
    """A batch of vectors, one vector, sequences, and float32."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((3, 4, 6))
    params = {"gain": rng.standard_normal(6), "shift": rng.standard_normal(6)}
    single = {name: value.astype(np.float32) for name, value in params.items()}
    return [
        Case("layer_norm/batch", Layer(forward, backward, params), None, (x[0],), kind="layer"),
        Case("layer_norm/one", Layer(forward, backward, params), None, (x[0, :1],), kind="layer"),
        Case("layer_norm/sequences", Layer(forward, backward, params), None, (x,), kind="layer"),
        Case(
            "layer_norm/float32",
            Layer(forward, backward, single),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
