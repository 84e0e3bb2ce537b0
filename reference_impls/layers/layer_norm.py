"""Layer normalisation: each vector along the last axis, by its own mean and variance (Ba, Kiros and Hinton, 2016)."""

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
    """``gain`` ones and ``shift`` zeros, (features,) each."""
    return {"gain": np.ones(features, dtype), "shift": np.zeros(features, dtype)}


def forward(params: Params, x: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    """``y = xhat gain + shift``, ``xhat`` being ``x`` (..., features) normalised along its last axis."""
    must_have("x", x, vectors=..., features=len(params["gain"]))
    for name in ("gain", "shift"):
        must_have(name, params[name], features=x.shape[-1])
    must_agree(x=x, **params)
    must_lie("eps", eps, 0)
    # of what is repeated, or read backwards, NumPy would add up a row one by one in its own precision
    rows = np.ascontiguousarray(x).reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    y, centred, inverse = np.empty_like(rows), np.empty_like(rows), np.empty((len(rows), 1), x.dtype)
    ones, count = np.ones(x.shape[-1], x.dtype), max(1, x.shape[-1])
    with short_buffer():
        for part in blocks(rows):
            c, into = centred[part], y[part]
            np.subtract(rows[part], (rows[part] @ ones / count)[:, None], out=c)
            inverse[part, 0] = 1 / np.sqrt(np.vecdot(c, c) / count + x.dtype.type(eps))
            np.multiply(c, inverse[part], out=into)
            into *= params["gain"]
            into += params["shift"]
    return y.reshape(x.shape), (centred, inverse, params["gain"], x.shape)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``gain`` and ``shift``.

    ``y_ni = xhat_ni gain_i + shift_i``: every vector ``n`` used the same gain and shift, so ``dshift_i = sum_n dy_ni``
    and ``dgain_i = sum_n dy_ni xhat_ni``; and ``dxhat_ni = dy_ni gain_i`` goes back through the normalisation as in
    `normalised.normalised_vjp`, where this is derived: in each row ``dx_i = r (dxhat_i - mean(dxhat) - xhat_i
    mean(dxhat xhat))``.

    With ``F`` features, ``c_ni = x_ni - m_n`` and ``xhat_ni = c_ni r_n``, all four sums are products of a matrix and a
    vector: ``dshift_i = sum_n dy_ni``, ``dgain_i = sum_n r_n (dy_ni c_ni)``, ``mean(dxhat)_n = sum_i dy_ni gain_i / F``
    and ``mean(dxhat xhat)_n = r_n sum_i (dy_ni c_ni) gain_i / F``.
    """
    centred, inverse, gain, shape = cache
    must_answer(dy, shape, centred.dtype)
    # of what is repeated, or read backwards, NumPy would add up a row one by one in its own precision
    d, count = np.ascontiguousarray(dy).reshape(centred.shape), max(1, centred.shape[1])
    dx, (dgain, dshift), along = np.empty_like(centred), np.zeros((2, d.shape[1]), d.dtype), room(centred)
    with short_buffer():
        for part in blocks(centred):
            r, c, into = inverse[part], along[: len(inverse[part])], dx[part]
            products = np.multiply(d[part], centred[part], out=into)
            dgain += r[:, 0] @ products
            dshift += np.ones(len(r), d.dtype) @ d[part]
            np.multiply(centred[part], r * r * (products @ gain)[:, None] / count, out=c)
            c += (d[part] @ gain)[:, None] / count
            np.multiply(d[part], gain, out=into)
            into -= c
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
