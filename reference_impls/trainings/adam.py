"""Adam, in the few lines that the trainings need, and the loss that both of them bring down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference_impls.layers.layer import Array, Sequential
from reference_impls.losses import softmax_cross_entropy, softmax_cross_entropy_gradient


class Adam:
    """Steps of even length along gradients averaged over time (Kingma and Ba, 2015, algorithm 1).

    Parameters
    ----------
    params
        Arrays by name, which `step` writes into.
    decay
        What stays, in one step, of the mean of the gradients and of that of their squares.
    eps
        Added to the root of the mean square.
    """

    def __init__(
        self, params: Mapping[str, Array], decay: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self.params, self.decay, self.eps = params, decay, eps
        self.steps = 0
        self._means = {name: (np.zeros_like(array), np.zeros_like(array)) for name, array in params.items()}

    def step(self, grads: Mapping[str, Array], rate: float) -> None:
        """``p -= rate m / (sqrt(v) + eps)``; ``m`` and ``v`` started at 0 and are divided by what that took away."""
        self.steps += 1
        keep, keep_square = self.decay
        known, known_square = (1 - kept**self.steps for kept in self.decay)
        for name, parameter in self.params.items():
            grad, (mean, square) = grads[name], self._means[name]
            mean *= keep
            mean += (1 - keep) * grad
            square *= keep_square
            square += (1 - keep_square) * grad * grad
            parameter -= rate / known * mean / (np.sqrt(square) / known_square**0.5 + self.eps)


def fading(rate: float, step: int, steps: int) -> float:
    """The rate of step number ``step``: down to 0 along a straight line."""
    return rate * (1 - step / steps)


def loss(network: Sequential, inputs: Any, labels: Array) -> Any:
    """Mean softmax cross-entropy of the network's logits, (examples, classes)."""
    return softmax_cross_entropy(network.forward(inputs), labels)


def loss_and_gradients(network: Sequential, inputs: Any, labels: Array) -> tuple[float, dict[str, Array]]:
    """The same, and its gradients: one a parameter, by name."""
    logits = network.forward(inputs)
    network.backward(softmax_cross_entropy_gradient(logits, labels))
    return float(softmax_cross_entropy(logits, labels)), network.grads
