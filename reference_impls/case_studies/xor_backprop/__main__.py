"""Train the XOR network, print and draw its progress, and compare its gradient with autograd's."""

from __future__ import annotations

from collections.abc import Sequence

from reference_impls.case_studies.command import options, run
from reference_impls.case_studies.history import all_of, print_every
from reference_impls.case_studies.pictures import loss_curves
from reference_impls.case_studies.xor_backprop import (
    SOLUTION,
    X,
    Y,
    loss,
    predict,
    relu_network,
    start,
    train,
)
from reference_impls.case_studies.xor_backprop.against_autograd import differences
from reference_impls.case_studies.xor_backprop.pictures import (
    Moment,
    animation,
    decision_boundary,
    keep_moments,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the whole study."""
    chosen = options("xor_backprop", __doc__ or "", 140, arguments)
    outputs = relu_network(X, *SOLUTION)
    print("relu network with given weights:")
    for (a, b), (z,) in zip(X, outputs, strict=True):
        print(f"  {a:.0f} xor {b:.0f} = {z:.0f}")
    print("exact:", bool((outputs == Y).all()))
    print("gradient by hand against autograd, largest relative difference:")
    for name, difference in differences(*start(chosen.seed)).items():
        print(f"  {name}  {difference:.1e}")
    print(f"training from random weights, {chosen.steps} steps:")
    moments: list[Moment] = []
    watch = all_of(print_every(20), keep_moments(5, moments))
    history = train(steps=chosen.steps, seed=chosen.seed, watch=watch)
    moments.append(Moment(chosen.steps, float(loss(X, Y, *history.parameters)), history.parameters))
    print(
        "probability of a 1 after training:", *(f"{p:.3f}" for p in predict(X, *history.parameters).ravel())
    )
    if chosen.pictures is not None:
        folder = chosen.pictures
        print(decision_boundary(folder / "xor_start.png", moments[0]))
        print(decision_boundary(folder / "xor_trained.png", moments[-1]))
        print(animation(folder / "xor_training.gif", moments))
        print(
            loss_curves(folder / "xor_losses.png", "XOR, 2-2-1 sigmoid network", {"gradient": history.losses})
        )


if __name__ == "__main__":
    run(main)
