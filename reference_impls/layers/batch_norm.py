"""Batch normalisation: each channel over the whole batch (Ioffe and Szegedy, 2015), in training and in use."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.normalised import normalised, normalised_vjp

Statistics = tuple[Array, Array]
"""Running mean and running variance, (channels,) each."""


def initial_params(channels: int, dtype: Any = np.float64) -> dict[str, Array]:
    """``gain`` ones and ``shift`` zeros, (channels,) each."""
    return {"gain": np.ones(channels, dtype), "shift": np.zeros(channels, dtype)}


def forward(
    params: Params, x: Array, *, running: Statistics | None = None, eps: float = 1e-5
) -> tuple[Array, Any]:
    """``y_nc.. = xhat_nc.. gain_c + shift_c`` for ``x`` (batch, channels, ...).

    In training (``running`` None) ``xhat`` has mean 0 and variance 1 in each channel of this batch. In use the
    ``running`` mean and variance take the batch's place; then one example does not depend on the others. What they
    are after a training step tells `updated`.
    """
    gain = params["gain"]
    rows = _by_channel(x)
    if running is None:
        xhat, inverse = normalised(rows, eps)
    else:
        mean, variance = running
        inverse = (1 / np.sqrt(variance + x.dtype.type(eps))).astype(x.dtype)[:, None]
        xhat = (rows - mean.astype(x.dtype)[:, None]) * inverse
    y = xhat * gain[:, None]
    y += params["shift"][:, None]
    return _as_images(y, x.shape), (xhat, inverse, gain, running is None)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``gain`` and ``shift``.

    ``dshift_c`` is the sum of ``dy`` over the batch and all pixels, ``dgain_c`` that of ``dy xhat``; ``dxhat = dy
    gain``. In training the whole batch stands in each mean and variance, so every example gets a share of every
    other's derivative: `normalised.normalised_vjp` with the batch as the row. In use mean and variance are constants,
    and ``dx = dxhat inverse``.
    """
    xhat, inverse, gain, training = cache
    d = _by_channel(dy)
    dgain, dshift = np.einsum("cn,cn->c", d, xhat), d.sum(axis=1)
    dxhat = d * gain[:, None]
    dx = normalised_vjp(dxhat, xhat, inverse) if training else dxhat * inverse
    return _as_images(dx, dy.shape), {"gain": dgain, "shift": dshift}


def updated(running: Statistics, x: Array, momentum: float = 0.1) -> Statistics:
    """The running statistics after a training step on ``x``: new arrays, ``momentum`` of the way to the batch's own.

    The variance is that of the population that ``x`` is a sample of: divided by ``n - 1``.
    """
    rows = _by_channel(x)
    if rows.shape[1] < 2:
        raise ValueError(
            f"x has {rows.shape[1]} value(s) a channel, too few for a variance: give a larger batch"
        )
    mean, variance = running
    return (
        (1 - momentum) * mean + momentum * rows.mean(axis=1),
        (1 - momentum) * variance + momentum * rows.var(axis=1, ddof=1),
    )


def _by_channel(x: Array) -> Any:
    """A row for each channel: a row is what is averaged over."""
    rows = np.moveaxis(x, 1, 0)
    return np.ascontiguousarray(rows).reshape(x.shape[1], x.size // max(1, x.shape[1]))


def _as_images(rows: Array, shape: tuple[int, ...]) -> Any:
    moved = rows.reshape(shape[1], shape[0], *shape[2:])
    return np.ascontiguousarray(np.moveaxis(moved, 0, 1))


def cases() -> list[Case]:
    """Vectors and images in training, images in use, a batch of one image, and float32."""
    rng = np.random.default_rng(7)
    x, vectors = rng.standard_normal((3, 4, 2, 3)), rng.standard_normal((6, 4))
    params = {"gain": rng.standard_normal(4), "shift": rng.standard_normal(4)}
    single = {name: value.astype(np.float32) for name, value in params.items()}
    in_use = {"running": (rng.standard_normal(4), rng.random(4) + 0.5)}
    return [
        Case("batch_norm/vectors", Layer(forward, backward, params), None, (vectors,), kind="layer"),
        Case("batch_norm/images", Layer(forward, backward, params), None, (x,), kind="layer"),
        Case("batch_norm/in_use", Layer(forward, backward, params, **in_use), None, (x,), kind="layer"),
        Case("batch_norm/one_image", Layer(forward, backward, params), None, (x[:1],), kind="layer"),
        Case(
            "batch_norm/float32",
            Layer(forward, backward, single),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
