"""Recurrent networks: backpropagation through time, its truncations, LSTM and GRU gates."""

import numpy as np

from .specimen import Book

book = Book("recurrent")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def rnn(Wx, Wh, b, Wo, xs, targets):
    h = np.zeros(Wh.shape[0])
    loss = 0.0
    for x, t in zip(xs, targets, strict=True):
        h = np.tanh(x @ Wx + h @ Wh + b)
        loss = loss + 0.5 * np.sum((h @ Wo - t) ** 2)
    return loss


def rnn_states(Wx, Wh, b, xs):
    hs = [np.zeros(Wh.shape[0], dtype=Wh.dtype)]
    for x in xs:
        hs.append(np.tanh(x @ Wx + hs[-1] @ Wh + b))
    return hs


def rnn_grad(Wx, Wh, b, Wo, xs, targets, carry=1.0, lag=0, through=True):
    hs = rnn_states(Wx, Wh, b, xs)
    dWx, dWh, db, dWo = (np.zeros_like(p) for p in (Wx, Wh, b, Wo))
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dy = hs[t + 1] @ Wo - targets[t]
        dWo += np.outer(hs[t + 1], dy)
        dh = Wo @ dy + carry * dh_next
        dz = dh * (1 - hs[t + 1] ** 2)
        dWx += np.outer(xs[t], dz)
        dWh += np.outer(hs[t + lag], dz)
        db += dz
        dh_next = (Wh @ dz) if through else dz
    return dWx, dWh, db, dWo


def rnn_point():
    r = np.random.default_rng(71)
    return (
        r.normal(size=(2, 4)), 0.6 * r.normal(size=(4, 4)), 0.1 * r.normal(size=4), r.normal(size=(4, 3)),
        r.normal(size=(6, 2)), r.normal(size=(6, 3)),
    )  # fmt: skip


LOWER = ("Wx", "Wh", "b")
elman = book.system("rnn", rnn, rnn_grad, rnn_point, argnums=(0, 1, 2, 3))


@elman.wrong("truncated to one step", "other", "missing_term", leaf=LOWER)
def _(*args):
    return rnn_grad(*args, carry=0.0)


@elman.wrong("hidden state of the wrong step", "other", leaf="Wh")
def _(*args):
    return rnn_grad(*args, lag=1)


@elman.wrong("recurrent weights skipped going back", "other", "missing_term", leaf=LOWER)
def _(*args):
    return rnn_grad(*args, through=False)


@elman.wrong("averaged over time", "scale", leaf=("Wx", "Wh", "b", "Wo"))
def _(*args):
    return tuple(g / 6 for g in rnn_grad(*args))


@elman.wrong("last step only", "other", "missing_term", leaf=("Wx", "Wh", "b", "Wo"))
def _(Wx, Wh, b, Wo, xs, targets):
    hs = rnn_states(Wx, Wh, b, xs)
    dy = hs[-1] @ Wo - targets[-1]
    dz = Wo @ dy * (1 - hs[-1] ** 2)
    return np.outer(xs[-1], dz), np.outer(hs[-2], dz), dz, np.outer(hs[-1], dy)


@elman.wrong("gradient clipped", "other", "scale", leaf=("Wx", "Wh", "b", "Wo"))
def _(*args):
    grads = rnn_grad(*args)
    total = np.sqrt(sum(np.sum(g**2) for g in grads))
    return tuple(g * min(1.0, 5.0 / total) for g in grads)


@elman.wrong("tanh derivative forgotten", "missing_activation_derivative", leaf=LOWER)
def _(Wx, Wh, b, Wo, xs, targets):
    hs = rnn_states(Wx, Wh, b, xs)
    dWx, dWh, db, dWo = (np.zeros_like(p) for p in (Wx, Wh, b, Wo))
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dy = hs[t + 1] @ Wo - targets[t]
        dWo += np.outer(hs[t + 1], dy)
        dz = Wo @ dy + dh_next
        dWx += np.outer(xs[t], dz)
        dWh += np.outer(hs[t], dz)
        db += dz
        dh_next = Wh @ dz
    return dWx, dWh, db, dWo


def lstm(W, b, x, h, c):
    n = h.shape[1]
    z = np.concatenate([x, h], axis=1) @ W + b
    i, f, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n])
    g = np.tanh(z[:, 3 * n :])
    c_new = f * c + i * g
    return o * np.tanh(c_new), c_new


def lstm_vjp(u, W, b, x, h, c, order=(0, 1, 2, 3), squash=True, direct=True):
    dh, dc = u
    n = h.shape[1]
    xh = np.concatenate([x, h], axis=1)
    z = xh @ W + b
    i, f, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n])
    g = np.tanh(z[:, 3 * n :])
    c_new = f * c + i * g
    t = np.tanh(c_new)
    dc_new = dh * o * ((1 - t**2) if squash else 1) + (dc if direct else 0)
    gates = [
        dc_new * g * i * (1 - i),
        dc_new * c * f * (1 - f),
        dh * t * o * (1 - o),
        dc_new * i * (1 - g**2),
    ]
    dz = np.concatenate([gates[k] for k in order], axis=1)
    dxh = dz @ W.T
    return xh.T @ dz, dz.sum(axis=0), dxh[:, : x.shape[1]], dxh[:, x.shape[1] :], dc_new * f


def lstm_point():
    r = np.random.default_rng(72)
    return (
        0.7 * r.normal(size=(5, 12)), 0.3 * r.normal(size=12),
        r.normal(size=(4, 2)), r.normal(size=(4, 3)), r.normal(size=(4, 3)),
    )  # fmt: skip


cell = book.system("lstm_cell", lstm, lstm_vjp, lstm_point, kind="vjp")


@cell.wrong("input and forget gates exchanged", "permutation", "other", leaf=("W", "b", "x", "h"))
def _(u, *args):
    return lstm_vjp(u, *args, order=(1, 0, 2, 3))


@cell.wrong("gate blocks rolled in the weights", "permutation", leaf="W")
def _(u, *args):
    dW, *rest = lstm_vjp(u, *args)
    return np.roll(dW, 3, axis=1), *rest


@cell.wrong(
    "cell's tanh derivative forgotten",
    "missing_activation_derivative",
    "other",
    leaf=("W", "b", "x", "h", "c"),
)
def _(u, *args):
    return lstm_vjp(u, *args, squash=False)


@cell.wrong("cell's cotangent ignored", "missing_term", "other", leaf=("W", "b", "x", "h", "c"))
def _(u, *args):
    return lstm_vjp(u, *args, direct=False)


@cell.wrong("forget gate missing in the old cell", "other", "missing_term", leaf="c")
def _(u, W, b, x, h, c):
    dW, db, dx, dh, dc = lstm_vjp(u, W, b, x, h, c)
    z = np.concatenate([x, h], axis=1) @ W + b
    return dW, db, dx, dh, dc / sigmoid(z[:, 3:6])


@cell.wrong("input and state exchanged in shape", "shape", leaf=("x", "h"))
def _(u, *args):
    dW, db, dx, dh, dc = lstm_vjp(u, *args)
    return dW, db, dh, dx, dc


@cell.wrong("bias of the candidate gate one thousandth off", "sparse", "small_relative", "other", leaf="b")
def _(u, *args):
    dW, db, dx, dh, dc = lstm_vjp(u, *args)
    return dW, db * np.repeat([1, 1, 1, 1.001], 3), dx, dh, dc


def gru(p, x, h):
    z = sigmoid(x @ p["Wz"] + h @ p["Uz"])
    r = sigmoid(x @ p["Wr"] + h @ p["Ur"])
    n = np.tanh(x @ p["Wn"] + (r * h) @ p["Un"])
    return np.sum(((1 - z) * n + z * h) ** 2)


def gru_grad(p, x, h, reset=True, keep=True):
    z = sigmoid(x @ p["Wz"] + h @ p["Uz"])
    r = sigmoid(x @ p["Wr"] + h @ p["Ur"])
    n = np.tanh(x @ p["Wn"] + (r * h) @ p["Un"])
    d = 2 * ((1 - z) * n + z * h)
    dn = d * (1 - z) * (1 - n**2)
    dz = d * ((h if keep else 0) - n) * z * (1 - z)
    drh = dn @ p["Un"].T
    dr = drh * h * r * (1 - r)
    return {
        "Wz": x.T @ dz, "Uz": h.T @ dz,
        "Wr": x.T @ dr, "Ur": h.T @ dr,
        "Wn": x.T @ dn, "Un": (r * h if reset else h).T @ dn,
    }  # fmt: skip


def gru_point():
    r = np.random.default_rng(73)
    p = {f"{kind}{gate}": 0.6 * r.normal(size=(3, 3)) for gate in "zrn" for kind in "WU"}
    return p, r.normal(size=(5, 3)), r.normal(size=(5, 3))


gated = book.system("gru", gru, gru_grad, gru_point, argnums=0)


@gated.wrong("reset gate forgotten", "other", "missing_term", leaf="p['Un']")
def _(*args):
    return gru_grad(*args, reset=False)


@gated.wrong("kept state forgotten in the update gate", "missing_term", "other", leaf=("p['Wz']", "p['Uz']"))
def _(*args):
    return gru_grad(*args, keep=False)


@gated.wrong(
    "update and reset gates exchanged", "swapped_leaves", leaf=("p['Wz']", "p['Uz']", "p['Wr']", "p['Ur']")
)
def _(*args):
    g = gru_grad(*args)
    return g | {"Wz": g["Wr"], "Wr": g["Wz"], "Uz": g["Ur"], "Ur": g["Uz"]}


@gated.wrong("one matrix transposed", "transpose", leaf="p['Wr']")
def _(*args):
    g = gru_grad(*args)
    return g | {"Wr": g["Wr"].T}


@gated.wrong("a key lost", "shape", "other")
def _(*args):
    g = gru_grad(*args)
    del g["Un"]
    return g
