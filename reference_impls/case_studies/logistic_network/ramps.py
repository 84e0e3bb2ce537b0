"""A 2-3-1 sigmoid network with the logistic loss, fitted to the mean of two noisy ramps.

Examples are the rows of ``X``. With ``H = sigmoid(X W1 + b1)`` and ``f = H W2 + b2`` the loss is
``-sum log sigmoid(y f)``. It was made for labels of +1 and -1; the targets here are numbers from about 0 to 1, so
that it only ever asks for a larger ``f``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.activations import sigmoid
from reference_impls.case_studies.history import Array, Parameters

POINTS = 1000


def data(seed: int = 1) -> tuple[Array, Array]:
    """``X`` (1000, 2), two ramps from 0 to 1 with noise of up to 0.05, and ``Y`` (1000, 1), their mean."""
    noise = np.random.RandomState(seed).uniform(-0.05, 0.05, (2, POINTS))
    X = (np.linspace(0, 1, POINTS) + noise).T.copy()
    return X, X.mean(axis=1, keepdims=True)


def start(seed: int = 0) -> Parameters:
    """Random ``W1`` (2, 3), ``b1`` (3,), ``W2`` (3, 1), ``b2`` (1,), each divided by its size squared.

    Drawn in this order from NumPy's legacy generator.
    """
    random = np.random.RandomState(seed)
    W1, b1, W2, b2 = (random.standard_normal(size) / np.prod(size) ** 2 for size in ((2, 3), 3, (3, 1), 1))
    return W1, b1, W2, b2


def predict(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """The network's output ``f``, (examples, 1)."""
    return sigmoid(X @ W1 + b1) @ W2 + b2


def loss(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
    """``-sum log sigmoid(y f)``, which is ``sum log(1 + exp(-y f))`` and cannot overflow written so."""
    return np.sum(np.logaddexp(0, -Y * predict(X, W1, b1, W2, b2)))


def gradient(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Parameters:
    """The derivative of `loss` with respect to ``W1, b1, W2, b2``.

    For one example, ``d/dm -log sigmoid(m) = -(1 - sigmoid(m)) = sigmoid(m) - 1`` at the margin
    ``m = y f``, and ``dm/df = y``. So ``dL/df = (sigmoid(y f) - 1) y``. What follows is the usual way back through
    a linear layer and a sigmoid, and every parameter's derivative sums over the examples.
    """
    H = sigmoid(X @ W1 + b1)
    margin = Y * (H @ W2 + b2)
    return _backward((sigmoid(margin) - 1) * Y, H, X, W2)


def as_found_gradient(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Parameters:
    """As found: ``(y f - 1) y`` at the output, the margin itself where its sigmoid belongs.

    The forward pass of the loss applies the sigmoid; the copy of it in the backward pass does not. This is
    the gradient of half the sum of ``(y f - 1)**2``: a regression that pulls every margin to 1, where the
    logistic loss would let it grow.
    """
    H = sigmoid(X @ W1 + b1)
    margin = Y * (H @ W2 + b2)
    return _backward((margin - 1) * Y, H, X, W2)


def _backward(df: Array, H: Array, X: Array, W2: Array) -> Parameters:
    """From the loss's derivative ``df`` at the output back to ``W1, b1, W2, b2``."""
    dZ = (df @ W2.T) * H * (1 - H)
    return X.T @ dZ, dZ.sum(axis=0), H.T @ df, df.sum(axis=0)
