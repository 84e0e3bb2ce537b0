"""XOR one example at a time: two sigmoid units, one relu unit, squared error."""

from __future__ import annotations

import numpy as np

from reference_impls.case_studies.history import Array, History
from reference_impls.case_studies.layer_network.loss import LossGradient, mse_gradient
from reference_impls.case_studies.layer_network.network import Parameters, assemble
from reference_impls.case_studies.layer_network.one_at_a_time import EpochWatch, one_at_a_time

X: Array = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y: Array = np.array([[0.0], [1.0], [1.0], [0.0]])
X.flags.writeable = Y.flags.writeable = False

ACTIVATIONS = ("sigmoid", "relu")
LEARNING_RATES = (0.1, 0.01, 0.4)
"""What the original tried: one that learns, one too small, one so large that the relu unit dies."""


def start(seed: int = 0) -> Parameters:
    """Weights (2, 2) and (1, 2), normal around 3 with standard deviation 1; biases (0, -1) and (0,)."""
    random = np.random.RandomState(seed)
    return [
        {"weights": random.normal(3, 1, (2, 2)), "biases": np.array([0.0, -1.0])},
        {"weights": random.normal(3, 1, (1, 2)), "biases": np.zeros(1)},
    ]


def train(
    *,
    steps: int = 3000,
    learning_rate: float = 0.1,
    seed: int = 0,
    loss_gradient: LossGradient = mse_gradient,
    watch: EpochWatch | None = None,
) -> History:
    """SGD from ``start(seed)``; a step passes once over the four examples, each of which moves the weights.

    Returns
    -------
    History
        ``losses``: for each step the mean of the four losses, each taken before its example moved the
        weights. ``accuracies``: the share of outputs on the right side of 1/2.
    """
    network = assemble(start(seed), ACTIVATIONS)
    return one_at_a_time(
        network,
        X,
        Y,
        correct=lambda y_pred, y: bool(abs(y_pred[0] - y[0]) < 0.5),
        epochs=steps,
        learning_rate=learning_rate,
        loss_gradient=loss_gradient,
        watch=watch,
    )
