"""The trained weights of the 784-128-64-10 network, from the file that `fit_weights` writes."""

from __future__ import annotations

import numpy as np

from reference_impls.case_studies.digits import DATA, Digits
from reference_impls.case_studies.layer_network.network import Network, Parameters

FILE = DATA / "layer_network_weights.npz"
SIZES = (784, 128, 64, 10)
ACTIVATIONS = ("sigmoid", "sigmoid", "sigmoid")


def trained() -> Parameters:
    """The weights of the file, as float64."""
    with np.load(FILE) as stored:
        return [
            {name: stored[f"{name}{layer}"].astype(float) for name in ("weights", "biases")}
            for layer in range(1, len(SIZES))
        ]


def accuracy(network: Network, digits: Digits) -> float:
    """The share of ``digits`` whose largest output is their label's."""
    return float(np.mean(network.forward(digits.images).argmax(axis=1) == digits.labels))
