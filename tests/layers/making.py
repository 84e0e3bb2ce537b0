"""How layers are made for the tests, and what their weights and inputs are.

Every gradient goes through `told`, which is where a mistake is planted: in the weights (seven times too large), in the
bias (its sign), in the input (a tenth too large).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradcheck

MISTAKES: dict[str, Callable[[Any], Any]] = {
    "W": lambda g: 7.0 * g,
    "b": lambda g: -g,
    "x": lambda g: 1.1 * g,
}

_planted: list[str] = []


@contextlib.contextmanager
def planted(mistake: str) -> Iterator[None]:
    """Within it gradients of this name are wrong."""
    _planted.append(mistake)
    try:
        yield
    finally:
        _planted.pop()


def told(name: str, gradient: Any) -> Any:
    return MISTAKES[name](gradient) if name in _planted else gradient


@dataclass(frozen=True)
class Made:
    """A layer to make, what it is run on, and which leaves its report must have.

    ``mistakes`` are those that it has room for: a layer without bias cannot have its sign wrong.
    """

    make: Callable[[], Any]
    inputs: Callable[[], tuple[Any, ...]]
    leaves: frozenset[str]
    mistakes: tuple[str, ...]


MADE: dict[str, Made] = {}


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def weights() -> Any:
    return rng().standard_normal((3, 2))


def bias() -> Any:
    return np.array([0.3, -0.4])


def dense_input() -> tuple[Any, ...]:
    return (np.random.default_rng(6).standard_normal((4, 3)),)


def layer(
    leaves: str = "W b x", inputs: Callable[[], tuple[Any, ...]] = dense_input, mistakes: str = "W b x"
) -> Callable[[Any], Any]:
    """Add a class, or a function that makes a layer, under its name."""

    def add(make: Any) -> Any:
        MADE[make.__name__] = Made(make, inputs, frozenset(leaves.split()), tuple(mistakes.split()))
        return make

    return add


def dW_of(x: Any, d: Any) -> Any:
    return told("W", x.T @ d)


def db_of(d: Any) -> Any:
    return told("b", d.sum(0))


def dx_of(d: Any, W: Any) -> Any:
    return told("x", d @ W.T)


def square(seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal((3, 3))


def square_input() -> tuple[Any, ...]:
    return (np.random.default_rng(6).standard_normal((3, 3)),)


def two_inputs() -> tuple[Any, ...]:
    r = np.random.default_rng(7)
    return r.standard_normal((4, 3)), r.standard_normal((4, 2))


def dense_arguments() -> tuple[Any, ...]:
    return (*dense_input(), weights(), bias())


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


class OneWeight:
    """A square weight and a tanh; without a backward."""

    def __init__(self):
        self.W, self.lr = square(1), 0.1

    def forward(self, x):
        self.x, self.y = x, np.tanh(x @ self.W)
        return self.y


def check(layer: Any, *inputs: Any, **options: Any) -> gradcheck.Report:
    """The report of a layer, at the input of a dense one where none is given."""
    return gradcheck.check_layer(layer, *(inputs or dense_input()), raise_on_failure=False, **options)


class Unpaired:
    """Its gradients are where nobody looks for them."""

    def __init__(self) -> None:
        self.W, self.b, self.kept = weights(), bias(), {}

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.W + self.b

    def backward(self, d: Any) -> Any:
        self.kept = {"one": dW_of(self.x, d), "two": d.sum(0)}
        return dx_of(d, self.W)
