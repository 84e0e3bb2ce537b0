"""Objectives people minimise: fits at their optimum, factorisations, kernels, ill-conditioned forms, barriers."""

import numpy as np

from .specimen import Book

book = Book("models")


def factorise(U, V, R, seen):
    return 0.5 * np.sum(seen * (U @ V.T - R) ** 2) + 0.05 * (np.sum(U**2) + np.sum(V**2))


def factorise_grad(U, V, R, seen):
    E = seen * (U @ V.T - R)
    return E @ V + 0.1 * U, E.T @ U + 0.1 * V


def ratings():
    r = np.random.default_rng(151)
    return (
        r.normal(size=(5, 2)), r.normal(size=(4, 2)), r.normal(size=(5, 4)),
        (r.uniform(size=(5, 4)) > 0.3).astype(float),
    )  # fmt: skip


low_rank = book.system("matrix_factorisation", factorise, factorise_grad, ratings, argnums=(0, 1))


@low_rank.wrong("unseen entries counted", "other", "missing_term", leaf=("U", "V"))
def _(U, V, R, seen):
    E = U @ V.T - R
    return E @ V + 0.1 * U, E.T @ U + 0.1 * V


@low_rank.wrong("regularisation of V forgotten", "missing_term", leaf="V")
def _(U, V, R, seen):
    E = seen * (U @ V.T - R)
    return E @ V + 0.1 * U, E.T @ U


@low_rank.wrong("regularisation halved", "missing_term", leaf=("U", "V"))
def _(U, V, R, seen):
    E = seen * (U @ V.T - R)
    return E @ V + 0.05 * U, E.T @ U + 0.05 * V


@low_rank.wrong("updated U used for V", "small_relative", "other", leaf="V")
def _(U, V, R, seen):
    E = seen * (U @ V.T - R)
    dU = E @ V + 0.1 * U
    E = seen * ((U - 1e-3 * dU) @ V.T - R)
    return dU, E.T @ U + 0.1 * V


def decay(p, t, y):
    return np.sum((p[0] * np.exp(-p[1] * t) + p[2] - y) ** 2)


def decay_grad(p, t, y):
    e = np.exp(-p[1] * t)
    r = p[0] * e + p[2] - y
    return 2 * np.array([np.sum(r * e), -np.sum(r * p[0] * t * e), np.sum(r)])


def decay_grad_stacked(p, t, y):
    e = np.exp(-p[1] * t)
    r = p[0] * e + p[2] - y
    return 2 * np.stack([r @ e, -(r @ (p[0] * t * e)), np.sum(r)])


def measurements():
    r = np.random.default_rng(152)
    t = np.linspace(0, 5, 15)
    return np.array([1.8, 0.5, 0.3]), t, 2 * np.exp(-0.7 * t) + 0.2 + 0.02 * r.normal(size=15)


def fitted_decay():
    p, t, y = measurements()
    for _ in range(30):
        e = np.exp(-p[1] * t)
        J = np.stack([e, -p[0] * t * e, np.ones_like(t)], axis=1)
        p = p - np.linalg.lstsq(J, p[0] * e + p[2] - y, rcond=None)[0]
    return p, t, y


fit = book.system("exponential_fit", decay, decay_grad_stacked, measurements, argnums=0)
fit.right("entry by entry", claim=decay_grad)
fit.right("fitted", fitted_decay)


@fit.wrong("inner derivative's sign", "single_entry", "sign", leaf="p", entry=(1,))
def _(p, t, y):
    return decay_grad(p, t, y) * [1, -1, 1]


@fit.wrong("amplitude forgotten in the inner derivative", "single_entry", leaf="p", entry=(1,))
def _(p, t, y):
    return decay_grad(p, t, y) / [1, p[0], 1]


@fit.wrong("offset forgotten, fitted", "other", "missing_term", "extra_term", leaf="p", point=fitted_decay)
def _(p, t, y):
    e = np.exp(-p[1] * t)
    r = p[0] * e - y
    return 2 * np.stack([r @ e, -(r @ (p[0] * t * e)), np.sum(r)])


@fit.wrong("offset added, fitted", "extra_term", "constant", "other", leaf="p", point=fitted_decay)
def _(p, t, y):
    return decay_grad(p, t, y) + 1e-4


def hilbert(x):
    n = len(x)
    H = 1.0 / (np.arange(n)[:, None] + np.arange(n) + 1)
    return 0.5 * x @ H @ x - x.sum()


def hilbert_grad(x):
    n = len(x)
    H = 1.0 / (np.arange(n)[:, None] + np.arange(n) + 1)
    return H @ x - 1


def hilbert_point():
    return (np.random.default_rng(153).normal(size=6),)


def hilbert_solution():
    n = 6
    H = 1.0 / (np.arange(n)[:, None] + np.arange(n) + 1)
    return (np.linalg.solve(H, np.ones(n)),)


ill = book.system("hilbert", hilbert, hilbert_grad, hilbert_point)
ill.right("at the solution", hilbert_solution)


@ill.wrong("two for a half", "other", "missing_term", "scale", leaf="x")
def _(x):
    return 2 * (hilbert_grad(x) + 1) - 1


@ill.wrong("linear part forgotten", "missing_term", "extra_term", leaf="x")
def _(x):
    return hilbert_grad(x) + 1


@ill.wrong("diagonal only", "other", "missing_term", leaf="x")
def _(x):
    return x / (2 * np.arange(len(x)) + 1) - 1


def barrier(x, A, b):
    return np.sum(x**2) - 0.1 * np.sum(np.log(b - A @ x))


def barrier_grad(x, A, b):
    return 2 * x + 0.1 * A.T @ (1 / (b - A @ x))


def inside():
    r = np.random.default_rng(154)
    A = r.normal(size=(6, 3))
    x = r.normal(size=3)
    return x, A, A @ x + r.uniform(0.1, 1, size=6)


def near_the_wall():
    x, A, b = inside()
    b[2] = A[2] @ x + 1e-5
    return x, A, b


wall = book.system("log_barrier", barrier, barrier_grad, inside, argnums=0)
wall.right("near the wall", near_the_wall)


@wall.wrong("sign of the barrier", "missing_term", "sign", "extra_term", "other", leaf="x")
def _(x, A, b):
    return 2 * x - 0.1 * A.T @ (1 / (b - A @ x))


@wall.wrong("slack with a fudge near the wall", "small_relative", "other", leaf="x", point=near_the_wall)
def _(x, A, b):
    return 2 * x + 0.1 * A.T @ (1 / (b - A @ x + 1e-8))


@wall.wrong(
    "objective drowned near the wall", "missing_term", "small_relative", leaf="x", point=near_the_wall
)
def _(x, A, b):
    return 0.1 * A.T @ (1 / (b - A @ x))


def kernel_sum(X, gamma):
    D = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    return np.sum(np.exp(-gamma * D))


def kernel_sum_grad(X, gamma):
    diff = X[:, None, :] - X[None, :, :]
    D = np.sum(diff**2, axis=-1)
    K = np.exp(-gamma * D)
    return -4 * gamma * np.einsum("ij,ijk->ik", K, diff), -np.sum(D * K)


def cloud():
    return np.random.default_rng(155).normal(size=(6, 2)), 0.7


rbf = book.system("rbf_kernel", kernel_sum, kernel_sum_grad, cloud)


@rbf.wrong("one of the two points", "scale", leaf="X")
def _(X, gamma):
    dX, dg = kernel_sum_grad(X, gamma)
    return dX / 2, dg


@rbf.wrong("gamma forgotten", "scale", leaf="X")
def _(X, gamma):
    dX, dg = kernel_sum_grad(X, gamma)
    return dX / gamma, dg


@rbf.wrong("distance, not its square", "other", "scale", leaf="gamma")
def _(X, gamma):
    dX, _ = kernel_sum_grad(X, gamma)
    D = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    return dX, -np.sum(np.sqrt(D) * np.exp(-gamma * D))


def stress(Y, D):
    # multidimensional scaling
    total = 0.0
    for i in range(len(Y)):
        for j in range(i):
            total = total + (np.sqrt(np.sum((Y[i] - Y[j]) ** 2)) - D[i, j]) ** 2
    return total


def stress_grad(Y, D, both=True):
    g = np.zeros_like(Y)
    for i in range(len(Y)):
        for j in range(i):
            d = np.sqrt(np.sum((Y[i] - Y[j]) ** 2))
            push = 2 * (d - D[i, j]) * (Y[i] - Y[j]) / d
            g[i] += push
            if both:
                g[j] -= push
    return g


def map_point():
    r = np.random.default_rng(156)
    P = r.normal(size=(6, 4))
    return r.normal(size=(6, 2)), np.sqrt(np.sum((P[:, None] - P) ** 2, axis=-1))


scaling = book.system("stress", stress, stress_grad, map_point, argnums=0)


@scaling.wrong("pushes one of the pair", "other", "missing_term", leaf="Y")
def _(Y, D):
    return stress_grad(Y, D, both=False)


@scaling.wrong("distance not normalised", "other", leaf="Y")
def _(Y, D):
    g = np.zeros_like(Y)
    for i in range(len(Y)):
        for j in range(i):
            d = np.sqrt(np.sum((Y[i] - Y[j]) ** 2))
            push = 2 * (d - D[i, j]) * (Y[i] - Y[j])
            g[i] += push
            g[j] -= push
    return g


def invariant(W, x):
    # the scale of W does not matter
    z = W @ x
    return np.sum((z / np.sqrt(z @ z)) ** 3)


def invariant_grad(W, x):
    z = W @ x
    s = np.sqrt(z @ z)
    n = z / s
    d = 3 * n**2
    return np.outer((d - n * (n @ d)) / s, x)


def invariant_point():
    r = np.random.default_rng(157)
    return r.normal(size=(3, 4)), r.normal(size=4)


free = book.system("scale_invariant", invariant, invariant_grad, invariant_point, argnums=0)


@free.wrong("norm taken for a constant", "missing_term", "other", leaf="W")
def _(W, x):
    z = W @ x
    s = np.sqrt(z @ z)
    return np.outer(3 * (z / s) ** 2 / s, x)


def flat_direction(a, b):
    # depends on the sum only: the gradients are equal, and that of the difference is zero
    return np.sum(np.sin(a + b)) + 0.0 * np.sum(a - b)


def flat_direction_grad(a, b):
    return np.cos(a + b), np.cos(a + b)


sums = book.system(
    "sum_only", flat_direction, flat_direction_grad, lambda: (np.array([0.3, 1.0]), np.array([-0.4, 2.0]))
)
sums.wrong("errors of opposite sign", "other", "constant", "extra_term", leaf=("a", "b"))(
    lambda a, b: (np.cos(a + b) + 0.1, np.cos(a + b) - 0.1)
)


def centred(x):
    # the mean of a centred vector: zero whatever x is
    return np.sum(x - x.mean()) * 3.0 + np.sum(x**2)


def centred_grad(x):
    return 3 * (np.ones_like(x) - x.size * np.ones_like(x) / x.size) + 2 * x


zero_part = book.system("vanishing_term", centred, centred_grad, lambda: (np.array([1.0, -2.0, 0.5]),))
zero_part.wrong("the vanishing term alive", "extra_term", "constant", leaf="x")(lambda x: 3 + 2 * x)


def steps_up(x):
    return np.sum(np.floor(x)) + 0.5


book.system(
    "locally_constant", steps_up, lambda x: np.zeros_like(x), lambda: (np.array([0.3, 1.7, -2.4]),)
).wrong("straight through", "extra_term", "constant", "other", leaf="x")(lambda x: np.ones_like(x))


def dead(W, X):
    return np.sum(np.maximum(X @ W - 100.0, 0.0))


def dead_grad(W, X):
    return X.T @ (X @ W > 100.0).astype(float)


def dead_point():
    r = np.random.default_rng(158)
    return r.normal(size=(3, 2)), r.normal(size=(5, 3))


corpse = book.system("dead_units", dead, dead_grad, dead_point, argnums=0)
corpse.wrong("units taken for alive", "missing_activation_derivative", "extra_term", "other", leaf="W")(
    lambda W, X: X.T @ np.ones((5, 2))
)
