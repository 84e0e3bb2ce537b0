"""float32 through and through: every check, units saturated up to z = 20, in layers, products and dense matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.kinds.kind import Kind, Sample

SINGLE = np.float32


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _softmax(z: Any) -> Any:
    e = np.exp(z - z.max())
    return e / e.sum()


def _maps(name: str, A: Any, b: Any, B: Any) -> tuple[Any, Any]:
    """A function of x and its Jacobian."""
    if name == "tanh":
        return lambda x: np.tanh(A @ x + b), lambda x: (1 - np.tanh(A @ x + b) ** 2)[:, None] * A
    if name == "sigmoid":

        def slope(x: Any) -> Any:
            s = _sigmoid(A @ x + b)
            return (s * (1 - s))[:, None] * A

        return lambda x: _sigmoid(A @ x + b), slope
    if name == "softmax":

        def jacobian(x: Any) -> Any:
            p = _softmax(A @ x + b)
            return (np.diag(p) - np.outer(p, p)) @ A

        return lambda x: _softmax(A @ x + b), jacobian

    def two(x: Any) -> Any:
        return np.tanh(B @ np.tanh(A @ x + b))

    def of_two(x: Any) -> Any:
        h = np.tanh(A @ x + b)
        return ((1 - np.tanh(B @ h) ** 2)[:, None] * B) @ ((1 - h**2)[:, None] * A)

    return two, of_two


def _of_softmax(A: Any, b: Any) -> Any:
    """The Jacobian without the cancellation of ``p - p^2`` near 1, which long double would show as well."""

    def exact(x: Any) -> Any:
        p = _softmax(A @ x + b)
        return p[:, None] * np.einsum("j,ijk->ik", p, A[:, None, :] - A[None, :, :])

    return exact


def _dense(check: str, name: str, dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng(seed)
        A, b, B = (r.standard_normal(shape).astype(dtype) for shape in ((6, 5), 6, (4, 6)))
        x = (r.standard_normal(5) * r.choice([1, 3, 6])).astype(dtype)
        f, jacobian = _maps(name, A, b, B)
        long = tuple(array.astype(np.longdouble) for array in (A, b, B))
        exact = _of_softmax(*long[:2]) if name == "softmax" else _maps(name, *long)[1]
        claim = {
            "jacobian": jacobian,
            "vjp": lambda u, x: jacobian(x).T @ u,
            "jvp": lambda v, x: jacobian(x) @ v,
        }[check]
        return Sample(check, f, claim, (x,), exact=exact if check == "jacobian" else None)

    return draw


def _unit(dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng(seed)
        a, x = r.standard_normal((2, 4)).astype(dtype)
        x = (x * dtype(r.uniform(0.5, 20.0) / abs(a @ x))).astype(dtype)
        long = a.astype(np.longdouble)
        return Sample(
            "grad", lambda x: np.tanh(a @ x), lambda x: (1 - np.tanh(a @ x) ** 2) * a, (x,),
            exact=lambda x: long / np.cosh(long @ x) ** 2,
        )  # fmt: skip

    return draw


def _second(check: str, dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng(seed)
        A = r.standard_normal((6, 4)).astype(dtype)
        x = (r.standard_normal(4) * r.choice([0.5, 1, 2])).astype(dtype)

        def f(x: Any) -> Any:
            return np.sum(np.log(1 + np.exp(A @ x)))

        def hessian(x: Any) -> Any:
            s = _sigmoid(A @ x)
            return (A.T * (s * (1 - s))) @ A

        claim = hessian if check == "hessian" else lambda v, x: hessian(x) @ v
        return Sample(check, f, claim, (x,))

    return draw


def _layer(dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng(seed)
        W, b, X = (r.standard_normal(shape).astype(dtype) for shape in ((5, 4), 4, (7, 5)))
        X *= dtype(r.choice([1, 3]))

        def forward(W: Any, b: Any, X: Any) -> Any:
            return np.tanh(X @ W + b)

        def backward(u: Any, W: Any, b: Any, X: Any) -> Any:
            d = u * (1 - np.tanh(X @ W + b) ** 2)
            return X.T @ d, d.sum(axis=0), d @ W.T

        return Sample("layer", forward, backward, (W, b, X))

    return draw


KINDS = [
    *(
        Kind(f"single/{check} of {name}", "f32", _dense(check, name, SINGLE))
        for check in ("jacobian", "vjp", "jvp")
        for name in ("tanh", "sigmoid", "softmax", "two layers")
    ),
    Kind("single/saturated unit", "f32", _unit(SINGLE), shows=False),
    Kind("double/saturated unit", "f64", _unit(np.float64), shows=False),
    Kind("single/hessian", "f32", _second("hessian", SINGLE)),
    Kind("single/hvp", "f32", _second("hvp", SINGLE)),
    Kind("single/layer", "f32", _layer(SINGLE)),
    Kind("double/layer", "f64", _layer(np.float64)),
]
