"""Layer normalisation: each vector along the last axis, by its own mean and variance (Ba, Kiros and Hinton, 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.normalised import flat, normalised, normalised_vjp


def initial_params(features: int, dtype: Any = np.float64) -> dict[str, Array]:
    """``gain`` ones and ``shift`` zeros, (features,) each."""
    return {"gain": np.ones(features, dtype), "shift": np.zeros(features, dtype)}


def forward(params: Params, x: Array, *, eps: float = 1e-5) -> tuple[Array, Any]:
    """``y = xhat gain + shift``, ``xhat`` being ``x`` (..., features) normalised along its last axis."""
    xhat, inverse = normalised(flat(x), eps)
    y = xhat * params["gain"]
    y += params["shift"]
    return y.reshape(x.shape), (xhat, inverse, params["gain"])


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``gain`` and ``shift``.

    ``y_ni = xhat_ni gain_i + shift_i``: every vector ``n`` used the same gain and shift, so ``dshift_i = sum_n dy_ni``
    and ``dgain_i = sum_n dy_ni xhat_ni``; and ``dxhat_ni = dy_ni gain_i`` goes back through the normalisation
    (`normalised.normalised_vjp`, where the two means are derived).
    """
    xhat, inverse, gain = cache
    d = flat(dy)
    dgain, dshift = np.einsum("ni,ni->i", d, xhat), d.sum(axis=0)
    dx = normalised_vjp(d * gain, xhat, inverse).reshape(dy.shape)
    return dx, {"gain": dgain, "shift": dshift}


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
