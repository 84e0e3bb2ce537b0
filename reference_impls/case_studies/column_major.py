"""A 3-4-1 network, relu then sigmoid, with one example a column and a mean squared error.

The layers read ``Z1 = W1 X + b1``, ``A1 = relu(Z1)``, ``z2 = W2 A1 + b2``, ``a = sigmoid(z2)``, and the biases are
columns. The loss is the mean of ``(y - a)**2`` over the ``n`` examples.

``python -m reference_impls.case_studies.column_major`` trains it, mended and as found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.activations import relu, sigmoid
from reference_impls.case_studies.command import options, run
from reference_impls.case_studies.history import (
    Array,
    Gradient,
    History,
    Parameters,
    Watch,
    descend,
    paired,
    print_every,
)
from reference_impls.case_studies.pictures import loss_curves

X: Array = np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]).T
Y: Array = np.array([[0.0, 1.0, 1.0, 0.0]])
X.flags.writeable = Y.flags.writeable = False


def start(seed: int = 0) -> Parameters:
    """Random ``W1`` (4, 3), ``b1`` (4, 1), ``W2`` (1, 4), ``b2`` (1, 1), of standard deviation 1/2."""
    random = np.random.RandomState(seed)
    W1, b1, W2, b2 = (random.normal(0, 0.5, shape) for shape in ((4, 3), (4, 1), (1, 4), (1, 1)))
    return W1, b1, W2, b2


def predict(X: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """The output ``a``, (1, examples), for ``X`` of the shape (features, examples)."""
    return sigmoid(W2 @ relu(W1 @ X + b1) + b2)


def loss(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Any:
    """The mean of ``(y - a)**2`` over the examples."""
    return np.mean((Y - predict(X, W1, b1, W2, b2)) ** 2)


def _backward(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> tuple[Array, ...]:
    """The derivatives of each example's own ``(y - a)**2`` by ``Z1`` and by ``z2``; then ``A1``, and ``a - y``."""
    Z1 = W1 @ X + b1
    A1 = relu(Z1)
    a = sigmoid(W2 @ A1 + b2)
    error = a - Y
    dz2 = 2 * error * a * (1 - a)
    return (W2.T @ dz2) * (Z1 > 0), dz2, A1, error


def gradient(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Parameters:
    """The derivative of `loss` with respect to ``W1, b1, W2, b2``.

    One example's ``(y - a)**2`` has the derivative ``2 (a - y)`` by ``a``; times the sigmoid's, that gives
    ``dz2 = 2 (a - y) a (1 - a)``. Then ``dA1 = W2^T dz2``, and ``dZ1`` is ``dA1`` where ``Z1 > 0``, else 0. A
    parameter serves all examples, so its derivative sums over them; ``dz2 A1^T`` and ``dZ1 X^T`` do that sum as
    matrix products. The loss is a mean, so every one of the four is then divided by ``n``.
    """
    return _loss_and_gradient(X, Y, W1, b1, W2, b2)[1]


def _loss_and_gradient(X: Array, Y: Array, *parameters: Array) -> tuple[float, Parameters]:
    """`loss` and `gradient` out of one forward pass."""
    dZ1, dz2, A1, error = _backward(X, Y, *parameters)
    n = X.shape[1]
    gradient = (
        dZ1 @ X.T / n,
        dZ1.sum(axis=1, keepdims=True) / n,
        dz2 @ A1.T / n,
        dz2.sum(axis=1, keepdims=True) / n,
    )
    return float(np.vdot(error, error)) / n, gradient


def as_found_gradient(X: Array, Y: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Parameters:
    """As found: means for the biases, but sums for the weights, ``n`` times too long.

    A matrix product sums over the examples without saying so, and the division by ``n`` was forgotten where
    no ``mean`` was in sight. The weights learn ``n`` times as fast as the biases: it still trains, which is
    why nobody noticed.
    """
    dZ1, dz2, A1, _ = _backward(X, Y, W1, b1, W2, b2)
    return dZ1 @ X.T, dZ1.mean(axis=1, keepdims=True), dz2 @ A1.T, dz2.mean(axis=1, keepdims=True)


def train(
    *,
    steps: int = 100,
    learning_rate: float = 0.3,
    seed: int = 0,
    gradient: Gradient | None = None,
    watch: Watch | None = None,
) -> History:
    """Gradient descent from ``start(seed)``; ``gradient=as_found_gradient`` trains as the original did."""

    def one_pass(parameters: Parameters) -> tuple[float, Parameters]:
        return _loss_and_gradient(X, Y, *parameters)

    step = one_pass if gradient is None else paired(loss, gradient, X, Y)
    return descend(step, start(seed), steps=steps, learning_rate=learning_rate, watch=watch)


def cases() -> list[Case]:
    """The mended derivation, at the start and after training, and the derivation as found."""
    first, trained = (X, Y, *start()), (X, Y, *train().parameters)
    at = (2, 3, 4, 5)
    return [
        Case("case_studies.column_major/gradient", loss, gradient, first, argnums=at),
        Case("case_studies.column_major/gradient_trained", loss, gradient, trained, argnums=at),
        Case(
            "case_studies.column_major/as_found",
            loss,
            as_found_gradient,
            first,
            argnums=at,
            expect="fail",
            diagnosis="scale",
            leaf="W1",
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train with the gradient mended and as found, and print how long each gradient as found is."""
    chosen = options("column_major", "Train the column-major network, mended and as found.", 100, arguments)
    curves = {}
    for name, derivation in {"mended": gradient, "as found": as_found_gradient}.items():
        print(f"gradient {name}:")
        history = train(steps=chosen.steps, seed=chosen.seed, gradient=derivation, watch=print_every(10))
        curves[name] = history.losses
    point = (X, Y, *start(chosen.seed))
    for label, ours, found in zip(
        ("W1", "b1", "W2", "b2"), gradient(*point), as_found_gradient(*point), strict=True
    ):
        print(f"{label} as found is {np.max(np.abs(found)) / np.max(np.abs(ours)):g} times the derivative")
    if chosen.pictures is not None:
        print(loss_curves(chosen.pictures / "column_major_losses.png", "3-4-1, column-major", curves))


if __name__ == "__main__":
    run(main)
