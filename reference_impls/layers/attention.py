"""Multi-head attention (Vaswani et al., "Attention is all you need", 2017, section 3.2.2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers import dot_product_attention
from reference_impls.layers.axes import must_agree, must_answer, must_fall_into, must_have
from reference_impls.layers.dot_product_attention import Visible, causal
from reference_impls.layers.layer import Array, Layer, Params


def initial_params(width: int, rng: np.random.Generator, dtype: Any = np.float64) -> dict[str, Array]:
    """``Wq, Wk, Wv, Wo`` (width, width) of variance ``1 / width`` and ``bq, bk, bv, bo`` (width,) zero."""
    found = {}
    for name in "qkvo":
        found[f"W{name}"] = (rng.standard_normal((width, width)) / np.sqrt(width)).astype(dtype)
        found[f"b{name}"] = np.zeros(width, dtype)
    return found


def forward(
    params: Params, x: Array, context: Array | None = None, *, heads: int = 1, visible: Visible = None
) -> tuple[Array, Any]:
    """Each token of ``x`` (batch, tokens, width) looks at those of ``context``, or of ``x`` itself.

    ``q = x Wq + bq``; ``k`` and ``v`` likewise from the context; each falls into ``heads`` pieces of its width. In
    each head by itself `dot_product_attention`; the heads' outputs, side by side again, go through ``Wo`` and ``bo``.
    ``visible``, (tokens, context tokens) or with (batch, heads) before that, tells which may be looked at.
    """
    width = len(params["Wq"])
    for name in "qkvo":
        must_have(f"W{name}", params[f"W{name}"], inputs=width, outputs=width)
        must_have(f"b{name}", params[f"b{name}"], outputs=width)
    must_have("x", x, batch=None, tokens=None, width=width)
    source = x if context is None else context
    must_have("context", source, batch=len(x), tokens=None, width=width)
    must_agree(x=x, context=source, **params)
    must_fall_into("heads", heads, width, "features")
    if isinstance(visible, np.ndarray) and visible.ndim == 3:
        raise ValueError(
            f"visible has the shape {visible.shape}; with axes before (tokens, context tokens) it needs two of them, "
            "(batch, heads): visible[:, None] is the same for all heads"
        )
    q, k, v = (
        _split(given @ params[f"W{name}"] + params[f"b{name}"], heads)
        for given, name in ((x, "q"), (source, "k"), (source, "v"))
    )
    o, inner = dot_product_attention.forward({}, q, k, v, visible=visible)
    together = _joined(o)
    return together @ params["Wo"] + params["bo"], (x, context, together, inner, heads, params)


def backward(dy: Array, cache: Any) -> tuple[Any, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, the context where there was one, and the parameters.

    Four linear layers around `dot_product_attention`, each as in `linear.linear_vjp` with the batch ``n`` and the
    tokens ``t`` for examples: ``q_ntj = sum_i x_nti Wq_ij + bq_j`` has ``dWq_ij = sum_nt x_nti dq_ntj``, ``dbq_j =
    sum_nt dq_ntj`` and sends ``sum_j dq_ntj Wq_ij`` back to ``x_nti``. ``k`` and ``v`` likewise, from the context
    where there is one; ``x`` gets the sum of what it fed: three terms, or with a context one, and the context the
    other two. Features fall into heads, ``j = (head, place)``, by a reshape, whose adjoint is the reshape back.
    """
    x, context, together, inner, heads, params = cache
    must_answer(dy, x.shape, x.dtype)
    grads = {}

    def through(name: str, dout: Array, given: Array) -> Any:
        rows = dout.reshape(-1 if dout.size else 0, dout.shape[-1])
        grads[f"W{name}"] = given.reshape(len(rows), given.shape[-1]).T @ rows
        grads[f"b{name}"] = rows.sum(axis=0)
        return dout @ params[f"W{name}"].T

    source = x if context is None else context
    do = _split(through("o", dy, together), heads)
    (dq, dk, dv), _ = dot_product_attention.backward(do, inner)
    dx = through("q", _joined(dq), x)
    dsource = through("k", _joined(dk), source) + through("v", _joined(dv), source)
    return (dx + dsource if context is None else (dx, dsource)), grads


def _split(x: Array, heads: int) -> Any:
    """(batch, tokens, width) as (batch, heads, tokens, width / heads)."""
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads).swapaxes(1, 2)


def _joined(x: Array) -> Any:
    """The inverse of `_split`, and its adjoint."""
    batch, heads, tokens, width = x.shape
    return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(batch, tokens, heads * width)


def cases() -> list[Case]:
    """One head and several, causal, with a context, one example, and float32."""
    rng = np.random.default_rng(11)
    x, context = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    params = initial_params(4, rng) | {f"b{name}": rng.standard_normal(4) for name in "qvo"}
    single = initial_params(4, rng, np.float32)
    narrow = x.astype(np.float32)
    layers = {
        "one_head": (Layer(forward, backward, params), (x,)),
        "heads": (Layer(forward, backward, params, heads=2), (x,)),
        "causal": (Layer(forward, backward, params, heads=2, visible=causal(3, 3)), (x,)),
        "context": (Layer(forward, backward, params, heads=2), (x, context)),
        "one_example": (Layer(forward, backward, params, heads=4), (x[:1],)),
        "float32": (Layer(forward, backward, single, heads=2), (narrow,)),
    }
    return [
        Case(f"attention/{name}", layer, None, args, kind="layer") for name, (layer, args) in layers.items()
    ]
