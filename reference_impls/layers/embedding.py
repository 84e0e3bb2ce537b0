"""A table of vectors, looked up by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params


def initial_params(
    words: int, features: int, rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """``W`` (words, features), standard normal."""
    return {"W": rng.standard_normal((words, features)).astype(dtype)}


def forward(params: Params, ids: Array) -> tuple[Array, Any]:
    """``y_...i = W_id,i``: the row of ``W`` for each of the integers ``ids``, of any shape."""
    return params["W"][ids], (ids, params["W"].shape)


def backward(dy: Array, cache: Any) -> tuple[None, dict[str, Array]]:
    """Pull ``dy`` (ids' shape, features) back to ``W``; integers have no derivative.

    ``W_wi`` stands in ``y`` wherever ``ids`` is ``w``, so ``dW_wi`` is the sum of ``dy`` over all these places, and 0
    for a word that does not occur. ``dW[ids] += dy`` would keep one place only: with repeated ids NumPy adds once.

    Sorted by id the rows of a word lie side by side, and ``add.reduceat`` adds each run up: several times as fast as
    ``np.add.at``, which takes one row after another.
    """
    ids, shape = cache
    dW = np.zeros(shape, dy.dtype)
    order = np.argsort(ids, axis=None, kind="stable")
    if order.size:
        words = np.ravel(ids)[order]
        starts = np.flatnonzero(np.r_[True, words[1:] != words[:-1]])
        dW[words[starts]] = np.add.reduceat(dy.reshape(ids.size, shape[1])[order], starts, axis=0)
    return None, {"W": dW}


def cases() -> list[Case]:
    """Repeated ids in sequences, one id, and float32."""
    rng = np.random.default_rng(9)
    params, ids = initial_params(6, 3, rng), np.array([[0, 2, 2, 5], [2, 0, 1, 1]])
    single = initial_params(6, 3, rng, np.float32)
    return [
        Case("embedding/repeated", Layer(forward, backward, params), None, (ids,), kind="layer"),
        Case("embedding/one", Layer(forward, backward, params), None, (ids[:1, 0],), kind="layer"),
        Case("embedding/float32", Layer(forward, backward, single), None, (ids,), kind="layer"),
    ]
