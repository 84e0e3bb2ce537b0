"""The command that trains the 784-128-64-10 network and writes the file of its weights.

``python -m reference_impls.case_studies.layer_network.fit_weights`` trains on the 4,500 digits that do not ship
(extra ``digits``), so that the shipped ones can tell how well the network knows what it has not seen.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from reference_impls.case_studies.command import run
from reference_impls.case_studies.digits import Digits, one_hot, remaining, shipped
from reference_impls.case_studies.layer_network.loss import mse_gradient
from reference_impls.case_studies.layer_network.network import Network, Parameters, assemble, parameters
from reference_impls.case_studies.layer_network.weights import ACTIVATIONS, FILE, SIZES, accuracy, trained


def initial(random: np.random.Generator) -> Parameters:
    """Normal weights of variance ``1/inputs``, with which no sigmoid starts saturated; biases 0."""
    return [
        {"weights": random.standard_normal((outputs, inputs)) / np.sqrt(inputs), "biases": np.zeros(outputs)}
        for inputs, outputs in pairwise(SIZES)
    ]


def fit(
    digits: Digits, *, epochs: int = 30, learning_rate: float = 5.0, batch: int = 10, seed: int = 0
) -> Network:
    """A network fitted to ``digits`` by minibatch SGD on the mean squared error."""
    random = np.random.default_rng(seed)
    params = initial(random)
    # a pixel never inked moves no weight, so its weights would stay random; zeros compress better
    params[0]["weights"][:, ~digits.images.any(axis=0)] = 0
    network = assemble(params, ACTIVATIONS)
    targets = one_hot(digits.labels)
    for epoch in range(epochs):
        for rows in random.permutation(len(targets)).reshape(-1, batch):
            network.backward(mse_gradient(network.forward(digits.images[rows]), targets[rows]))
            network.descend(learning_rate)
        print(
            f"epoch {epoch:3d}  accuracy on what it learns from {accuracy(network, digits):.1%}", flush=True
        )
    return network


def main() -> None:
    """Train and write the file, in half precision: a starting point needs no more, and the file stays small."""
    params = parameters(fit(remaining()))
    stored = {
        f"{name}{number}": array.astype(np.float16)
        for number, layer in enumerate(params, start=1)
        for name, array in layer.items()
    }
    np.savez_compressed(FILE, **stored)  # type: ignore[arg-type]
    on_shipped = accuracy(assemble(trained(), ACTIVATIONS), shipped())
    print(f"{FILE}: {FILE.stat().st_size / 1024:.0f} KiB, accuracy on the shipped digits {on_shipped:.1%}")


if __name__ == "__main__":
    run(main)
