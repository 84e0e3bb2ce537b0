"""More layers and students: residual blocks, gated recurrences, normalisations, pooling, separable convolutions."""

import numpy as np

from .specimen import Book

book = Book("heldout_layers")


def sigmoid(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def logistic_net(W1, b1, W2, b2, X, y):
    H = sigmoid(X @ W1 + b1)
    f = (H @ W2 + b2)[:, 0]
    return -np.sum(np.log(sigmoid(y * f)))


def logistic_net_grad(W1, b1, W2, b2, X, y, outer=True):
    H = sigmoid(X @ W1 + b1)
    f = (H @ W2 + b2)[:, 0]
    d = (-y * (1 - (sigmoid(y * f) if outer else y * f)))[:, None]
    dZ = (d @ W2.T) * H * (1 - H)
    return X.T @ dZ, dZ.sum(axis=0), H.T @ d, d.sum(axis=0)


def two_ramps():
    r = np.random.default_rng(261)
    X = r.uniform(size=(14, 2))
    return (
        r.normal(size=(2, 3)), r.normal(size=3), r.normal(size=(3, 1)), r.normal(size=1),
        X, np.where(X.sum(axis=1) > 1, 1.0, -1.0),
    )  # fmt: skip


ALL = ("W1", "b1", "W2", "b2")
ramps = book.system("logistic_net", logistic_net, logistic_net_grad, two_ramps, argnums=(0, 1, 2, 3))


@ramps.wrong("outer sigmoid forgotten", "missing_activation_derivative", "other", leaf=ALL)
def _(*args):
    return logistic_net_grad(*args, outer=False)


@ramps.wrong("hidden derivative forgotten", "missing_activation_derivative", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    H = sigmoid(X @ W1 + b1)
    d = (-y * (1 - sigmoid(y * (H @ W2 + b2)[:, 0])))[:, None]
    dZ = d @ W2.T
    return X.T @ dZ, dZ.sum(axis=0), H.T @ d, d.sum(axis=0)


@ramps.wrong(
    "hidden derivative of the half argument", "wrong_activation_derivative", "other", leaf=("W1", "b1")
)
def _(W1, b1, W2, b2, X, y):
    Z = X @ W1 + b1
    H = sigmoid(Z)
    d = (-y * (1 - sigmoid(y * (H @ W2 + b2)[:, 0])))[:, None]
    dZ = (d @ W2.T) * 0.5 / np.cosh(Z) ** 2
    return X.T @ dZ, dZ.sum(axis=0), H.T @ d, d.sum(axis=0)


@ramps.wrong("all averaged", "scale", leaf=ALL)
def _(*args):
    return tuple(g / 14 for g in logistic_net_grad(*args))


@ramps.wrong("ascends", "sign", leaf=ALL)
def _(*args):
    return tuple(-g for g in logistic_net_grad(*args))


@ramps.wrong("weights decayed", "extra_term", leaf=("W1", "W2"))
def _(W1, b1, W2, b2, X, y):
    dW1, db1, dW2, db2 = logistic_net_grad(W1, b1, W2, b2, X, y)
    return dW1 + 1e-4 * W1, db1, dW2 + 1e-4 * W2, db2


@ramps.wrong("output weights after the update", "small_relative", "other", leaf=("W1", "b1"))
def _(W1, b1, W2, b2, X, y):
    _, _, dW2, db2 = logistic_net_grad(W1, b1, W2, b2, X, y)
    dW1, db1, _, _ = logistic_net_grad(W1, b1, W2 - 1e-3 * dW2, b2, X, y)
    return dW1, db1, dW2, db2


def weighted(x, mask):
    m = np.sum(mask * x, axis=1, keepdims=True) / np.sum(mask, axis=1, keepdims=True)
    v = np.sum(mask * (x - m) ** 2, axis=1, keepdims=True) / np.sum(mask, axis=1, keepdims=True)
    return mask * (x - m) / np.sqrt(v + 1e-3)


def weighted_vjp(u, x, mask):
    n = np.sum(mask, axis=1, keepdims=True)
    m = np.sum(mask * x, axis=1, keepdims=True) / n
    s = np.sqrt(np.sum(mask * (x - m) ** 2, axis=1, keepdims=True) / n + 1e-3)
    h = mask * (x - m) / s
    v = u * mask
    return (
        v - mask * np.sum(v, axis=1, keepdims=True) / n - h * np.sum(v * h, axis=1, keepdims=True) / n
    ) / s


def padded():
    r = np.random.default_rng(262)
    return r.normal(size=(3, 5)), np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]], dtype=float)


masked = book.system("masked_norm", weighted, weighted_vjp, padded, kind="vjp", argnums=0)


@masked.wrong("counts the padding", "other", "rows", "missing_term", leaf="x")
def _(u, x, mask):
    n = np.sum(mask, axis=1, keepdims=True)
    m = np.sum(mask * x, axis=1, keepdims=True) / n
    s = np.sqrt(np.sum(mask * (x - m) ** 2, axis=1, keepdims=True) / n + 1e-3)
    h, v = mask * (x - m) / s, u * mask
    return (v - mask * np.mean(v, axis=1, keepdims=True) - h * np.mean(v * h, axis=1, keepdims=True)) / s


@masked.wrong("padding learns", "other", "sparse", "missing_term", leaf="x")
def _(u, x, mask):
    n = np.sum(mask, axis=1, keepdims=True)
    m = np.sum(mask * x, axis=1, keepdims=True) / n
    s = np.sqrt(np.sum(mask * (x - m) ** 2, axis=1, keepdims=True) / n + 1e-3)
    h, v = mask * (x - m) / s, u * mask
    return (v - np.sum(v, axis=1, keepdims=True) / n - h * np.sum(v * h, axis=1, keepdims=True) / n) / s


def separable(X, D, P):
    # depthwise three-tap filter along time, then a mixture of channels
    Y = X[:-2] * D[0] + X[1:-1] * D[1] + X[2:] * D[2]
    return Y @ P


def separable_vjp(u, X, D, P):
    Y = X[:-2] * D[0] + X[1:-1] * D[1] + X[2:] * D[2]
    dY = u @ P.T
    dX = np.zeros_like(X)
    dX[:-2] += dY * D[0]
    dX[1:-1] += dY * D[1]
    dX[2:] += dY * D[2]
    dD = np.stack([np.sum(dY * X[k : len(X) - 2 + k], axis=0) for k in range(3)])
    return dX, dD, Y.T @ u


def sequence():
    r = np.random.default_rng(263)
    return r.normal(size=(8, 4)), r.normal(size=(3, 4)), r.normal(size=(4, 2))


depthwise = book.system("separable_convolution", separable, separable_vjp, sequence, kind="vjp")


@depthwise.wrong("taps reversed", "permutation", leaf="D")
def _(u, X, D, P):
    dX, dD, dP = separable_vjp(u, X, D, P)
    return dX, dD[::-1], dP


@depthwise.wrong("taps one step late", "other", "rows", leaf="D")
def _(u, X, D, P):
    dX, dD, dP = separable_vjp(u, X, D, P)
    dY = u @ P.T
    return dX, np.stack([dD[1], dD[2], np.sum(dY[:-1] * X[3:], axis=0)]), dP


@depthwise.wrong("convolved, not correlated", "other", leaf="X")
def _(u, X, D, P):
    _, dD, dP = separable_vjp(u, X, D, P)
    return separable_vjp(u, X, D[::-1], P)[0], dD, dP


@depthwise.wrong("mixture sees the input", "other", leaf="P")
def _(u, X, D, P):
    dX, dD, _ = separable_vjp(u, X, D, P)
    return dX, dD, X[1:-1].T @ u


def highway(params, x):
    for W, T in params:
        t = sigmoid(x @ T)
        x = t * np.tanh(x @ W) + (1 - t) * x
    return np.mean(x**2)


def highway_grad(params, x, carry=True, gate=True):
    xs = [x]
    for W, T in params:
        t = sigmoid(xs[-1] @ T)
        xs.append(t * np.tanh(xs[-1] @ W) + (1 - t) * xs[-1])
    d, grads = 2 * xs[-1] / xs[-1].size, []
    for (W, T), x in zip(params[::-1], xs[-2::-1], strict=True):
        t, h = sigmoid(x @ T), np.tanh(x @ W)
        dh, dt = d * t * (1 - h**2), d * (h - x) * t * (1 - t)
        grads.append((x.T @ dh, x.T @ dt))
        d = dh @ W.T + (dt @ T.T if gate else 0) + (d * (1 - t) if carry else 0)
    return grads[::-1]


def highway_point():
    r = np.random.default_rng(264)
    return [(0.8 * r.normal(size=(3, 3)), r.normal(size=(3, 3))) for _ in range(3)], r.normal(size=(5, 3))


LOWER = tuple(f"params[{k}][{j}]" for k in range(2) for j in range(2))
roads = book.system("highway", highway, highway_grad, highway_point, argnums=0)


@roads.wrong("carry forgotten", "missing_term", "other", leaf=LOWER)
def _(*args):
    return highway_grad(*args, carry=False)


@roads.wrong("path through the gate forgotten", "missing_term", "other", leaf=LOWER)
def _(*args):
    return highway_grad(*args, gate=False)


@roads.wrong(
    "gate and transform exchanged in the middle", "swapped_leaves", leaf=("params[1][0]", "params[1][1]")
)
def _(*args):
    g = highway_grad(*args)
    g[1] = g[1][::-1]
    return g


@roads.wrong("tops transposed", "transpose", leaf=("params[2][0]", "params[2][1]"))
def _(*args):
    g = highway_grad(*args)
    g[2] = (g[2][0].T, g[2][1].T)
    return g


def bilinear(x, A, y, b):
    return np.einsum("ni,kij,nj->nk", x, A, y) + b


def bilinear_vjp(u, x, A, y, b):
    return (
        np.einsum("nk,kij,nj->ni", u, A, y), np.einsum("nk,ni,nj->kij", u, x, y),
        np.einsum("nk,kij,ni->nj", u, A, x), u.sum(axis=0),
    )  # fmt: skip


def bilinear_point():
    r = np.random.default_rng(265)
    return r.normal(size=(4, 3)), r.normal(size=(2, 3, 3)), r.normal(size=(4, 3)), r.normal(size=2)


form = book.system("bilinear", bilinear, bilinear_vjp, bilinear_point, kind="vjp")


@form.wrong("A transposed for y", "other", leaf="y")
def _(u, x, A, y, b):
    dx, dA, _, db = bilinear_vjp(u, x, A, y, b)
    return dx, dA, np.einsum("nk,kij,nj->ni", u, A, x), db


@form.wrong("A's gradient transposed", "transpose", "permutation", leaf="A")
def _(u, x, A, y, b):
    dx, dA, dy, db = bilinear_vjp(u, x, A, y, b)
    return dx, dA.transpose(0, 2, 1), dy, db


@form.wrong("x and y exchanged", "swapped_leaves", leaf=("x", "y"))
def _(u, x, A, y, b):
    dx, dA, dy, db = bilinear_vjp(u, x, A, y, b)
    return dy, dA, dx, db


@form.wrong("outputs in reverse", "permutation", leaf=("A", "b"))
def _(u, x, A, y, b):
    dx, dA, dy, db = bilinear_vjp(u, x, A, y, b)
    return dx, dA[::-1], dy, db[::-1]


def minimal_rnn(U, a, xs):
    h = np.zeros(U.shape[1])
    out = []
    for x in xs:
        h = a * h + np.tanh(x @ U)
        out.append(h)
    return np.stack(out)


def minimal_rnn_vjp(u, U, a, xs, lag=0, decay=True):
    hs = [np.zeros_like(a), *minimal_rnn(U, a, xs)]
    dU, da, dxs, dh = np.zeros_like(U), np.zeros_like(a), np.zeros_like(xs), np.zeros_like(a)
    for t in reversed(range(len(xs))):
        dh = u[t] + dh
        dz = dh * (1 - np.tanh(xs[t] @ U) ** 2)
        dU += np.outer(xs[t], dz)
        da += dh * hs[t + lag]
        dxs[t] = U @ dz
        dh = dh * a if decay else 0 * dh
    return dU, da, dxs


def minimal_point():
    r = np.random.default_rng(266)
    return r.normal(size=(2, 3)), np.array([0.9, 0.5, -0.3]), r.normal(size=(6, 2))


decaying = book.system("linear_recurrence", minimal_rnn, minimal_rnn_vjp, minimal_point, kind="vjp")


@decaying.wrong("state one step late", "other", leaf="a")
def _(u, *args):
    return minimal_rnn_vjp(u, *args, lag=1)


@decaying.wrong("no way back in time", "other", "missing_term", leaf=("U", "a", "xs"))
def _(u, *args):
    return minimal_rnn_vjp(u, *args, decay=False)


@decaying.wrong("inputs' gradient in reverse time", "permutation", leaf="xs")
def _(u, *args):
    dU, da, dxs = minimal_rnn_vjp(u, *args)
    return dU, da, dxs[::-1]


def pairwise(X, w):
    D = np.abs(X[:, None, :] - X[None, :, :]) @ w
    return D


def pairwise_vjp(u, X, w):
    diff = X[:, None, :] - X[None, :, :]
    S = np.sign(diff) * w * u[:, :, None]
    return S.sum(axis=1) - S.sum(axis=0), np.einsum("ij,ijk->k", u, np.abs(diff))


def pairwise_point():
    r = np.random.default_rng(267)
    return r.normal(size=(4, 3)), np.array([1.0, 0.3, 2.0])


book.kink("manhattan/zero on the diagonal", pairwise, pairwise_vjp, pairwise_point, kind="vjp")


def ensemble(w, Z, t):
    a = np.exp(w) / np.sum(np.exp(w))
    P = np.einsum("m,mnk->nk", a, Z)
    return -np.mean(np.log(P[np.arange(len(t)), t]))


def ensemble_grad(w, Z, t):
    a = np.exp(w) / np.sum(np.exp(w))
    n = np.arange(len(t))
    P = np.einsum("m,mnk->nk", a, Z)
    da = -np.mean(Z[:, n, t] / P[n, t], axis=1)
    return a * (da - a @ da)


def members():
    r = np.random.default_rng(268)
    return r.normal(size=4), r.dirichlet(np.ones(3), size=(4, 6)), r.integers(0, 3, size=6)


stack = book.system("ensemble", ensemble, ensemble_grad, members, argnums=0)


@stack.wrong("softmax diagonal only", "missing_term", "other", leaf="w")
def _(w, Z, t):
    a = np.exp(w) / np.sum(np.exp(w))
    n = np.arange(len(t))
    return a * (1 - a) * -np.mean(Z[:, n, t] / (np.einsum("m,mnk->nk", a, Z))[n, t], axis=1)


@stack.wrong("softmax forgotten", "missing_activation_derivative", "other", leaf="w")
def _(w, Z, t):
    a = np.exp(w) / np.sum(np.exp(w))
    n = np.arange(len(t))
    return -np.mean(Z[:, n, t] / (np.einsum("m,mnk->nk", a, Z))[n, t], axis=1)


def scan(X):
    for k in range(1, len(X)):
        X = np.concatenate([X[:k], (X[k] * np.cos(X[k - 1]))[None], X[k + 1 :]])
    return np.sum(X)


def scan_grad(X):
    Y = [X[0]]
    for k in range(1, len(X)):
        Y.append(X[k] * np.cos(Y[-1]))
    g, d = np.zeros_like(X), 0.0
    for k in reversed(range(1, len(X))):
        d = 1 + d
        g[k] = d * np.cos(Y[k - 1])
        d = -d * X[k] * np.sin(Y[k - 1])
    g[0] = 1 + d
    return g


chain = book.system(
    "chain_of_cosines", scan, scan_grad, lambda: (np.random.default_rng(269).normal(size=(5, 2)),)
)


@chain.wrong("own term forgotten", "other", "missing_term", leaf="X")
def _(X):
    Y = [X[0]]
    for k in range(1, len(X)):
        Y.append(X[k] * np.cos(Y[-1]))
    g = np.zeros_like(X)
    d = np.ones_like(X[0])
    for k in reversed(range(1, len(X))):
        g[k] = d * np.cos(Y[k - 1])
        d = -d * X[k] * np.sin(Y[k - 1])
    g[0] = d
    return g


@chain.wrong("first row without its own", "rows", "constant", "extra_term", "missing_term", leaf="X")
def _(X):
    g = scan_grad(X)
    g[0] -= 1
    return g
