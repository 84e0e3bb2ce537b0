"""Stochastic gradient descent in its oldest form: after each single example, one step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_impls.case_studies.history import Array, History, check_steps
from reference_impls.case_studies.layer_network.loss import LossGradient, mse_gradient
from reference_impls.case_studies.layer_network.network import Network

EpochWatch = Callable[[int, float, float], None]


def one_at_a_time(
    network: Network,
    X: Array,
    Y: Array,
    *,
    correct: Callable[[Array, Array], bool],
    epochs: int,
    learning_rate: float,
    loss_gradient: LossGradient = mse_gradient,
    watch: EpochWatch | None = None,
) -> History:
    """Pass over the rows of ``X`` and ``Y`` in order, ``epochs`` times; each row moves ``network``, in place.

    Parameters
    ----------
    network
        What is trained.
    X, Y
        Inputs and targets, one example a row.
    epochs, learning_rate
        How often through the rows, and how far each step goes along the negative gradient.
    loss_gradient
        With which each backward pass begins.
    correct
        Whether an output counts as right for its target.
    watch
        Called after each epoch with its number, mean loss and accuracy.

    Returns
    -------
    History
        ``losses`` and ``accuracies`` an epoch: means over its examples, each taken before the example's own
        step.
    """
    check_steps(epochs)
    losses, accuracies = np.empty(epochs), np.empty(epochs)
    for epoch in range(epochs):
        total, right = 0.0, 0
        for x, y in zip(X, Y, strict=True):
            y_pred = network.forward(x)
            error = y_pred - y
            total += float(error @ error) / error.size  # mse, at a third of the cost of np.mean
            right += correct(y_pred, y)
            network.backward(loss_gradient(y_pred, y))
            network.descend(learning_rate)
        losses[epoch], accuracies[epoch] = total / len(X), right / len(X)
        if watch is not None:
            watch(epoch, float(losses[epoch]), float(accuracies[epoch]))
    flat = tuple(array for layer in network.layers for array in (layer.weights, layer.biases))
    return History(losses, flat, accuracies)


def print_epochs(interval: int) -> EpochWatch:
    """A watch that prints loss and accuracy every ``interval`` epochs."""

    def watch(epoch: int, loss: float, accuracy: float) -> None:
        if epoch % interval == 0:
            print(f"epoch {epoch:5d}  loss {loss:.6g}  accuracy {accuracy:.1%}")

    return watch
