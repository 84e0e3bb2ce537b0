"""The ways people write NumPy: loops, in-place writes, math.exp, views, empty axes, float32."""

import math

import numpy as np

from .specimen import Book

book = Book("styles")


def loops(W, x):
    out = np.zeros(W.shape[0])
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            out[i] += W[i, j] * x[j]
        out[i] = 1 / (1 + math.exp(-out[i]))
    total = 0.0
    for i in range(len(out)):
        total += out[i] ** 2
    return total


def loops_precise(W, x):
    return np.sum((1 / (1 + np.exp(-(W @ x)))) ** 2)


def loops_grad(W, x):
    dW, dx = np.zeros(W.shape), np.zeros(len(x))
    for i in range(W.shape[0]):
        s = 1 / (1 + math.exp(-sum(W[i, j] * x[j] for j in range(len(x)))))
        d = 2 * s * s * (1 - s)
        for j in range(len(x)):
            dW[i, j] = d * x[j]
            dx[j] += d * W[i, j]
    return dW, dx


def small_matrix():
    r = np.random.default_rng(101)
    return r.normal(size=(3, 4)), r.normal(size=4)


def loops_grad_whole(W, x):
    s = 1 / (1 + np.exp(-(W @ x)))
    d = 2 * s * s * (1 - s)
    return np.outer(d, x), W.T @ d


scalar_loops = book.system("math_exp_in_loops", loops, loops_grad_whole, small_matrix, precise=loops_precise)
scalar_loops.right("in loops too", claim=loops_grad)


@scalar_loops.wrong("last row overwrites x", "other", "missing_term", leaf="x")
def _(W, x):
    dW, _dx = loops_grad(W, x)
    s = 1 / (1 + math.exp(-W[-1] @ x))
    return dW, 2 * s * s * (1 - s) * W[-1]


@scalar_loops.wrong("index off by one", "permutation", "columns", leaf="W")
def _(W, x):
    dW, dx = loops_grad(W, x)
    return np.roll(dW, 1, axis=1), dx


@np.vectorize
def softplus(z):
    return math.log1p(math.exp(z)) if z < 20 else float(z)


@np.vectorize
def softplus_slope(z):
    return 1 / (1 + math.exp(-z))


def vectorised(z):
    return np.sum(softplus(z) ** 2)


def vectorised_grad(z):
    return 2 * softplus(z) * softplus_slope(z)


def activations():
    return (np.random.default_rng(102).normal(size=(2, 3)) * 2,)


mapped = book.system(
    "vectorize", vectorised, vectorised_grad, activations, precise=lambda z: np.sum(np.log1p(np.exp(z)) ** 2)
)


@mapped.wrong(
    "outer derivative only", "missing_activation_derivative", "wrong_activation_derivative", "other", leaf="z"
)
def _(z):
    return 2 * softplus(z)


@mapped.wrong("positive entries only", "other", "sparse", leaf="z")
def _(z):
    return np.where(z > 0, vectorised_grad(z), 0.0)


@mapped.wrong("a millionth for negative inputs", "sparse", "small_relative", "other", leaf="z")
def _(z):
    return vectorised_grad(z) * np.where(z < 0, 1 + 2e-6, 1)


def in_place(x, k):
    y = x.copy()
    y *= k
    y[1:] += x[:-1]
    y[y < 0] *= 0.1
    y -= y.mean()
    return float(np.dot(y, y))


def in_place_grad(x, k):
    z = x * k
    z[1:] += x[:-1]
    slope = np.where(z < 0, 0.1, 1.0)
    y = z * slope
    y -= y.mean()
    dy = 2 * y
    dz = (dy - dy.mean()) * slope
    dx = dz * k
    dx[:-1] += dz[1:]
    return dx, dz @ x


def in_place_point():
    return np.random.default_rng(103).normal(size=7), 1.7


def in_place_precise(x, k):
    z = x * k
    z = z + np.concatenate([0 * x[:1], x[:-1]])
    y = np.where(z < 0, 0.1 * z, z)
    y = y - y.mean()
    return np.dot(y, y)


writes = book.system("in_place", in_place, in_place_grad, in_place_point, precise=in_place_precise)


@writes.wrong("neighbour forgotten", "missing_term", "other", leaf="x")
def _(x, k):
    _dx, dk = in_place_grad(x, k)
    z = x * k
    z[1:] += x[:-1]
    y = z * np.where(z < 0, 0.1, 1.0)
    y -= y.mean()
    return 2 * y * np.where(z < 0, 0.1, 1.0) * k, dk


@writes.wrong("leak forgotten", "other", "wrong_activation_derivative", leaf=("x", "k"))
def _(x, k):
    z = x * k
    z[1:] += x[:-1]
    slope = np.where(z < 0, 0.0, 1.0)
    y = z * np.where(z < 0, 0.1, 1.0)
    dz = 2 * (y - y.mean()) * slope
    dx = dz * k
    dx[:-1] += dz[1:]
    return dx, dz @ x


@writes.wrong("shifted the other way", "other", "missing_term", leaf="x")
def _(x, k):
    dx, dk = in_place_grad(x, k)
    z = x * k
    z[1:] += x[:-1]
    slope = np.where(z < 0, 0.1, 1.0)
    y = z * slope
    y -= y.mean()
    dz = 2 * y * slope
    dx = dz * k
    dx[1:] += dz[:-1]
    return dx, dk


def contracted(T, a, b):
    return np.einsum("ijk,i,j->k", T, a, b) @ np.einsum("ijk,j,i->k", T, b, a)


def contracted_grad(T, a, b):
    v = 2 * np.einsum("ijk,i,j->k", T, a, b)
    return (
        np.einsum("i,j,k->ijk", a, b, v),
        np.einsum("ijk,j,k->i", T, b, v),
        np.einsum("ijk,i,k->j", T, a, v),
    )


def tensor_point():
    r = np.random.default_rng(104)
    return r.normal(size=(3, 3, 2)), r.normal(size=3), r.normal(size=3)


summed = book.system("einsum", contracted, contracted_grad, tensor_point)


@summed.wrong("indices i and j exchanged", "transpose", "permutation", leaf="T")
def _(T, a, b):
    dT, da, db = contracted_grad(T, a, b)
    return np.einsum("ijk->jik", dT), da, db


@summed.wrong("vectors exchanged", "swapped_leaves", leaf=("a", "b"))
def _(T, a, b):
    dT, da, db = contracted_grad(T, a, b)
    return dT, db, da


@summed.wrong("half of the square", "scale", leaf=("T", "a", "b"))
def _(T, a, b):
    return tuple(g / 2 for g in contracted_grad(T, a, b))


def embedding(E, tokens):
    return np.sum(np.tanh(E[tokens].sum(axis=0)))


def embedding_grad(E, tokens):
    g = np.zeros_like(E)
    np.add.at(g, tokens, 1 - np.tanh(E[tokens].sum(axis=0)) ** 2)
    return g


def sentence():
    return np.random.default_rng(105).normal(size=(6, 3)), np.array([1, 4, 4, 0, 4, 1])


gather = book.system("fancy_indexing", embedding, embedding_grad, sentence, argnums=0)


@gather.wrong("repeated tokens counted once", "rows", leaf="E")
def _(E, tokens):
    g = np.zeros_like(E)
    g[tokens] += 1 - np.tanh(E[tokens].sum(axis=0)) ** 2
    return g


@gather.wrong("unused tokens too", "rows", "other", leaf="E")
def _(E, tokens):
    g = embedding_grad(E, tokens)
    g[[2, 3, 5]] = 1e-3
    return g


@gather.wrong("rows of another vocabulary", "permutation", "rows", leaf="E")
def _(E, tokens):
    return embedding_grad(E, tokens)[::-1]


def tree_loss(params):
    h = np.tanh(params["enc"][0] @ params["x"] + params["enc"][1])
    return float(np.sum(params["dec"]["w"] * h) + params["dec"]["scale"] * np.sum(h**2))


def tree_loss_grad(params):
    A, c = params["enc"]
    h = np.tanh(A @ params["x"] + c)
    d = (params["dec"]["w"] + 2 * params["dec"]["scale"] * h) * (1 - h * h)
    return {"enc": [np.outer(d, params["x"]), d], "x": A.T @ d, "dec": {"w": h, "scale": np.sum(h**2)}}


def tree_point():
    r = np.random.default_rng(106)
    return (
        {
            "enc": [r.normal(size=(3, 2)), r.normal(size=3)],
            "x": r.normal(size=2),
            "dec": {"w": r.normal(size=3), "scale": 0.4},
        },
    )


def tree_loss_precise(params):
    h = np.tanh(params["enc"][0] @ params["x"] + params["enc"][1])
    return np.sum(params["dec"]["w"] * h) + params["dec"]["scale"] * np.sum(h**2)


nested = book.system("nested_tree", tree_loss, tree_loss_grad, tree_point, precise=tree_loss_precise)


@nested.wrong(
    "scale's gradient a hundredth off",
    "scale",
    "single_entry",
    "small_relative",
    leaf="params['dec']['scale']",
)
def _(params):
    g = tree_loss_grad(params)
    g["dec"]["scale"] = 1.01 * g["dec"]["scale"]
    return g


@nested.wrong("offset negative", "sign", leaf="params['enc'][1]")
def _(params):
    g = tree_loss_grad(params)
    g["enc"][1] = -g["enc"][1]
    return g


@nested.wrong(
    "quadratic part forgotten",
    "missing_term",
    "other",
    leaf=("params['enc'][0]", "params['enc'][1]", "params['x']"),
)
def _(params):
    A, c = params["enc"]
    h = np.tanh(A @ params["x"] + c)
    d = params["dec"]["w"] * (1 - h * h)
    return {"enc": [np.outer(d, params["x"]), d], "x": A.T @ d, "dec": {"w": h, "scale": np.sum(h**2)}}


@nested.wrong("list and dict exchanged", "shape", "other")
def _(params):
    g = tree_loss_grad(params)
    return {"enc": g["dec"], "x": g["x"], "dec": g["enc"]}


def strided(A, x):
    return np.sum(np.sin(A @ x))


def strided_grad(A, x):
    d = np.cos(A @ x)
    return d[:, None] * x, d @ A


def views():
    r = np.random.default_rng(107)
    return r.normal(size=(8, 6))[::2, ::-2], r.normal(size=(3, 4)).T[1]


def read_only():
    A, x = (v.copy() for v in views())
    A.flags.writeable = x.flags.writeable = False
    return A, x


def fortran():
    A, x = views()
    return np.asfortranarray(A), np.broadcast_to(x, (2, 3))[1]


layout = book.system("layouts", strided, strided_grad, views)
layout.right("read-only", read_only)
layout.right("fortran order and broadcast view", fortran)
layout.wrong("view, negative", "sign", leaf="x")(
    lambda A, x: (np.cos(A @ x)[:, None] * x, -np.cos(A @ x) @ A)
)
layout.wrong(
    "read-only, derivative forgotten", "missing_activation_derivative", leaf=("A", "x"), point=read_only
)(lambda A, x: (np.ones((4, 1)) * x, np.ones(4) @ A))


@layout.wrong(
    "memory order taken for index order", "permutation", "transpose", "other", leaf="A", point=fortran
)
def _(A, x):
    dA, dx = strided_grad(A, x)
    return dA.ravel().reshape(A.shape[::-1]).T, dx


def broadcasting(a, b, c):
    return np.mean((a * b + c) ** 2)


def broadcasting_grad(a, b, c):
    d = 2 * (a * b + c) / np.broadcast(a, b, c).size
    return (d * b).sum(axis=1, keepdims=True), (d * a).sum(axis=0, keepdims=True), d.sum()


def broadcast_point():
    r = np.random.default_rng(108)
    return r.normal(size=(4, 1)), r.normal(size=(1, 5)), 0.3


sizes = book.system("size_one_axes", broadcasting, broadcasting_grad, broadcast_point)


@sizes.wrong("first not summed", "shape", leaf="a")
def _(a, b, c):
    _da, db, dc = broadcasting_grad(a, b, c)
    return 2 * (a * b + c) / 20 * b, db, dc


@sizes.wrong("axis lost", "shape", leaf="b")
def _(a, b, c):
    da, db, dc = broadcasting_grad(a, b, c)
    return da, db[0], dc


@sizes.wrong("averaged where it should be summed", "scale", leaf="a")
def _(a, b, c):
    da, db, dc = broadcasting_grad(a, b, c)
    return da / 5, db, dc


@sizes.wrong("all of it in one number", "scale", "other", leaf="c")
def _(a, b, c):
    da, db, dc = broadcasting_grad(a, b, c)
    return da, db, dc / 20


def with_empty(w, extra, X):
    return np.sum((X @ w) ** 2) + np.sum(extra**2)


def with_empty_grad(w, extra, X):
    return 2 * X.T @ (X @ w), 2 * extra


def empty_point():
    r = np.random.default_rng(109)
    return r.normal(size=3), np.zeros((0, 4)), r.normal(size=(5, 3))


empty = book.system("empty_axis", with_empty, with_empty_grad, empty_point, argnums=(0, 1))


@empty.wrong("two forgotten beside it", "scale", leaf="w")
def _(w, extra, X):
    return X.T @ (X @ w), 2 * extra


@empty.wrong("empty leaf of another shape", "shape", leaf="extra")
def _(w, extra, X):
    return 2 * X.T @ (X @ w), np.zeros((4, 0))


def plain_float(x):
    return math.sin(x) * math.exp(-x * x)


def plain_float_grad(x):
    return (math.cos(x) - 2 * x * math.sin(x)) * math.exp(-x * x)


number = book.system(
    "one_float", plain_float, plain_float_grad, lambda: (0.73,), precise=lambda x: np.sin(x) * np.exp(-x * x)
)
number.wrong("half of the product rule", "missing_term", "scale", "other", leaf="x")(
    lambda x: math.cos(x) * math.exp(-x * x)
)
number.wrong("a millionth", "small_relative", "scale", leaf="x")(lambda x: plain_float_grad(x) * (1 + 1e-6))


def single(W, b, X):
    return np.sum(np.log1p(np.exp(X @ W + b))) / np.float32(len(X))


def single_grad(W, b, X):
    s = 1 / (1 + np.exp(-(X @ W + b)))
    return X.T @ s / np.float32(len(X)), s.mean(axis=0) if s.ndim else s


def float32_point():
    r = np.random.default_rng(110)
    return tuple(r.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,), (9, 4)))


def float32_far():
    W, b, X = float32_point()
    return W * np.float32(4), b, X * np.float32(3)


def single_grad_mixed(W, b, X):
    W, b, X = (v.astype(np.float64) for v in (W, b, X))
    return tuple(g.astype(np.float32) for g in single_grad(W, b, X))


f32 = book.system("float32", single, single_grad, float32_point, argnums=(0, 1))
f32.right("computed in double", claim=single_grad_mixed)
f32.right("saturated", float32_far)


@f32.wrong("bias summed", "scale", leaf="b")
def _(W, b, X):
    dW, db = single_grad(W, b, X)
    return dW, db * np.float32(len(X))


@f32.wrong("one per cent", "scale", "small_relative", leaf="W")
def _(W, b, X):
    dW, db = single_grad(W, b, X)
    return dW * np.float32(1.01), db


@f32.wrong("one thousandth in one entry", "single_entry", leaf="W", entry=(1, 2))
def _(W, b, X):
    dW, db = single_grad(W, b, X)
    dW[1, 2] *= np.float32(1.002)
    return dW, db


@f32.wrong("tanh derivative", "other", "wrong_activation_derivative", leaf=("W", "b"))
def _(W, b, X):
    s = 1 - np.tanh(X @ W + b) ** 2
    return X.T @ s / np.float32(len(X)), s.mean(axis=0)


def cumulative(x):
    return np.sum(np.cumsum(x) ** 2) + np.sum(np.sort(x)[-2:])


def cumulative_grad(x):
    g = np.cumsum(2 * np.cumsum(x)[::-1])[::-1].copy()
    g[np.argsort(x)[-2:]] += 1
    return g


running = book.system(
    "cumsum_and_sort", cumulative, cumulative_grad, lambda: (np.random.default_rng(112).normal(size=6),)
)


@running.wrong("summed from the front", "other", leaf="x")
def _(x):
    g = np.cumsum(2 * np.cumsum(x))
    g[np.argsort(x)[-2:]] += 1
    return g


@running.wrong("gradient in sorted order", "sparse", "other", "permutation", leaf="x")
def _(x):
    g = np.cumsum(2 * np.cumsum(x)[::-1])[::-1].copy()
    g[-2:] += 1
    return g


def integer_powers(x):
    total = 0
    for k in range(1, 6):
        total = total + x**k / math.factorial(k)
    return total.sum()


def integer_powers_grad(x):
    return sum(x ** (k - 1) / math.factorial(k - 1) for k in range(1, 6))


series = book.system(
    "power_series", integer_powers, integer_powers_grad, lambda: (np.array([-2.0, 0.0, 1e-3, 1.5]),)
)


@series.wrong("exponential for its series", "other", "small_relative", leaf="x")
def _(x):
    return np.exp(x)


@series.wrong("one term too few", "other", "missing_term", "sparse", leaf="x")
def _(x):
    return sum(x ** (k - 1) / math.factorial(k - 1) for k in range(1, 5))
