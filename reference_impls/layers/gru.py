"""The gated recurrent unit (Cho et al., 2014), with the reset gate after the product as in cuDNN and PyTorch."""

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
    repeated,
    side_by_side,
    sigmoid_,
    sizes,
    until_the_end,
    weights,
)


def initial_params(
    inputs: int, units: int, rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """``Wx`` (inputs, 3 units), ``Wh`` (units, 3 units), ``b`` and ``bh`` (3 units,): reset, update, candidate."""
    return weights(inputs, units, 3, rng, dtype) | {"bh": np.zeros(3 * units, dtype)}


def forward(params: Params, x: Array, *start: Array, mask: Mask = None) -> tuple[Array, Any]:
    """All states ``h``, (time, batch, units), for ``x`` (time, batch, inputs).

    With ``p = x_t Wx + b`` and ``s = h_{t-1} Wh + bh``, in three pieces each: ``r = sig(p_r + s_r)``, ``z = sig(p_z +
    s_z)``, ``n = tanh(p_n + r s_n)``, ``h_t = n + z (h_{t-1} - n)``. ``start`` is ``h_{-1}`` (batch, units), or zero.
    """
    steps, batch, units = sizes(params, x, start, gates=3, states=1)
    x = until_the_end(x, mask)
    h = np.empty((steps + 1, units, batch), x.dtype)
    h[0] = start[0].T if start else 0
    gates, states = fed(x, params["Wx"], params["b"]), np.empty((steps, 3 * units, batch), x.dtype)
    turned, bh = np.ascontiguousarray(params["Wh"].T), repeated(params["bh"], batch)
    for t in range(steps):
        s = np.matmul(turned, h[t], out=states[t])
        s += bh
        gates[t, : 2 * units] += s[: 2 * units]
        sigmoid_(gates[t, : 2 * units])
        r, z, n = _gates(gates[t])
        n += r * s[2 * units :]
        np.tanh(n, out=n)
        h[t + 1] = n + z * (h[t] - n)
        if mask is not None:
            np.copyto(h[t + 1], h[t], where=~mask[t])
    return h[1:].swapaxes(1, 2).copy(), (x, h, gates, states[:, 2 * units :], params, mask, bool(start))


def backward(dy: Array, cache: Any) -> tuple[Any, dict[str, Array]]:
    """Pull ``dy`` (time, batch, units) back to ``x``, the first state where it was given, and the parameters.

    At step ``t``, ``dh`` being ``dy_t`` and what step ``t + 1`` sent back:

    - ``h_t = n + z (h_{t-1} - n)``: ``dz = dh (h_{t-1} - n)``, ``dn = dh (1 - z)``, and ``dh z`` goes on to
      ``h_{t-1}``;
    - ``n = tanh(p_n + r s_n)``: with ``e = dn (1 - n^2)``, ``dp_n = e``, ``ds_n = e r`` and ``dr = e s_n``;
    - the slopes ``r (1 - r)`` and ``z (1 - z)`` make of ``dr`` and ``dz`` what ``p_r + s_r`` and ``p_z + s_z`` get, so
      ``p`` and ``s`` get the same but for the candidate's piece;
    - ``ds Wh^T`` goes on to ``h_{t-1}`` as well; ``dWh = sum_t h_{t-1}^T ds_t``, ``dbh = sum_t ds_t``, and from ``dp``
      come ``dx``, ``dWx`` and ``db``.

    Where a sequence has ended the state was copied: ``dp = ds = 0``, and ``dh`` passes as it is.
    """
    x, h, gates, candidate, params, mask, started = cache
    must_answer(dy, (*x.shape[:2], h.shape[1]), h.dtype)
    units = h.shape[1]
    r, z, n = _gates(gates)
    dp, dh = np.empty_like(gates), np.zeros_like(h[0])
    into_r, into_z, into_n = _gates(dp)  # of dh, until each step makes its dp of them
    np.multiply(1 - z, 1 - n * n, out=into_n)
    np.multiply(into_n, candidate * r * (1 - r), out=into_r)
    np.multiply(h[:-1] - n, z * (1 - z), out=into_z)
    ds = dp.copy()
    ds[:, 2 * units :] *= r
    for t in reversed(range(len(x))):
        dh = dh + dy[t].T
        for d in (dp[t], ds[t]):
            d.reshape(3, units, -1)[...] *= dh if mask is None else dh * mask[t]
        before = dh * z[t] + params["Wh"] @ ds[t]
        dh = before if mask is None else np.where(mask[t], before, dh)
    dx, dWx, db = fed_vjp(side_by_side(dp), x, params["Wx"])
    together = side_by_side(ds)
    grads = {"Wx": dWx, "Wh": side_by_side(h[:-1]) @ together.T, "b": db, "bh": together.sum(axis=1)}
    return ((dx, dh.T) if started else dx), grads


def _gates(a: Array) -> list[Any]:
    """The three pieces of (..., 3 units, batch), as views."""
    units = a.shape[-2] // 3
    return [a[..., k * units : (k + 1) * units, :] for k in range(3)]


def cases() -> list[Case]:
    """From zero, from a first state, sequences of several lengths, one step, and float32."""
    rng = np.random.default_rng(14)
    x, start = rng.standard_normal((5, 3, 2)), rng.standard_normal((3, 4))
    params = initial_params(2, 4, rng) | {name: rng.standard_normal(12) for name in ("b", "bh")}
    single = initial_params(2, 4, rng, np.float32)
    mask = np.arange(5)[:, None] < np.array([5, 2, 3])
    layers = {
        "from_zero": (Layer(forward, backward, params), (x,)),
        "from_a_state": (Layer(forward, backward, params), (x, start)),
        "lengths": (Layer(forward, backward, params, mask=mask), (x, start)),
        "one_step": (Layer(forward, backward, params), (x[:1], start)),
        "float32": (Layer(forward, backward, single), (x.astype(np.float32),)),
    }
    return [Case(f"gru/{name}", layer, None, args, kind="layer") for name, (layer, args) in layers.items()]
