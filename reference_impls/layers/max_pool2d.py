"""The largest entry of each window (Ranzato et al., 2007), and where its derivative goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_answer, must_have
from reference_impls.layers.blocks import blocks
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
    must_have("x", x, batch=None, channels=None, height=None, width=None)
    size = pair("kernel", kernel)
    steps = size if stride is None else pair("stride", stride)
    windows = Windows(x.shape[2:], size, steps, pair("padding", padding))
    if any(p >= k for p, k in zip(windows.padding, windows.kernel, strict=True)):
        raise ValueError(
            f"padding={padding} must be smaller than kernel={kernel}: a window needs an entry of x"
        )
    wide = windows.padded(x, -np.inf)
    y = np.empty((*x.shape[:2], *windows.count), x.dtype)
    for part in blocks(wide):
        y[part] = windows.reduced(wide[part], np.maximum)
    return y, (windows, wide, y.copy())


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``.

    Near ``x`` the maximum of a window is its winning entry, so ``dy_ncpq/dx_nchw`` is 1 where ``hw`` is the winner of
    window ``pq``, and 0 at all others: ``dx_nchw = sum_pq dy_ncpq [hw wins pq]``. Each window's ``dy`` goes to where
    its winner stood; an entry that wins several windows gets the sum. At a tie every share-out among the equals is a
    subgradient; here the first takes all.
    """
    windows, wide, y = cache
    must_answer(dy, y.shape, y.dtype)
    dx = np.empty_like(wide)
    for part in blocks(wide):
        free = np.ones(y[part].shape, bool)
        if not windows.tiled:
            dx[part] = 0
        for _, index in windows.offsets():
            wins = np.equal(wide[part][index], y[part])
            wins &= free
            free ^= wins
            if windows.tiled:
                np.multiply(dy[part], wins, out=dx[part][index])
            else:
                dx[part][index] += dy[part] * wins
    return windows.trimmed(dx), {}


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
