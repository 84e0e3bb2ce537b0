"""The plain recurrent layer (Elman, "Finding structure in time", 1990), and backpropagation through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_answer
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.recurrent import (
    Mask,
    fed,
    fed_vjp,
    side_by_side,
    sizes,
    until_the_end,
    weights,
)


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
    steps, batch, units = sizes(params, x, start, gates=1, states=1)
    x = until_the_end(x, mask)
    h = np.empty((steps + 1, units, batch), x.dtype)
    h[0] = start[0].T if start else 0
    a, from_state = fed(x, params["Wx"], params["b"]), np.empty((units, batch), x.dtype)
    turned = np.ascontiguousarray(params["Wh"].T)
    for t in range(steps):
        a[t] += np.matmul(turned, h[t], out=from_state)
        np.tanh(a[t], out=a[t])
        h[t + 1] = a[t] if mask is None else np.where(mask[t], a[t], h[t])
    return h[1:].swapaxes(1, 2).copy(), (x, h, a, params, mask, bool(start))


def backward(dy: Array, cache: Any) -> tuple[Any, dict[str, Array]]:
    """Pull ``dy`` (time, batch, units) back to ``x``, the first state where one was given, and the parameters.

    Write ``z_t = x_t Wx + h_{t-1} Wh + b``. The state ``h_t`` acts on the loss by itself, ``dy_t``, and through ``z_{t
    + 1}``; so from the last step to the first, with ``dz_T = 0`` beyond the end,

    - ``dh_t = dy_t + dz_{t+1} Wh^T``;
    - ``dz_t = dh_t (1 - h_t^2)``, the slope of tanh;
    - ``dWh = sum_t h_{t-1}^T dz_t``, ``dWx = sum_t x_t^T dz_t``, ``db = sum_t dz_t``: the same weights at every step;
    - ``dx_t = dz_t Wx^T``, and what is left at the end is the derivative of the first state.

    Where a sequence has ended, ``h_t = h_{t-1}``: ``dz_t = 0`` and ``dh`` is passed on as it is.
    """
    x, h, a, params, mask, started = cache
    must_answer(dy, (*x.shape[:2], h.shape[1]), h.dtype)
    dz, dh = 1 - a * a, np.zeros_like(h[0])  # the slopes of tanh, until each step makes its dz of them
    for t in reversed(range(len(x))):
        dh = dh + dy[t].T
        dz[t] *= dh
        if mask is None:
            dh = params["Wh"] @ dz[t]
        else:
            dz[t] *= mask[t]
            dh = np.where(mask[t], params["Wh"] @ dz[t], dh)
    together = side_by_side(dz)
    dx, dWx, db = fed_vjp(together, x, params["Wx"])
    grads = {"Wx": dWx, "Wh": side_by_side(h[:-1]) @ together.T, "b": db}
    return ((dx, dh.T) if started else dx), grads


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
