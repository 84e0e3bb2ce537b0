"""The largest entry of each window, and where its derivative goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.windows import Pair, Windows, pair


def forward(
    params: Params,
    x: Array,
    *,
    kernel: int | Pair = 2,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
) -> tuple[Array, Any]:
    """``y_ncpq``, the largest entry of ``x_nc`` in window ``pq``; the stride is the kernel where none is given.

    ``x`` is (batch, channels, height, width). Padding never wins: it is minus infinity.
    """
    del params
    size = pair(kernel)
    windows = Windows(x.shape[2:], size, pair(stride if stride is not None else size), pair(padding))
    wide = windows.padded(x, -np.inf)
    y = np.full((*x.shape[:2], *windows.count), -np.inf, x.dtype)
    winner = np.zeros(y.shape, np.int16)
    for place, index in windows.offsets():
        piece = wide[index]
        np.copyto(winner, place, where=piece > y)  # of equals the first stays
        np.maximum(y, piece, out=y)
    return y, (windows, winner)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``.

    Near ``x`` the maximum of a window is its winning entry, so ``dy/dx`` is 1 there and 0 at all others, and ``dx``
    gets each window's ``dy`` where its winner stood; an entry that wins several windows gets the sum. At a tie every
    share-out among the equals is a subgradient; here the first takes all.
    """
    windows, winner = cache
    zero = dy.dtype.type(0)
    taken = np.stack([np.where(winner == place, dy, zero) for place, _ in windows.offsets()], axis=2)
    return windows.scattered(taken.reshape(*taken.shape[:3], winner.shape[2] * winner.shape[3])), {}


def cases() -> list[Case]:
    """Apart and overlapping windows, padding, one image, and float32."""
    x = np.random.default_rng(2).standard_normal((2, 3, 6, 7))
    return [
        Case("max_pool2d/apart", Layer(forward, backward, {}), None, (x,), kind="layer"),
        Case(
            "max_pool2d/overlapping",
            Layer(forward, backward, {}, kernel=3, stride=2, padding=1),
            None,
            (x,),
            kind="layer",
        ),
        Case(
            "max_pool2d/one_image", Layer(forward, backward, {}, kernel=(1, 3)), None, (x[:1],), kind="layer"
        ),
        Case("max_pool2d/float32", Layer(forward, backward, {}), None, (x.astype(np.float32),), kind="layer"),
    ]
