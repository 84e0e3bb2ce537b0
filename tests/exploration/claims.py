"""Claims that are right at the usual point and wrong elsewhere: where one condition on the arguments holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Elsewhere:
    """``f`` and a claim that is wrong where ``condition(*args)``; ``smallest(dims)`` tells the smallest such shapes."""

    name: str
    f: Callable[..., Any]
    claim: Callable[..., Any]
    right: Callable[..., Any]
    shapes: dict[str, Any]
    argnums: tuple[int, ...]
    smallest: Callable[[dict[str, int]], bool]


# --- functions; the first argument is the data, whose first axis is n ------------------------------------------


def tanh_net(X, W, b):
    return np.sum(np.tanh(X @ W + b))


def tanh_grad(X, W, b):
    d = 1 - np.tanh(X @ W + b) ** 2
    return X.T @ d, d.sum(0)


def squared(X, W, b):
    return 0.5 * np.mean(np.sum((X @ W + b) ** 2, axis=1))


def squared_grad(X, W, b):
    d = (X @ W + b) / len(X)
    return X.T @ d, d.sum(0)


def smooth_relu(X, W, b):
    return np.sum(np.logaddexp(0.0, X @ W + b))


def smooth_relu_grad(X, W, b):
    d = 1 / (1 + np.exp(-(X @ W + b)))
    return X.T @ d, d.sum(0)


def normed(X, W, b):
    return np.sum(np.sqrt(1.0 + (X @ W + b) ** 2))


def normed_grad(X, W, b):
    z = X @ W + b
    d = z / np.sqrt(1.0 + z**2)
    return X.T @ d, d.sum(0)


def sines(X, W, b):
    return np.sum(np.sin(X @ W) + b**2)


def sines_grad(X, W, b):
    d = np.cos(X @ W)
    return X.T @ d, 2.0 * len(X) * b


FUNCTIONS = {
    "tanh": (tanh_net, tanh_grad),
    "squared": (squared, squared_grad),
    "softplus": (smooth_relu, smooth_relu_grad),
    "norm": (normed, normed_grad),
    "sine": (sines, sines_grad),
}
DENSE = {"X": "n d", "W": "d h", "b": "h"}


def looked_up(E, ids, T):
    return np.sum(np.tanh(E[ids]) * T)


def looked_up_right(E, ids, T):
    g = np.zeros_like(E)
    np.add.at(g, ids, (1 - np.tanh(E[ids]) ** 2) * T)
    return g


def looked_up_once(E, ids, T):
    """``+=`` adds once where an index comes twice."""
    g = np.zeros_like(E)
    g[ids] += (1 - np.tanh(E[ids]) ** 2) * T
    return g


def sized(x, order):
    return np.linalg.norm(x, order)


def sized_grad(x, order):
    if order == 1.0:
        return np.sign(x)
    largest = np.abs(x) == np.max(np.abs(x), initial=0.0)
    return np.sign(x) * largest / max(np.count_nonzero(largest), 1)


def kept(x, mask):
    return np.sum(np.where(mask, x**2, x))


def kept_grad(x, mask):
    return np.where(mask, 2.0 * x, 1.0).astype(x.dtype)


CONDITIONS = {
    "n = 1": lambda X, W, b: len(X) == 1,
    "n = d": lambda X, W, b: X.shape[0] == X.shape[1],
    "h = 1": lambda X, W, b: W.shape[1] == 1,
    "float32": lambda X, W, b: X.dtype == np.float32,
    "not contiguous": lambda X, W, b: X.size > 1 and not X.flags.c_contiguous,
    "many": lambda X, W, b: len(X) > 8,
    "negative": lambda X, W, b: bool(X.size) and X.max() < 0,
}
SMALLEST = {
    "n = 1": lambda dims: max(dims.values()) == 1,
    "n = d": lambda dims: max(dims.values()) == 1,
    "h = 1": lambda dims: max(dims.values()) == 1,
    "float32": lambda dims: max(dims.values()) == 1,
    "not contiguous": lambda dims: dims["h"] == 1 and dims["n"] * dims["d"] <= 4,
    "many": lambda dims: dims["n"] <= 33 and dims["d"] == dims["h"] == 1,
    "negative": lambda dims: max(dims.values()) == 1,
}


def _wrong_where(condition: Callable[..., bool], right: Callable[..., Any]) -> Callable[..., Any]:
    def claim(*args):
        gradients = right(*args)
        return (2.0 * gradients[0], *gradients[1:]) if condition(*args) else gradients

    return claim


def _doubled_where(condition: Callable[..., bool], right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: right(*args) * (2.0 if condition(*args) else 1.0)


def _of_one_argument() -> Iterator[Elsewhere]:
    """Claims about the first argument, beside constants and masks."""
    shortest = {"n = 1": lambda x, _: len(x) == 1, "zero": lambda x, _: x.size > 1 and not x[0]}
    for order in (1.0, np.inf):
        for where, condition in shortest.items():
            name, shapes = f"norm of order {order:g}, {where}", {"x": "n", "order": order}
            length = 1 if where == "n = 1" else 2
            claim = _doubled_where(condition, sized_grad)
            yield Elsewhere(
                name, sized, claim, sized_grad, shapes, (0,), lambda dims, n=length: dims["n"] == n
            )
    masked = {
        "all kept": lambda x, mask: bool(mask.size > 1 and mask.all()),
        "none kept": lambda x, mask: bool(mask.size > 1 and not mask.any()),
    }
    for where, condition in masked.items():
        claim, shapes = _doubled_where(condition, kept_grad), {"x": "n", "mask": "bool n"}
        yield Elsewhere(f"mask, {where}", kept, claim, kept_grad, shapes, (0,), lambda dims: dims["n"] == 2)


def elsewhere() -> Iterator[Elsewhere]:
    yield from _of_one_argument()
    for name, (f, right) in FUNCTIONS.items():
        for where, condition in CONDITIONS.items():
            claim = _wrong_where(condition, right)
            yield Elsewhere(f"{name}, {where}", f, claim, right, DENSE, (1, 2), SMALLEST[where])
    for factor in range(5):
        shapes = {"E": "v h", "ids": "int n < v", "T": "n h"}
        yield Elsewhere(
            f"look-up {factor}, repeated",
            lambda E, ids, T, c=1.0 + factor: c * looked_up(E, ids, T),
            lambda E, ids, T, c=1.0 + factor: c * looked_up_once(E, ids, T),
            lambda E, ids, T, c=1.0 + factor: c * looked_up_right(E, ids, T),
            shapes,
            (0,),
            lambda dims: dims["n"] == 2 and dims["h"] == 1,
        )
