"""Normalising rows: what layer, group and batch norm have in common, and its pullback."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.layers.layer import Array

ROWS = 2**16
"""Entries taken at a time: half a megabyte of doubles stays in the cache from one step to the next."""


def blocks(x: Array) -> list[slice]:
    """The rows of a matrix in blocks of about `ROWS` entries."""
    step = max(1, ROWS // max(1, x.shape[1]))
    return [slice(start, start + step) for start in range(0, len(x), step)]


def normalised(x: Array, eps: float) -> tuple[Array, Array]:
    """Each row of a matrix less its mean, over the root of its variance plus ``eps``; and that root's inverse.

    ``xhat_i = (x_i - m) r`` with ``m = sum_j x_j / n`` and ``r = (sum_j (x_j - m)^2 / n + eps)^(-1/2)``. The mean goes
    first: the difference of the mean square and the squared mean would cancel where the mean is large.
    """
    xhat, inverse = np.empty_like(x), np.empty((len(x), 1), x.dtype)
    count = x.dtype.type(max(1, x.shape[1]))  # a batch of nothing has no mean, and needs none
    for part in blocks(x):
        row = xhat[part]
        np.subtract(x[part], x[part].sum(axis=1, keepdims=True) / count, out=row)
        variance = np.einsum("ij,ij->i", row, row)[:, None] / count
        inverse[part] = 1 / np.sqrt(variance + x.dtype.type(eps))
        row *= inverse[part]
    return xhat, inverse


def normalised_vjp(dxhat: Array, xhat: Array, inverse: Array) -> Array:
    """Pull ``dxhat`` back through `normalised`.

    Along one row of ``n`` entries write ``c_i = x_i - m``, so that ``xhat_i = c_i r`` and ``r = (sum c^2 / n +
    eps)^(-1/2)``. The scalar that ``dxhat`` came from changes with ``c`` directly and through ``r``:

    - ``dr/dc_i = -r^3 c_i / n = -r^2 xhat_i / n``;
    - ``dc_i = r dxhat_i + (sum_j dxhat_j c_j) dr/dc_i = r (dxhat_i - xhat_i sum_j dxhat_j xhat_j / n)``.

    Centring, ``c = x - m``, is its own adjoint: ``dx_i = dc_i - sum_j dc_j / n``. The entries of ``xhat`` add up to 0,
    so the second term of ``dc`` has no mean, and

        ``dx_i = r (dxhat_i - mean(dxhat) - xhat_i mean(dxhat xhat))``

    (Ioffe and Szegedy, "Batch normalization", 2015, section 3, with the sums put in one another).
    """
    count = xhat.dtype.type(max(1, xhat.shape[1]))
    dx = np.empty_like(xhat)
    for part in blocks(xhat):
        d, row = dxhat[part], dx[part]
        along = np.einsum("ij,ij->i", d, xhat[part])[:, None] / count
        np.multiply(xhat[part], along, out=row)
        np.subtract(d, row, out=row)
        row -= d.sum(axis=1, keepdims=True) / count
        row *= inverse[part]
    return dx


def flat(x: Array) -> Any:
    """A matrix of the vectors along the last axis."""
    return x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
