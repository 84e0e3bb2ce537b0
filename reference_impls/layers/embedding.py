"""A table of vectors, looked up by number (Bengio et al., "A neural probabilistic language model", 2003)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_answer, must_have
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.targets import must_be_array, must_be_within


def initial_params(
    words: int, features: int, rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """``W`` (words, features), standard normal."""
    return {"W": rng.standard_normal((words, features)).astype(dtype)}


def forward(params: Params, ids: Array) -> tuple[Array, Any]:
    """``y_...i = W_id,i``: the row of ``W`` for each of the integers ``ids``, of any shape; -1 is the last one."""
    must_have("W", params["W"], words=None, features=None)
    must_be_array("ids", ids)
    if ids.dtype.kind not in "iu":
        raise TypeError(
            f"ids is {ids.dtype}; wanted whole numbers, the rows of W to take: say by .astype(int)"
        )
    words = len(params["W"])
    must_be_within("ids", ids, -words, words - 1)
    return params["W"].take(ids, axis=0), (ids, params["W"].shape, params["W"].dtype)


def backward(dy: Array, cache: Any) -> tuple[None, dict[str, Array]]:
    """Pull ``dy`` (ids' shape, features) back to ``W``; integers have no derivative.

    ``W_wi`` stands in ``y`` wherever ``ids`` is ``w``, so ``dW_wi`` is the sum of ``dy`` over all these places, and 0
    for a word that does not occur. ``dW[ids] += dy`` would keep one place only: with repeated ids NumPy adds once.

    But it keeps one, the last, and writes each row once, in the order of ``dy``. (NumPy's manual promises no order, its
    code keeps one; the table and the list of places kept must have the same.) What is left are the earlier places of
    words that occur again. Sorted by id those of a word lie side by side. Neighbours of one word are added two by two,
    and these sums again, as in a tournament; who has no partner in a round is added to the table. It takes as many
    rounds as the number of times that the commonest word occurs has binary digits, each over whole rows and at most
    half as many as the one before, where ``np.add.at`` and ``np.add.reduceat`` go from entry to entry.
    """
    ids, shape, dtype = cache
    must_answer(dy, (*ids.shape, shape[1]), dtype)
    counted = ids.astype(np.intp, copy=False).ravel()
    counted = np.where(counted < 0, counted + shape[0], counted)  # 2 and -3 of five are one word
    rows, places = dy.reshape(ids.size, shape[1]), np.arange(ids.size)
    dW, kept = np.zeros(shape, dtype), np.empty(shape[0], np.intp)
    dW[counted], kept[counted] = rows, places
    place = np.flatnonzero(kept.take(counted) != places)
    words = counted.take(place)
    order = np.argsort(words.astype(np.min_scalar_type(shape[0])), kind="stable")  # by radix up to 16 bits
    words, place = words.take(order), place.take(order)
    while len(words):
        second, alone = _paired(words)
        dW[words[alone]] += rows.take(place[alone], axis=0)
        rows, words = _added(rows, place[second - 1], place[second]), words[second]
        place = places[: len(words)]
    return None, {"W": dW}


def _paired(words: Array) -> tuple[Any, Any]:
    """The second, fourth, ... place of each run of one word, and which places are left: the last of odd runs."""
    places = np.arange(len(words))
    start = np.maximum.accumulate(np.where(np.diff(words, prepend=-1), places, 0))
    second = places[(places - start) % 2 == 1]
    alone = np.ones(len(words), bool)
    alone[second] = alone[second - 1] = False
    return second, alone


def _added(rows: Array, first: Array, second: Array) -> Array:
    found = rows.take(first, axis=0)
    found += rows.take(second, axis=0)
    return found


def cases() -> list[Case]:
    """Repeated ids in sequences, one by two names; one id; float32."""
    rng = np.random.default_rng(9)
    params, ids = initial_params(6, 3, rng), np.array([[0, 2, 2, -1], [2, 2, 5, 2]])
    single = initial_params(6, 3, rng, np.float32)
    return [
        Case("embedding/repeated", Layer(forward, backward, params), None, (ids,), kind="layer"),
        Case("embedding/one", Layer(forward, backward, params), None, (ids[:1, 0],), kind="layer"),
        Case("embedding/float32", Layer(forward, backward, single), None, (ids,), kind="layer"),
    ]
