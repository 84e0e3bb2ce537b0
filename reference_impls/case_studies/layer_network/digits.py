"""Handwritten digits through 784-128-64-10 sigmoid units, one digit at a time, squared error.

Three starts: the trained weights, the same with noise added, and weights that know nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference_impls.case_studies.digits import Digits, one_hot, shipped
from reference_impls.case_studies.history import History
from reference_impls.case_studies.layer_network.inked_pixels import train_sigmoids
from reference_impls.case_studies.layer_network.loss import LossGradient, mse_gradient
from reference_impls.case_studies.layer_network.network import Parameters
from reference_impls.case_studies.layer_network.one_at_a_time import EpochWatch
from reference_impls.case_studies.layer_network.weights import trained


def shifted(seed: int = 0) -> Parameters:
    """The trained weights, each moved by up to 1 either way; the trained biases."""
    random = np.random.RandomState(seed)
    params = trained()
    for layer in params:
        layer["weights"] += random.uniform(-1, 1, layer["weights"].shape)
    return params


def random(seed: int = 0) -> Parameters:
    """Weights uniform from -1 to 1, biases normal around 3 with standard deviation 1."""
    draw = np.random.RandomState(seed)
    return [
        {
            "weights": draw.uniform(-1, 1, layer["weights"].shape),
            "biases": draw.normal(3, 1, layer["biases"].shape),
        }
        for layer in trained()
    ]


STARTS: dict[str, Callable[[], Parameters]] = {"trained": trained, "shifted": shifted, "random": random}


def train(
    start: Parameters,
    digits: Digits | None = None,
    *,
    steps: int = 50,
    learning_rate: float = 0.1,
    loss_gradient: LossGradient = mse_gradient,
    watch: EpochWatch | None = None,
) -> History:
    """SGD from ``start``, which is left as it is; a step is a pass over ``digits`` (None: the shipped ones).

    With ``as_called_mse_gradient`` the gradients are 10 times as long, so that it trains as the right one
    does at 10 times the learning rate.
    """
    images, labels = digits or shipped()
    return train_sigmoids(
        start,
        images,
        one_hot(labels),
        epochs=steps,
        learning_rate=learning_rate,
        loss_gradient=loss_gradient,
        watch=watch,
    )
