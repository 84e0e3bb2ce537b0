"""thinc: the forward and backward pair of every activation, reduction and window of its NumPy backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from thinc.api import NumpyOps

from .shipped import Array, Shipped, normal, uniform

PACKAGE = "thinc"
OPS = NumpyOps()
X = normal(301, 5, 4)
LENGTHS = np.array([2, 3], dtype="i")

ROUGH = {
    "gelu": "f approximates erf to 1e-7, the rule is that of erf itself",
    "gelu_approx": "the rule's constants have six digits",
}


def pair(name: str, f: Callable[..., Any], backprop: Callable[..., Any], x: Array, **known: Any) -> Shipped:
    """``backprop(cotangent, x, y)`` beside ``f(x)``; thinc may reuse what it is given, so it gets copies."""

    def pullback(cotangent: Array, x: Array) -> Array:
        return np.array(backprop(cotangent.copy(), x.copy(), np.array(f(x))))

    return Shipped(
        f"backprop_{name}", PACKAGE, "vjp", lambda x: np.array(f(x.copy())), pullback, (x,), 0, **known
    )


def activations() -> Iterator[Shipped]:
    """In double and single precision, far out and beside their breaks."""
    by_input = (
        "hard_sigmoid",
        "hard_tanh",
        "hard_swish",
        "hard_swish_mobilenet",
        "dish",
        "gelu",
        "gelu_approx",
        "mish",
    )
    by_both = ("swish",)
    pairs: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
    for name in by_input:
        f, backprop = getattr(OPS, name), getattr(OPS, f"backprop_{name}")
        pairs[name] = f, lambda u, x, y, b=backprop: b(u, x)
    for name in by_both:
        pairs[name] = getattr(OPS, name), getattr(OPS, f"backprop_{name}")
    pairs["sigmoid"] = OPS.sigmoid, lambda u, x, y: OPS.backprop_sigmoid(u, y)
    pairs["relu"] = OPS.relu, lambda u, x, y: OPS.backprop_relu(u, y)
    pairs["relu_k"] = OPS.relu_k, lambda u, x, y: OPS.backprop_relu_k(u, x)
    pairs["clipped_linear"] = OPS.clipped_linear, lambda u, x, y: OPS.backprop_clipped_linear(u, x)
    pairs["softmax"] = OPS.softmax, lambda u, x, y: OPS.backprop_softmax(y, u)
    for name, (f, backprop) in pairs.items():
        known = {"label": "edge", "reason": ROUGH[name]} if name in ROUGH else {}
        yield pair(name, f, backprop, X, **known)
        yield pair(name, f, backprop, 2 * X.astype(np.float32), point="float32", **known)
        yield pair(name, f, backprop, 4 * X, point="saturated", **known)


def sequences() -> Iterator[Shipped]:
    """Ragged reductions, windows and maxout."""
    for name in ("sum", "mean", "max", "first", "last"):
        reduce, backprop = getattr(OPS, f"reduce_{name}"), getattr(OPS, f"backprop_reduce_{name}")

        def f(x: Array, reduce: Any = reduce) -> Array:
            y = reduce(x, LENGTHS)
            return np.array(y[0] if isinstance(y, tuple) else y)

        def pullback(
            u: Array, x: Array, name: str = name, reduce: Any = reduce, backprop: Any = backprop
        ) -> Array:
            if name == "max":
                return np.array(backprop(u.copy(), reduce(x, LENGTHS)[1], LENGTHS))
            lengths = reduce(x, LENGTHS)[1] if name in ("first", "last") else LENGTHS
            return np.array(backprop(u.copy(), lengths))

        for dtype in (np.float64, np.float32):
            point = "float32" if dtype is np.float32 else ""
            yield Shipped(
                f"backprop_reduce_{name}", PACKAGE, "vjp", f, pullback, (X.astype(dtype),), 0, point=point
            )
    for width in (1, 2):
        yield Shipped(
            f"backprop_seq2col({width})", PACKAGE, "vjp", lambda x, w=width: np.array(OPS.seq2col(x, w)),
            lambda u, x, w=width: np.array(OPS.backprop_seq2col(u.copy(), w)), (X,), 0,
        )  # fmt: skip
    pieces = uniform(302, -2, 2, 4, 3, 2)

    def maxout(x: Array) -> Array:
        return np.array(OPS.maxout(x)[0])

    def maxout_back(u: Array, x: Array) -> Array:
        return np.array(OPS.backprop_maxout(u.copy(), OPS.maxout(x)[1], 2))

    yield Shipped("backprop_maxout", PACKAGE, "vjp", maxout, maxout_back, (pieces,), 0)
    yield Shipped(
        "backprop_maxout",
        PACKAGE,
        "vjp",
        maxout,
        maxout_back,
        (pieces.astype(np.float32),),
        0,
        point="float32",
    )


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from activations()
    yield from sequences()
