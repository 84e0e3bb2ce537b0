"""More scales: offsets, saturation, underflow, cancelling sums, mixed units, single precision."""

import numpy as np

from .specimen import Book

book = Book("heldout_scales")


def utility(x, prices):
    return 1e9 + np.sum(np.log1p(x / prices)) * 1e2


def utility_grad(x, prices):
    return 1e2 / (prices + x)


def basket():
    return np.array([3.0, 0.5, 12.0]), np.array([1.0, 20.0, 350.0])


offset = book.system("offset_of_1e9", utility, utility_grad, basket, argnums=0)


@offset.wrong("prices forgotten", "other", "missing_term", leaf="x")
def _(x, prices):
    return 1e2 / (1 + x / prices)


@offset.wrong("a tenth in the last entry", "single_entry", leaf="x", entry=(2,))
def _(x, prices):
    return utility_grad(x, prices) * [1, 1, 1.1]


def sigmoid_tail(w, x):
    return 1 / (1 + np.exp(-(w @ x)))


def sigmoid_tail_grad(w, x):
    s = 1 / (1 + np.exp(-(w @ x)))
    return s * (1 - s) * x


def left_tail():
    return np.array([-10.0, 4.0, 0.5]), np.array([2.5, -1.0, 0.3])


tail = book.system("left_tail", sigmoid_tail, sigmoid_tail_grad, left_tail, argnums=0)


@tail.wrong("derivative without its slope", "scale", "missing_activation_derivative", leaf="w")
def _(w, x):
    return x.copy()


@tail.wrong("zero in the tail", "zero", leaf="w")
def _(w, x):
    return np.zeros_like(w)


@tail.wrong("square of the slope", "scale", leaf="w")
def _(w, x):
    s = 1 / (1 + np.exp(-(w @ x)))
    return (s * (1 - s)) ** 2 * x


@tail.wrong("a fudge of 1e-15 where all is 1e-13", "small_relative", "scale", "other", leaf="w")
def _(w, x):
    s = 1 / (1 + np.exp(-(w @ x)))
    return (s * (1 - s) + 1e-15) * x


def underflow(x):
    return np.exp(-(x @ x))


def far_out():
    return (np.array([14.0, -12.0, 5.0]),)


gaussian = book.system("gaussian_at_1e-159", underflow, lambda x: -2 * x * np.exp(-(x @ x)), far_out)
gaussian.wrong("two forgotten", "scale", leaf="x")(lambda x: -x * np.exp(-(x @ x)))
gaussian.wrong("sign", "sign", leaf="x")(lambda x: 2 * x * np.exp(-(x @ x)))
gaussian.wrong("zero", "zero", leaf="x")(lambda x: 0 * x)


def astronomic(m):
    return np.prod(m)


def astronomic_grad(m):
    return np.prod(m) / m


product = book.system(
    "product_of_1e150", astronomic, astronomic_grad, lambda: (np.array([3e50, 2e60, 5e39]),)
)
product.wrong("one factor too many", "other", leaf="m")(lambda m: np.prod(m) / np.sqrt(m))
product.wrong("a millionth", "small_relative", "scale", leaf="m")(lambda m: astronomic_grad(m) * (1 + 1.5e-6))


def units(temperature, pressure, volume):
    # J, from kelvin, pascal and cubic metres
    return pressure * volume * np.log(volume) + 8.314 * temperature * 1.5 + 1e-3 * temperature**2


def units_grad(temperature, pressure, volume):
    return 12.471 + 2e-3 * temperature, volume * np.log(volume), pressure * (np.log(volume) + 1)


gas = book.system("mixed_units", units, units_grad, lambda: (293.15, 1.013e5, 2.2e-5))


@gas.wrong("one forgotten", "missing_term", "small_relative", "scale", leaf="volume")
def _(temperature, pressure, volume):
    dt, dp, _ = units_grad(temperature, pressure, volume)
    return dt, dp, pressure * np.log(volume)


@gas.wrong("pressure in bar", "scale", leaf="pressure")
def _(temperature, pressure, volume):
    dt, dp, dv = units_grad(temperature, pressure, volume)
    return dt, dp * 1e5, dv


@gas.wrong("temperature's square forgotten", "missing_term", "small_relative", "scale", leaf="temperature")
def _(temperature, pressure, volume):
    _, dp, dv = units_grad(temperature, pressure, volume)
    return 12.471, dp, dv


def variance(x):
    return np.mean(x**2) - np.mean(x) ** 2


def variance_grad(x):
    return 2 * (x - np.mean(x)) / len(x)


def shifted_sample():
    return (1e5 + np.random.default_rng(251).normal(size=6),)


cancelling = book.system("textbook_variance", variance, variance_grad, shifted_sample)


@cancelling.wrong("mean's half forgotten", "extra_term", "missing_term", "other", leaf="x")
def _(x):
    return 2 * x / len(x)


@cancelling.wrong("divided by n - 1", "scale", leaf="x")
def _(x):
    return 2 * (x - np.mean(x)) / (len(x) - 1)


def residual32(W, X, y):
    return np.mean((np.maximum(X @ W, np.float32(0)) - y) ** 2)


def residual32_grad(W, X, y):
    Z = X @ W
    return X.T @ ((np.maximum(Z, np.float32(0)) - y) * (Z > 0)) / np.float32(y.size / 2)


def single_precision():
    r = np.random.default_rng(252)
    return tuple(r.normal(size=s).astype(np.float32) for s in ((6, 3), (20, 6), (20, 3)))


def single_precision_unscaled():
    W, X, y = single_precision()
    s = np.array([1, 1e3, 1e-3, 1, 1e4, 1], dtype=np.float32)
    return W / s[:, None], X * s, y


f32 = book.system("float32_relu", residual32, residual32_grad, single_precision, argnums=0)
f32.right("unscaled columns", single_precision_unscaled)


@f32.wrong("mask forgotten", "missing_activation_derivative", leaf="W")
def _(W, X, y):
    return X.T @ (np.maximum(X @ W, np.float32(0)) - y) / np.float32(y.size / 2)


@f32.wrong("one entry two thousandths off", "single_entry", leaf="W", entry=(4, 1))
def _(W, X, y):
    g = residual32_grad(W, X, y)
    g[4, 1] += np.float32(2e-3) * np.abs(g).max()
    return g


@f32.wrong("batch for size", "scale", leaf="W")
def _(W, X, y):
    return residual32_grad(W, X, y) * np.float32(3)


@f32.wrong("smallest column, unscaled", "rows", leaf="W", point=single_precision_unscaled)
def _(W, X, y):
    g = residual32_grad(W, X, y)
    g[2] *= np.float32(1.05)
    return g


def quadratic_bowl(x, centre, A):
    d = x - centre
    return 5.0 + 1e-7 * d @ A @ d


def quadratic_bowl_grad(x, centre, A):
    d = x - centre
    return 1e-7 * (A + A.T) @ d, -1e-7 * (A + A.T) @ d


def bowl():
    r = np.random.default_rng(253)
    c = r.normal(size=4)
    return c + 1e-3 * r.normal(size=4), c, r.normal(size=(4, 4)) + 3 * np.eye(4)


def bottom():
    _, c, A = bowl()
    return c.copy(), c, A


shallow = book.system("shallow_bowl", quadratic_bowl, quadratic_bowl_grad, bowl, argnums=(0, 1))
shallow.right("at the bottom", bottom)


@shallow.wrong("taken for symmetric", "other", "missing_term", leaf=("x", "centre"))
def _(x, centre, A):
    d = x - centre
    return 2e-7 * A @ d, -2e-7 * A @ d


@shallow.wrong("centre with the point's sign", "sign", leaf="centre")
def _(x, centre, A):
    g, _ = quadratic_bowl_grad(x, centre, A)
    return g, g.copy()
