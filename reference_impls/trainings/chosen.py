"""Some vectors out of an array of them, such as those of the characters that are there where lines differ in length."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.layers.layer import Array, Params


def forward(params: Params, x: Array, *, mask: Array) -> tuple[Array, Any]:
    """The rows ``x[mask]``, (number of True, features), of ``x`` (..., features); ``mask`` has x's other axes."""
    del params
    return x[mask], mask


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``: each row to where it stood; what was not chosen has the derivative 0."""
    mask = cache
    dx = np.zeros((*mask.shape, dy.shape[1]), dy.dtype)
    dx[mask] = dy
    return dx, {}
