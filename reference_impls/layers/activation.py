"""An activation by name, as a layer without parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.activations import ACTIVATIONS
from reference_impls.fast_activations import KERNELS, ROWS, value_and_slope
from reference_impls.gated import GATED
from reference_impls.layers.axes import must_answer, must_be_floats, must_have
from reference_impls.layers.layer import Array, Layer, Params

UNITS = ACTIVATIONS | GATED
"""Every activation that has a name here."""


def forward(params: Params, x: Array, *, name: str) -> tuple[Array, Any]:
    """``y = h(x)``, ``h`` being the activation of this ``name``: a key of `UNITS`."""
    del params
    if name not in UNITS:
        raise ValueError(f"name={name!r} is no activation known here; there are {', '.join(sorted(UNITS))}")
    must_be_floats("x", x)
    if name in ROWS:
        must_have("x", x, rows=..., entries=None)
        y = ROWS[name].value(x)
        return y, (ROWS[name].vjp, y.copy())
    if name in KERNELS:
        y, slope = value_and_slope(name, x)
        return y, (np.multiply, slope)
    return UNITS[name].value(x), (UNITS[name].vjp, x)


def backward(dy: Array, cache: Any) -> tuple[Array, dict[str, Array]]:
    """Pull ``dy`` back to ``x``, as derived beside each activation: times the slope where entry stands for entry."""
    pull, kept = cache  # as large as y, whichever it is
    must_answer(dy, kept.shape, kept.dtype)
    return pull(dy, kept), {}


def cases() -> list[Case]:
    """One of each of the two kinds; the derivatives themselves have their cases beside them."""
    x = 2 * np.random.default_rng(17).standard_normal((3, 4))
    return [
        Case(f"activation/{name}", Layer(forward, backward, {}, name=name), None, (x,), kind="layer")
        for name in ("relu", "gelu", "softmax")
    ]
