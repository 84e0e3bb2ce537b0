"""Train layer networks one example at a time: XOR at three learning rates, digits from three starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reference_impls.case_studies.command import options, run
from reference_impls.case_studies.layer_network import STEP, as_called_mse_gradient, digits, mse_gradient, xor
from reference_impls.case_studies.layer_network.network import Network, assemble
from reference_impls.case_studies.layer_network.one_at_a_time import print_epochs
from reference_impls.case_studies.pictures import loss_curves

DERIVATIONS = {"mended": mse_gradient, "as found": as_called_mse_gradient}


def step_network(seed: int) -> Network:
    """The XOR network with step functions in place of its hidden sigmoids."""
    return assemble(xor.start(seed), STEP)


def train_xor(steps: int, seed: int, pictures: Path | None) -> None:
    """XOR at every learning rate of the original."""
    curves = {}
    for learning_rate in xor.LEARNING_RATES:
        print(f"XOR one example at a time, learning rate {learning_rate}:")
        history = xor.train(
            steps=steps, learning_rate=learning_rate, seed=seed, watch=print_epochs(max(steps // 10, 1))
        )
        curves[f"learning rate {learning_rate}"] = history.losses
    if pictures is not None:
        print(loss_curves(pictures / "layer_network_xor.png", "XOR, one example at a time", curves, "epoch"))


def train_digits(epochs: int, pictures: Path | None) -> None:
    """Digits from every start, with the right derivative of the loss and with the one as found."""
    curves = {}
    for start_name, start in digits.STARTS.items():
        for name, loss_gradient in DERIVATIONS.items():
            print(f"digits from {start_name} weights, loss gradient {name}:")
            history = digits.train(
                start(), steps=epochs, loss_gradient=loss_gradient, watch=print_epochs(max(epochs // 5, 1))
            )
            curves[f"{start_name}, {name}"] = history.losses
    if pictures is not None:
        title = "500 digits, one at a time, learning rate 0.1"
        print(loss_curves(pictures / "layer_network_digits.png", title, curves, "epoch"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the whole study; ``--steps`` counts XOR's passes, of which the digits get one in sixty."""
    chosen = options("layer_network", __doc__ or "", 3000, arguments)
    train_xor(chosen.steps, chosen.seed, chosen.pictures)
    network = step_network(chosen.seed)
    for position in network.cut_off():
        print(f"layer {position} of {network} cannot learn: the step's derivative is 0 wherever it exists")
    train_digits(max(chosen.steps // 60, 1), chosen.pictures)


if __name__ == "__main__":
    run(main)
