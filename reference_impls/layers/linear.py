"""The linear layer, examples first, and its hand-written pullback (Rumelhart, Hinton and Williams, 1986)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_agree, must_answer, must_have
from reference_impls.layers.layer import Array, Params


def linear(X: Array, W: Array, b: Array) -> Array:
    """``Z = X W + b``.

    ``X`` has the shape (examples, inputs), ``W`` (inputs, outputs), ``b`` (outputs,); ``b`` is added to
    each row.
    """
    return X @ W + b


def linear_vjp(upstream: Array, X: Array, W: Array, b: Array) -> tuple[Array, Array, Array]:
    """Pull ``upstream``, of the shape of ``Z``, back to ``X``, ``W`` and ``b``.

    Written with indices, ``Z_nk = sum_i X_ni W_ik + b_k``. So ``dZ_nk/dX_ni = W_ik``, ``dZ_nk/dW_ik =
    X_ni`` and ``dZ_nk/db_k = 1``. Each weighted by ``U_nk`` and summed over the indices that are not its
    own:

    - ``dX_ni = sum_k U_nk W_ik``, which is ``U W^T``;
    - ``dW_ik = sum_n X_ni U_nk``, which is ``X^T U``: a sum over the examples;
    - ``db_k = sum_n U_nk``: every row added the same ``b``, so its derivative gathers every row.
    """
    del b  # only its shape would matter, and upstream has that
    return upstream @ W.T, X.T @ upstream, np.sum(upstream, axis=0)


def initial_params(
    inputs: int, outputs: int, rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """``W`` (inputs, outputs) of variance ``2 / inputs``, for relu to follow (He et al. 2015, eq. 10); ``b`` zero."""
    W = rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs)
    return {"W": W.astype(dtype), "b": np.zeros(outputs, dtype)}


def forward(params: Params, x: Array) -> tuple[Array, Any]:
    """`linear` of ``x`` (examples, inputs) by ``params`` ``W`` and ``b``."""
    W, b = params["W"], params["b"]
    must_have("W", W, inputs=None, outputs=None)
    must_have("x", x, examples=None, inputs=len(W))
    must_have("b", b, outputs=W.shape[1])
    must_agree(x=x, **params)
    return linear(x, W, b), (x, W, b)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """`linear_vjp`: ``dx = dy W^T``, ``dW = x^T dy``, ``db`` the sum of ``dy`` over the examples."""
    x, W, b = cache
    must_answer(dy, (len(x), W.shape[1]), x.dtype)
    dx, dW, db = linear_vjp(dy, x, W, b)
    return dx, {"W": dW, "b": db}


def cases() -> list[Case]:
    """The layer at random inputs: a batch, one example, and float32."""
    rng = np.random.default_rng(2)
    X, W, b = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal(4)
    single = (X.astype(np.float32), W.astype(np.float32), b.astype(np.float32))
    return [
        Case("linear/batch", linear, linear_vjp, (X, W, b), kind="vjp"),
        Case("linear/one_example", linear, linear_vjp, (X[:1], W, b), kind="vjp"),
        Case("linear/float32", linear, linear_vjp, single, kind="vjp"),
    ]
