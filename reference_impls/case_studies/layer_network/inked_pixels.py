"""Digits one at a time at a fraction of the cost: only the weights of inked pixels take part in a step.

Four fifths of a digit's pixels are 0. They add nothing to the first layer's sums, and since
``dL/dW_ki = d_k x_i`` a step does not move their weights. So the first layer is stored with a row for each pixel, and
a step reads and writes the rows of the inked ones; no gradient as large as the weights is ever formed. The
numbers are those of `one_at_a_time`, up to the order of sums.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reference_impls.activations import sigmoid
from reference_impls.case_studies.history import Array, History, check_steps
from reference_impls.case_studies.layer_network.loss import LossGradient
from reference_impls.case_studies.layer_network.network import Parameters
from reference_impls.case_studies.layer_network.one_at_a_time import EpochWatch

Rows = NDArray[np.intp]


def train_sigmoids(
    start: Parameters,
    X: Array,
    Y: Array,
    *,
    epochs: int,
    learning_rate: float,
    loss_gradient: LossGradient,
    watch: EpochWatch | None = None,
) -> History:
    """What `one_at_a_time.one_at_a_time` does, for sigmoid layers and an answer that is the largest output.

    Parameters
    ----------
    start
        Where to start; left as it is.
    X, Y
        Inputs and targets, one example a row.
    epochs, learning_rate, loss_gradient, watch
        As for `one_at_a_time.one_at_a_time`.
    """
    check_steps(epochs)
    weights = [layer["weights"].T.copy() for layer in start]  # (inputs, outputs)
    biases = [layer["biases"].copy() for layer in start]
    inked = [np.flatnonzero(x) for x in X]
    examples = [(rows, x[rows], y) for rows, x, y in zip(inked, X, Y, strict=True)]
    losses, accuracies = np.empty(epochs), np.empty(epochs)
    for epoch in range(epochs):
        total, right = 0.0, 0
        for rows, ink, y in examples:
            used = [weights[0][rows], *weights[1:]]
            activations = forward(used, biases, ink)
            y_pred = activations[-1]
            error = y_pred - y
            total += float(error @ error) / error.size  # mse, at a third of the cost of np.mean
            right += int(y_pred.argmax() == y.argmax())
            step(used, biases, activations, learning_rate * loss_gradient(y_pred, y))
            weights[0][rows] = used[0]
        losses[epoch], accuracies[epoch] = total / len(X), right / len(X)
        if watch is not None:
            watch(epoch, float(losses[epoch]), float(accuracies[epoch]))
    flat = (array for pair in zip(weights, biases, strict=True) for array in (pair[0].T, pair[1]))
    return History(losses, tuple(flat), accuracies)


def forward(weights: Sequence[Array], biases: Sequence[Array], x: Array) -> list[Array]:
    """``x`` and then each layer's output."""
    activations = [x]
    for W, b in zip(weights, biases, strict=True):
        activations.append(sigmoid(activations[-1] @ W + b))
    return activations


def step(
    weights: Sequence[Array], biases: Sequence[Array], activations: Sequence[Array], upstream: Array
) -> None:
    """Backpropagate ``upstream``, the learning rate times the loss's derivative by the output, moving in place.

    A layer's weights move only after ``dL/dx = W dL/dz`` has used them.
    """
    for W, b, x, a in reversed(list(zip(weights, biases, activations[:-1], activations[1:], strict=True))):
        dz = upstream * a * (1 - a)
        upstream = W @ dz
        # a product of a column and a row: BLAS is up to 3 times as fast at it as a broadcast multiplication
        W -= x[:, None].dot(dz[None, :])
        b -= dz
