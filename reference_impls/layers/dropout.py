"""Dropout: some entries set to zero, the others made larger in turn (Srivastava et al., 2014)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_answer, must_be_floats, must_spread
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.targets import must_be_array


def mask_of(shape: tuple[int, ...], rate: float, rng: np.random.Generator, dtype: Any = np.float64) -> Array:
    """A mask for `forward`: 0 with probability ``rate``, else ``1 / (1 - rate)``, so that the mean is 1.

    It is drawn outside of the layer, for then forward is a function, whose gradient can be checked.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"rate must lie in [0, 1): the share that is dropped; got rate={rate}")
    kept: Array = (rng.random(shape) >= rate).astype(dtype)
    kept /= 1 - rate
    return kept


def forward(params: Params, x: Array, *, mask: Array | None = None) -> tuple[Array, Any]:
    """``y = x mask`` in training; ``x`` as it is in use, where ``mask`` is None."""
    del params
    must_be_floats("x", x)
    if mask is None:
        return x.copy(), (None, x.shape, x.dtype)
    must_be_array("mask", mask)
    must_spread("mask", mask, x.shape)
    mask = mask.astype(x.dtype, copy=False)
    return x * mask, (mask, x.shape, x.dtype)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``: the mask is a constant factor of each entry, so ``dx = dy mask``."""
    mask, *of_y = cache
    must_answer(dy, *of_y)
    return (dy.copy() if mask is None else dy * mask), {}


def cases() -> list[Case]:
    """In training, in use, and float32."""
    rng = np.random.default_rng(8)
    x = rng.standard_normal((4, 5))
    mask = mask_of(x.shape, 0.4, rng)
    single = {"mask": mask.astype(np.float32)}
    return [
        Case("dropout/training", Layer(forward, backward, {}, mask=mask), None, (x,), kind="layer"),
        Case("dropout/in_use", Layer(forward, backward, {}), None, (x,), kind="layer"),
        Case(
            "dropout/float32",
            Layer(forward, backward, {}, **single),
            None,
            (x.astype(np.float32),),
            kind="layer",
        ),
    ]
