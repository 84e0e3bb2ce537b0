"""Scaled dot-product attention: what multi-head attention is made of (Vaswani et al., 2017, eq. 1)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params

Visible = Array | None
"""Which keys (last axis) each query sees, True where it does; of a shape that fits (..., queries, keys)."""


def causal(queries: int, keys: int) -> Array:
    """Each query sees the keys up to its own place."""
    return np.tri(queries, keys, keys - queries, dtype=bool)


def forward(params: Params, q: Array, k: Array, v: Array, *, visible: Visible = None) -> tuple[Array, Any]:
    """``o = P v`` with ``P = softmax(q k^T / sqrt(d))`` along the keys.

    ``q`` is (..., queries, d), ``k`` (..., keys, d), ``v`` (..., keys, width): each query takes the mean of the values,
    weighted by how well the keys fit. A query that sees no key at all gets 0.
    """
    del params
    scale = q.dtype.type(1 / math.sqrt(q.shape[-1]))
    P = np.matmul(q * scale, k.swapaxes(-1, -2))
    if visible is not None:
        np.copyto(P, -np.inf, where=~visible)
    largest = np.max(P, axis=-1, keepdims=True, initial=np.finfo(P.dtype).min)  # finite where nothing is seen
    P -= largest
    np.exp(P, out=P)
    total = P.sum(axis=-1, keepdims=True)
    P /= np.where(total > 0, total, P.dtype.type(1))
    return np.matmul(P, v), (q, k, v, P, scale)


def backward(dy: Array, cache: Any) -> tuple[tuple[Array, Array, Array], dict[str, Array]]:
    """Pull ``dy``, of the shape of ``o``, back to ``q``, ``k`` and ``v``.

    With the scores ``S = q k^T / sqrt(d)``, ``P = softmax(S)`` row by row and ``o = P v``, two matrix products and a
    softmax, taken backwards:

    - ``dv = P^T do`` and ``dP = do v^T``;
    - along one row ``dS_j = P_j (dP_j - sum_i P_i dP_i)``, as for any softmax. The sum is ``sum_i P_i (do . v_i) = do
      . o``: one number a query, and no second product of matrices is needed for it (Dao et al., "FlashAttention",
      2022, appendix B);
    - ``dq = dS k / sqrt(d)`` and ``dk = dS^T q / sqrt(d)``.

    A key that a query does not see has ``P = 0`` and passes nothing on.
    """
    q, k, v, P, scale = cache
    dv = np.matmul(P.swapaxes(-1, -2), dy)
    dS = np.matmul(dy, v.swapaxes(-1, -2))
    dS -= np.einsum("...j,...j->...", P, dS)[..., None]
    dS *= P
    dS *= scale
    return (np.matmul(dS, k), np.matmul(dS.swapaxes(-1, -2), q), dv), {}


def cases() -> list[Case]:
    """All visible, causal, a query that sees nothing, and float32."""
    rng = np.random.default_rng(10)
    q, k, v = (rng.standard_normal((2, n, d)) for n, d in ((3, 4), (5, 4), (5, 2)))
    some = rng.random((2, 3, 5)) > 0.4
    some[0, 1] = False
    single = tuple(x.astype(np.float32) for x in (q, k, v))
    settings: dict[str, dict[str, Any]] = {
        "all": {},
        "causal": {"visible": causal(3, 5)},
        "some": {"visible": some},
    }
    return [
        *(
            Case(
                f"dot_product_attention/{name}",
                Layer(forward, backward, {}, **setting),
                None,
                (q, k, v),
                kind="layer",
            )
            for name, setting in settings.items()
        ),
        Case("dot_product_attention/float32", Layer(forward, backward, {}), None, single, kind="layer"),
    ]
