"""Pieces of language models: embeddings, positional terms, masked attention, gated units, norms, sampling losses."""

import numpy as np

from .specimen import Book

book = Book("heldout_transformers")


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def causal(p, X):
    T, d = X.shape
    Q, K, V = X @ p["q"], X @ p["k"], X @ p["v"]
    S = Q @ K.T / np.sqrt(d)
    S = np.where(np.tril(np.ones((T, T))) > 0, S, -1e9)
    return softmax(S) @ V @ p["o"] + X


def causal_vjp(u, p, X, scale=True, residual=True, mean=True):
    T, d = X.shape
    Q, K, V = X @ p["q"], X @ p["k"], X @ p["v"]
    S = np.where(np.tril(np.ones((T, T))) > 0, Q @ K.T / np.sqrt(d), -1e9)
    A = softmax(S)
    C = A @ V
    dC = u @ p["o"].T
    dA = dC @ V.T
    dS = A * (dA - (np.sum(dA * A, axis=-1, keepdims=True) if mean else 0))
    if scale:
        dS = dS / np.sqrt(d)
    dQ, dK, dV = dS @ K, dS.T @ Q, A.T @ dC
    dX = dQ @ p["q"].T + dK @ p["k"].T + dV @ p["v"].T + (u if residual else 0)
    return {"q": X.T @ dQ, "k": X.T @ dK, "v": X.T @ dV, "o": C.T @ u}, dX


def block_point():
    r = np.random.default_rng(211)
    return {name: 0.7 * r.normal(size=(4, 4)) for name in "qkvo"}, r.normal(size=(5, 4))


heads = book.system("causal_attention", causal, causal_vjp, block_point, kind="vjp")


@heads.wrong("scale forgotten", "other", "scale", leaf=("p['q']", "p['k']", "X"))
def _(u, *args):
    return causal_vjp(u, *args, scale=False)


@heads.wrong("residual forgotten", "missing_term", "other", leaf="X")
def _(u, *args):
    return causal_vjp(u, *args, residual=False)


@heads.wrong("softmax mean term", "missing_term", "other", leaf=("p['q']", "p['k']", "X"))
def _(u, *args):
    return causal_vjp(u, *args, mean=False)


@heads.wrong("queries and keys exchanged", "swapped_leaves", leaf=("p['q']", "p['k']"))
def _(u, *args):
    dp, dX = causal_vjp(u, *args)
    return dp | {"q": dp["k"], "k": dp["q"]}, dX


@heads.wrong("output projection transposed", "transpose", leaf="p['o']")
def _(u, *args):
    dp, dX = causal_vjp(u, *args)
    return dp | {"o": dp["o"].T}, dX


def rms_norm(x, g):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6) * g


def rms_norm_vjp(u, x, g):
    s = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)
    v = u * g
    return v / s - x * np.mean(v * x, axis=-1, keepdims=True) / s**3, np.sum(u * x / s, axis=0)


def rows():
    r = np.random.default_rng(212)
    return r.normal(size=(4, 6)), 1 + 0.1 * r.normal(size=6)


def small_rows():
    x, g = rows()
    return 1e-4 * x, g


rms = book.system("rms_norm", rms_norm, rms_norm_vjp, rows, kind="vjp")
rms.right("beside epsilon", small_rows)


@rms.wrong("norm taken for a constant", "missing_term", "other", leaf="x")
def _(u, x, g):
    s = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)
    return u * g / s, np.sum(u * x / s, axis=0)


@rms.wrong("sum for mean", "other", "missing_term", leaf="x")
def _(u, x, g):
    s = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)
    v = u * g
    return v / s - x * np.sum(v * x, axis=-1, keepdims=True) / s**3, np.sum(u * x / s, axis=0)


@rms.wrong("epsilon forgotten", "small_relative", "other", leaf=("x", "g"))
def _(u, x, g):
    s = np.sqrt(np.mean(x**2, axis=-1, keepdims=True))
    v = u * g
    return v / s - x * np.mean(v * x, axis=-1, keepdims=True) / s**3, np.sum(u * x / s, axis=0)


@rms.wrong("gain not summed", "shape", leaf="g")
def _(u, x, g):
    dx, _ = rms_norm_vjp(u, x, g)
    return dx, u * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def gelu_vjp(u, x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return u * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2))


def wide_inputs():
    return (np.array([[-8.0, -3.0, -0.5], [0.0, 0.7, 6.0]]),)


unit = book.system("gelu", gelu, gelu_vjp, wide_inputs, kind="vjp")


@unit.wrong("three forgotten", "other", "sparse", "wrong_activation_derivative", leaf="x")
def _(u, x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return u * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 0.044715 * x**2))


@unit.wrong("logistic approximation", "wrong_activation_derivative", "small_relative", "other", leaf="x")
def _(u, x):
    s = 1 / (1 + np.exp(-1.702 * x))
    return u * (s + 1.702 * x * s * (1 - s))


@unit.wrong("gate not differentiated", "missing_term", "missing_activation_derivative", "other", leaf="x")
def _(u, x):
    return u * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@unit.wrong("relu's derivative", "wrong_activation_derivative", "other", leaf="x")
def _(u, x):
    return u * (x > 0)


def swiglu(x, W, V):
    a = x @ W
    return a / (1 + np.exp(-a)) * (x @ V)


def swiglu_vjp(u, x, W, V):
    a, b = x @ W, x @ V
    s = 1 / (1 + np.exp(-a))
    da, db = u * b * (s + a * s * (1 - s)), u * a * s
    return da @ W.T + db @ V.T, x.T @ da, x.T @ db


def gate_point():
    r = np.random.default_rng(213)
    return r.normal(size=(3, 4)), r.normal(size=(4, 5)), r.normal(size=(4, 5))


gated = book.system("swiglu", swiglu, swiglu_vjp, gate_point, kind="vjp")


@gated.wrong("gate and value exchanged", "swapped_leaves", leaf=("W", "V"))
def _(u, x, W, V):
    dx, dW, dV = swiglu_vjp(u, x, W, V)
    return dx, dV, dW


@gated.wrong("sigmoid's derivative for swish's", "wrong_activation_derivative", "other", leaf=("x", "W"))
def _(u, x, W, V):
    a, b = x @ W, x @ V
    s = 1 / (1 + np.exp(-a))
    da, db = u * b * s * (1 - s), u * a * s
    return da @ W.T + db @ V.T, x.T @ da, x.T @ db


@gated.wrong("input through the gate only", "missing_term", "other", leaf="x")
def _(u, x, W, V):
    dx, dW, dV = swiglu_vjp(u, x, W, V)
    return dx - (u * (x @ W) / (1 + np.exp(-(x @ W)))) @ V.T, dW, dV


def language_loss(E, tokens):
    # tied embeddings: in and out
    x, y = tokens[:-1], tokens[1:]
    Z = E[x] @ E.T
    m = Z.max(axis=1, keepdims=True)
    return np.mean(m[:, 0] + np.log(np.sum(np.exp(Z - m), axis=1)) - Z[np.arange(len(y)), y])


def language_loss_grad(E, tokens, inputs=True, outputs=True):
    x, y = tokens[:-1], tokens[1:]
    P = softmax(E[x] @ E.T)
    P[np.arange(len(y)), y] -= 1
    P /= len(y)
    g = np.zeros_like(E)
    if outputs:
        g += P.T @ E[x]
    if inputs:
        np.add.at(g, x, P @ E)
    return g


def corpus_point():
    return np.random.default_rng(214).normal(size=(7, 3)), np.array([0, 3, 3, 5, 1, 0, 6, 3])


tied = book.system("tied_embeddings", language_loss, language_loss_grad, corpus_point, argnums=0)


@tied.wrong("output side only", "missing_term", "other", leaf="E")
def _(E, tokens):
    return language_loss_grad(E, tokens, inputs=False)


@tied.wrong("input side only", "missing_term", "other", leaf="E")
def _(E, tokens):
    return language_loss_grad(E, tokens, outputs=False)


@tied.wrong("shifted by one token", "other", leaf="E")
def _(E, tokens):
    return language_loss_grad(E, np.roll(tokens, 1))


def label_smoothing(z, t, eps):
    log_p = z - z.max(axis=1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    return -np.sum((1 - eps) * log_p[np.arange(len(t)), t] + eps * log_p.mean(axis=1))


def label_smoothing_grad(z, t, eps):
    g = softmax(z) - eps / z.shape[1]
    g[np.arange(len(t)), t] -= 1 - eps
    return g


def smooth_point():
    return np.random.default_rng(215).normal(size=(4, 6)), np.array([5, 0, 2, 2]), 0.1


smoothed = book.system("label_smoothing", label_smoothing, label_smoothing_grad, smooth_point, argnums=0)


@smoothed.wrong("smoothing forgotten", "other", "missing_term", leaf="z")
def _(z, t, eps):
    g = softmax(z)
    g[np.arange(len(t)), t] -= 1
    return g


@smoothed.wrong("smoothing over the others only", "small_relative", "other", "missing_term", leaf="z")
def _(z, t, eps):
    g = softmax(z) - eps / (z.shape[1] - 1)
    g[np.arange(len(t)), t] -= 1 - eps - eps / (z.shape[1] - 1)
    return g


def rotary(x, theta):
    a = np.arange(len(x))[:, None] * theta
    c, s = np.cos(a), np.sin(a)
    return np.concatenate([x[:, 0::2] * c - x[:, 1::2] * s, x[:, 0::2] * s + x[:, 1::2] * c], axis=1)


def rotary_vjp(u, x, theta):
    n = x.shape[1] // 2
    t = np.arange(len(x))[:, None]
    c, s = np.cos(t * theta), np.sin(t * theta)
    u0, u1 = u[:, :n], u[:, n:]
    dx = np.empty_like(x)
    dx[:, 0::2] = u0 * c + u1 * s
    dx[:, 1::2] = u1 * c - u0 * s
    dtheta = np.sum(
        t * (u0 * (-x[:, 0::2] * s - x[:, 1::2] * c) + u1 * (x[:, 0::2] * c - x[:, 1::2] * s)), axis=0
    )
    return dx, dtheta


def positions():
    r = np.random.default_rng(216)
    return r.normal(size=(5, 6)), np.array([1.0, 0.1, 0.01])


rope = book.system("rotary", rotary, rotary_vjp, positions, kind="vjp")


@rope.wrong("rotated forwards again", "other", leaf="x")
def _(u, x, theta):
    _, dt = rotary_vjp(u, x, theta)
    back, _ = rotary_vjp(u, x, -theta)
    return back, dt


@rope.wrong("halves, not neighbours", "permutation", leaf="x")
def _(u, x, theta):
    dx, dt = rotary_vjp(u, x, theta)
    return np.concatenate([dx[:, 0::2], dx[:, 1::2]], axis=1), dt


@rope.wrong("position forgotten", "other", "missing_term", leaf="theta")
def _(u, x, theta):
    dx, _ = rotary_vjp(u, x, theta)
    c, s = (fn(np.arange(len(x))[:, None] * theta) for fn in (np.cos, np.sin))
    d = u[:, :3] * (-x[:, 0::2] * s - x[:, 1::2] * c) + u[:, 3:] * (x[:, 0::2] * c - x[:, 1::2] * s)
    return dx, d.sum(axis=0)


def policy(z, actions, rewards, old):
    # clipped surrogate of proximal policy optimisation, away from its clips and beyond them
    ratio = np.exp(z[np.arange(len(actions)), actions] - np.log(np.exp(z).sum(axis=1)) - old)
    return -np.mean(np.minimum(ratio * rewards, np.clip(ratio, 0.8, 1.2) * rewards))


def policy_grad(z, actions, rewards, old, clipped=True):
    n = np.arange(len(actions))
    ratio = np.exp(z[n, actions] - np.log(np.exp(z).sum(axis=1)) - old)
    on = ratio * rewards <= np.clip(ratio, 0.8, 1.2) * rewards if clipped else 1.0
    g = -softmax(z)
    g[n, actions] += 1
    return -(on * rewards * ratio)[:, None] * g / len(actions)


def rollout():
    r = np.random.default_rng(217)
    z = r.normal(size=(8, 3))
    a = r.integers(0, 3, size=8)
    old = z[np.arange(8), a] - np.log(np.exp(z).sum(axis=1)) + 0.4 * r.normal(size=8)
    return z, a, r.normal(size=8), old


ppo = book.system("clipped_policy", policy, policy_grad, rollout, argnums=0)


@ppo.wrong("clip ignored", "rows", "missing_activation_derivative", "other", "missing_term", leaf="z")
def _(*args):
    return policy_grad(*args, clipped=False)


@ppo.wrong("ratio forgotten", "rows", "missing_activation_derivative", "other", leaf="z")
def _(z, actions, rewards, old):
    ratio = np.exp(z[np.arange(8), actions] - np.log(np.exp(z).sum(axis=1)) - old)
    return policy_grad(z, actions, rewards, old) / ratio[:, None]


@ppo.wrong("baseline of the softmax forgotten", "missing_term", "other", "sparse", leaf="z")
def _(z, actions, rewards, old):
    n = np.arange(8)
    ratio = np.exp(z[n, actions] - np.log(np.exp(z).sum(axis=1)) - old)
    on = ratio * rewards <= np.clip(ratio, 0.8, 1.2) * rewards
    g = np.zeros_like(z)
    g[n, actions] = on * -rewards * ratio / 8
    return g
