"""Normalising rows of images: what batch and group norm have in common, and its pullback.

Images are seen as (statistics, rows, pixels): all rows of one statistic share a mean and a variance, and each row has a
gain and a shift of its own. In batch norm the statistics are the channels and the rows the images of the batch, in
group norm the statistics are the groups of all images and the rows the channels of a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reference_impls.broadcast import short_buffer
from reference_impls.layers.blocks import blocks, room
from reference_impls.layers.layer import Array


@dataclass(frozen=True)
class Normalised:
    """What the way back needs; with ``S`` statistics, (S, 1, 1) for ``mean`` and ``inverse``, the root's inverse."""

    x: Array
    gain: Array
    mean: Array
    inverse: Array


def normalised(x: Array, gain: Array, shift: Array, eps: float) -> tuple[Array, Normalised]:
    """``y_srp = (x_srp - m_s) r_s gain_sr + shift_sr``, in memory as ``x`` lies there.

    ``m_s`` is the mean over ``r`` and ``p``, ``r_s = (sum_rp (x_srp - m_s)^2 / n + eps)^(-1/2)``. The mean goes first:
    the difference of the mean square and the squared mean would cancel where the mean is large.

    Of ``x`` nothing is kept but itself: ``x - m`` is quicker made again than written to memory and read.
    """
    y, ones = np.empty_like(x), np.ones(x.shape[2], x.dtype)
    mean, inverse = np.empty((2, len(x), 1, 1), x.dtype)
    with short_buffer():
        for part in blocks(x):
            mean[part] = _mean(np.vecdot(x[part], ones), x)
            centred = np.subtract(x[part], mean[part], out=y[part])
            inverse[part] = 1 / np.sqrt(_mean(np.vecdot(centred, centred), x) + x.dtype.type(eps))
            centred *= inverse[part] * gain[part]
            centred += shift[part]
    return y, Normalised(x, gain, mean, inverse)


def normalised_vjp(dy: Array, kept: Normalised) -> tuple[Array, Array, Array]:
    """Pull ``dy`` back through `normalised`, to ``x``, ``gain`` and ``shift``, the last two (statistics, rows).

    Within one statistic of ``n`` entries ``i``, write ``c_i = x_i - m`` and ``xhat_i = c_i r``. Row by row, ``dshift``
    is the sum of ``dy`` and ``dgain`` that of ``dy xhat``, and ``dxhat_i = dy_i gain_i`` with the gain of its row. The
    scalar that ``dxhat`` came from changes with ``c`` directly and through ``r``:

    - ``dr/dc_i = -r^3 c_i / n = -r^2 xhat_i / n``;
    - ``dc_i = r dxhat_i + (sum_j dxhat_j c_j) dr/dc_i = r (dxhat_i - xhat_i sum_j dxhat_j xhat_j / n)``.

    Centring, ``c = x - m``, is its own adjoint: ``dx_i = dc_i - sum_j dc_j / n``. The entries of ``xhat`` add up to 0,
    so the second term of ``dc`` has no mean, and

        ``dx_i = r (dxhat_i - mean(dxhat) - xhat_i mean(dxhat xhat))``

    (Ioffe and Szegedy, "Batch normalization", 2015, section 3, with the sums put in one another). Both means follow
    from the rows' own sums: ``mean(dxhat) = sum_r gain_r dshift_r / n``, ``mean(dxhat xhat) = sum_r gain_r dgain_r /
    n``.
    """
    dx, dgain, dshift = np.empty_like(kept.x), *np.empty((2, *dy.shape[:2]), dy.dtype)
    ones, direct = np.ones(dy.shape[2], dy.dtype), room(dy)
    with short_buffer():
        for part in blocks(dy):
            r, gain = kept.inverse[part], kept.gain[part]
            centred = np.subtract(kept.x[part], kept.mean[part], out=dx[part])
            dshift[part] = np.vecdot(dy[part], ones)
            dgain[part] = np.vecdot(dy[part], centred) * r[:, 0]
            centred *= _mean(gain[:, :, 0] * dgain[part], dy) * r * r
            centred += _mean(gain[:, :, 0] * dshift[part], dy) * r
            np.subtract(np.multiply(dy[part], gain * r, out=direct[: len(r)]), centred, out=centred)
    return dx, dgain, dshift


def _mean(sums: Any, x: Array) -> Any:
    """From the sums of the rows the mean of each statistic, (statistics, 1, 1); a batch of nothing has none."""
    return sums.sum(axis=1)[:, None, None] / max(1, x.shape[1] * x.shape[2])
