"""Kinks: relu at zero, ties of max, absolute values, hinges and clips, met exactly or nearly."""

import numpy as np

from .specimen import Book

book = Book("kinks")


def relu_sum(x):
    return np.sum(np.maximum(x, 0) * np.array([1.0, 2.0, 3.0, -1.0]))


def at_zero():
    return (np.array([0.0, 1.3, -0.7, 0.0]),)


WEIGHT = np.array([1.0, 2.0, 3.0, -1.0])
book.kink("relu/derivative zero", relu_sum, lambda x: WEIGHT * (x > 0), at_zero)
book.kink("relu/derivative one", relu_sum, lambda x: WEIGHT * (x >= 0), at_zero)
book.kink("relu/derivative one half", relu_sum, lambda x: WEIGHT * (np.sign(x) + 1) / 2, at_zero)
book.beyond("relu/derivative two", relu_sum, lambda x: WEIGHT * ((x > 0) + 2.0 * (x == 0)), at_zero, "x")
book.beyond(
    "relu/derivative minus one", relu_sum, lambda x: WEIGHT * ((x > 0) - 1.0 * (x == 0)), at_zero, "x"
)
book.beyond("relu/smooth entry wrong", relu_sum, lambda x: WEIGHT * (x > 0) * [1, 1.001, 1, 1], at_zero, "x")


def absolute(x):
    return np.abs(x).sum() + 0.5 * (x @ x)


def absolute_point():
    return (np.array([0.0, -0.8, 1.1]),)


book.kink("abs/sign", absolute, lambda x: np.sign(x) + x, absolute_point)
book.kink("abs/right slope", absolute, lambda x: np.where(x >= 0, 1.0, -1.0) + x, absolute_point)
book.kink("abs/within", absolute, lambda x: np.where(x == 0, -0.3, np.sign(x)) + x, absolute_point)
book.beyond(
    "abs/slope of three", absolute, lambda x: np.where(x == 0, 3.0, np.sign(x)) + x, absolute_point, "x"
)
book.beyond(
    "abs/just outside", absolute, lambda x: np.where(x == 0, 1.01, np.sign(x)) + x, absolute_point, "x"
)


def largest(x):
    return 2.0 * np.max(x)


def tied():
    return (np.array([0.3, 1.5, -0.2, 1.5]),)


def first_of_ties(x):
    g = np.zeros_like(x)
    g[np.argmax(x)] = 2.0
    return g


book.kink("max/first of the ties", largest, first_of_ties, tied)
book.kink("max/split evenly", largest, lambda x: 2.0 * (x == x.max()) / np.sum(x == x.max()), tied)
book.kink("max/last of the ties", largest, lambda x: first_of_ties(x[::-1])[::-1], tied)
book.beyond("max/both ties in full", largest, lambda x: 2.0 * (x == x.max()), tied, "x")
book.beyond("max/neither tie", largest, lambda x: np.zeros_like(x), tied, "x")
book.beyond("max/third of each tie", largest, lambda x: 2.0 * (x == x.max()) / 3, tied, "x")


def hinge(w, X, y):
    return np.sum(np.maximum(0.0, 1 - y * (X @ w)))


def on_the_margin():
    X = np.array([[1.0, 2.0], [-1.0, 0.5], [2.0, -1.0]])
    return np.array([0.5, 0.25]), X, np.array([1.0, -1.0, 1.0])


def hinge_strict(w, X, y):
    return -X.T @ (y * (y * (X @ w) < 1))


def hinge_loose(w, X, y):
    return -X.T @ (y * (y * (X @ w) <= 1))


book.kink("hinge/margin counted out", hinge, hinge_strict, on_the_margin, argnums=0)
book.kink("hinge/margin counted in", hinge, hinge_loose, on_the_margin, argnums=0)
book.beyond(
    "hinge/label forgotten", hinge, lambda w, X, y: -X.T @ (y * (X @ w) <= 1.0), on_the_margin, "w", argnums=0
)


def clipped(x):
    return np.sum(np.clip(x, -1, 1) ** 2)


def on_the_bound():
    return (np.array([1.0, -1.0, 0.4, 3.0]),)


book.kink("clip/inside", clipped, lambda x: 2 * np.clip(x, -1, 1) * (np.abs(x) <= 1), on_the_bound)
book.kink("clip/outside", clipped, lambda x: 2 * np.clip(x, -1, 1) * (np.abs(x) < 1), on_the_bound)
book.beyond("clip/never clipped", clipped, lambda x: 2 * x, on_the_bound, "x")


def leaky_relu(x):
    return np.where(x > 0, x, 0.1 * x)


def some_zeros():
    return (np.array([[0.0, 1.0, -2.0], [0.0, 0.3, 0.0]]),)


book.kink("leaky_relu/left", leaky_relu, lambda u, x: u * np.where(x > 0, 1.0, 0.1), some_zeros, kind="vjp")
book.kink("leaky_relu/right", leaky_relu, lambda u, x: u * np.where(x >= 0, 1.0, 0.1), some_zeros, kind="vjp")
book.beyond(
    "leaky_relu/zero at zero",
    leaky_relu,
    lambda u, x: u * np.where(x > 0, 1.0, 0.1 * (x < 0)),
    some_zeros,
    "x",
    "vjp",
)


def just_beside():
    return (np.array([1e-8, 1.3, -0.7, -3e-8]),)


def relu_grad(x):
    return WEIGHT * (x > 0)


nearly = book.system("relu_nearly", relu_sum, relu_grad, just_beside, listed=False)
book.kink("relu_nearly/right", relu_sum, relu_grad, just_beside)


@nearly.wrong("three quarters beside the kink, tail negative", "other", "scale", "sparse", leaf="x")
def _(x):
    return WEIGHT * np.where(np.abs(x) < 1e-6, 0.75, x > 0) * [1, -1, 1, 1]


def nearly_tied():
    return (np.array([0.3, 1.5, -0.2, 1.5 + 1e-9]),)


near_max = book.system("max_nearly", largest, first_of_ties, nearly_tied, listed=False)
book.kink("max_nearly/right", largest, first_of_ties, nearly_tied)


@near_max.wrong("both in full", "other", "single_entry", "kink", leaf="x")
def _(x):
    return 2.0 * (x > 1)


def norm(x):
    return np.sqrt(np.sum(x**2))


def origin():
    return (np.zeros(3),)


book.kink("norm/zero at the origin", norm, lambda x: np.zeros_like(x), origin)
book.beyond("norm/ones at the origin", norm, lambda x: np.ones_like(x), origin, "x")
