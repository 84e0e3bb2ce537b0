"""Gradients that are sums over data or over the cotangent, and do not depend on the point: nothing re-rolls them there.

The sums go through what loses sight of an array (``np.asarray``, lists, loops over it), over few terms and thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.kinds.kind import Kind, Sample


def _loop(a: Any) -> Any:
    total = a.dtype.type(0)
    for row in np.array(a):
        total = total + row
    return total


SUMS: dict[str, Callable[[Any], Any]] = {
    "asarray": lambda a: np.asarray(a).sum(axis=0),
    "contiguous": lambda a: np.ascontiguousarray(a.T).sum(axis=1),
    "list": lambda a: np.array(list(a)).sum(axis=0),
    "loop": _loop,
    "product": lambda a: np.ones(len(a), a.dtype) @ np.asarray(a),
    "einsum": lambda a: np.einsum("ni->i", np.asarray(a)),
}


def _of_cotangent(name: str, dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng(seed)
        X, b = (
            r.standard_normal((int(r.choice([5, 50, 700])), 3)).astype(dtype),
            r.standard_normal(3).astype(dtype),
        )
        if r.random() < 0.5:  # terms of very different sizes
            X *= np.exp(3 * r.standard_normal(X.shape)).astype(dtype)
        return Sample("vjp", lambda b: X + b, lambda u, b: SUMS[name](u), (b,))

    return draw


def _of_data(name: str, dtype: Any) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng(seed)
        X, w = (
            r.standard_normal((int(r.choice([5, 50, 700])), 3)).astype(dtype),
            r.standard_normal(3).astype(dtype),
        )
        return Sample(
            "grad", lambda w, X: np.sum(X @ w), lambda w, X: SUMS[name](X), (w, X), argnums=0,
            exact=lambda w, X: X.astype(np.longdouble).sum(axis=0),
        )  # fmt: skip

    return draw


KINDS = [
    Kind(f"sums/{name} of the {what}, {precision}", precision, of(name, dtype))
    for precision, dtype in (("f32", np.float32), ("f64", np.float64))
    for what, of in (("cotangent", _of_cotangent), ("data", _of_data))
    for name in SUMS
]
