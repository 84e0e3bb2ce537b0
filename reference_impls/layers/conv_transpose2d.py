"""Transposed convolution: the pullback of `reference_impls.layers.conv2d`, used forwards, to make images larger."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_agree, must_answer, must_fall_into, must_have
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.windows import Pair, Windows, by_group, pair


def initial_params(
    inputs: int,
    outputs: int,
    kernel: int | Pair,
    rng: np.random.Generator,
    groups: int = 1,
    dtype: Any = np.float64,
) -> dict[str, Array]:
    """``W`` (inputs, outputs / groups, rows, columns): that of the convolution from outputs to inputs; ``b`` zero."""
    for count, what in ((inputs, "input channels"), (outputs, "output channels")):
        must_fall_into("groups", groups, count, what)
    shape = (inputs, outputs // groups, *pair("kernel", kernel))
    W = rng.standard_normal(shape) * np.sqrt(2 / (shape[0] // groups * shape[2] * shape[3]))
    return {"W": W.astype(dtype), "b": np.zeros(outputs, dtype)}


def forward(
    params: Params,
    x: Array,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[Array, Any]:
    """The image ``y`` of which a convolution with the same settings would have made one of the size of ``x``.

    ``x`` is (batch, inputs, rows, columns); ``y`` (batch, outputs, height, width) with ``height = (rows - 1) s - 2 p +
    d (k - 1) + 1 + output_padding``. Each entry of ``x`` lays down the kernel, times itself, on its window of ``y``:
    with ``h = u s + i d - p`` and ``w = v s + j d - p``, ``x_nkuv W_kcij`` is added to ``y_nchw``. With columns that
    is ``y = scattered(W^T x) + b``, which is what `conv2d.backward` does with ``dy`` (Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning", 2016, section 4).
    """
    W, b = params["W"], params["b"]
    must_have("W", W, inputs=None, outputs=None, rows=None, columns=None)
    must_have("x", x, batch=None, channels=len(W), height=None, width=None)
    must_fall_into("groups", groups, len(W), "input channels")
    must_have("b", b, outputs=groups * W.shape[1])
    must_agree(x=x, **params)
    kernel, steps, around = W.shape[2:], pair("stride", stride), pair("padding", padding)
    apart, below = pair("dilation", dilation), pair("output_padding", output_padding)
    height, width = (
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + more
        for n, s, p, d, k, more in zip(x.shape[2:], steps, around, apart, kernel, below, strict=True)
    )
    if min(below) < 0:
        raise ValueError(f"output_padding is {output_padding}; wanted at least 0 for rows and columns")
    windows = Windows((height, width), kernel, steps, around, apart)
    if min(x.shape[2:]) > 0 and min(height, width) < 1:
        raise ValueError(f"padding={padding} leaves {height} x {width} pixels of y: pad less")
    if windows.count != x.shape[2:]:
        raise ValueError(
            f"output_padding={output_padding} must be smaller than stride={stride}: more windows would fit"
        )
    kernels = W.reshape(groups, len(W) // groups, W[0].size)
    rows = x.reshape(len(x), groups, len(W) // groups, x.shape[2] * x.shape[3])
    y = np.empty((len(x), len(b), height, width), x.dtype)
    for part, room in windows.blocks(len(x), len(b), x.dtype):
        np.matmul(kernels.swapaxes(1, 2), rows[part], out=by_group(room, groups))
        np.add(windows.scattered(room), b[:, None, None], out=y[part])
    return y, (windows, rows, W, x.shape)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``W`` and ``b``.

    ``y = T^T W^T x + b`` with ``T`` the copying of windows into columns (`windows.Windows`). Both factors change
    sides in the adjoint: ``dx = W T dy``, a convolution of ``dy``; and with the columns ``D = T dy``, of places ``t``
    and windows ``w``, ``dW_kt = sum_nw x_nkw D_ntw``. ``b`` was added to every entry of its channel.
    """
    windows, rows, W, shape = cache
    groups = rows.shape[1]
    must_answer(dy, (len(rows), groups * W.shape[1], *windows.size), rows.dtype)
    kernels = W.reshape(groups, len(W) // groups, W[0].size)
    dx, dW = np.empty_like(rows), np.zeros_like(kernels)
    for part, room in windows.blocks(len(dy), dy.shape[1], dy.dtype):
        taken = by_group(windows.columns(dy[part], room), groups)
        np.matmul(kernels, taken, out=dx[part])
        dW += np.matmul(rows[part], taken.swapaxes(2, 3)).sum(axis=0)
    return dx.reshape(shape), {"W": dW.reshape(W.shape), "b": dy.sum(axis=(0, 2, 3))}


def cases() -> list[Case]:
    """Plain, with every setting, grouped, one image, and float32."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 4, 3, 4))
    settings: dict[str, dict[str, Any]] = {
        "plain": {},
        "strided": {"stride": 2, "padding": 1, "output_padding": 1},
        "dilated": {"stride": (2, 1), "dilation": (1, 2)},
        "grouped": {"stride": 2, "groups": 2},
    }
    found = []
    for name, setting in settings.items():
        params = initial_params(4, 2, 3, rng, setting.get("groups", 1)) | {"b": rng.standard_normal(2)}
        found.append(
            Case(
                f"conv_transpose2d/{name}",
                Layer(forward, backward, params, **setting),
                None,
                (x,),
                kind="layer",
            )
        )
    single = initial_params(4, 3, 2, rng, dtype=np.float32)
    return [
        *found,
        Case(
            "conv_transpose2d/one_image",
            Layer(forward, backward, params, groups=2),
            None,
            (x[:1],),
            kind="layer",
        ),
        Case(
            "conv_transpose2d/float32",
            Layer(forward, backward, single),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
