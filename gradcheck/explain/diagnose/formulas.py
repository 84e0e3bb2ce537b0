"""Activations and derivatives that are taken for one another, as functions of one array."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from gradcheck.ask.trees import Floats

Formula = Callable[[Floats], Floats]


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _gelu(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))


ACTIVATIONS: dict[str, Formula] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "log-sigmoid": lambda x: -np.logaddexp(0.0, -x),
    "exp": np.exp,
    "log": np.log,
    "square": np.square,
    "square root": np.sqrt,
    "absolute value": np.abs,
    "sine": np.sin,
    "cosine": np.cos,
    "swish": lambda x: x * sigmoid(x),
    "gelu": _gelu,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "log-cosh": lambda x: np.abs(x) + np.log1p(np.exp(-2.0 * np.abs(x))) - np.log(2.0),
}

DERIVATIVES: dict[str, Formula] = {
    "v * (1 - v)": lambda v: v * (1.0 - v),
    "1 - v**2": lambda v: 1.0 - v * v,
    "1 - v": lambda v: 1.0 - v,
    "v": lambda v: v,
    "v > 0": lambda v: (v > 0).astype(np.float64),
    "v < 0": lambda v: (v < 0).astype(np.float64),
    "sign(v)": np.sign,
    "v**2": np.square,
    "v**3": lambda v: v * v * v,
    "1 + v": lambda v: 1.0 + v,
    "1 + v**2": lambda v: 1.0 + v * v,
    "1 / v": lambda v: 1.0 / v,
    "1 / v**2": lambda v: 1.0 / (v * v),
    "1 / (1 + v**2)": lambda v: 1.0 / (1.0 + v * v),
    "1 / (1 - v)": lambda v: 1.0 / (1.0 - v),
    "1 / (v * (1 - v))": lambda v: 1.0 / (v * (1.0 - v)),
    "sqrt(v)": np.sqrt,
    "1 / sqrt(v)": lambda v: 1.0 / np.sqrt(v),
    "exp(v)": np.exp,
    "exp(-v)": lambda v: np.exp(-v),
    "log(v)": np.log,
    "sigmoid(v)": sigmoid,
    "sigmoid(-v)": lambda v: sigmoid(-v),
    "sigmoid(v) * (1 - sigmoid(v))": lambda v: sigmoid(v) * sigmoid(-v),
    "tanh(v)": np.tanh,
    "1 - tanh(v)": lambda v: 1.0 - np.tanh(v),
    "1 - tanh(v)**2": lambda v: 1.0 - np.tanh(v) ** 2,
    "1 - tanh(v / 2)**2": lambda v: 1.0 - np.tanh(0.5 * v) ** 2,
    "1 - tanh(2 v)**2": lambda v: 1.0 - np.tanh(2.0 * v) ** 2,
    "sin(v)": np.sin,
    "cos(v)": np.cos,
    "where(v > 0, 1, exp(v))": lambda v: np.where(v > 0, 1.0, np.exp(np.minimum(v, 0.0))),
    "where(v > 0, 1, v + 1)": lambda v: np.where(v > 0, 1.0, v + 1.0),
    "|v|": np.abs,
    "1 / (1 + |v|)": lambda v: 1.0 / (1.0 + np.abs(v)),
    "log1p(exp(v))": lambda v: np.logaddexp(0.0, v),
}
"""Right for some activation, given its input or its output, and therefore taken for others'."""


def activation(before: Floats, after: Floats) -> str | None:
    """The name of the activation that turns ``before`` into ``after``, None where it has none here."""
    if before.shape != after.shape or before.size == 0:
        return None
    scale = float(np.max(np.abs(after)))
    for name, function in ACTIVATIONS.items():
        with np.errstate(all="ignore"):
            guess = function(before)
        if np.all(np.abs(guess - after) <= 1e-9 * np.abs(after) + 1e-13 * scale):
            return name
    return None


def with_legend(words: str) -> str:
    """The formula with what its letters stand for."""
    letters = {"x": "x its input", "y": "y its output", "u": "u a value on the way"}
    return ", ".join((words, *(told for letter, told in letters.items() if re.search(rf"\b{letter}\b", words))))
