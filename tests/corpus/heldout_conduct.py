"""More misconduct and more styles: state kept between calls, aliases, views, order of writes, dtypes, containers."""

import math

import numpy as np

from .specimen import Book

book = Book("heldout_conduct")


def scaled(params, X):
    return np.sum((X * params["scale"] + params["shift"]) ** 2)


def scaled_grad(params, X):
    Y = X * params["scale"] + params["shift"]
    return {"scale": 2 * np.sum(Y * X, axis=0), "shift": 2 * np.sum(Y, axis=0)}


def scaled_point():
    r = np.random.default_rng(241)
    return {"scale": r.normal(size=3), "shift": r.normal(size=3)}, r.normal(size=(5, 3))


shifted = book.system("dict_scaling", scaled, scaled_grad, scaled_point, argnums=0)


@shifted.wrong("updates the parameters on the way", "mutates_input")
def _(params, X):
    g = scaled_grad(params, X)
    for key in params:
        params[key] -= 0.1 * g[key]
    return g


@shifted.wrong("centres the data in place", "mutates_input")
def _(params, X):
    g = scaled_grad(params, X)
    X -= X.mean(axis=0)
    return g


@shifted.wrong(
    "keys in sorted order, values not", "swapped_leaves", leaf=("params['scale']", "params['shift']")
)
def _(params, X):
    g = scaled_grad(params, X)
    return {"scale": g["shift"], "shift": g["scale"]}


@shifted.wrong("a list for a dict", "shape", "other")
def _(params, X):
    g = scaled_grad(params, X)
    return [g["scale"], g["shift"]]


@shifted.wrong(
    "half precision inside", "small_relative", "dtype", "other", leaf=("params['scale']", "params['shift']")
)
def _(params, X):
    low = {key: value.astype(np.float16) for key, value in params.items()}
    return {key: value.astype(float) for key, value in scaled_grad(low, X.astype(np.float16)).items()}


cache = {}


def layer(x, W):
    cache["x"] = x
    return np.tanh(x @ W)


def layer_vjp(u, x, W):
    d = u * (1 - np.tanh(x @ W) ** 2)
    return d @ W.T, x.T @ d


def layer_point():
    r = np.random.default_rng(242)
    return r.normal(size=(4, 3)), r.normal(size=(3, 2))


stateful = book.system("layer_with_cache", layer, layer_vjp, layer_point, kind="vjp")


@stateful.wrong("rectifies the cotangent in place", "mutates_input")
def _(u, x, W):
    y = np.tanh(x @ W)
    u -= u * y * y
    return u @ W.T, x.T @ u


@stateful.wrong("sorts x in place", "mutates_input")
def _(u, x, W):
    d = u * (1 - np.tanh(x @ W) ** 2)
    dx, dW = d @ W.T, x.T @ d
    x.sort(axis=0)
    return dx, dW


grown = []


@stateful.wrong("accumulates over calls", "nondeterministic", "scale", leaf="W")
def _(u, x, W):
    dx, dW = layer_vjp(u, x, W)
    grown.append(dW)
    return dx, sum(grown)


@stateful.wrong("infinite where it is large", "nonfinite", leaf="W")
def _(u, x, W):
    dx, dW = layer_vjp(u, x, W)
    dW[np.unravel_index(np.argmax(np.abs(dW)), dW.shape)] *= np.inf
    return dx, dW


def doubled(x):
    return 2 * x


linear = book.system(
    "doubling", doubled, lambda u, x: 2 * u, lambda: (np.array([1.0, -2.0, 3.5]),), kind="vjp"
)
linear.wrong("doubles the cotangent in place", "mutates_input")(lambda u, x: np.multiply(u, 2, out=u))
linear.wrong("its argument back", "mutates_input", "other", leaf="x")(lambda u, x: x)
linear.wrong("the cotangent back", "scale", "mutates_input", "other", leaf="x")(lambda u, x: u)


def bell(mean, width, x):
    return np.sum(np.exp(-0.5 * ((x - mean) / width) ** 2))


def bell_grad(mean, width, x):
    z = (x - mean) / width
    e = np.exp(-0.5 * z * z)
    return np.sum(e * z) / width, np.sum(e * z * z) / width


peak = book.system(
    "bell", bell, bell_grad,
    lambda: (0.3, 1.7, np.random.default_rng(243).normal(size=9)), argnums=(0, 1),
)  # fmt: skip


@peak.wrong("width's power", "scale", leaf="width")
def _(mean, width, x):
    dm, dw = bell_grad(mean, width, x)
    return dm, dw * width


@peak.wrong("mean's sign", "sign", leaf="mean")
def _(mean, width, x):
    dm, dw = bell_grad(mean, width, x)
    return -dm, dw


@peak.wrong("a value for each sample", "shape", leaf="width")
def _(mean, width, x):
    z = (x - mean) / width
    return bell_grad(mean, width, x)[0], np.exp(-0.5 * z * z) * z * z / width


def strides(img, k):
    view = np.lib.stride_tricks.sliding_window_view(img, k.shape)
    return np.einsum("ijab,ab->ij", view, k)


def strides_vjp(u, img, k):
    view = np.lib.stride_tricks.sliding_window_view(img, k.shape)
    g = np.zeros_like(img)
    for a in range(k.shape[0]):
        for b in range(k.shape[1]):
            g[a : a + u.shape[0], b : b + u.shape[1]] += u * k[a, b]
    return g, np.einsum("ijab,ij->ab", view, u)


def window_point():
    r = np.random.default_rng(244)
    return r.normal(size=(12, 10))[::2, 1::2], r.normal(size=(3, 2))


windows = book.system("sliding_window", strides, strides_vjp, window_point, kind="vjp")


@windows.wrong("kernel turned round", "permutation", leaf="k")
def _(u, img, k):
    g, dk = strides_vjp(u, img, k)
    return g, dk[::-1, ::-1]


@windows.wrong("last assignment wins", "other", "missing_term", leaf="img")
def _(u, img, k):
    g = np.zeros_like(img)
    for a in range(k.shape[0]):
        for b in range(k.shape[1]):
            g[a : a + u.shape[0], b : b + u.shape[1]] = u * k[a, b]
    return g, strides_vjp(u, img, k)[1]


def recursion(x):
    if x.size == 1:
        return math.tanh(float(x[0]))
    half = x.size // 2
    return recursion(x[:half]) * 0.5 + recursion(x[half:]) * recursion(x[:half])


def recursion_value_grad(x):
    if x.size == 1:
        t = np.tanh(x[0])
        return t, np.stack([1 - t * t])
    half = x.size // 2
    a, da = recursion_value_grad(x[:half])
    b, db = recursion_value_grad(x[half:])
    return 0.5 * a + a * b, np.concatenate([da * (0.5 + b), db * a])


def recursion_precise(x):
    return recursion_value_grad(x)[0]


tree = book.system(
    "recursion", recursion, lambda x: recursion_value_grad(x)[1],
    lambda: (np.random.default_rng(245).normal(size=6),), precise=recursion_precise,
)  # fmt: skip


@tree.wrong("product rule's half", "other", "missing_term", "sparse", leaf="x")
def _(x):
    half = x.size // 2
    a, da = recursion_value_grad(x[:half])
    _, db = recursion_value_grad(x[half:])
    return np.concatenate([da * 0.5, db * a])


def zero_dimensional(a, b):
    return np.asarray(a * np.exp(b))


point = book.system(
    "zero_dimensional", zero_dimensional, lambda u, a, b: (u * np.exp(b), u * a * np.exp(b)),
    lambda: (np.array(0.7), np.array(-1.2)), kind="vjp",
)  # fmt: skip
point.wrong("cotangent ignored", "scale", "other", "constant", leaf=("a", "b"))(
    lambda u, a, b: (np.exp(b), a * np.exp(b))
)
point.wrong("an axis too many", "shape", leaf="a")(
    lambda u, a, b: (np.array([u * np.exp(b)]), u * a * np.exp(b))
)


def several(x, y):
    return {"sum": x + y, "product": [x * y, np.sum(x)]}


def several_vjp(u, x, y):
    s, (p, t) = u["sum"], u["product"]
    return s + p * y + t, s + p * x


outputs = book.system(
    "tree_of_outputs", several, several_vjp,
    lambda: (np.array([0.2, -1.0, 2.0]), np.array([1.5, 0.4, -0.3])), kind="vjp",
)  # fmt: skip


@outputs.wrong("one output forgotten", "missing_term", "constant", "other", leaf="x")
def _(u, x, y):
    s, (p, _) = u["sum"], u["product"]
    return s + p * y, s + p * x


@outputs.wrong("x for y", "other", "swapped_leaves", leaf=("x", "y"))
def _(u, x, y):
    s, (p, t) = u["sum"], u["product"]
    return s + p * x + t, s + p * y


def jittered(W, X):
    noise = np.random.default_rng().normal(size=X.shape)
    return np.mean(((X + 0.01 * noise) @ W) ** 2)


book.random(
    "noisy_inputs",
    jittered,
    lambda W, X: 2 * X.T @ (X @ W) / 12,
    lambda: (np.ones((3, 2)), np.ones((6, 3))),
    argnums=0,
)


def shuffled_batch(w, X):
    batch = np.random.default_rng().permutation(len(X))[:4]
    return np.sum((X[batch] @ w) ** 2)


book.random(
    "random_batch", shuffled_batch, lambda w, X: 2 * X.T @ (X @ w),
    lambda: (np.array([1.0, -2.0]), np.random.default_rng(246).normal(size=(9, 2))), argnums=0,
)  # fmt: skip

visits = {"n": 0}


def counter(x):
    visits["n"] += 1
    return np.sum(x**2) * (1 + 1e-9 * visits["n"])


book.random("drifting", counter, lambda x: 2 * x, lambda: (np.array([1.0, 2.0]),))
