"""Derivatives that are exactly zero, or all rounding: invariances, minima, offsets, noise from call to call."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.kinds.kind import Kind, Sample


def _batch_norm(dtype: Any) -> Any:
    """The bias before a batch norm moves nothing."""

    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 1])
        W, b, X, T = (r.standard_normal(shape).astype(dtype) for shape in ((6, 4), 4, (12, 6), (12, 4)))

        def norm(z: Any) -> Any:
            return (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + dtype(1e-5))

        def gradient(W: Any, b: Any, X: Any) -> Any:
            z = X @ W + b
            s = 1 / np.sqrt(z.var(axis=0) + dtype(1e-5))
            h = (z - z.mean(axis=0)) * s
            d = s * (T - T.mean(axis=0) - h * (T * h).mean(axis=0))
            return X.T @ d, d.sum(axis=0)

        return Sample("grad", lambda W, b, X: np.sum(norm(X @ W + b) * T), gradient, (W, b, X), (0, 1))

    return draw


def _attention(dtype: Any) -> Any:
    """A key bias shifts all scores of a query alike, and the softmax does not see it."""

    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 2])
        X, W, T = (r.standard_normal(shape).astype(dtype) for shape in ((5, 4), (4, 4), (5, 4)))
        k = r.standard_normal(4).astype(dtype)

        def weights(W: Any, k: Any) -> Any:
            scores = (X @ W) @ (X + k).T / dtype(2)
            e = np.exp(scores - scores.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)

        def gradient(W: Any, k: Any) -> Any:
            p = weights(W, k)
            dp = T @ X.T
            d = p * (dp - (p * dp).sum(axis=1, keepdims=True)) / dtype(2)
            return X.T @ d @ (X + k), (d.T @ (X @ W)).sum(axis=0)

        return Sample("grad", lambda W, k: np.sum((weights(W, k) @ X) * T), gradient, (W, k))

    return draw


def _shift(dtype: Any) -> Any:
    """A shift common to all logits before a softmax."""

    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 3])
        z, s = r.standard_normal(7).astype(dtype), dtype(r.standard_normal())
        label = int(r.integers(7))

        def gradient(z: Any, s: Any) -> Any:
            e = np.exp(z + s - (z + s).max())
            p = e / e.sum()
            p[label] -= 1
            return p, p.sum()

        def f(z: Any, s: Any) -> Any:
            v = z + s
            return np.log(np.sum(np.exp(v - v.max()))) + v.max() - v[label]

        return Sample("grad", f, gradient, (z, s))

    return draw


def _rosenbrock(seed: int) -> Sample:
    n = 2 + seed % 6

    def f(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def gradient(x: Any) -> Any:
        d = np.zeros_like(x)
        d[:-1] += -400.0 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
        d[1:] += 200.0 * (x[1:] - x[:-1] ** 2)
        return d

    return Sample("grad", f, gradient, (np.ones(n),))


def _least_squares(dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 4])
        A, y = r.standard_normal((20, 4)), r.standard_normal(20)
        w = np.linalg.lstsq(A, y, rcond=None)[0]
        A, y, w = A.astype(dtype), y.astype(dtype), w.astype(dtype)
        return Sample("grad", lambda w: np.sum((A @ w - y) ** 2), lambda w: 2 * A.T @ (A @ w - y), (w,))

    return draw


def _flat(seed: int) -> Sample:
    """A claim of exactly 0 at a minimum."""
    r = np.random.default_rng([seed, 5])
    c = r.standard_normal(5)
    return Sample("grad", lambda x: np.sum(np.cosh(x - c)), lambda x: np.zeros_like(x), (c.copy(),))


def _offset(seed: int) -> Sample:
    r = np.random.default_rng([seed, 6])
    return Sample("grad", lambda x: 1e6 + np.sum(np.sin(x)), np.cos, (r.standard_normal(6),))


def _noisy(of_f: bool) -> Any:
    """A relative 1e-12 that changes from call to call, as sums by several threads have."""

    def draw(seed: int) -> Sample:
        r, noise = np.random.default_rng([seed, 7]), np.random.default_rng([seed, 8])

        def shaken(value: Any) -> Any:
            return value * (1.0 + 1e-12 * noise.uniform(-1.0, 1.0, np.shape(value)))

        f = lambda x: np.sum(np.sin(x) ** 2)  # noqa: E731
        claim = lambda x: np.sin(2 * x)  # noqa: E731
        x = r.standard_normal(5)
        if of_f:
            return Sample("grad", lambda x: shaken(f(x)), claim, (x,))
        return Sample("grad", f, lambda x: shaken(claim(x)), (x,))

    return draw


KINDS = [
    *(
        Kind(f"zeros/{what}, {label}", label, make(dtype))
        for label, dtype in (("f64", np.float64), ("f32", np.float32))
        for what, make in (
            ("bias before batch norm", _batch_norm), ("key bias", _attention), ("shift of logits", _shift),
        )
    ),
    Kind("zeros/rosenbrock at its minimum", "f64", _rosenbrock, shows=False),
    Kind("zeros/least squares at its solution, f64", "f64", _least_squares(np.float64), shows=False),
    Kind("zeros/least squares at its solution, f32", "f32", _least_squares(np.float32), shows=False),
    Kind("zeros/claim of 0 at a minimum", "f64", _flat, shows=False),
    Kind("zeros/offset", "f64", _offset),
    Kind("noise/of f", "f64", _noisy(True)),
    Kind("noise/of the claim", "f64", _noisy(False)),
]  # fmt: skip
