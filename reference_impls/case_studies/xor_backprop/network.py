"""XOR through two sigmoid units: the network, its loss and its gradient by hand.

Four examples are the rows of ``X``. With ``Z1 = X W1 + b1``, ``A1 = sigmoid(Z1)``, ``z2 = A1 W2 + b2`` and
``p = sigmoid(z2)`` the loss is the binary cross-entropy, summed: ``-sum(y log p + (1 - y) log(1 - p))``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.activations import relu, sigmoid
from reference_impls.case_studies.history import Array, Parameters
from reference_impls.losses import binary_cross_entropy_with_logits

X: Array = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y: Array = np.array([[0.0], [1.0], [1.0], [0.0]])
X.flags.writeable = Y.flags.writeable = False

SOLUTION: Parameters = (
    np.ones((2, 2)),
    np.array([0.0, -1.0]),
    np.array([[1.0], [-2.0]]),
    np.zeros(1),
)
"""Weights with which a relu network computes XOR exactly: ``relu(a + b) - 2 relu(a + b - 1)``."""


def start(seed: int = 0) -> Parameters:
    """Random parameters ``W1`` (2, 2), ``b1`` (2,), ``W2`` (2, 1), ``b2`` (1,).

    Drawn in this order from NumPy's legacy generator. A draw has a row for each output, so the weights are
    turned.
    """
    random = np.random.RandomState(seed)
    W1, b1, W2, b2 = (random.standard_normal(shape) for shape in ((2, 2), (2, 1), (1, 2), (1, 1)))
    return W1.T.copy(), b1.ravel(), W2.T.copy(), b2.ravel()


def relu_network(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """The relu network's output, (examples, 1); with `SOLUTION` it is XOR without any rounding."""
    return relu(relu(X @ W1 + b1) @ W2 + b2)


def predict(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """The sigmoid network's probability of a 1, (examples, 1)."""
    return sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)


def loss(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
    """Binary cross-entropy, summed over the examples.

    Taken from the logits: ``-y log p - (1 - y) log(1 - p)`` is ``log(1 + exp(z)) - y z``, which cannot
    overflow.
    """
    z2 = sigmoid(X @ W1 + b1) @ W2 + b2
    return z2.size * binary_cross_entropy_with_logits(z2, Y)


def gradient(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Parameters:
    """The derivative of `loss` with respect to ``W1, b1, W2, b2``.

    At the output ``dL/dp = -y/p + (1 - y)/(1 - p)`` meets ``dp/dz2 = p (1 - p)``; the product is
    ``dL/dz2 = -y (1 - p) + (1 - y) p = p - y``. From there

    - ``dL/dW2 = A1^T (p - y)`` and ``dL/db2`` is the sum of ``p - y`` over the examples;
    - ``dL/dA1 = (p - y) W2^T``, and through the hidden sigmoid ``dL/dZ1 = dL/dA1 * A1 (1 - A1)``;
    - ``dL/dW1 = X^T dL/dZ1`` and ``dL/db1`` is the sum of ``dL/dZ1`` over the examples.
    """
    A1 = sigmoid(X @ W1 + b1)
    dz2 = sigmoid(A1 @ W2 + b2) - Y
    dZ1 = (dz2 @ W2.T) * A1 * (1 - A1)
    return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dz2, dz2.sum(axis=0)


def cross_entropy(p: Array, Y: Array) -> Any:
    """The loss as a function of the predicted probabilities ``p``, each strictly between 0 and 1."""
    return -np.sum(Y * np.log(p) + (1 - Y) * np.log(1 - p))


def cross_entropy_gradient(p: Array, Y: Array) -> Array:
    """The derivative of `cross_entropy` with respect to ``p``: ``-y/p + (1 - y)/(1 - p)``."""
    return (1 - Y) / (1 - p) - Y / p


def as_found_cross_entropy_gradient(p: Array, Y: Array) -> Array:
    """As found: products where quotients belong.

    The original computes this line and then never uses it, having ``p - y`` from elsewhere. So it
    trains well, and the mistake waits for whoever builds on that line.
    """
    return (1 - Y) * (1 - p) - Y * p
