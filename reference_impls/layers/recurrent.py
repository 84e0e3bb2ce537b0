"""What recurrent layers have in common: time, states, and sequences that end early.

Time comes first, (time, batch, features): what one step works on then lies together in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.layers.layer import Array

Mask = Array | None
"""(time, batch), True where a sequence still runs; beyond its end its state stays as it was."""


def weights(inputs: int, units: int, gates: int, rng: np.random.Generator, dtype: Any) -> dict[str, Array]:
    """``Wx`` (inputs, gates units), ``Wh`` (units, gates units) of variance ``1 / units``; ``b`` zero."""
    wide = gates * units
    return {
        "Wx": (rng.standard_normal((inputs, wide)) / np.sqrt(units)).astype(dtype),
        "Wh": (rng.standard_normal((units, wide)) / np.sqrt(units)).astype(dtype),
        "b": np.zeros(wide, dtype),
    }


def fed(x: Array, Wx: Array, b: Array) -> Array:
    """``x_t Wx + b`` of all steps in one matrix product; only what comes from the state must wait."""
    rows = x.reshape(x.shape[0] * x.shape[1], x.shape[2]) @ Wx
    rows += b
    return rows.reshape(*x.shape[:2], Wx.shape[1])


def fed_vjp(d: Array, x: Array, Wx: Array) -> tuple[Array, Array, Array]:
    """Pull ``d`` back through `fed`, to ``x``, ``Wx`` and ``b``: a linear layer whose examples are all steps."""
    rows = d.reshape(d.shape[0] * d.shape[1], d.shape[2])
    inputs = x.reshape(len(rows), x.shape[2])
    return (rows @ Wx.T).reshape(x.shape), inputs.T @ rows, rows.sum(axis=0)


def summed(states: Array, d: Array) -> Array:
    """``sum_t states_t^T d_t``: every step used the same weights, so each adds its own derivative of them."""
    count = d.shape[0] * d.shape[1]
    return states.reshape(count, states.shape[2]).T @ d.reshape(count, d.shape[2])


def sigmoid_(z: Array) -> None:
    """The sigmoid, over ``z`` itself: ``1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2``, which overflows nowhere."""
    z *= z.dtype.type(0.5)
    np.tanh(z, out=z)
    z += z.dtype.type(1)
    z *= z.dtype.type(0.5)


def runs(mask: Mask, t: int) -> Any:
    """Which examples run at step ``t``, (batch, 1)."""
    return None if mask is None else mask[t][:, None]
