"""Plain NumPy in the styles people write it, each function traced and compared with central differences."""

import functools
import math
from collections.abc import Callable
from math import exp, log

import numpy as np
import pytest
from numpy import tanh
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from gradcheck.ask import trees
from gradcheck.oracles.tracing import trace

special = pytest.importorskip("scipy.special")

ZOO: dict[str, tuple[Callable, Callable]] = {}


def specimen(*shapes, positive=False, symmetric=False, extra=()):
    """Register a function; its differentiated arguments have these shapes, ``extra`` follow them."""

    def register(f):
        def args():
            rng = np.random.default_rng(len(f.__name__))
            made = [rng.normal(size=shape) if shape != "float" else float(rng.normal()) for shape in shapes]
            if positive:
                made = [np.abs(a) + 0.5 for a in made]
            if symmetric:
                made = [a @ a.T + np.eye(len(a)) for a in made]
            return (*made, *extra)

        ZOO[f.__name__] = (f, args)
        return f

    return register


X = np.random.default_rng(1).normal(size=(6, 3))
LABELS = np.array([0, 2, 1, 1, 0, 2])
Y = np.eye(3)[LABELS]
T = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
MASK = np.array([True, False, True, True, False, True])


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


def softmax(z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# networks


@specimen((3, 4), (4,), (4, 3), (3,))
def mlp_softmax_cross_entropy(W1, b1, W2, b2):
    h = relu(X.dot(W1) + b1)
    p = softmax(h.dot(W2) + b2)
    return -np.log(p[np.arange(len(LABELS)), LABELS]).mean()


@specimen((3, 4), (4,), (4, 1), (1,))
def mlp_tanh_mse(W1, b1, W2, b2):
    h = tanh(X @ W1 + b1)
    return float(0.5 * np.sum((np.squeeze(h @ W2 + b2) - T) ** 2))


@specimen((4, 3), (4, 1), (1, 4), (1, 1))
def mlp_column_major(W1, b1, W2, b2):
    a1 = sigmoid(np.dot(W1, X.T) + b1)
    a2 = sigmoid(np.dot(W2, a1) + b2)
    return np.squeeze(-1 / X.shape[0] * np.sum(T * np.log(a2) + (1 - T) * np.log(1 - a2)))


@specimen((3,), "float")
def logistic_regression(w, b):
    z = X.dot(w) + b
    return np.mean(np.logaddexp(0, z) - T * z) + 0.01 * w.dot(w)


@specimen((3, 2), (2, 2))
def dict_of_parameters(W, V):
    params = {"W": [W, V], "n": 2}
    h = np.tanh(X @ params["W"][0])
    return np.sum((h @ params["W"][1]) ** 2) / params["n"]


@specimen((3, 4), (4, 3))
def mask_write_relu(W1, W2):
    z = X.dot(W1)
    h = z.copy()
    h[h < 0] = 0
    return np.mean((h.dot(W2) - Y) ** 2)


@specimen((3, 4))
def relu_by_where(W):
    z = X @ W
    return np.sum(np.where(z > 0, z, 0.01 * z) ** 2)


@specimen((3, 4))
def relu_by_mask(W):
    z = X @ W
    return np.sum(z * (z > 0))


@specimen((3, 4))
def elu(W):
    z = X @ W
    out = np.empty_like(z)
    out[z >= 0] = z[z >= 0]
    out[z < 0] = np.expm1(z[z < 0])
    return out.sum()


@specimen((5,))
def stable_sigmoid_by_masks(z):
    out = np.zeros_like(z)
    pos = z >= 0
    out[pos] = 1 / (1 + np.exp(-z[pos]))
    e = np.exp(z[~pos])
    out[~pos] = e / (1 + e)
    return out.dot(np.arange(5))


@specimen((5,))
def vectorized_sigmoid(z):
    f = np.vectorize(lambda t: 1 / (1 + math.exp(-t)))
    return np.sum(f(z) ** 2)


@specimen((4,))
def python_loop_of_scalars(x):
    total = 0.0
    for v in x:
        total += exp(v) * math.sin(v) + log(1 + v * v)
    return total


@specimen((4,))
def list_of_traced(x):
    terms = [x[i] * x[i + 1] for i in range(len(x) - 1)]
    return np.sum(np.array(terms) ** 2)


@specimen((4, 3), extra=(2.0,))
def gelu(x, c):
    return np.sum(0.5 * x * (1 + np.tanh(np.sqrt(c / np.pi) * (x + 0.044715 * np.power(x, 3)))))


@specimen((4, 3))
def gelu_erf(x):
    return np.sum(0.5 * x * (1 + special.erf(x / np.sqrt(2))))


@specimen((4, 3))
def swish_mish(x):
    return np.sum(x * special.expit(x) + x * np.tanh(np.log1p(np.exp(x))))


@specimen((4, 3))
def leaky_relu_inplace(x):
    out = x.copy()
    out[out < 0] *= 0.1
    return (out**2).sum()


# losses


@specimen((6, 3))
def cross_entropy_logsumexp(z):
    m = z.max(axis=1, keepdims=True)
    lse = m[:, 0] + np.log(np.exp(z - m).sum(axis=1))
    return np.mean(lse - z[range(6), LABELS])


@specimen((6, 3))
def cross_entropy_scipy(z):
    return np.mean(special.logsumexp(z, axis=1) - np.sum(Y * z, axis=1)) + special.softmax(z)[0, 0]


@specimen((6, 3))
def cross_entropy_loop(z):
    loss = 0.0
    for i in range(6):
        row = z[i] - np.max(z[i])
        loss -= row[LABELS[i]] - np.log(np.sum(np.exp(row)))
    return loss / 6


@specimen((6,))
def bce_clipped(z):
    p = np.clip(1 / (1 + np.exp(-z)), 1e-7, 1 - 1e-7)
    return -np.mean(T * np.log(p) + (1 - T) * np.log(1 - p))


@specimen((6,))
def bce_with_logits(z):
    return np.mean(np.maximum(z, 0) - z * T + np.log1p(np.exp(-np.abs(z))))


@specimen((6,))
def huber(z):
    r = z - T
    return np.where(np.abs(r) < 1, 0.5 * r**2, np.abs(r) - 0.5).sum()


@specimen((6,))
def quantile_loss(z):
    r = T - z
    return np.maximum(0.3 * r, (0.3 - 1) * r).mean()


@specimen((6, 3))
def hinge_multiclass(s):
    correct = s[np.arange(6), LABELS].reshape(-1, 1)
    margins = np.maximum(0, s - correct + 1.0)
    margins[np.arange(6), LABELS] = 0
    return np.sum(margins) / 6


@specimen((6,))
def focal_loss(z):
    p = special.expit(z)
    pt = np.where(T == 1, p, 1 - p)
    return -np.sum((1 - pt) ** 2 * np.log(pt))


@specimen((6,))
def log_cosh(z):
    return np.sum(np.log(np.cosh(z - T)))


@specimen((4, 3), (4, 3))
def triplet_and_cosine(a, b):
    cos = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.sum(1 - cos) + np.linalg.norm(a - b)


@specimen((4,), (4,), positive=True)
def kl_divergence(p, q):
    p, q = p / p.sum(), q / q.sum()
    return np.sum(p * np.log(p / q)) + np.sum(special.xlogy(p, p))


@specimen((5,), positive=True)
def poisson_nll(mu):
    k = np.arange(5)
    return np.sum(mu - k * np.log(mu) + special.gammaln(k + 1))


@specimen((4,), (4,))
def gaussian_nll(mu, log_var):
    return 0.5 * np.sum(log_var + (T[:4] - mu) ** 2 / np.exp(log_var) + np.log(2 * np.pi))


@specimen((3, 4))
def contrastive_pairs(z):
    d = np.sqrt(((z[:, None, :] - z[None, :, :]) ** 2).sum(-1) + 1e-9)
    return np.triu(np.exp(-d), k=1).sum()


# normalisation, attention, convolution


@specimen((6, 3), (3,), (3,))
def batch_norm(x, gamma, beta):
    mu, var = x.mean(axis=0), x.var(axis=0)
    return np.sum((gamma * (x - mu) / np.sqrt(var + 1e-5) + beta) ** 3)


@specimen((6, 3), (3,), (3,))
def layer_norm(x, gamma, beta):
    mu = np.mean(x, axis=-1, keepdims=True)
    sd = np.std(x, axis=-1, keepdims=True, ddof=1)
    return np.tanh(gamma * (x - mu) / (sd + 1e-5) + beta)


@specimen((2, 4, 3))
def instance_norm(x):
    mu = x.mean(axis=(1, 2), keepdims=True)
    return np.sum(((x - mu) / x.std(axis=(1, 2), keepdims=True)) ** 3)


@specimen((2, 5, 4), (4, 4), (4, 4), (4, 4))
def attention(x, Wq, Wk, Wv):
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(4)
    scores = np.where(np.tril(np.ones((5, 5))) == 0, -1e9, scores)
    return np.mean(softmax(scores) @ v)


@specimen((2, 4, 6), (6, 6))
def multi_head(x, W):
    h = (x @ W).reshape(2, 4, 3, 2).swapaxes(1, 2)
    a = softmax(np.einsum("bhid,bhjd->bhij", h, h))
    return np.einsum("bhij,bhjd->bihd", a, h).reshape(2, 4, 6)


@specimen((2, 6, 6, 2), (3, 3, 2, 4), (4,))
def conv_loops(x, W, b):
    out = np.zeros((2, 4, 4, 4))
    for n in range(2):
        for i in range(4):
            for j in range(4):
                for c in range(4):
                    out[n, i, j, c] = np.sum(x[n, i : i + 3, j : j + 3, :] * W[..., c]) + b[c]
    return np.mean(np.maximum(out, 0) ** 2)


@specimen((1, 5, 5), (2, 2))
def conv_as_strided(x, k):
    s = x.strides
    windows = as_strided(x, shape=(1, 4, 4, 2, 2), strides=(s[0], s[1], s[2], s[1], s[2]))
    return np.einsum("nijkl,kl->nij", windows, k)


@specimen((5, 5), (3, 3))
def conv_sliding_window(x, k):
    return np.sum(np.tensordot(sliding_window_view(x, (3, 3)), k, axes=((2, 3), (0, 1))) ** 2)


@specimen((2, 3, 5, 5), (4, 27))
def conv_im2col(x, W):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    cols = np.zeros((2, 3, 3, 3, 5, 5))
    for i in range(3):
        for j in range(3):
            cols[:, :, i, j, :, :] = padded[:, :, i : i + 5, j : j + 5]
    cols = cols.transpose(0, 4, 5, 1, 2, 3).reshape(50, -1)
    return np.sum(np.tanh(cols @ W.T))


@specimen((2, 4, 4))
def max_pool_reshape(x):
    return np.sum(x.reshape(2, 2, 2, 2, 2).max(axis=(2, 4)) ** 2)


@specimen((4, 4))
def max_pool_loop(x):
    out = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            out[i, j] = np.max(x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
    return (out**3).sum()


@specimen((2, 4, 4))
def average_pool(x):
    return np.exp(x.reshape(2, 2, 2, 2, 2).mean(axis=(2, 4)))


@specimen((7,), (3,))
def conv1d(x, k):
    return np.convolve(x, k, mode="valid") + np.correlate(x, k) + np.convolve(x, k, "same")[1:-1]


# recurrent


@specimen((3, 4), (4, 4), (4,))
def rnn_list(Wx, Wh, b):
    h, hs = np.zeros(4), []
    for t in range(6):
        h = np.tanh(X[t] @ Wx + h @ Wh + b)
        hs.append(h)
    return np.sum(np.stack(hs) ** 2)


@specimen((3, 4), (4, 4))
def rnn_filled(Wx, Wh):
    H = np.zeros((7, 4))
    for t in range(6):
        H[t + 1] = np.tanh(X[t] @ Wx + H[t] @ Wh)
    return np.mean(H[1:] ** 2)


@specimen((7, 8), (8,), (3,), (2,))
def lstm(W, b, x, state):
    h, c = np.concatenate([state, np.zeros(2)])[:4], np.zeros(2)
    h = h[:2]
    for _ in range(3):
        gates = np.hstack([x, h, h]) @ W + b
        i, f, o, g = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return h.sum()


@specimen((2, 5), (2, 5), (2, 5), (3,))
def gru(Wz, Wr, Wh, x):
    h = np.zeros(2)
    for _ in range(3):
        xh = np.concatenate((x, h))
        z, r = sigmoid(Wz.dot(xh)), sigmoid(Wr.dot(xh))
        h = (1 - z) * h + z * np.tanh(Wh.dot(np.concatenate((x, r * h))))
    return h


@specimen((4, 3), extra=(LABELS,))
def embedding_lookup(E, tokens):
    return np.tanh(E[tokens].mean(axis=0)).sum() + E[tokens[0], 1] * E.take(tokens, axis=0).sum()


# probabilistic


@specimen((2, 3), (2,), (2,))
def gmm(mu, log_sigma, logits):
    log_pi = logits - np.logaddexp.reduce(logits)
    d = ((X[:, None, :] - mu) / np.exp(log_sigma)[:, None]) ** 2
    terms = log_pi - 0.5 * d.sum(-1) - 3 * log_sigma
    return -np.sum(special.logsumexp(terms, axis=1))


@specimen((3, 3), symmetric=True)
def gaussian_log_density(S):
    _, logdet = np.linalg.slogdet(S)
    return 0.5 * logdet + 0.5 * np.sum(X * np.linalg.solve(S, X.T).T)


@specimen((3, 3), symmetric=True)
def cholesky_density(S):
    L = np.linalg.cholesky(S)
    z = np.linalg.solve(L, X[0])
    return np.log(np.diag(L)).sum() + z @ z


@specimen("float", "float", "float")
def gaussian_process(log_length, log_scale, log_noise):
    d2 = ((X[:, None] - X[None]) ** 2).sum(-1)
    K = np.exp(log_scale) * np.exp(-0.5 * d2 / np.exp(2 * log_length)) + np.exp(log_noise) * np.eye(6)
    return 0.5 * T @ np.linalg.inv(K) @ T + 0.5 * np.log(np.linalg.det(K))


@specimen((4, 3), (5, 3), "float")
def rbf_kernel(A, B, gamma):
    d2 = np.sum(A**2, 1)[:, None] + np.sum(B**2, 1) - 2 * np.dot(A, B.T)
    return np.exp(-(gamma**2) * d2)


@specimen((4,), positive=True)
def beta_function(a):
    return special.gammaln(a).sum() - special.gammaln(a.sum()) + special.digamma(a).prod()


@specimen((5, 5))
def hmm_forward(A):
    P = softmax(A)
    alpha = np.full(5, 0.2)
    total = 0.0
    for _ in range(4):
        alpha = alpha @ P
        c = alpha.sum()
        total += np.log(c)
        alpha /= c
    return total + alpha[2]


# linear algebra


@specimen((4, 4), symmetric=True)
def det_trace_inverse(A):
    return np.linalg.det(A) + np.trace(np.linalg.inv(A)) + np.trace(A, offset=1)


@specimen((4, 4), symmetric=True)
def eigenvalues(A):
    w = np.linalg.eigvalsh(A)
    return w[-1] ** 2 + np.log(w).sum()


@specimen((4, 4), symmetric=True)
def eigenvectors(A):
    w, v = np.linalg.eigh(A)
    return (v * np.sqrt(w)) @ v.T


@specimen((4, 3))
def singular_values(A):
    s = np.linalg.svd(A, compute_uv=False)
    u, s2, vt = np.linalg.svd(A, full_matrices=False)
    return s.sum() + ((u * s2**2) @ vt).sum() + np.linalg.norm(A, "nuc")


@specimen((5, 3), (5,))
def least_squares(A, b):
    return np.linalg.lstsq(A, b, rcond=None)[0] + np.linalg.pinv(A) @ b


@specimen((3, 3))
def matrix_powers(A):
    return np.linalg.matrix_power(A, 3) + np.linalg.multi_dot([A, A.T, A])


@specimen((3, 4))
def norms(A):
    return (
        np.linalg.norm(A) + np.linalg.norm(A, 1) + np.linalg.norm(A, axis=0).sum() + np.linalg.norm(A[0], 3)
        + np.linalg.norm(A[1], np.inf) + np.linalg.norm(A, 2) + np.linalg.norm(A, np.inf)
    )  # fmt: skip


@specimen((3,), (3,))
def products(a, b):
    return (
        np.outer(a, b).sum() ** 2 + np.inner(a, b) + np.vdot(a, b) ** 2 + np.cross(a, b) @ a[::-1]
        + np.kron(a, b)[2] + a @ b
    )  # fmt: skip


@specimen((2, 3), (3, 2))
def kron_tensordot(A, B):
    return (
        np.kron(A, B).sum(axis=0)[1] + np.tensordot(A, B, axes=1).sum() + np.tensordot(A, B, ([0], [1])).sum()
    )


@specimen((3, 3), (3, 4))
def einsum_forms(A, B):
    return (
        np.einsum("ij,jk", A, B).sum() + np.einsum("ii", A) ** 2 + np.einsum("ii->i", A).prod()
        + np.einsum("ij,ij->", A, A) + np.einsum("...j,j...->...", A, A).sum() + np.einsum("ij->ji", B)[0, 1]
    )  # fmt: skip


@specimen((3, 3))
def triangles(A):
    return (
        np.sum(np.tril(A) @ np.triu(A, 1))
        + np.diag(A).prod()
        + np.diag(A[0], 1).sum()
        + np.diag(A, 1) @ A[0, :2]
    )


@specimen((4, 4))
def laplacian_quadratic(A):
    W = (A + A.T) / 2
    L = np.diag(W.sum(axis=1)) - W
    return np.trace(X[:4].T @ L @ X[:4])


@specimen((3, 2, 2), (3, 2))
def batched_solve(A, b):
    return np.linalg.solve(A, b[..., None])[..., 0].sum() + np.linalg.det(A).sum()


# writing in place


@specimen((4,))
def augmented_assignments(x):
    y = x * 2
    y += 1
    y *= x
    y -= x**2
    y /= 3
    y **= 2
    return y.sum()


@specimen((4, 3))
def rows_in_place(x):
    z = x.copy()
    for row in z:
        row -= row.mean()
        row /= row.std()
    return (z**3).sum()


@specimen((4, 3))
def view_then_write(x):
    z = x + 0
    first = z[0]
    z[0] = z[1] ** 2
    z[:, 1] += first[0]
    return np.sum(z * np.arange(12).reshape(4, 3)) + first.sum()


@specimen((4, 4))
def transpose_write(x):
    z = x.copy()
    z.T[0] = x[0] ** 2
    flat = z.ravel()
    flat[5] = x[2, 2] ** 3
    z.reshape(2, 8)[1, 3] *= 2
    np.fill_diagonal(z, 0)
    return np.sin(z).sum()


@specimen((3, 4))
def out_arguments(x):
    buffer = np.empty_like(x)
    np.exp(x, out=buffer)
    np.multiply(buffer, x, out=buffer)
    np.add(buffer, 1, buffer)
    total = np.zeros(3)
    np.sum(buffer, axis=1, out=total)
    return total


@specimen((4,))
def masked_ufunc(x):
    out = np.zeros_like(x)
    np.log(x, out=out, where=x > 0)
    np.divide(out, x, out=out, where=x != 0)
    return out


@specimen((5,))
def add_at(x):
    out = np.zeros(3)
    np.add.at(out, np.array([0, 1, 1, 2, 0]), x**2)
    np.subtract.at(out, [0, 0], x[:2])
    return out


@specimen((5,))
def bincount_weights(x):
    return np.bincount(np.array([0, 1, 1, 2, 0]), weights=x**2) ** 2


@specimen((4,))
def finite_recursion(x):
    f = np.zeros(8)
    f[:4] = x
    for n in range(4, 8):
        f[n] = f[n - 1] * f[n - 4] + f[n - 2]
    return f[-1]


@specimen((5, 5))
def heat_step(u):
    v = u.copy()
    v[1:-1, 1:-1] += 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
    return np.sum(v**4)


@specimen((3,), (3,))
def rosenbrock_and_swap(x, y):
    z = np.concatenate([x, y])
    z[[0, 3]] = z[[3, 0]]
    return np.sum(100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2)


@specimen((3,))
def argument_written(x):
    x[0] = x[1] * x[2]
    x *= 2
    return np.prod(x)


@specimen((3,))
def scalars_are_immutable(x):
    s = x.sum()
    t = s
    s += 1
    v = x[0]
    v *= 3
    return s * t + v * x[0]


@specimen((6,))
def duplicate_index_write(x):
    z = np.zeros(4)
    z[[0, 1, 1, 2, 0, 3]] = x
    return z**2


@specimen((6,))
def overwritten_constant(x):
    c = np.ones(6)
    total = np.sum(x * c)
    for i in range(3):
        c[i] = i + 2.0
        total = total + np.sum(x**2 * c)
    return total


# moving


@specimen((3, 4))
def joins(x):
    return (
        np.concatenate([x, 2 * x], axis=1).sum(0)[:4] + np.vstack((x, x[0] ** 2)).sum(0) + np.hstack([x, x])[0, 2:6]
        + np.stack([x, x**2], -1).sum((0, 2)) + np.column_stack((x[0], x[1] ** 2)).sum(1) + np.append(x[0], 1)[:4]
        + np.dstack([x, x]).sum((0, 2)) + np.r_[x[0], 0][1:] + np.c_[x[0], x[1]][:, 1] + np.insert(x[0], 1, x[1, 1])[:4]
        + np.block([[x, x], [x, x**2]])[4, 3:7]
    )  # fmt: skip


@specimen((3, 4))
def moves(x):
    return (
        np.roll(x, 1, axis=0)[0] + np.flip(x, 0)[0] ** 2 + np.tile(x, (2, 1))[4] + np.repeat(x, 2, axis=1)[1, 2:6]
        + np.rot90(x)[:, 1] * x[1] + x[::-1, ::-1][0] + np.swapaxes(x, 0, 1)[:, 2] ** 2 + np.moveaxis(x, 0, 1)[:, 1]
        + np.expand_dims(x, 0).squeeze()[1] + np.broadcast_to(x[0], (5, 4)).sum(0) + np.atleast_2d(x[0])[0]
        + np.delete(x, 0, axis=0)[0] + x.flatten(order="F")[:4] + x.reshape(4, 3, order="F")[:, 0] + x.flat[3]
    )  # fmt: skip


@specimen((4, 4))
def pads(x):
    return (
        np.pad(x, 1).sum()
        + (np.pad(x, ((1, 2), (0, 1)), mode="edge") ** 2).sum()
        + np.pad(x, 2, "reflect")[0, 0]
    )


@specimen((3, 4))
def fancy_indexing(x):
    i, j = np.array([0, 2, 2]), np.array([1, 1, 3])
    return x[i, j].sum() + x[x > 0].sum() + (x[:, [0, 0, 2]] ** 2).sum() + x[np.ix_([0, 1], [1, 3])].prod()


@specimen((5,))
def order_statistics(x):
    return (
        np.sort(x) @ np.arange(5) + np.median(x) + np.percentile(x, 30) + np.quantile(x, [0.1, 0.5]).sum()
        + np.ptp(x) ** 2 + x[np.argsort(x)][0] + np.partition(x, 2)[2] + np.max(x) * x.argmax()
    )  # fmt: skip


@specimen((4, 3))
def sort_along_axes(x):
    return (np.sort(x, axis=0)[0] ** 2).sum() + np.take_along_axis(x, np.argsort(-x, axis=1), axis=1)[
        :, 0
    ].sum()


# reductions and running ones


@specimen((4, 3))
def reductions(x):
    return (
        x.sum(axis=0) + x.mean(0) ** 2 + x.prod(axis=0) + x.max(axis=0) + np.min(x, 0) + np.var(x, axis=0, ddof=1)
        + np.average(x, axis=0, weights=[1, 2, 3, 4]) + np.cumsum(x, axis=0)[2] + np.add.reduce(x) + x.std()
    )  # fmt: skip


@specimen((5,))
def product_with_zero(x):
    y = x * np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    return np.prod(y + 0 * x) + np.prod(x) + np.cumprod(x).sum() + np.multiply.accumulate(x)[3]


@specimen((6,))
def running(x):
    return np.maximum.accumulate(x) + np.cumsum(x)[::-1] + np.logaddexp.reduce(x) + np.diff(x, prepend=0) ** 2


@specimen((6,))
def differences(x):
    return np.diff(x, n=2).sum() ** 2 + np.gradient(x) @ x + np.trapezoid(x**2) + np.ediff1d(x).prod()


@specimen((6,))
def masked_sums(x):
    return np.sum(x**2, where=MASK) + np.mean(x, where=MASK) ** 3 + np.nansum(np.where(MASK, x, np.nan))


@specimen((3, 6))
def covariance(x):
    return np.cov(x).sum(axis=0) + np.corrcoef(x)[0]


@specimen((5,), "float")
def polynomials(p, t):
    return np.polyval(p, t) + np.vander(p, 3).sum() + np.interp(0.3, np.linspace(0, 1, 5), p)


@specimen((4,), positive=True)
def elementary(x):
    logs = np.log2(x) + np.log10(x) + np.exp2(x) + np.logaddexp2(x, 1)
    angles = np.hypot(x, 2) + np.arctan2(x, 3) + np.arcsinh(x) + np.tan(x / 4) + np.sinc(x) + np.deg2rad(x)
    powers = (
        np.cbrt(x) + np.square(x) + np.reciprocal(x) + np.float_power(x, 1.5) + np.power(x, x) + 2**x + x**-1
    )
    signs = np.sign(x) * x + np.fabs(x) + np.copysign(x, -1) + np.heaviside(x, 0) + abs(-x)
    remainders = np.fmod(x, 0.4) + np.mod(x, 0.3) + divmod(x, 0.7)[1] + np.floor(x) + np.modf(x)[0]
    return logs + angles + powers + signs + remainders + np.nan_to_num(x)


@specimen((6,))
def spectrum(x):
    return np.sum(np.abs(np.fft.fft(x)) ** 2 * np.arange(6)) + np.real(np.fft.ifft(np.fft.fft(x) ** 2)).max()


@specimen((3, 3))
def apply_along(x):
    return np.apply_along_axis(lambda row: row / np.sum(row**2), 1, x) + np.apply_along_axis(np.sum, 0, x)


@specimen((3, 4))
def list_arguments(x):
    return (
        np.max([x[0].sum(), x[1].sum()])
        + np.mean([x[0], x[1]])
        + np.sum([r @ r for r in x])
        + np.exp([x[0, 0]])[0]
    )


@specimen((3,))
def functools_and_builtins(x):
    product = functools.reduce(np.multiply, [x, x + 1, x**2])
    return product + sum(x) + max(x) + sorted(x)[0] + np.array(list(map(math.exp, x)))


@specimen((3,))
def select_piecewise(x):
    return (
        np.select([x > 1, x > 0], [x**2, x], -x) + np.piecewise(x, [x < 0, x >= 0], [lambda t: -t, lambda t: t**2])
        + np.choose(np.array([0, 1, 0]), [x, x**3])
    )  # fmt: skip


@specimen((3,))
def closure_counter_and_branch(x):
    seen = []

    def step(z):
        seen.append(len(seen))
        return z * 2 if z.sum() > 0 else z**2

    return step(step(x)) * len(seen)


@specimen((4,), (4,))
def projectile_ode(state, force):
    y = state.copy()
    for _ in range(5):
        k1 = np.array([y[2], y[3], -y[0] + force[0], -y[1] * y[0]])
        k2 = np.stack([y[2] + 0.05 * k1[2], y[3], -y[0], -y[1]])
        y = y + 0.1 * (k1 + k2) / 2
    return y @ y


class Dense:
    """A layer as people write it: parameters and caches on the object, a plain helper method."""

    scale = 2.0

    def __init__(self):
        self.W = np.random.default_rng(5).normal(size=(3, 2))
        self.calls = 0
        self.cache = None

    def activate(self, z):
        out = np.zeros(z.shape)
        out[:] = np.tanh(z)
        return out

    def forward(self, x):
        self.calls += 1
        self.cache = x
        return self.activate(x.dot(self.W)) * self.scale


LAYER = Dense()


@specimen((6, 3))
def layer_object(x):
    return LAYER.forward(x)


@specimen((6, 3))
def captured_float_data(x):
    return (
        X.dot(x.T).sum()
        + (X * 2).T.dot(x).sum()
        + (LABELS[:, None] == np.arange(3)).astype(float).T.dot(x)[0, 0]
    )


def numeric_gradients(f, args, paths, outputs):
    """Central differences of the sum over outputs weighted by 1, 2, 3 ..., Richardson once."""

    def value(changed):
        ys = [np.asarray(leaf, float) for _, leaf in trees.leaves(f(*changed))]
        return sum(np.sum(y * weights(y)) for y in ys)

    grads = []
    for path in paths:
        base = np.asarray(args[path[0]], float)
        grad = np.zeros(base.shape)
        for index in np.ndindex(base.shape):

            def moved(step, index=index, base=base, path=path):
                point = base.copy()
                point[index] += step
                changed = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
                changed[path[0]] = point if base.ndim else float(point)
                return value(changed)

            coarse, fine = ((moved(h) - moved(-h)) / (2 * h) for h in (2e-4, 1e-4))
            grad[index] = (4 * fine - coarse) / 3
        grads.append(grad)
    return grads


def weights(y):
    return 1.0 + np.arange(np.size(y)).reshape(np.shape(y))


def paths_of(args):
    return [path for path, leaf in trees.leaves(args) if trees.is_floating(leaf)]


@pytest.mark.parametrize("name", ZOO)
def test_traced_gradient_matches_differences(name):
    f, make = ZOO[name]
    args = make()
    paths = paths_of(args)
    before = [np.array(a) for a in args]

    traced = trace(f, args, paths)
    grads = traced.pullback([weights(y) for y in traced.outputs])

    expected = numeric_gradients(f, args, paths, traced.outputs)
    plain = [leaf for _, leaf in trees.leaves(f(*make()))]
    for ours, theirs in zip(traced.outputs, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    for grad, numeric in zip(grads, expected, strict=True):
        assert grad.dtype == np.float64
        scale = np.abs(numeric).max() + 1e-3
        np.testing.assert_allclose(grad, numeric, rtol=1e-6, atol=1e-7 * scale)
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)
