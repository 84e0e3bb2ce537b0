"""The plain recurrent layer (Elman, "Finding structure in time", 1990), and backpropagation through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.recurrent import Mask, fed, fed_vjp, runs, summed, weights


def initial_params(
    inputs: int, units: int, rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """``Wx`` (inputs, units), ``Wh`` (units, units), ``b`` (units,)."""
    return weights(inputs, units, 1, rng, dtype)


def forward(params: Params, x: Array, *start: Array, mask: Mask = None) -> tuple[Array, Any]:
    """``h_t = tanh(x_t Wx + h_{t-1} Wh + b)``; all states, (time, batch, units).

    ``x`` is (time, batch, inputs), ``h_{-1}`` is ``start`` (batch, units) or zero. The last of the states is also
    that of sequences which ended before.
    """
    Wx, Wh = params["Wx"], params["Wh"]
    steps, batch, units = x.shape[0], x.shape[1], len(Wh)
    h = np.empty((steps + 1, batch, units), x.dtype)
    h[0] = start[0] if start else 0
    a = fed(x, Wx, params["b"])
    for t in range(steps):
        a[t] += h[t] @ Wh
        np.tanh(a[t], out=a[t])
        h[t + 1] = a[t] if mask is None else np.where(runs(mask, t), a[t], h[t])
    return h[1:].copy(), (x, h, a, params, mask, bool(start))


def backward(dy: Array, cache: Any) -> tuple[Any, dict[str, Array]]:
    """Pull ``dy`` (time, batch, units) back to ``x``, the first state where one was given, and the parameters.

    Write ``z_t = x_t Wx + h_{t-1} Wh + b``. The state ``h_t`` acts on the loss by itself, ``dy_t``, and through ``z_{t
    + 1}``; so from the last step to the first, with ``dh_T = 0`` beyond the end,

    - ``dh_t = dy_t + dz_{t+1} Wh^T``;
    - ``dz_t = dh_t (1 - h_t^2)``, the slope of tanh;
    - ``dWh = sum_t h_{t-1}^T dz_t``, ``dWx = sum_t x_t^T dz_t``, ``db = sum_t dz_t``: the same weights at every step;
    - ``dx_t = dz_t Wx^T``, and what is left at the end is the derivative of the first state.

    Where a sequence has ended, ``h_t = h_{t-1}``: ``dz_t = 0`` and ``dh`` is passed on as it is.
    """
    x, h, a, params, mask, started = cache
    Wh = params["Wh"]
    dz = np.empty_like(a)
    dh = np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        dh = dh + dy[t]
        slope = 1 - a[t] * a[t]
        np.multiply(dh, slope, out=dz[t])
        if mask is None:
            dh = dz[t] @ Wh.T
        else:
            dz[t] *= runs(mask, t)
            dh = np.where(runs(mask, t), dz[t] @ Wh.T, dh)
    dx, dWx, db = fed_vjp(dz, x, params["Wx"])
    grads = {"Wx": dWx, "Wh": summed(h[:-1], dz), "b": db}
    return ((dx, dh) if started else dx), grads


def cases() -> list[Case]:
    """From zero, from a first state, sequences of several lengths, one step, and float32."""
    rng = np.random.default_rng(12)
    x, start = rng.standard_normal((5, 3, 2)), rng.standard_normal((3, 4))
    params = initial_params(2, 4, rng) | {"b": rng.standard_normal(4)}
    single = initial_params(2, 4, rng, np.float32)
    mask = np.arange(5)[:, None] < np.array([5, 2, 3])
    layers = {
        "from_zero": (Layer(forward, backward, params), (x,)),
        "from_a_state": (Layer(forward, backward, params), (x, start)),
        "lengths": (Layer(forward, backward, params, mask=mask), (x, start)),
        "one_step": (Layer(forward, backward, params), (x[:1], start)),
        "float32": (Layer(forward, backward, single), (x.astype(np.float32),)),
    }
    return [Case(f"rnn/{name}", layer, None, args, kind="layer") for name, (layer, args) in layers.items()]
