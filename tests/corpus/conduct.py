"""Claims and functions that misbehave: they write into arguments, answer NaN, change from call to call."""

import numpy as np

from .specimen import Book

book = Book("conduct")


def quadratic(x, A):
    return 0.5 * x @ A @ x


def quadratic_grad(x, A):
    return 0.5 * (A + A.T) @ x


def quadratic_point():
    r = np.random.default_rng(61)
    return r.normal(size=4), r.normal(size=(4, 4))


form = book.system("quadratic_form", quadratic, quadratic_grad, quadratic_point, argnums=0)


@form.wrong("taken for symmetric", "other", "missing_term", leaf="x")
def _(x, A):
    return A @ x


@form.wrong("transpose of it", "other", "missing_term", leaf="x")
def _(x, A):
    return A.T @ x


@form.wrong("not a number", "nonfinite", leaf="x")
def _(x, A):
    return np.full_like(x, np.nan)


@form.wrong("one entry not a number", "nonfinite", leaf="x", entry=(1,))
def _(x, A):
    g = quadratic_grad(x, A)
    g[1] = np.nan
    return g


@form.wrong("one entry infinite", "nonfinite", leaf="x", entry=(3,))
def _(x, A):
    g = quadratic_grad(x, A)
    g[3] = np.inf
    return g


@form.wrong("a column vector", "shape", leaf="x")
def _(x, A):
    return quadratic_grad(x, A)[:, None]


@form.wrong("summed to a number", "shape", leaf="x")
def _(x, A):
    return quadratic_grad(x, A).sum()


@form.wrong("writes into x", "mutates_input")
def _(x, A):
    x *= 0.5
    return (A + A.T) @ x


@form.wrong("symmetrises A in place", "mutates_input")
def _(x, A):
    A += A.T
    return 0.5 * A @ x


calls = {"noise": 0}


@form.wrong("another answer at each call", "nondeterministic", leaf="x")
def _(x, A):
    calls["noise"] += 1
    return quadratic_grad(x, A) * (1 + 1e-3 * calls["noise"])


def energy(x):
    return 0.5 * np.sum(x * x)


def point_on_sphere():
    return (np.random.default_rng(62).normal(size=5),)


half_square = book.system("half_square", energy, lambda x: x.copy(), point_on_sphere)


@half_square.wrong("its argument's own memory", "mutates_input", "other")
def _(x):
    return x


@half_square.wrong("a view of its argument", "mutates_input", "other")
def _(x):
    return x[:]


@half_square.wrong("nothing", "shape", "other")
def _(x):
    return None


@half_square.wrong("single precision", "dtype", "small_relative", leaf="x")
def _(x):
    return x.astype(np.float32)


def norm_in_place(x):
    x /= 2.0
    return np.sum(x**2)


spoiler = book.system("f_writes", norm_in_place, lambda x: x / 2, point_on_sphere, listed=False)
spoiler.wrong("f halves its argument", "mutates_input")(lambda x: x / 2)


def scaled_exp(x, W):
    return np.exp(x @ W)


def scaled_exp_vjp(u, x, W):
    d = u * np.exp(x @ W)
    return d @ W.T, np.outer(x, d)


def scaled_exp_point():
    r = np.random.default_rng(63)
    return r.normal(size=3), 0.4 * r.normal(size=(3, 5))


pulled = book.system("exp_layer", scaled_exp, scaled_exp_vjp, scaled_exp_point, kind="vjp")


@pulled.wrong("writes into the cotangent", "mutates_input")
def _(u, x, W):
    u *= np.exp(x @ W)
    return u @ W.T, np.outer(x, u)


@pulled.wrong("cotangent ignored", "other", "missing_term", "constant", leaf=("x", "W"))
def _(u, x, W):
    d = np.exp(x @ W)
    return d @ W.T, np.outer(x, d)


@pulled.wrong("one leaf too few", "shape", "other")
def _(u, x, W):
    return (scaled_exp_vjp(u, x, W)[0],)


def dropout_loss(x):
    keep = np.random.random(x.shape) > 0.5  # noqa: NPY002
    return np.sum((x * keep * 2) ** 2)


def dropout_loss_grad(x):
    return 4 * x


book.random("dropout", dropout_loss, dropout_loss_grad, point_on_sphere)


def noisy(x):
    return np.sum(np.cos(x)) + 1e-6 * np.random.standard_normal()  # noqa: NPY002


book.random("noise_of_1e-6", noisy, lambda x: -np.sin(x), point_on_sphere)


def monte_carlo(mu):
    draws = np.random.default_rng().normal(size=200)
    return np.mean((mu[0] + mu[1] * draws) ** 2)


book.random("monte_carlo", monte_carlo, lambda mu: 2 * mu, lambda: (np.array([0.4, 1.2]),))


def random_projection(x):
    return x @ np.random.default_rng().normal(size=(5, 2))


book.random("projection", random_projection, lambda u, x: np.full(5, u.sum()), point_on_sphere, kind="vjp")
