"""Large leaves with a single entry, a row or a small neighbour wrong."""

import numpy as np

from .specimen import Book

book = Book("large")


def wide(W, b, X, y):
    return 0.5 * np.mean((np.tanh(X @ W + b).sum(axis=1) - y) ** 2)


def wide_grad(W, b, X, y):
    h = np.tanh(X @ W + b)
    d = ((h.sum(axis=1) - y) / len(y))[:, None] * (1 - h**2)
    return X.T @ d, d.sum(axis=0)


def wide_point():
    r = np.random.default_rng(141)
    return (
        r.normal(size=(200, 100)) / 15,
        0.1 * r.normal(size=100),
        r.normal(size=(16, 200)),
        r.normal(size=16),
    )


layer = book.system("twenty_thousand", wide, wide_grad, wide_point, argnums=(0, 1))


@layer.wrong("one entry doubled", "single_entry", leaf="W", entry=(77, 31))
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    dW[77, 31] *= 2
    return dW, db


@layer.wrong("one entry a ten thousandth off", "single_entry", leaf="W", entry=(199, 99))
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    dW[199, 99] *= 1 - 1e-4
    return dW, db


@layer.wrong("one entry zero", "single_entry", "zero", leaf="W", entry=(0, 50))
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    dW[0, 50] = 0
    return dW, db


@layer.wrong("two entries exchanged", "permutation", "sparse", leaf="W")
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    dW[3, 4], dW[120, 80] = dW[120, 80], dW[3, 4]
    return dW, db


@layer.wrong("last row missing", "rows", "zero", leaf="W")
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    dW[-1] = 0
    return dW, db


@layer.wrong("a bias entry a thousandth off", "single_entry", leaf="b", entry=(64,))
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    db[64] *= 1.001
    return dW, db


@layer.wrong("three millionths", "small_relative", "scale", leaf="W")
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    return dW * (1 + 3e-6), db


@layer.wrong("errors that cancel in a sum", "columns", "other", leaf="W")
def _(W, b, X, y):
    dW, db = wide_grad(W, b, X, y)
    dW[:, 0] += 1e-3
    dW[:, 1] -= 1e-3
    return dW, db


def scattered(x, index, weight):
    # a long vector of which f uses a part
    return np.sum(weight * np.exp(-(x[index] ** 2)))


def scattered_grad(x, index, weight):
    g = np.zeros_like(x)
    np.add.at(g, index, -2 * weight * x[index] * np.exp(-(x[index] ** 2)))
    return g


def scattered_point():
    r = np.random.default_rng(142)
    return r.normal(size=50_000), r.integers(0, 50_000, size=400), r.normal(size=400)


mostly_zero = book.system("mostly_unused", scattered, scattered_grad, scattered_point, argnums=0)


@mostly_zero.wrong("an unused entry is not zero", "single_entry", "extra_term", leaf="x", entry=(12345,))
def _(x, index, weight):
    g = scattered_grad(x, index, weight)
    g[12345] = 1e-3
    return g


@mostly_zero.wrong("a used entry forgotten", "single_entry", "zero", leaf="x")
def _(x, index, weight):
    g = scattered_grad(x, index, weight)
    g[index[7]] = 0
    return g


def uneven(big, small, X):
    return np.sum((X @ big) ** 2) + 1e-6 * np.sum(np.cos(small))


def uneven_grad(big, small, X):
    return 2 * X.T @ (X @ big), -1e-6 * np.sin(small)


def uneven_point():
    r = np.random.default_rng(143)
    return r.normal(size=3000), r.normal(size=2), r.normal(size=(20, 3000))


beside = book.system("two_beside_three_thousand", uneven, uneven_grad, uneven_point, argnums=(0, 1))


@beside.wrong("sign of the small leaf", "sign", leaf="small")
def _(big, small, X):
    db, ds = uneven_grad(big, small, X)
    return db, -ds


@beside.wrong("small leaf a hundredth off", "scale", "small_relative", leaf="small")
def _(big, small, X):
    db, ds = uneven_grad(big, small, X)
    return db, 1.01 * ds


@beside.wrong("small leaf zero", "zero", leaf="small")
def _(big, small, X):
    db, ds = uneven_grad(big, small, X)
    return db, 0 * ds


def many(params, x):
    for W in params:
        x = x + 0.1 * np.tanh(W @ x)
    return np.sum(x**2)


def many_grad(params, x):
    xs = [x]
    for W in params:
        xs.append(xs[-1] + 0.1 * np.tanh(W @ xs[-1]))
    d, grads = 2 * xs[-1], []
    for W, x in zip(params[::-1], xs[-2::-1], strict=True):
        dz = 0.1 * d * (1 - np.tanh(W @ x) ** 2)
        grads.append(np.outer(dz, x))
        d = d + W.T @ dz
    return grads[::-1]


def many_point():
    r = np.random.default_rng(144)
    return [r.normal(size=(5, 5)) for _ in range(16)], r.normal(size=5)


residual = book.system("sixteen_layers", many, many_grad, many_point, argnums=0)


@residual.wrong(
    "skip connection forgotten", "other", "missing_term", leaf=tuple(f"params[{k}]" for k in range(15))
)
def _(params, x):
    xs = [x]
    for W in params:
        xs.append(xs[-1] + 0.1 * np.tanh(W @ xs[-1]))
    d, grads = 2 * xs[-1], []
    for W, x in zip(params[::-1], xs[-2::-1], strict=True):
        dz = 0.1 * d * (1 - np.tanh(W @ x) ** 2)
        grads.append(np.outer(dz, x))
        d = W.T @ dz
    return grads[::-1]


@residual.wrong("layer eleven transposed", "transpose", leaf="params[11]")
def _(params, x):
    grads = many_grad(params, x)
    grads[11] = grads[11].T
    return grads


@residual.wrong("layers three and four exchanged", "swapped_leaves", leaf=("params[3]", "params[4]"))
def _(params, x):
    grads = many_grad(params, x)
    grads[3], grads[4] = grads[4], grads[3]
    return grads
