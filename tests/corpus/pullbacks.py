"""Pullbacks of single layers: dense, activations, softmax, normalisation, convolution, attention."""

import numpy as np

from .specimen import Book

book = Book("pullbacks")


def dense(W, b, X):
    return X @ W + b


def dense_vjp(u, W, b, X):
    return X.T @ u, u.sum(axis=0), u @ W.T


def dense_point():
    r = np.random.default_rng(31)
    return r.normal(size=(4, 3)), r.normal(size=3), r.normal(size=(6, 4))


affine = book.system("dense", dense, dense_vjp, dense_point, kind="vjp")


@affine.wrong("bias takes the mean", "scale", leaf="b")
def _(u, W, b, X):
    return X.T @ u, u.mean(axis=0), u @ W.T


@affine.wrong("cotangent ignored in the bias", "constant", "other", "missing_term", leaf="b")
def _(u, W, b, X):
    return X.T @ u, np.full(3, float(len(X))), u @ W.T


@affine.wrong("bias not summed", "shape", leaf="b")
def _(u, W, b, X):
    return X.T @ u, u, u @ W.T


@affine.wrong("accumulated twice", "scale", leaf="W")
def _(u, W, b, X):
    dW = X.T @ u
    dW += X.T @ u
    return dW, u.sum(axis=0), u @ W.T


@affine.wrong("divided by the batch", "scale", leaf=("W", "b"))
def _(u, W, b, X):
    return X.T @ u / len(X), u.mean(axis=0), u @ W.T


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_vjp(u, z):
    p = softmax(z)
    return p * (u - np.sum(u * p, axis=-1, keepdims=True))


def logits():
    return (np.random.default_rng(32).normal(size=(3, 5)),)


def confident_logits():
    return (25.0 * np.random.default_rng(33).normal(size=(3, 5)),)


soft = book.system("softmax", softmax, softmax_vjp, logits, kind="vjp")
soft.right("confident", confident_logits)


@soft.wrong("diagonal only", "missing_term", "other", leaf="z")
def _(u, z):
    p = softmax(z)
    return u * p * (1 - p)


@soft.wrong("mean term forgotten", "missing_term", "other", leaf="z")
def _(u, z):
    return u * softmax(z)


@soft.wrong("summed over the batch", "other", "missing_term", leaf="z")
def _(u, z):
    p = softmax(z)
    return p * (u - np.sum(u * p, axis=0, keepdims=True))


@soft.wrong("cotangent ignored", "other", "missing_term", "constant", leaf="z")
def _(u, z):
    p = softmax(z)
    return p * (1 - p)


def layer_norm(x, gain, shift, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    return gain * (x - mean) / np.sqrt(var + eps) + shift


def layer_norm_vjp(u, x, gain, shift, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    s = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    n = (x - mean) / s
    du = u * gain
    dx = (du - du.mean(axis=-1, keepdims=True) - n * (du * n).mean(axis=-1, keepdims=True)) / s
    return dx, (u * n).sum(axis=0), u.sum(axis=0)


def layer_norm_point():
    r = np.random.default_rng(34)
    return r.normal(size=(4, 6)) * 2 + 1, 1 + 0.2 * r.normal(size=6), r.normal(size=6)


norm = book.system("layer_norm", layer_norm, layer_norm_vjp, layer_norm_point, kind="vjp", argnums=(0, 1, 2))


@norm.wrong("mean's own derivative dropped", "missing_term", "other", leaf="x")
def _(u, x, gain, shift):
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    n = (x - x.mean(axis=-1, keepdims=True)) / s
    du = u * gain
    dx = (du - n * (du * n).mean(axis=-1, keepdims=True)) / s
    return dx, (u * n).sum(axis=0), u.sum(axis=0)


@norm.wrong("variance's own derivative dropped", "missing_term", "other", leaf="x")
def _(u, x, gain, shift):
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    n = (x - x.mean(axis=-1, keepdims=True)) / s
    du = u * gain
    return (du - du.mean(axis=-1, keepdims=True)) / s, (u * n).sum(axis=0), u.sum(axis=0)


@norm.wrong("statistics taken for constants", "missing_term", "other", leaf="x")
def _(u, x, gain, shift):
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    n = (x - x.mean(axis=-1, keepdims=True)) / s
    return u * gain / s, (u * n).sum(axis=0), u.sum(axis=0)


@norm.wrong("gain forgotten in the input", "missing_term", "other", leaf="x")
def _(u, x, gain, shift):
    return layer_norm_vjp(u, x, np.ones_like(gain), shift)


@norm.wrong("unnormalised input in the gain", "other", "missing_term", leaf="gain")
def _(u, x, gain, shift):
    dx, _, dshift = layer_norm_vjp(u, x, gain, shift)
    return dx, (u * (x - x.mean(axis=-1, keepdims=True))).sum(axis=0), dshift


@norm.wrong("another epsilon", "small_relative", "other", leaf=("x", "gain"))
def _(u, x, gain, shift):
    return layer_norm_vjp(u, x, gain, shift, eps=2e-4)


@norm.wrong("gain and shift exchanged", "swapped_leaves", leaf=("gain", "shift"))
def _(u, x, gain, shift):
    dx, dgain, dshift = layer_norm_vjp(u, x, gain, shift)
    return dx, dshift, dgain


def batch_norm(x, gamma, beta):
    mean = np.mean(x, axis=0)
    var = np.mean((x - mean) ** 2, axis=0)
    return gamma * (x - mean) / np.sqrt(var + 1e-8) + beta


def batch_norm_vjp(u, x, gamma, beta):
    n = len(x)
    mean = np.mean(x, axis=0)
    std = np.sqrt(np.mean((x - mean) ** 2, axis=0) + 1e-8)
    hat = (x - mean) / std
    dgamma = np.sum(u * hat, axis=0)
    dbeta = np.sum(u, axis=0)
    return gamma / std / n * (n * u - dbeta - hat * dgamma), dgamma, dbeta


def batch_norm_point():
    r = np.random.default_rng(35)
    return r.normal(size=(7, 3)) * [1.0, 10.0, 0.1], r.normal(size=3), r.normal(size=3)


bn = book.system("batch_norm", batch_norm, batch_norm_vjp, batch_norm_point, kind="vjp")


@bn.wrong("n forgotten before the cotangent", "other", "missing_term", leaf="x")
def _(u, x, gamma, beta):
    _, dgamma, dbeta = batch_norm_vjp(u, x, gamma, beta)
    std = x.std(axis=0)
    hat = (x - x.mean(axis=0)) / std
    return gamma / std / len(x) * (u - dbeta - hat * dgamma), dgamma, dbeta


@bn.wrong("gamma forgotten", "columns", "missing_term", "other", "scale", leaf="x")
def _(u, x, gamma, beta):
    dx, dgamma, dbeta = batch_norm_vjp(u, x, np.ones(3), beta)
    return dx, dgamma, dbeta


@bn.wrong("unbiased variance", "other", "small_relative", "missing_term", leaf=("x", "gamma"))
def _(u, x, gamma, beta):
    n = len(x)
    std = x.std(axis=0, ddof=1)
    hat = (x - x.mean(axis=0)) / std
    dgamma, dbeta = np.sum(u * hat, axis=0), np.sum(u, axis=0)
    return gamma / std / n * (n * u - dbeta - hat * dgamma), dgamma, dbeta


def conv1d(x, k):
    # valid cross-correlation
    out = np.zeros(len(x) - len(k) + 1)
    for i in range(len(out)):
        out[i] = np.sum(x[i : i + len(k)] * k)
    return out


def conv1d_vjp(u, x, k):
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(len(u)):
        dx[i : i + len(k)] += u[i] * k
        dk += u[i] * x[i : i + len(k)]
    return dx, dk


def signal():
    r = np.random.default_rng(36)
    return r.normal(size=9), r.normal(size=4)


conv = book.system("conv1d", conv1d, conv1d_vjp, signal, kind="vjp")


@conv.wrong("kernel flipped going back", "other", "permutation", leaf="x")
def _(u, x, k):
    dx, dk = conv1d_vjp(u, x, k[::-1])
    return dx, dk


@conv.wrong("kernel gradient flipped", "permutation", leaf="k")
def _(u, x, k):
    dx, dk = conv1d_vjp(u, x, k)
    return dx, dk[::-1]


@conv.wrong("overlap overwritten", "other", "missing_term", leaf="x")
def _(u, x, k):
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(len(u)):
        dx[i : i + len(k)] = u[i] * k
        dk += u[i] * x[i : i + len(k)]
    return dx, dk


@conv.wrong("last window forgotten", "other", "missing_term", leaf=("x", "k"))
def _(u, x, k):
    v = u.copy()
    v[-1] = 0
    return conv1d_vjp(v, x, k)


def attention(Q, K, V):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    return softmax(S) @ V


def attention_vjp(u, Q, K, V):
    root = np.sqrt(Q.shape[1])
    P = softmax(Q @ K.T / root)
    dP = u @ V.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    return dS @ K / root, dS.T @ Q / root, P.T @ u


def attention_point():
    r = np.random.default_rng(37)
    return r.normal(size=(3, 4)), r.normal(size=(5, 4)), r.normal(size=(5, 2))


attend = book.system("attention", attention, attention_vjp, attention_point, kind="vjp")


@attend.wrong("scale forgotten", "scale", leaf=("Q", "K"))
def _(u, Q, K, V):
    dQ, dK, dV = attention_vjp(u, Q, K, V)
    return 2 * dQ, 2 * dK, dV


@attend.wrong("scale forgotten throughout the backward pass", "other", leaf=("Q", "K", "V"))
def _(u, Q, K, V):
    P = softmax(Q @ K.T)
    dP = u @ V.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    return dS @ K, dS.T @ Q, P.T @ u


@attend.wrong("softmax diagonal only", "missing_term", "other", leaf=("Q", "K"))
def _(u, Q, K, V):
    P = softmax(Q @ K.T / 2)
    dS = P * (1 - P) * (u @ V.T)
    return dS @ K / 2, dS.T @ Q / 2, P.T @ u


@attend.wrong("values unmixed the wrong way", "other", leaf="V")
def _(u, Q, K, V):
    dQ, dK, _ = attention_vjp(u, Q, K, V)
    return dQ, dK, np.outer(softmax(Q @ K.T / 2).sum(axis=0), u.sum(axis=0)) / len(Q)
