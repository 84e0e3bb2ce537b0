"""Jacobians, Jacobian-vector products, Hessians and Hessian-vector products."""

import numpy as np

from .specimen import Book

book = Book("operators")


def arm(q):
    # a planar arm of three links: where its tip is
    a = np.cumsum(q)
    return np.array([np.sum(np.cos(a)), np.sum(np.sin(a))])


def arm_precise(q):
    a = np.cumsum(q)
    return np.stack([np.sum(np.cos(a)), np.sum(np.sin(a))])


def arm_jacobian(q):
    a = np.cumsum(q)
    J = np.zeros((2, len(q)))
    for k in range(len(q)):
        J[0, k] = -np.sum(np.sin(a[k:]))
        J[1, k] = np.sum(np.cos(a[k:]))
    return J


def arm_jacobian_precise(q):
    a = np.cumsum(q)
    return np.stack([-np.cumsum(np.sin(a)[::-1])[::-1], np.cumsum(np.cos(a)[::-1])[::-1]])


def joints():
    return (np.array([0.3, -0.8, 1.1]),)


tip = book.system("arm", arm, arm_jacobian_precise, joints, kind="jacobian", precise=arm_precise)
tip.right("in a loop", claim=arm_jacobian)


@tip.wrong("only the joint itself", "other", "missing_term", leaf="q")
def _(q):
    a = np.cumsum(q)
    return np.stack([-np.sin(a), np.cos(a)])


@tip.wrong("transposed", "shape", "transpose", leaf="q")
def _(q):
    return arm_jacobian(q).T


@tip.wrong("rows exchanged", "permutation", "rows", leaf="q")
def _(q):
    return arm_jacobian(q)[::-1]


@tip.wrong("first row without its sign", "rows", "sign", leaf="q")
def _(q):
    return arm_jacobian(q) * [[-1.0], [1.0]]


def affine_map(A, x):
    return A @ x


def affine_map_jacobian(A, x):
    m, _n = A.shape
    return np.einsum("ik,j->ikj", np.eye(m), x), A.copy()


def matrix_point():
    r = np.random.default_rng(131)
    return r.normal(size=(3, 4)), r.normal(size=4)


dense = book.system("matrix_vector", affine_map, affine_map_jacobian, matrix_point, kind="jacobian")


@dense.wrong("its matrix transposed", "shape", "transpose", leaf="x")
def _(A, x):
    return affine_map_jacobian(A, x)[0], A.T


@dense.wrong("one entry", "single_entry", leaf="x", entry=(1,))
def _(A, x):
    dA, dx = affine_map_jacobian(A, x)
    dx[2, 1] += 0.001
    return dA, dx


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def softmax_jacobian(z):
    p = softmax(z)
    return np.diag(p) - np.outer(p, p)


def logits():
    return (np.random.default_rng(132).normal(size=5),)


classes = book.system("softmax", softmax, softmax_jacobian, logits, kind="jacobian")


@classes.wrong("diagonal only", "missing_term", "other", "sparse", leaf="z")
def _(z):
    p = softmax(z)
    return np.diag(p * (1 - p))


@classes.wrong("sign off the diagonal", "other", "missing_term", "sparse", leaf="z")
def _(z):
    p = softmax(z)
    return np.diag(p) + np.outer(p, p)


@classes.wrong("diagonal without its square", "other", "sparse", "missing_term", leaf="z")
def _(z):
    p = softmax(z)
    J = -np.outer(p, p)
    J[np.arange(5), np.arange(5)] = p
    return J


def network(W, b, x):
    return np.tanh(x @ W + b)


def network_jvp(tangents, W, b, x):
    dW, db, dx = tangents
    y = np.tanh(x @ W + b)
    return (1 - y**2) * (x @ dW + db + dx @ W)


def network_point():
    r = np.random.default_rng(133)
    return r.normal(size=(3, 2)), r.normal(size=2), r.normal(size=(4, 3))


push = book.system("tanh_layer", network, network_jvp, network_point, kind="jvp", argnums=(0, 1, 2))


@push.wrong("bias's tangent forgotten", "missing_term", "zero", "other", leaf="b")
def _(tangents, W, b, x):
    dW, _db, dx = tangents
    return (1 - np.tanh(x @ W + b) ** 2) * (x @ dW + dx @ W)


@push.wrong("derivative forgotten", "missing_activation_derivative", "other", leaf=("W", "b", "x"))
def _(tangents, W, b, x):
    dW, db, dx = tangents
    return x @ dW + db + dx @ W


@push.wrong("half of the product rule", "missing_term", "zero", "other", leaf="x")
def _(tangents, W, b, x):
    dW, db, _dx = tangents
    return (1 - np.tanh(x @ W + b) ** 2) * (x @ dW + db)


@push.wrong("input's tangent negative", "sign", "other", leaf="x")
def _(tangents, W, b, x):
    dW, db, dx = tangents
    return (1 - np.tanh(x @ W + b) ** 2) * (x @ dW + db - dx @ W)


def fourier(x):
    return np.cumsum(np.sin(x)) * x


def fourier_jvp(v, x):
    return np.cumsum(np.cos(x) * v) * x + np.cumsum(np.sin(x)) * v


wave = book.system(
    "running_sine", fourier, fourier_jvp, lambda: (np.random.default_rng(134).normal(size=5),), kind="jvp"
)
wave.wrong("product rule's first half", "missing_term", "other", leaf="x")(
    lambda v, x: np.cumsum(np.cos(x) * v) * x
)
wave.wrong("tangent ignored", "other", "constant", leaf="x")(
    lambda v, x: np.cumsum(np.cos(x)) * x + np.cumsum(np.sin(x))
)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_hessian(x):
    n = len(x)
    H = np.zeros((n, n), dtype=x.dtype)
    for i in range(n - 1):
        H[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        H[i, i + 1] -= 400 * x[i]
        H[i + 1, i] -= 400 * x[i]
        H[i + 1, i + 1] += 200
    return H


def valley():
    return (np.array([-1.2, 1.0, 0.7, 1.3]),)


def valley_floor():
    return (np.ones(4),)


banana = book.system("rosenbrock", rosenbrock, rosenbrock_hessian, valley, kind="hessian")
banana.right("at the minimum", valley_floor)


@banana.wrong("cross terms forgotten", "other", "sparse", "missing_term", leaf="x")
def _(x):
    return np.diag(np.diag(rosenbrock_hessian(x)))


@banana.wrong("lower triangle only", "other", "sparse", "missing_term", leaf="x")
def _(x):
    return np.tril(rosenbrock_hessian(x))


@banana.wrong("last diagonal entry", "single_entry", "zero", leaf="x", entry=(3,))
def _(x):
    H = rosenbrock_hessian(x)
    H[3, 3] = 0
    return H


@banana.wrong("coefficient of the quartic", "other", "sparse", "missing_term", leaf="x")
def _(x):
    H = rosenbrock_hessian(x)
    H[np.arange(3), np.arange(3)] -= 400 * x[:-1] ** 2
    return H


@banana.wrong("twice at the minimum", "scale", leaf="x", point=valley_floor)
def _(x):
    return 2 * rosenbrock_hessian(x)


def logistic(w, X):
    return np.sum(np.log1p(np.exp(X @ w)))


def logistic_hessian(w, X):
    s = 1 / (1 + np.exp(-(X @ w)))
    return (X.T * (s * (1 - s))) @ X


def logistic_point():
    r = np.random.default_rng(135)
    return r.normal(size=3), r.normal(size=(9, 3))


curvature = book.system("logistic", logistic, logistic_hessian, logistic_point, kind="hessian", argnums=0)


@curvature.wrong("weights forgotten", "missing_activation_derivative", "other", leaf="w")
def _(w, X):
    return X.T @ X


@curvature.wrong("Gauss-Newton's outer product", "other", leaf="w")
def _(w, X):
    s = 1 / (1 + np.exp(-(X @ w)))
    return np.outer(X.T @ s, X.T @ s)


def logistic_hvp(v, w, X):
    s = 1 / (1 + np.exp(-(X @ w)))
    return X.T @ (s * (1 - s) * (X @ v))


product = book.system("logistic_product", logistic, logistic_hvp, logistic_point, kind="hvp", argnums=0)


@product.wrong("slope for curvature", "wrong_activation_derivative", "other", leaf="w")
def _(v, w, X):
    s = 1 / (1 + np.exp(-(X @ w)))
    return X.T @ (s * (X @ v))


@product.wrong("halved", "scale", leaf="w")
def _(v, w, X):
    return logistic_hvp(v, w, X) / 2


@product.wrong("vector ignored", "other", "constant", leaf="w")
def _(v, w, X):
    s = 1 / (1 + np.exp(-(X @ w)))
    return X.T @ (s * (1 - s) * X.sum(axis=1))


def rosenbrock_hvp(v, x):
    return rosenbrock_hessian(x) @ v


valley_product = book.system("rosenbrock_product", rosenbrock, rosenbrock_hvp, valley, kind="hvp")
valley_product.wrong("diagonal only", "other", "missing_term", leaf="x")(
    lambda v, x: np.diag(rosenbrock_hessian(x)) * v
)
