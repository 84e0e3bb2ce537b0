"""Convolution of images (as all libraries of this field have it: the kernel is not turned), and its pullback."""

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
    """``W`` (outputs, inputs / groups, rows, columns) of variance ``2 / fan in`` (He et al. 2015), ``b`` zero."""
    for count, what in ((inputs, "input channels"), (outputs, "output channels")):
        must_fall_into("groups", groups, count, what)
    shape = (outputs, inputs // groups, *pair("kernel", kernel))
    W = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return {"W": W.astype(dtype), "b": np.zeros(outputs, dtype)}


def forward(
    params: Params,
    x: Array,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[Array, Any]:
    """``y_nkpq = b_k + sum_cij W_kcij x_nchw`` with ``h = p s + i d``, ``w = q s + j d`` in the padded image.

    ``x`` is (batch, inputs, height, width), ``y`` (batch, outputs, rows, columns of windows), ``s`` the stride and
    ``d`` the dilation. With ``groups`` the channels fall into as many groups, each convolved by itself.

    Each window becomes a column; then a kernel is a row of a matrix, and convolution is a matrix product ("im2col";
    Chellapilla, Puri and Simard, "High performance convolutional neural networks for document processing", 2006).
    """
    W, b = params["W"], params["b"]
    must_have("W", W, outputs=None, inputs=None, rows=None, columns=None)
    must_have("b", b, outputs=len(W))
    must_fall_into("groups", groups, len(W), "output channels")
    must_have("x", x, batch=None, channels=groups * W.shape[1], height=None, width=None)
    must_agree(x=x, **params)
    steps, around, apart = pair("stride", stride), pair("padding", padding), pair("dilation", dilation)
    windows = Windows(x.shape[2:], W.shape[2:], steps, around, apart)
    rows, columns = windows.count
    kernels = W.reshape(groups, len(W) // groups, W[0].size)
    y = np.empty((len(x), groups, len(W) // groups, rows * columns), x.dtype)
    for part, room in windows.blocks(len(x), x.shape[1], x.dtype):
        np.matmul(kernels, by_group(windows.columns(x[part], room), groups), out=y[part])
        y[part] += b.reshape(groups, len(W) // groups, 1)
    return y.reshape(len(x), len(W), rows, columns), (windows, x, W, groups)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy``, of the shape of ``y``, back to ``x``, ``W`` and ``b``.

    Write ``w`` for a window, ``t`` for a place under the kernel of all input channels, and ``X_ntw`` for the columns
    that `forward` took from ``x``. Then ``y_nkw = b_k + sum_t W_kt X_ntw``, a linear layer on every window, and as
    there

    - ``db_k = sum_nw dy_nkw``: every window of every image added the same ``b_k``;
    - ``dW_kt = sum_nw dy_nkw X_ntw``: ``dy X^T`` for each image, summed over the images;
    - ``dX_ntw = sum_k W_kt dy_nkw``: ``W^T dy``.

    ``X`` was copied from ``x``, each entry into every window that it lies in, so each copy's derivative is added
    back to where it came from: ``dx = scattered(dX)`` (`windows.Windows.scattered`).
    """
    windows, x, W, groups = cache
    must_answer(dy, (len(x), len(W), *windows.count), x.dtype)
    count, places = dy.shape[2] * dy.shape[3], W.shape[2] * W.shape[3]
    kernels = W.reshape(groups, len(W) // groups, W[0].size)
    d = dy.reshape(len(dy), groups, len(W) // groups, count)
    dW, dx = np.zeros_like(kernels), np.empty_like(x)
    for part, room in windows.blocks(len(x), x.shape[1], x.dtype):
        taken = by_group(windows.columns(x[part], room), groups)
        dW += np.matmul(d[part], taken.swapaxes(2, 3)).sum(axis=0)
        dtaken = np.matmul(kernels.swapaxes(1, 2), d[part], out=taken)
        dx[part] = windows.scattered(dtaken.reshape(len(dtaken), x.shape[1], places, count))
    db = d.sum(axis=3).sum(axis=0).reshape(len(W))
    return dx, {"W": dW.reshape(W.shape), "b": db}


def cases() -> list[Case]:
    """Plain, with every setting, depthwise, one image, and float32."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4, 6, 5))
    settings: dict[str, dict[str, Any]] = {
        "plain": {},
        "strided": {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
        "grouped": {"padding": 1, "groups": 2},
        "depthwise": {"stride": 2, "groups": 4},
    }
    found = []
    for name, setting in settings.items():
        params = initial_params(4, 4, 3, rng, setting.get("groups", 1)) | {"b": rng.standard_normal(4)}
        found.append(
            Case(f"conv2d/{name}", Layer(forward, backward, params, **setting), None, (x,), kind="layer")
        )
    params = initial_params(4, 3, (3, 2), rng)
    single = initial_params(4, 3, 3, rng, dtype=np.float32)
    return [
        *found,
        Case("conv2d/one_image", Layer(forward, backward, params), None, (x[:1],), kind="layer"),
        Case(
            "conv2d/float32",
            Layer(forward, backward, single, padding=1),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
