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
    """``y_...i = W_id,i``: the row of ``W`` for each of the integers ``ids``, of any shape; -1 is the last one."""
    return params["W"].take(ids, axis=0), (ids, params["W"].shape)


def backward(dy: Array, cache: Any) -> tuple[None, dict[str, Array]]:
    """Pull ``dy`` (ids' shape, features) back to ``W``; integers have no derivative.

    ``W_wi`` stands in ``y`` wherever ``ids`` is ``w``, so ``dW_wi`` is the sum of ``dy`` over all these places, and 0
    for a word that does not occur. ``dW[ids] += dy`` would keep one place only: with repeated ids NumPy adds once.

    Sorted by id the places of a word lie side by side. Neighbours of one word are added two by two, and what is left
    again, as in a tournament: as many rounds as the commonest word has binary digits, each over whole rows, where
    ``np.add.at`` and ``np.add.reduceat`` go from entry to entry.
    """
    ids, shape = cache
    rows = np.empty((ids.size + 1, shape[1]), dy.dtype)
    rows[:-1], rows[-1] = dy.reshape(ids.size, shape[1]), 0
    counted = ids.astype(np.intp, copy=False)
    counted = np.where(counted < 0, counted + shape[0], counted)  # 2 and -3 of five are one word
    place = np.argsort(counted, axis=None)
    words = counted.ravel().take(place)
    while np.any(repeated := words[1:] == words[:-1]):
        second = _even_steps(repeated)
        first = place.take(second - 1)
        rows[first] = rows.take(first, axis=0) + rows.take(place.take(second), axis=0)
        words, place = np.delete(words, second), np.delete(place, second)
    taken = np.full(shape[0], ids.size)  # the row of zeros, for words that do not occur
    taken[words] = place
    return None, {"W": rows.take(taken, axis=0)}


def _even_steps(repeated: Array) -> Any:
    """The second, fourth, ... place of each run of one word, ``repeated`` telling which equal the place before."""
    places = np.arange(1, len(repeated) + 1)
    start = np.maximum.accumulate(np.where(repeated, 0, places))
    return places[(places - start) % 2 == 1]


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
