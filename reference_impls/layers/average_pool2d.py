"""The mean of each window (LeCun et al., 1998), and its pullback."""

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
    """``y_ncpq``, the mean of window ``pq`` of ``x_nc``, padding counted as zeros.

    ``x`` is (batch, channels, height, width); the stride is the kernel where none is given.
    """
    del params
    must_have("x", x, batch=None, channels=None, height=None, width=None)
    size = pair("kernel", kernel)
    steps = size if stride is None else pair("stride", stride)
    windows = Windows(x.shape[2:], size, steps, pair("padding", padding))
    wide = windows.padded(x)
    y = np.empty((*x.shape[:2], *windows.count), x.dtype)
    for part in blocks(wide):
        np.divide(windows.reduced(wide[part], np.add), x.dtype.type(size[0] * size[1]), out=y[part])
    return y, (windows, y.shape, y.dtype)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``: each entry of a window of ``m`` entries had the share ``1 / m`` in its mean.

    ``y_ncpq = sum x_nchw / m`` over all ``hw`` in window ``pq``, so ``dx_nchw = sum dy_ncpq / m`` over all windows
    ``pq`` that ``hw`` lies in. Padding had its share in the mean as well, and what it gets is dropped.
    """
    windows, *of_y = cache
    must_answer(dy, *of_y)
    share = dy / (windows.kernel[0] * windows.kernel[1])
    dx = (np.empty if windows.tiled else np.zeros)((*dy.shape[:2], *windows.wide), dy.dtype)
    for part in blocks(dx):
        for _, index in windows.offsets():
            if windows.tiled:
                dx[part][index] = share[part]
            else:
                dx[part][index] += share[part]
    return windows.trimmed(dx), {}


def cases() -> list[Case]:
    """Apart and overlapping windows, padding, one image, and float32."""
    x = np.random.default_rng(3).standard_normal((2, 3, 6, 7))
    return [
        Case("average_pool2d/apart", Layer(forward, backward, {}), None, (x,), kind="layer"),
        Case(
            "average_pool2d/overlapping",
            Layer(forward, backward, {}, kernel=3, stride=2, padding=1),
            None,
            (x,),
            kind="layer",
        ),
        Case(
            "average_pool2d/one_image",
            Layer(forward, backward, {}, kernel=(1, 3)),
            None,
            (x[:1],),
            kind="layer",
        ),
        Case(
            "average_pool2d/float32",
            Layer(forward, backward, {}),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
