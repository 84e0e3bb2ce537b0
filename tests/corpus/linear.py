"""Losses of linear models: least squares, ridge, logistic, softmax, Poisson, Huber and their kin."""

import numpy as np

from .specimen import Book

book = Book("linear")


def regression():
    r = np.random.default_rng(11)
    return r.normal(size=4), 0.3, r.normal(size=(12, 4)), r.normal(size=12)


def least_squares(w, b, X, y):
    residual = X @ w + b - y
    return np.mean(residual**2)


def least_squares_grad(w, b, X, y):
    residual = X @ w + b - y
    n = len(y)
    return 2 / n * X.T @ residual, 2 / n * residual.sum()


ols = book.system("least_squares", least_squares, least_squares_grad, regression, argnums=(0, 1))


@ols.wrong("two forgotten", "scale", leaf=("w", "b"))
def _(w, b, X, y):
    residual = X @ w + b - y
    return X.T @ residual / len(y), residual.mean()


@ols.wrong("mean forgotten", "scale", leaf=("w", "b"))
def _(w, b, X, y):
    residual = X @ w + b - y
    return 2 * X.T @ residual, 2 * residual.sum()


@ols.wrong("bias summed, weights averaged", "scale", leaf="b")
def _(w, b, X, y):
    residual = X @ w + b - y
    return 2 * X.T @ residual / len(y), 2 * residual.sum()


@ols.wrong("residual turned round", "sign", "scale", leaf=("w", "b"))
def _(w, b, X, y):
    residual = y - X @ w - b
    return 2 * X.T @ residual / len(y), 2 * residual.mean()


@ols.wrong("last feature forgotten", "single_entry", "zero", leaf="w", entry=(3,))
def _(w, b, X, y):
    residual = X @ w + b - y
    dw = np.zeros_like(w)
    for j in range(len(w) - 1):
        dw[j] = 2 * np.mean(residual * X[:, j])
    return dw, 2 * residual.mean()


@ols.wrong("last sample forgotten", "other", "missing_term", leaf=("w", "b"))
def _(w, b, X, y):
    n = len(y)
    dw, db = np.zeros_like(w), 0.0
    for i in range(n - 1):
        e = X[i] @ w + b - y[i]
        dw += 2 * e * X[i] / n
        db += 2 * e / n
    return dw, db


@ols.wrong("bias left out of the residual", "other", "missing_term", leaf=("w", "b"))
def _(w, b, X, y):
    residual = X @ w - y
    return 2 * X.T @ residual / len(y), 2 * residual.mean()


@ols.wrong("bias gradient per sample", "shape", leaf="b")
def _(w, b, X, y):
    residual = X @ w + b - y
    return 2 * X.T @ residual / len(y), 2 * residual / len(y)


@ols.wrong("one millionth in the weights", "small_relative", "scale", leaf="w")
def _(w, b, X, y):
    dw, db = least_squares_grad(w, b, X, y)
    return dw * (1 + 1e-6), db


def ridge(w, X, y, lam):
    return 0.5 * np.sum((X @ w - y) ** 2) + 0.5 * lam * w @ w


def ridge_grad(w, X, y, lam):
    return X.T @ (X @ w - y) + lam * w


def ridge_point():
    r = np.random.default_rng(12)
    return r.normal(size=5), r.normal(size=(9, 5)), r.normal(size=9), 0.25


def ridge_optimum():
    _w, X, y, lam = ridge_point()
    return np.linalg.solve(X.T @ X + lam * np.eye(5), X.T @ y), X, y, lam


tikhonov = book.system("ridge", ridge, ridge_grad, ridge_point, argnums=0)
tikhonov.right("at the optimum", ridge_optimum)


@tikhonov.wrong("penalty forgotten", "missing_term", leaf="w")
def _(w, X, y, lam):
    return X.T @ (X @ w - y)


@tikhonov.wrong("penalty without its half", "extra_term", "missing_term", leaf="w")
def _(w, X, y, lam):
    return X.T @ (X @ w - y) + 2 * lam * w


@tikhonov.wrong("penalty subtracted", "missing_term", "extra_term", leaf="w")
def _(w, X, y, lam):
    return X.T @ (X @ w - y) - lam * w


@tikhonov.wrong("penalty of the sign", "other", "missing_term", leaf="w")
def _(w, X, y, lam):
    return X.T @ (X @ w - y) + lam * np.sign(w)


@tikhonov.wrong("two entries exchanged", "permutation", "sparse", leaf="w")
def _(w, X, y, lam):
    g = X.T @ (X @ w - y) + lam * w
    return g[[0, 3, 2, 1, 4]]


@tikhonov.wrong("penalty forgotten at the optimum", "missing_term", leaf="w", point=ridge_optimum)
def _(w, X, y, lam):
    return X.T @ (X @ w - y)


@tikhonov.wrong("zero where it is not the optimum", "zero", leaf="w")
def _(w, X, y, lam):
    return np.zeros_like(w)


@tikhonov.wrong("rounded to half precision", "small_relative", "dtype", leaf="w")
def _(w, X, y, lam):
    g = (X.T @ (X @ w - y) + lam * w).astype(np.float16)
    return g.astype(float)


@tikhonov.wrong("whole numbers", "dtype", leaf="w")
def _(w, X, y, lam):
    return (X.T @ (X @ w - y) + lam * w).astype(int)


def logistic(w, X, y):
    # y is -1 or 1
    return np.sum(np.log1p(np.exp(-y * (X @ w))))


def logistic_grad(w, X, y):
    return -X.T @ (y / (1 + np.exp(y * (X @ w))))


def logistic_point():
    r = np.random.default_rng(13)
    X = r.normal(size=(20, 3))
    return r.normal(size=3), X, np.where(X[:, 0] + 2 * r.normal(size=20) > 0, 1.0, -1.0)


def logistic_fitted():
    w, X, y = logistic_point()
    for _ in range(40):
        p = 1 / (1 + np.exp(y * (X @ w)))
        H = (X.T * (p * (1 - p))) @ X
        w = w - np.linalg.solve(H, logistic_grad(w, X, y))
    return w, X, y


logit = book.system("logistic", logistic, logistic_grad, logistic_point, argnums=0)
logit.right("fitted", logistic_fitted)


@logit.wrong("outer sigmoid forgotten", "missing_activation_derivative", "other", leaf="w")
def _(w, X, y):
    return -X.T @ (y * (X @ w))


@logit.wrong("sigmoid of the wrong sign", "other", "wrong_activation_derivative", leaf="w")
def _(w, X, y):
    return -X.T @ (y / (1 + np.exp(-y * (X @ w))))


@logit.wrong("label forgotten", "other", "missing_term", leaf="w")
def _(w, X, y):
    return -X.T @ (1 / (1 + np.exp(y * (X @ w))))


@logit.wrong("probability with a fudge", "small_relative", "other", leaf="w")
def _(w, X, y):
    return -X.T @ (y / (1 + np.exp(y * (X @ w)) + 1e-6))


def softmax_loss(W, X, t):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(t)), t].mean()


def softmax_loss_grad(W, X, t):
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(t)), t] -= 1
    return X.T @ p / len(t)


def softmax_point():
    r = np.random.default_rng(14)
    return r.normal(size=(5, 4)), r.normal(size=(7, 5)), np.array([0, 3, 1, 1, 2, 0, 3])


soft = book.system("softmax_regression", softmax_loss, softmax_loss_grad, softmax_point, argnums=0)


@soft.wrong("mean forgotten", "scale", leaf="W")
def _(W, X, t):
    return softmax_loss_grad(W, X, t) * len(t)


@soft.wrong("target not subtracted", "missing_term", "other", leaf="W")
def _(W, X, t):
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return X.T @ (e / e.sum(axis=1, keepdims=True)) / len(t)


@soft.wrong("normalised over the batch", "other", leaf="W")
def _(W, X, t):
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=0, keepdims=True)
    p[np.arange(len(t)), t] -= 1
    return X.T @ p / len(t)


@soft.wrong("transposed", "shape", "transpose", leaf="W")
def _(W, X, t):
    return softmax_loss_grad(W, X, t).T


@soft.wrong("one class a column too far", "permutation", "columns", leaf="W")
def _(W, X, t):
    return np.roll(softmax_loss_grad(W, X, t), 1, axis=1)


@soft.wrong("first column forgotten", "columns", "zero", leaf="W")
def _(W, X, t):
    g = softmax_loss_grad(W, X, t)
    g[:, 0] = 0
    return g


def poisson(w, X, counts):
    eta = X @ w
    return np.sum(np.exp(eta) - counts * eta)


def poisson_grad(w, X, counts):
    return X.T @ (np.exp(X @ w) - counts)


def poisson_point():
    r = np.random.default_rng(15)
    return 0.3 * r.normal(size=4), r.normal(size=(15, 4)), r.poisson(2.0, size=15).astype(float)


def poisson_unscaled():
    w, X, counts = poisson_point()
    scale = np.array([1e-4, 1.0, 1e3, 1e6])
    return w / scale, X * scale, counts


counts = book.system("poisson", poisson, poisson_grad, poisson_point, argnums=0)
counts.right("unscaled columns", poisson_unscaled)


@counts.wrong("exponential forgotten", "missing_activation_derivative", "other", leaf="w")
def _(w, X, counts):
    return X.T @ (X @ w - counts)


@counts.wrong("counts forgotten", "missing_term", "other", leaf="w")
def _(w, X, counts):
    return X.T @ np.exp(X @ w)


@counts.wrong("smallest column wrong", "single_entry", leaf="w", entry=(0,), point=poisson_unscaled)
def _(w, X, counts):
    g = poisson_grad(w, X, counts)
    g[0] *= 1.001
    return g


@counts.wrong("largest column wrong", "single_entry", leaf="w", entry=(3,), point=poisson_unscaled)
def _(w, X, counts):
    g = poisson_grad(w, X, counts)
    g[3] *= 1 + 1e-5
    return g


def weighted_huber(w, X, y, delta):
    r = X @ w - y
    a = np.abs(r)
    return np.sum(np.where(a <= delta, 0.5 * r**2, delta * (a - 0.5 * delta)))


def weighted_huber_grad(w, X, y, delta):
    r = X @ w - y
    return X.T @ np.clip(r, -delta, delta)


def huber_point():
    r = np.random.default_rng(16)
    return r.normal(size=3), r.normal(size=(14, 3)), 2 * r.normal(size=14), 0.9


robust = book.system("huber", weighted_huber, weighted_huber_grad, huber_point, argnums=0)


@robust.wrong("negative tail not clipped", "other", "wrong_activation_derivative", leaf="w")
def _(w, X, y, delta):
    r = X @ w - y
    return X.T @ np.minimum(r, delta)


@robust.wrong("tail of one instead of delta", "other", "wrong_activation_derivative", leaf="w")
def _(w, X, y, delta):
    r = X @ w - y
    return X.T @ np.where(np.abs(r) <= delta, r, np.sign(r))


def elastic(w, X, y):
    return np.mean((X @ w - y) ** 2) + 0.1 * np.sum(np.abs(w)) + 0.05 * np.sum(w * w)


def elastic_grad(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y) + 0.1 * np.sign(w) + 0.1 * w


def elastic_point():
    r = np.random.default_rng(17)
    return r.normal(size=6), r.normal(size=(10, 6)), r.normal(size=10)


net = book.system("elastic_net", elastic, elastic_grad, elastic_point, argnums=0)


@net.wrong("sign of the penalty forgotten", "other", "missing_term", "extra_term", "sparse", leaf="w")
def _(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y) + 0.1 + 0.1 * w


@net.wrong("l1 forgotten", "missing_term", "other", leaf="w")
def _(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y) + 0.1 * w


@net.wrong("l2 halved", "missing_term", leaf="w")
def _(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y) + 0.1 * np.sign(w) + 0.05 * w


@net.wrong("constant added", "extra_term", leaf="w")
def _(w, X, y):
    return elastic_grad(w, X, y) + 1e-3
