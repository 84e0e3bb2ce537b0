"""Layers as a course or a first version writes them: what those of reference_impls are timed against.

Each function does one forward and one backward pass and returns the output, then the derivatives of the inputs and
the parameters. Right, plain, and without a thought of memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
EPS = 1e-5


def conv2d(x: Array, W: Array, b: Array, dy: Array) -> Any:
    """One window after another; 3 x 3 with a padding of 1."""
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y, dW, dx = np.zeros_like(dy), np.zeros_like(W), np.zeros_like(wide)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            window = wide[:, :, i : i + 3, j : j + 3]
            y[:, :, i, j] = np.tensordot(window, W, ([1, 2, 3], [1, 2, 3])) + b
            dW += np.tensordot(dy[:, :, i, j], window, (0, 0))
            dx[:, :, i : i + 3, j : j + 3] += np.tensordot(dy[:, :, i, j], W, (1, 0))
    return y, dx[:, :, 1:-1, 1:-1], dW, dy.sum((0, 2, 3))


def conv_transpose2d(x: Array, W: Array, b: Array, dy: Array) -> Any:
    """One entry of the images after another; 4 x 4 with a stride of 2 and a padding of 1."""
    d = np.pad(dy, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y, dW, dx = np.zeros_like(d), np.zeros_like(W), np.zeros_like(x)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            place = (slice(None), slice(None), slice(2 * i, 2 * i + 4), slice(2 * j, 2 * j + 4))
            y[place] += np.tensordot(x[:, :, i, j], W, (1, 0))
            dx[:, :, i, j] = np.tensordot(d[place], W, ([1, 2, 3], [1, 2, 3]))
            dW += np.tensordot(x[:, :, i, j], d[place], (0, 0))
    return y[:, :, 1:-1, 1:-1] + b[:, None, None], dx, dW, dy.sum((0, 2, 3))


def max_pool2d(x: Array, dy: Array) -> Any:
    """One window after another; 2 x 2, apart."""
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            window = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            y[:, :, i, j] = window.max(axis=(2, 3))
            mask = window == y[:, :, i, j][:, :, None, None]
            dx[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += mask * dy[:, :, i, j][:, :, None, None]
    return y, dx


def average_pool2d(x: Array, dy: Array) -> Any:
    """One window after another; 2 x 2, apart."""
    y, dx = np.zeros_like(dy), np.zeros_like(x)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            y[:, :, i, j] = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(2, 3))
            dx[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] += dy[:, :, i, j][:, :, None, None] / 4
    return y, dx


def dropout(x: Array, mask: Array, dy: Array) -> Any:
    """A product there, a product back."""
    return x * mask, dy * mask


def norm(
    x: Array, gain: Array, shift: Array, dy: Array, axes: tuple[int, ...], batch: tuple[int, ...]
) -> Any:
    """Mean and variance over ``axes``; gain and shift act along all axes but those of ``batch``."""
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    std = np.sqrt(variance + x.dtype.type(EPS))
    xhat = (x - mean) / std
    y = gain * xhat + shift
    dxhat = dy * gain
    within = dxhat.mean(axes, keepdims=True) + xhat * (dxhat * xhat).mean(axes, keepdims=True)
    return y, (dxhat - within) / std, (dy * xhat).sum(batch), dy.sum(batch)


def rms_norm(x: Array, gain: Array, dy: Array) -> Any:
    """The formula and its derivative, a line each."""
    rms = np.sqrt((x**2).mean(-1, keepdims=True) + x.dtype.type(EPS))
    y = x / rms * gain
    u = dy * gain
    dx = u / rms - x * (u * x).mean(-1, keepdims=True) / rms**3
    return y, dx, (dy * x / rms).sum(0)


def embedding(W: Array, ids: Array, dy: Array) -> Any:
    """``add.at``, because of repeated ids."""
    dW = np.zeros_like(W)
    np.add.at(dW, ids, dy)
    return W[ids], dW


def attention(q: Array, k: Array, v: Array, do: Array) -> Any:
    """Softmax and its derivative row by row, over whole arrays."""
    scale = q.dtype.type(q.shape[-1] ** -0.5)
    S = q @ k.swapaxes(-1, -2) * scale
    E = np.exp(S - S.max(-1, keepdims=True))
    P = E / E.sum(-1, keepdims=True)
    dP = do @ v.swapaxes(-1, -2)
    dS = P * (dP - (dP * P).sum(-1, keepdims=True))
    return P @ v, dS @ k * scale, dS.swapaxes(-1, -2) @ q * scale, P.swapaxes(-1, -2) @ do


def multi_head_attention(x: Array, params: dict[str, Array], heads: int, dy: Array) -> Any:
    """Four linear layers around `attention`; derivatives of the parameters as o, q, k, v."""
    batch, tokens, width = x.shape

    def split(rows: Array) -> Any:
        return rows.reshape(batch, tokens, heads, width // heads).swapaxes(1, 2)

    def joined(rows: Array) -> Any:
        return rows.swapaxes(1, 2).reshape(batch, tokens, width)

    q, k, v = (split(x @ params[f"W{name}"] + params[f"b{name}"]) for name in "qkv")
    o, *back = attention(q, k, v, split(dy @ params["Wo"].T))
    together, derivatives = joined(o), [joined(rows) for rows in back]
    dx = sum(d @ params[f"W{name}"].T for name, d in zip("qkv", derivatives, strict=True))
    grads = []
    for given, d in ((together, dy), *((x, d) for d in derivatives)):
        grads += [np.tensordot(given, d, ([0, 1], [0, 1])), d.sum((0, 1))]
    return together @ params["Wo"] + params["bo"], dx, *grads


def residual(x: Array, W: Array, b: Array, V: Array, c: Array, dy: Array) -> Any:
    """Two linear layers and a relu on top of ``x``."""
    z = x @ W + b
    h = np.maximum(z, 0)
    dz = (dy @ V.T) * (z > 0)
    return x + h @ V + c, dy + dz @ W.T, x.T @ dz, dz.sum(0), h.T @ dy, dy.sum(0)


def rnn(x: Array, Wx: Array, Wh: Array, b: Array, dy: Array) -> Any:
    """One step after another, weights' derivatives added up at each."""
    h = [np.zeros_like(dy[0])]
    for t in range(len(x)):
        h.append(np.tanh(x[t] @ Wx + h[-1] @ Wh + b))
    dx, dWx, dWh, db, dh = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b), 0 * h[0]
    for t in reversed(range(len(x))):
        dz = (dy[t] + dh) * (1 - h[t + 1] ** 2)
        dx[t], dh = dz @ Wx.T, dz @ Wh.T
        dWx += x[t].T @ dz
        dWh += h[t].T @ dz
        db += dz.sum(0)
    return np.array(h[1:]), dx, dWx, dWh, db


def lstm(x: Array, Wx: Array, Wh: Array, b: Array, dy: Array) -> Any:
    """One step after another, each gate in an array of its own; gates are input, forget, cell, output."""
    h, c, kept = [np.zeros_like(dy[0])], [np.zeros_like(dy[0])], []
    for t in range(len(x)):
        i, f, g, o = np.split(x[t] @ Wx + h[-1] @ Wh + b, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        kept.append((i, f, g, o))
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dh, dc = 0 * h[0], 0 * h[0]
    for t in reversed(range(len(x))):
        i, f, g, o = kept[t]
        dh = dh + dy[t]
        dc = dc + dh * o * (1 - np.tanh(c[t + 1]) ** 2)
        slopes = dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dc * i * (1 - g**2)
        da = np.hstack([*slopes, dh * np.tanh(c[t + 1]) * o * (1 - o)])
        dx[t], dh, dc = da @ Wx.T, da @ Wh.T, dc * f
        dWx += x[t].T @ da
        dWh += h[t].T @ da
        db += da.sum(0)
    return np.array(h[1:]), dx, dWx, dWh, db


def gru(x: Array, Wx: Array, Wh: Array, b: Array, bh: Array, dy: Array) -> Any:
    """One step after another, each gate in an array of its own; gates are reset, update, candidate."""
    h, kept = [np.zeros_like(dy[0])], []
    for t in range(len(x)):
        (pr, pz, pn), (sr, sz, sn) = np.split(x[t] @ Wx + b, 3, axis=1), np.split(h[-1] @ Wh + bh, 3, axis=1)
        r, z = _sigmoid(pr + sr), _sigmoid(pz + sz)
        n = np.tanh(pn + r * sn)
        kept.append((r, z, n, sn))
        h.append((1 - z) * n + z * h[-1])
    dx, dWx, dWh = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh)
    db, dbh, dh = np.zeros_like(b), np.zeros_like(bh), 0 * h[0]
    for t in reversed(range(len(x))):
        r, z, n, sn = kept[t]
        dh = dh + dy[t]
        dn = dh * (1 - z) * (1 - n**2)
        dr, dz = dn * sn * r * (1 - r), dh * (h[t] - n) * z * (1 - z)
        dp, ds = np.hstack([dr, dz, dn]), np.hstack([dr, dz, dn * r])
        dx[t], dh = dp @ Wx.T, dh * z + ds @ Wh.T
        dWx += x[t].T @ dp
        dWh += h[t].T @ ds
        db += dp.sum(0)
        dbh += ds.sum(0)
    return np.array(h[1:]), dx, dWx, dWh, db, dbh


def softmax_cross_entropy(z: Array, labels: Array) -> Any:
    """Probabilities, their logarithms, and a one at the label."""
    E = np.exp(z - z.max(1, keepdims=True))
    p = E / E.sum(1, keepdims=True)
    loss = -np.log(p[np.arange(len(z)), labels]).mean()
    dz = p.copy()
    dz[np.arange(len(z)), labels] -= 1
    return loss, dz / z.dtype.type(len(z))


def _sigmoid(z: Array) -> Any:
    return 1 / (1 + np.exp(-z))
