"""Long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers.axes import must_answer
from reference_impls.layers.layer import Array, Layer, Params
from reference_impls.layers.recurrent import (
    Mask,
    side_by_side,
    sigmoid_,
    sizes,
    until_the_end,
    weights,
)

STEPS = 10
"""Steps whose derivatives of the weights are one product: what it reads is still in the cache."""


def initial_params(
    inputs: int, units: int, rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """``Wx`` (inputs, 4 units), ``Wh`` (units, 4 units), ``b`` (4 units,); the gates are input, forget, cell, output.

    The forget gate starts open, with a bias of 1 (Jozefowicz, Zaremba and Sutskever, 2015).
    """
    found = weights(inputs, units, 4, rng, dtype)
    found["b"][units : 2 * units] = 1
    return found


def forward(params: Params, x: Array, *start: Array, mask: Mask = None) -> tuple[Array, Any]:
    """All states ``h``, (time, batch, units), for ``x`` (time, batch, inputs).

    ``[i, f, g, o] = [sig, sig, tanh, sig](x_t Wx + h_{t-1} Wh + b)``, ``c_t = f c_{t-1} + i g``, ``h_t = o tanh(c_t)``.
    ``start`` is nothing (zeros), or the first ``h`` and the first ``c``, (batch, units) each.

    Within, the batch comes last: then each gate of a step is one piece of memory. What a step reads lies below one
    another, ``h_{t-1}``, ``x_t`` and a row of ones, and so do the weights that it meets, ``W = [Wh; Wx; b]``. Each gate
    has a product of its own, for BLAS multiplies small matrices where they lie, and repacks larger ones first.
    """
    steps, batch, units = sizes(params, x, start, gates=4, states=2)
    x = until_the_end(x, mask)
    W = np.concatenate([params["Wh"], params["Wx"], params["b"][None]])
    below = np.empty((steps + 1, len(W), batch), x.dtype)
    below[:-1, units:-1], below[:, -1] = x.swapaxes(1, 2), 1
    h, c = below[:, :units], np.empty((steps + 1, units, batch), x.dtype)
    h[0], c[0] = (state.T for state in start) if start else (0, 0)
    gates, tanh_c = np.empty((steps, 4, units, batch), x.dtype), np.empty((steps, units, batch), x.dtype)
    turned, added = np.ascontiguousarray(W.T).reshape(4, units, len(W)), np.empty((units, batch), x.dtype)
    for t in range(steps):
        i, f, g, o = np.matmul(turned, below[t], out=gates[t])
        sigmoid_(gates[t, :2])
        np.tanh(g, out=g)
        sigmoid_(o)
        np.multiply(f, c[t], out=c[t + 1])
        c[t + 1] += np.multiply(i, g, out=added)
        np.tanh(c[t + 1], out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=h[t + 1])
        if mask is not None:
            np.copyto(c[t + 1], c[t], where=~mask[t])
            np.copyto(h[t + 1], h[t], where=~mask[t])
    return h[1:].swapaxes(1, 2).copy(), (W, below, c, gates, tanh_c, mask, bool(start))


def backward(dy: Array, cache: Any) -> tuple[Any, dict[str, Array]]:
    """Pull ``dy`` (time, batch, units) back to ``x``, the first states where they were given, and the parameters.

    Two derivatives travel back through time: ``dh_t``, of the state as others see it, and ``dc_t``, of the cell. At
    step ``t``, with ``a = x_t Wx + h_{t-1} Wh + b`` before the gates' functions:

    - ``dh_t = dy_t +`` what step ``t + 1`` sent back;
    - ``h_t = o tanh(c_t)``: ``do = dh_t tanh(c_t)``, and the cell gets ``dc_t += dh_t o (1 - tanh(c_t)^2)`` on top of
      what step ``t + 1`` sent back;
    - ``c_t = f c_{t-1} + i g``: ``df = dc_t c_{t-1}``, ``di = dc_t g``, ``dg = dc_t i``, and ``dc_t f`` goes on to step
      ``t - 1``;
    - the slopes ``s (1 - s)`` of the sigmoid and ``1 - g^2`` of tanh make ``da`` of these four, side by side;
    - ``da Wh^T`` goes on as ``dh_{t-1}``, ``da Wx^T`` is ``dx_t``: one product, and the sum over the gates of theirs;
    - ``dWh = sum_t h_{t-1}^T da_t``, ``dWx = sum_t x_t^T da_t``, ``db = sum_t da_t``, one product for every few steps.

    Where a sequence has ended both states were copied: ``da_t = 0``, ``dh`` and ``dc`` pass as they are.
    """
    W, below, c, gates, tanh_c, mask, started = cache
    steps, _, units, batch = gates.shape
    must_answer(dy, (steps, batch, units), c.dtype)
    by_gate = W[:-1].reshape(len(W) - 1, 4, units).swapaxes(0, 1)
    from_gates = np.empty((4, len(W) - 1, batch), c.dtype)
    dbelow, dc = np.empty((steps + 1, len(W) - 1, batch), c.dtype), np.zeros_like(c[0])
    dbelow[steps] = 0
    together, dW = np.empty((4, units, STEPS, batch), c.dtype), np.zeros_like(W)
    for t in reversed(range(steps)):
        i, f, g, o = gates[t]
        dh = dbelow[t + 1, :units] + dy[t].T
        into = dc + dh * o * (1 - tanh_c[t] * tanh_c[t])
        da = (1 - gates[t]) * gates[t]
        da[2] = 1 - g * g
        for slope, factor in zip(da, (g, c[t], i, tanh_c[t]), strict=True):
            slope *= factor
        da[:3] *= into
        da[3] *= dh
        if mask is not None:
            da *= mask[t]
        np.matmul(by_gate, da, out=from_gates).sum(axis=0, out=dbelow[t])
        together[:, :, t % STEPS] = da
        passed, dc = dc, into * f
        if mask is not None:
            np.copyto(dbelow[t, :units], dh, where=~mask[t])
            np.copyto(dc, passed, where=~mask[t])
        if t % STEPS == 0:
            part = min(STEPS, steps - t)
            das = together[:, :, :part].reshape(4 * units, part * batch)
            dW += side_by_side(below[t : t + part]) @ das.T
    dh, dx = dbelow[0, :units], dbelow[:-1, units:].swapaxes(1, 2).copy()
    grads = {"Wx": dW[units:-1], "Wh": dW[:units], "b": dW[-1]}
    return ((dx, dh.T, dc.T) if started else dx), grads


def cases() -> list[Case]:
    """From zero, from a first state, sequences of several lengths, one step, and float32."""
    rng = np.random.default_rng(13)
    x, start = rng.standard_normal((5, 3, 2)), rng.standard_normal((2, 3, 4))
    params = initial_params(2, 4, rng) | {"b": rng.standard_normal(16)}
    single = initial_params(2, 4, rng, np.float32)
    mask = np.arange(5)[:, None] < np.array([5, 2, 3])
    layers = {
        "from_zero": (Layer(forward, backward, params), (x,)),
        "from_a_state": (Layer(forward, backward, params), (x, *start)),
        "lengths": (Layer(forward, backward, params, mask=mask), (x, *start)),
        "one_step": (Layer(forward, backward, params), (x[:1], *start)),
        "float32": (Layer(forward, backward, single), (x.astype(np.float32),)),
    }
    return [Case(f"lstm/{name}", layer, None, args, kind="layer") for name, (layer, args) in layers.items()]
