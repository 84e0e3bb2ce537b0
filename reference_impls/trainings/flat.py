"""Images as rows: the layer between convolutions and a linear layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.layers.layer import Array, Params


def forward(params: Params, x: Array) -> tuple[Array, Any]:
    """``x`` (batch, ...) as (batch, entries of one example)."""
    del params
    return x.reshape(len(x), int(np.prod(x.shape[1:]))).copy(), x.shape


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``: the entries keep their order, so do their derivatives."""
    return dy.reshape(cache).copy(), {}
