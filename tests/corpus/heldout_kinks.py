"""More kinks: networks with dead starts, medians, margins, ramps, total variation, sorted sums, near ties."""

import numpy as np

from .specimen import Book

book = Book("heldout_kinks")


def relu6(x):
    return np.sum(np.minimum(np.maximum(x, 0), 6) * np.arange(1, x.size + 1))


def ramp_ends():
    return (np.array([0.0, 6.0, 2.0, -1.0, 7.0]),)


book.kink("relu6/open", relu6, lambda x: ((x > 0) & (x < 6)) * np.arange(1.0, 6.0), ramp_ends)
book.kink("relu6/closed", relu6, lambda x: ((x >= 0) & (x <= 6)) * np.arange(1.0, 6.0), ramp_ends)
book.beyond("relu6/upper end forgotten", relu6, lambda x: (x > 0) * np.arange(1.0, 6.0), ramp_ends, "x")
book.beyond(
    "relu6/negative slope",
    relu6,
    lambda x: np.where(x == 6, -1.0, (x > 0) & (x < 6)) * np.arange(1.0, 6.0),
    ramp_ends,
    "x",
)


def medians(x):
    return np.sum(np.abs(x - 1.0)) + np.abs(x[0] - x[1])


def equal_pair():
    return (np.array([2.0, 2.0, 0.5]),)


def medians_grad(x, tie=0.0):
    g = np.sign(x - 1.0)
    s = np.sign(x[0] - x[1]) if x[0] != x[1] else tie
    return g + s * np.array([1.0, -1.0, 0.0])


book.kink("equal_pair/tie zero", medians, medians_grad, equal_pair)
book.kink("equal_pair/tie one", medians, lambda x: medians_grad(x, 1.0), equal_pair)
book.kink("equal_pair/tie within", medians, lambda x: medians_grad(x, -0.37), equal_pair)
book.beyond(
    "equal_pair/both pulled up",
    medians,
    lambda x: medians_grad(x) + np.array([1.0, 1.0, 0.0]),
    equal_pair,
    "x",
)
book.beyond("equal_pair/tie of two", medians, lambda x: medians_grad(x, 2.0), equal_pair, "x")


def top_two(x):
    return np.sum(np.sort(x)[-2:] ** 2)


def three_share_second():
    return (np.array([1.0, 3.0, 1.0, -2.0, 1.0]),)


def top_two_grad(x):
    g = np.zeros_like(x)
    index = np.argsort(x, kind="stable")[-2:]
    g[index] = 2 * x[index]
    return g


book.kink("top_two/last of the ties", top_two, top_two_grad, three_share_second)
book.kink(
    "top_two/shared",
    top_two,
    lambda x: np.where(x == 3, 6.0, np.where(x == 1, 2 / 3, 0.0)),
    three_share_second,
)
book.beyond("top_two/all the ties", top_two, lambda x: np.where(x >= 1, 2 * x, 0.0), three_share_second, "x")


def tv(x):
    return np.sum(np.abs(np.diff(x)))


def plateaus():
    return (np.array([1.0, 1.0, 3.0, 3.0, 0.0]),)


def tv_grad(x):
    s = np.sign(np.diff(x))
    g = np.zeros_like(x)
    g[1:] += s
    g[:-1] -= s
    return g


book.kink("total_variation/plateaus", tv, tv_grad, plateaus)
book.beyond("total_variation/one side only", tv, lambda x: np.append(0.0, np.sign(np.diff(x))), plateaus, "x")


def svm(w, b, X, y):
    return 0.5 * w @ w + np.mean(np.maximum(0, 1 - y * (X @ w + b)))


def svm_grad(w, b, X, y):
    on = (1 - y * (X @ w + b) > 0) * y
    return w - X.T @ on / len(y), -on.mean()


def zero_start():
    r = np.random.default_rng(231)
    X = r.normal(size=(6, 2))
    return np.zeros(2), 0.0, X, np.where(X[:, 0] > 0, 1.0, -1.0)


def support():
    w, b = np.array([1.0, 0.0]), 0.0
    X = np.array([[1.0, 0.3], [-1.0, 0.8], [0.2, -0.4], [-3.0, 1.0]])
    return w, b, X, np.array([1.0, -1.0, 1.0, -1.0])


margin = book.system("svm", svm, svm_grad, zero_start, argnums=(0, 1))
book.kink("svm/support vectors out", svm, svm_grad, support, argnums=(0, 1))


@margin.wrong("labels forgotten", "other", leaf=("w", "b"))
def _(w, b, X, y):
    on = (1 - y * (X @ w + b) > 0) * 1.0
    return w - X.T @ on / len(y), -on.mean()


def dead_start(W1, W2, X):
    return np.sum(np.maximum(X @ W1, 0) @ W2)


def dead_start_grad(W1, W2, X):
    Z = X @ W1
    return X.T @ (np.outer(np.ones(len(X)), W2) * (Z > 0)), np.maximum(Z, 0).sum(axis=0)


def zero_rows():
    r = np.random.default_rng(232)
    X = np.abs(r.normal(size=(4, 3)))
    X[:, 2] = 0
    return np.where(np.eye(3) > 0, 0.5, 0.2) * [1, -1, 1], np.array([1.0, 2.0, -1.0]), X


first = book.system("relu_layer", dead_start, dead_start_grad, zero_rows, argnums=(0, 1))


@first.wrong("unit that never fires learns", "columns", "missing_activation_derivative", "other", leaf="W1")
def _(W1, W2, X):
    _, dW2 = dead_start_grad(W1, W2, X)
    return X.T @ np.outer(np.ones(len(X)), W2), dW2


def huber(r, delta):
    a = np.abs(r)
    return np.sum(np.where(a <= delta, 0.5 * r * r, delta * a - 0.5 * delta**2))


def at_delta():
    return np.array([0.5, -0.5, 0.2, 0.0, 3.0]), 0.5


corner = book.system("huber_at_delta", huber, lambda r, delta: np.clip(r, -delta, delta), at_delta, argnums=0)


@corner.wrong("sign at the corner", "sparse", "other", leaf="r")
def _(r, delta):
    return np.where(np.abs(r) < delta, r, np.sign(r))


def max_margin(z, t):
    rival = np.max(z + 1.0 - (np.arange(z.shape[1]) == t[:, None]) * 1.0, axis=1)
    return np.sum(rival - z[np.arange(len(t)), t])


def max_margin_grad(z, t):
    g = np.zeros_like(z)
    rival = np.argmax(z + 1.0 - (np.arange(z.shape[1]) == t[:, None]) * 1.0, axis=1)
    g[np.arange(len(t)), rival] += 1
    g[np.arange(len(t)), t] -= 1
    return g


def rivals():
    return np.array([[0.5, 0.5, -1.0], [2.0, 0.0, 3.0], [1.0, 2.0, 1.0]]), np.array([2, 2, 1])


book.kink("crammer_singer/first rival", max_margin, max_margin_grad, rivals, argnums=0)


def every_rival(z, t):
    s = z + 1.0 - (np.arange(z.shape[1]) == t[:, None]) * 1.0
    g = (s == s.max(axis=1, keepdims=True)) * 1.0
    g[np.arange(len(t)), t] -= 1
    return g


book.beyond("crammer_singer/every rival in full", max_margin, every_rival, rivals, "z", argnums=0)


def near_zero():
    return (np.array([2e-9, 6.0 - 1e-8, 2.0, -4e-9, 7.0]),)


book.kink("relu6/near both ends", relu6, lambda x: ((x > 0) & (x < 6)) * np.arange(1.0, 6.0), near_zero)


def softened(x):
    # smooth, but with a corner a hundredth wide
    return np.sum(np.sqrt(x * x + 1e-4))


bend = book.system(
    "narrow_corner",
    softened,
    lambda x: x / np.sqrt(x * x + 1e-4),
    lambda: (np.array([0.003, -1.0, 0.0, 0.02]),),
)
bend.wrong("sign for it", "other", "sparse", leaf="x")(np.sign)


def distance(x, y):
    return np.sum(np.sqrt(np.sum((x - y) ** 2, axis=1)))


def coincident():
    r = np.random.default_rng(233)
    x = r.normal(size=(3, 2))
    y = r.normal(size=(3, 2))
    y[1] = x[1]
    return x, y


def distance_grad(x, y):
    d = x - y
    n = np.sqrt(np.sum(d * d, axis=1, keepdims=True))
    return d / np.where(n == 0, 1.0, n)


book.kink("coincident_points/zero", distance, distance_grad, coincident, argnums=0)
book.beyond(
    "coincident_points/a whole unit each", distance, lambda x, y: distance_grad(x, y) + (x == y) * 1.0, coincident,
    "x", argnums=0,
)  # fmt: skip
