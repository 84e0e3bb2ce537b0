"""Batch normalisation: each channel over the whole batch (Ioffe and Szegedy, 2015), in training and in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_agree, must_answer, must_have
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.normalised import Normalised, normalised, normalised_vjp
from reference_impls.targets import must_lie

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
    must_have("x", x, batch=None, channels=len(params["gain"]), pixels=...)
    if running is not None:
        _must_be_of(x, running)
    for name in ("gain", "shift"):
        must_have(name, params[name], channels=x.shape[1])
    must_agree(x=x, **params)
    must_lie("eps", eps, 0)
    gain, shift = params["gain"][:, None, None], params["shift"][:, None, None]
    rows = _by_channel(np.ascontiguousarray(x))
    if running is None:
        y, kept = normalised(rows, gain, shift, eps)
    else:
        mean, variance = (statistic.astype(x.dtype)[:, None, None] for statistic in running)
        kept = Normalised(rows, gain, mean, 1 / np.sqrt(variance + x.dtype.type(eps)))
        y = (rows - mean) * (kept.inverse * gain) + shift
    return _as_images(y, x.shape), (kept, x.shape, running is None)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, ``gain`` and ``shift``.

    ``dshift_c`` is the sum of ``dy`` over the batch and all pixels, ``dgain_c`` that of ``dy xhat``; ``dxhat = dy
    gain``. In training the whole batch stands in each mean and variance, so every example gets a share of every
    other's derivative (`normalised.normalised_vjp`). In use mean and variance are constants,
    and ``dx = dxhat inverse``.
    """
    kept, shape, training = cache
    must_answer(dy, shape, kept.x.dtype)
    d = _by_channel(np.ascontiguousarray(dy))
    if training:
        dx, dgain, dshift = normalised_vjp(d, kept)
    else:
        dx = d * (kept.gain * kept.inverse)
        dgain, dshift = np.vecdot(d, (kept.x - kept.mean) * kept.inverse), d.sum(axis=2)
    return _as_images(dx, dy.shape), {"gain": dgain.sum(axis=1), "shift": dshift.sum(axis=1)}


def updated(running: Statistics, x: Array, momentum: float = 0.1) -> Statistics:
    """The running statistics after a training step on ``x``: new arrays, ``momentum`` of the way to the batch's own.

    The variance is that of the population that ``x`` is a sample of: divided by ``n - 1``.
    """
    must_have("x", x, batch=None, channels=None, pixels=...)
    _must_be_of(x, running)
    must_lie("momentum", momentum, 0, 1)
    rows = _by_channel(x)
    if rows[0].size < 2:
        raise ValueError(
            f"x has {rows[0].size} value(s) a channel, too few for a variance: give a larger batch"
        )
    mean, variance = running
    return (
        (1 - momentum) * mean + momentum * rows.mean(axis=(1, 2)),
        (1 - momentum) * variance + momentum * rows.var(axis=(1, 2), ddof=1),
    )


def _must_be_of(x: Array, running: Statistics) -> None:
    if not isinstance(running, Sequence | np.ndarray) or len(running) != 2:
        raise TypeError(
            f"running is {running!r}; wanted two arrays, the mean and the variance of each channel"
        )
    for number, statistic in enumerate(running):
        must_have(f"running[{number}]", statistic, channels=x.shape[1])


def _by_channel(x: Array) -> Any:
    """(channels, batch, pixels), a view; of vectors (channels, 1, batch)."""
    if x.ndim == 2:
        return x.T[:, None, :]
    return x.reshape(*x.shape[:2], int(np.prod(x.shape[2:]))).swapaxes(0, 1)


def _as_images(rows: Array, shape: tuple[int, ...]) -> Any:
    return (rows[:, 0].T if len(shape) == 2 else rows.swapaxes(0, 1)).reshape(shape)


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
