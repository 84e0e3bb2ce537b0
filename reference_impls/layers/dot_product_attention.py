"""Scaled dot-product attention: what multi-head attention is made of (Vaswani et al., 2017, eq. 1)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_agree, must_answer, must_be_floats, must_spread
from reference_impls.layers.blocks import blocks, room
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.targets import must_be_array

Visible = Array | None
"""Which keys (last axis) each query sees, True where it does; of a shape that fits (..., queries, keys)."""


def causal(queries: int, keys: int) -> Array:
    """Each query sees the keys up to its own place, the last query being at the place of the last key."""
    return np.tri(queries, keys, keys - queries, dtype=bool)


def forward(params: Params, q: Array, k: Array, v: Array, *, visible: Visible = None) -> tuple[Array, Any]:
    """``o = P v`` with ``P = softmax(q k^T / sqrt(d))`` along the keys.

    ``q`` is (..., queries, d), ``k`` (..., keys, d), ``v`` (..., keys, width): each query takes the mean of the values,
    weighted by how well the keys fit. A query that sees no key at all gets 0.
    """
    del params
    for name, given in (("q", q), ("k", k), ("v", v)):
        must_be_floats(name, given)
    shape = (*q.shape[:-2], *k.shape[-2:-1], *q.shape[-1:])
    if q.ndim < 2 or k.shape != shape or v.shape[:-1] != k.shape[:-1]:
        raise ValueError(
            f"q, k and v have the shapes {q.shape}, {k.shape} and {v.shape}; wanted (..., queries, d), (..., keys, d) "
            "and (..., keys, width) with the same axes before"
        )
    must_agree(q=q, k=k, v=v)
    scale = 1 / math.sqrt(max(1, q.shape[-1]))
    Q, K, V = _flat(q * scale), _flat(k), _flat(v)
    E, o = np.empty((len(Q), Q.shape[1], K.shape[1]), q.dtype), np.empty((*Q.shape[:2], V.shape[2]), q.dtype)
    total = np.empty((*Q.shape[:2], 1), q.dtype)
    hidden = None if visible is None else _flat(_hidden(visible, (*q.shape[:-1], k.shape[-2])))
    for part in blocks(E):
        e = np.matmul(Q[part], K[part].swapaxes(1, 2), out=E[part])
        if hidden is not None:
            np.copyto(e, -np.inf, where=hidden[part])
        e -= np.max(e, axis=-1, keepdims=True, initial=np.finfo(e.dtype).min)  # finite where nothing is seen
        np.exp(e, out=e)
        total[part, :, 0] = e @ np.ones(K.shape[1], q.dtype)
        np.matmul(e, V[part], out=o[part])
    inverse = 1 / np.where(total > 0, total, 1)
    o *= inverse
    y = o.reshape(*q.shape[:-1], v.shape[-1])
    return y, (Q, K, V, E, o.copy(), inverse, scale, y.shape)


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

    ``P`` is ``E / t``, exponentials over their sum. Large as they are, ``E`` is left undivided: ``do / t`` goes in
    ``do``'s place everywhere, ``dv = E^T (do / t)`` and ``dS_j = E_j ((do / t) . v_j - (do / t) . o)``.
    """
    Q, K, V, E, o, inverse, scale, shape = cache
    must_answer(dy, shape, o.dtype)
    d = dy.reshape(o.shape) * inverse
    along = np.vecdot(d, o)[:, :, None]
    dq, dk, dv, scores = np.empty_like(Q), np.empty_like(K), np.empty_like(V), room(E)
    for part in blocks(E):
        dS = np.matmul(d[part], V[part].swapaxes(1, 2), out=scores[: len(E[part])])
        dS -= along[part]
        dS *= E[part]
        np.matmul(E[part].swapaxes(1, 2), d[part], out=dv[part])
        np.matmul(dS, K[part], out=dq[part])
        np.matmul(dS.swapaxes(1, 2), Q[part], out=dk[part])
    dq *= scale
    lead = dy.shape[:-2]
    return (
        dq.reshape(*lead, *dq.shape[1:]),
        dk.reshape(*lead, *dk.shape[1:]),
        dv.reshape(*lead, *dv.shape[1:]),
    ), {}


def _hidden(visible: Array, scores: tuple[int, ...]) -> Array:
    must_be_array("visible", visible)
    if visible.dtype != bool:
        raise TypeError(f"visible is {visible.dtype}; wanted bools, True where a query sees a key")
    must_spread("visible", visible, scores)
    return np.broadcast_to(~visible, scores)


def _flat(a: Array) -> Any:
    """All leading axes as one."""
    return a.reshape(int(np.prod(a.shape[:-2])), *a.shape[-2:])


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
