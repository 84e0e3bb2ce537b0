"""Functions that are tiny, huge, offset, flat or badly scaled: where absolute tolerances go wrong."""

import numpy as np

from .specimen import Book

book = Book("scales")


def small(x):
    return 1e-12 * np.sum(np.sin(x) * x)


def small_grad(x):
    return 1e-12 * (np.cos(x) * x + np.sin(x))


def angles():
    return (np.array([0.4, -1.3, 2.2, 0.9]),)


tiny = book.system("tiny", small, small_grad, angles)


@tiny.wrong("product rule's first half", "missing_term", leaf="x")
def _(x):
    return 1e-12 * np.cos(x) * x


@tiny.wrong("zero", "zero", leaf="x")
def _(x):
    return np.zeros_like(x)


@tiny.wrong("negative", "sign", leaf="x")
def _(x):
    return -small_grad(x)


@tiny.wrong("one entry", "single_entry", leaf="x", entry=(2,))
def _(x):
    g = small_grad(x)
    g[2] += 1e-15
    return g


def large(x):
    return 1e12 * np.sum(np.sin(x) * x)


def large_grad(x):
    return 1e12 * (np.cos(x) * x + np.sin(x))


huge = book.system("huge", large, large_grad, angles)


@huge.wrong("a millionth", "small_relative", "scale", leaf="x")
def _(x):
    return large_grad(x) * (1 - 1e-6)


@huge.wrong("constant of one million", "extra_term", "small_relative", leaf="x")
def _(x):
    return large_grad(x) + 1e6


def offset(w, X):
    return 1e6 + 1e-3 * np.sum(np.tanh(X @ w))


def offset_grad(w, X):
    return 1e-3 * X.T @ (1 - np.tanh(X @ w) ** 2)


def offset_point():
    r = np.random.default_rng(41)
    return r.normal(size=4), r.normal(size=(3, 4))


shifted = book.system("offset", offset, offset_grad, offset_point, argnums=0)


@shifted.wrong("tanh's derivative forgotten", "missing_activation_derivative", leaf="w")
def _(w, X):
    return 1e-3 * X.T @ np.ones(len(X))


@shifted.wrong("one part in a hundred", "scale", "small_relative", leaf="w")
def _(w, X):
    return offset_grad(w, X) * 1.01


def drowned(x):
    return 1e6 + 1e-15 * np.sum(x**2)


def drowned_grad(x):
    return 2e-15 * x


below = book.system("drowned", drowned, drowned_grad, angles)


@below.wrong("taken for flat", "zero", leaf="x")
def _(x):
    return np.zeros_like(x)


@below.wrong("doubled", "scale", leaf="x")
def _(x):
    return 4e-15 * x


def mixed(a, b):
    return 1e8 * np.sum(np.exp(a)) + 1e-4 * np.sum(b**3)


def mixed_grad(a, b):
    return 1e8 * np.exp(a), 3e-4 * b**2


def mixed_point():
    r = np.random.default_rng(42)
    return r.normal(size=3), r.normal(size=4)


beside = book.system("small_beside_huge", mixed, mixed_grad, mixed_point)


@beside.wrong("small leaf negative", "sign", leaf="b")
def _(a, b):
    return 1e8 * np.exp(a), -3e-4 * b**2


@beside.wrong("small leaf one per cent off", "scale", "small_relative", leaf="b")
def _(a, b):
    return 1e8 * np.exp(a), 3.03e-4 * b**2


@beside.wrong("small leaf without its square", "other", "missing_term", leaf="b")
def _(a, b):
    return 1e8 * np.exp(a), 3e-4 * b


@beside.wrong("huge leaf a millionth off", "small_relative", "scale", leaf="a")
def _(a, b):
    return 1e8 * np.exp(a) * (1 + 1e-6), 3e-4 * b**2


def big_inputs(x):
    return np.sum(np.sqrt(x)) + np.log(np.prod(x / 1e8))


def big_inputs_grad(x):
    return 0.5 / np.sqrt(x) + 1 / x


def distances():
    return (np.array([1.2e8, 3.4e8, 0.7e8]),)


far = book.system("inputs_of_1e8", big_inputs, big_inputs_grad, distances)


@far.wrong("logarithm forgotten", "missing_term", "small_relative", "other", leaf="x")
def _(x):
    return 0.5 / np.sqrt(x)


@far.wrong("half forgotten", "scale", "other", leaf="x")
def _(x):
    return 1 / np.sqrt(x) + 1 / x


def micro(x):
    return np.sum(np.log(x) * x)


def micro_grad(x):
    return np.log(x) + 1


def lengths():
    return (np.array([2e-8, 5e-9, 1.7e-8]),)


near = book.system("inputs_of_1e-8", micro, micro_grad, lengths)


@near.wrong("one forgotten", "missing_term", "small_relative", leaf="x")
def _(x):
    return np.log(x)


def kinetics(k, c):
    # rate constants over sixteen decades
    return np.sum(k * c**2 / (1 + k * c))


def kinetics_grad(k, c):
    d = 1 + k * c
    return c**2 / d**2, (2 * k * c * d - k**2 * c**2) / d**2


def rates():
    return np.array([1e-8, 3e-4, 2.0, 5e5, 1e8]), np.array([1.0, 2.0, 0.5, 0.1, 0.3])


stiff = book.system("sixteen_decades", kinetics, kinetics_grad, rates)


@stiff.wrong("fastest rate's derivative halved", "single_entry", leaf="k", entry=(4,))
def _(k, c):
    dk, dc = kinetics_grad(k, c)
    dk[4] /= 2
    return dk, dc


@stiff.wrong("slowest concentration's derivative tripled", "single_entry", leaf="c", entry=(0,))
def _(k, c):
    dk, dc = kinetics_grad(k, c)
    dc[0] *= 3
    return dk, dc


@stiff.wrong("quotient rule's second half", "missing_term", "other", leaf="c")
def _(k, c):
    d = 1 + k * c
    return c**2 / d**2, 2 * k * c / d


def faint(x, W):
    return 1e-9 * np.tanh(x @ W)


def faint_vjp(u, x, W):
    d = 1e-9 * u * (1 - np.tanh(x @ W) ** 2)
    return d @ W.T, x.T @ d


def faint_point():
    r = np.random.default_rng(43)
    return r.normal(size=(2, 3)), r.normal(size=(3, 4))


weak = book.system("outputs_of_1e-9", faint, faint_vjp, faint_point, kind="vjp")


@weak.wrong("zero", "zero", leaf=("x", "W"))
def _(u, x, W):
    return np.zeros_like(x), np.zeros_like(W)


@weak.wrong("derivative forgotten", "missing_activation_derivative", leaf=("x", "W"))
def _(u, x, W):
    return 1e-9 * u @ W.T, 1e-9 * x.T @ u


@weak.wrong("square forgotten", "wrong_activation_derivative", "other", leaf=("x", "W"))
def _(u, x, W):
    d = 1e-9 * u * (1 - np.tanh(x @ W))
    return d @ W.T, x.T @ d


def table(theta):
    # one entry counts 1e10 times the next
    return np.sum(np.logspace(0, -10, theta.size).reshape(theta.shape) * theta**2)


def table_grad(theta):
    return 2 * np.logspace(0, -10, theta.size).reshape(theta.shape) * theta


def table_point():
    return (np.random.default_rng(44).normal(size=(5, 6)),)


steep = book.system("weights_over_ten_decades", table, table_grad, table_point)


@steep.wrong("least entry zero", "single_entry", "zero", leaf="theta", entry=(4, 5))
def _(theta):
    g = table_grad(theta)
    g[4, 5] = 0
    return g


@steep.wrong("least entry doubled", "single_entry", leaf="theta", entry=(4, 5))
def _(theta):
    g = table_grad(theta)
    g[4, 5] *= 2
    return g


@steep.wrong("last row one per cent off", "rows", leaf="theta")
def _(theta):
    g = table_grad(theta)
    g[4] *= 1.01
    return g


@steep.wrong("least entry negative", "single_entry", "sign", leaf="theta", entry=(4, 5))
def _(theta):
    g = table_grad(theta)
    g[4, 5] *= -1
    return g
