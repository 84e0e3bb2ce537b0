"""What recurrent layers have in common: time, states, and sequences that end early.

Outside time comes first, then the batch: (time, batch, features). Within the layers the batch comes last, (time,
features, batch): what one step works on lies together in memory, and so does each gate of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.layers.axes import must_agree, must_have
from reference_impls.layers.layer import Array, Params
from reference_impls.targets import must_be_array

Mask = Array | None
"""(time, batch), True where a sequence still runs; beyond its end its state stays as it was."""


def until_the_end(x: Array, mask: Mask) -> Array:
    """``x`` with zeros beyond each sequence's end, so that what stands there, be it NaN, is never looked at."""
    if mask is None:
        return x
    must_be_array("mask", mask)
    if mask.dtype != bool or mask.shape != x.shape[:2]:
        raise ValueError(
            f"mask is {mask.dtype} of shape {mask.shape}; wanted bools, (time, batch) = {x.shape[:2]}"
        )
    return np.where(mask[:, :, None], x, 0)


def sizes(
    params: Params, x: Array, start: tuple[Array, ...], gates: int, states: int
) -> tuple[int, int, int]:
    """Steps, batch and units of a layer of so many ``gates`` and ``states``; an error where its arrays do not fit."""
    units = len(params["Wh"])
    must_have("x", x, time=None, batch=None, inputs=len(params["Wx"]))
    must_have("Wx", params["Wx"], inputs=x.shape[2], gates=gates * units)
    must_have("Wh", params["Wh"], units=units, gates=gates * units)
    for name in params.keys() - {"Wx", "Wh"}:
        must_have(name, params[name], gates=gates * units)
    if len(start) not in (0, states):
        raise ValueError(f"{len(start)} first states came; wanted none, or {states} of (batch, units)")
    for number, state in enumerate(start):
        must_have(f"start[{number}]", state, batch=x.shape[1], units=units)
        must_agree(x=x, **{f"start[{number}]": state})
    must_agree(x=x, **params)
    return x.shape[0], x.shape[1], units


def weights(inputs: int, units: int, gates: int, rng: np.random.Generator, dtype: Any) -> dict[str, Array]:
    """``Wx`` (inputs, gates units), ``Wh`` (units, gates units) of variance ``1 / units``; ``b`` zero."""
    wide = gates * units
    return {
        "Wx": (rng.standard_normal((inputs, wide)) / np.sqrt(units)).astype(dtype),
        "Wh": (rng.standard_normal((units, wide)) / np.sqrt(units)).astype(dtype),
        "b": np.zeros(wide, dtype),
    }


def fed(x: Array, Wx: Array, b: Array) -> Array:
    """``Wx^T x_t^T + b`` of all steps at once, (time, gates units, batch); only what comes from the state must wait."""
    a: Array = np.matmul(Wx.T, x.swapaxes(1, 2))
    a += repeated(b, x.shape[1])
    return a


def fed_vjp(d: Array, x: Array, Wx: Array) -> tuple[Array, Array, Array]:
    """Pull ``d`` back through `fed`, to ``x``, ``Wx`` and ``b``: a linear layer whose examples are all steps.

    ``d`` is (gates units, time batch), as `side_by_side` makes it.
    """
    rows = x.reshape(x.shape[0] * x.shape[1], x.shape[2])
    return (d.T @ Wx.T).reshape(x.shape), rows.T @ d.T, d.sum(axis=1)


def repeated(b: Array, batch: int) -> Array:
    """``b`` for every sequence, (features, batch): NumPy adds it sooner than a column that it would have to repeat."""
    return np.repeat(b[:, None], batch, axis=1)


def side_by_side(columns: Array) -> Array:
    """(time, features, batch) as a matrix (features, time batch), for one large product instead of many small ones.

    With the states of all steps as ``H`` and the derivatives of what their products went into as ``D``, ``H D^T`` is
    ``sum_t h_t d_t^T``: every step used the same weights, so each adds its own derivative of them.
    """
    steps, features, batch = columns.shape
    return columns.swapaxes(0, 1).reshape(features, steps * batch)


def sigmoid_(z: Array) -> None:
    """The sigmoid ``1 / (1 + exp(-z))``, over ``z`` itself: 0 where the exponential overflows, which is no error.

    ``(1 + tanh(z / 2)) / 2`` overflows nowhere, but ``tanh`` takes three times as long as ``exp`` in double precision.
    """
    with np.errstate(over="ignore"):
        np.exp(np.negative(z, out=z), out=z)
    z += 1
    np.divide(1, z, out=z)  # in half the time of a reciprocal
