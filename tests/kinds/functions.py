"""The four functions that the families below double precision are made of, computed in a given dtype on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

NAMES = ("squares of sines", "tanh layer", "least squares", "log-sum-exp")
KINDS: list[Any] = []


def function(
    name: str, n: int, rng: np.random.Generator, dtype: Any
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """F and its gradient of n numbers, rounded to ``dtype`` inside whatever comes in; and the exact gradient."""
    m = max(2, n // 4)
    A = (rng.standard_normal((m, n)) / np.sqrt(n)).astype(dtype)
    b = rng.standard_normal(m).astype(dtype)
    f, gradient = _computed(name, A, b, dtype)
    _, exact = _computed(name, A.astype(np.longdouble), b.astype(np.longdouble), np.longdouble)
    return f, gradient, exact


def _computed(name: str, A: Any, b: Any, dtype: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    m = len(b)

    def to(x: Any) -> Any:
        return x.astype(dtype)

    def exponentials(x: Any) -> Any:
        return np.exp(to(x) - to(x).max())

    if name == NAMES[0]:
        return (
            lambda x: np.sum(np.sin(to(x)) ** 2, dtype=dtype),
            lambda x: 2 * np.sin(to(x)) * np.cos(to(x)),
        )
    if name == NAMES[1]:

        def slope(x: Any) -> Any:
            h = np.tanh(A @ to(x) + b)
            return A.T @ (2 * h * (1 - h**2))

        return lambda x: np.sum(np.tanh(A @ to(x) + b) ** 2, dtype=dtype), slope
    if name == NAMES[2]:
        return (
            lambda x: np.mean((A @ to(x) - b) ** 2, dtype=dtype),
            lambda x: A.T @ ((A @ to(x) - b) * (dtype(2) / dtype(m))),
        )
    return (
        lambda x: to(x).max() + np.log(np.sum(exponentials(x), dtype=dtype)),
        lambda x: exponentials(x) / exponentials(x).sum(dtype=dtype),
    )
