"""Train the functional layers on ten random points and plot points, predictions and loss in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reference_impls.case_studies.command import options, run
from reference_impls.case_studies.functional_layers import as_found_gradient, data, predict, start, train
from reference_impls.case_studies.history import Array, print_every
from reference_impls.case_studies.pictures import loss_curves
from reference_impls.case_studies.terminal import Series, plot


def points_plot(X: Array, T: Array) -> str:
    """The points in the plane, each drawn as the digit of its class."""
    of_class = [X[T.ravel() == label] for label in (0, 1)]
    return plot(
        "points by class: 0 and 1",
        [Series(points[:, 0], points[:, 1], str(label)) for label, points in enumerate(of_class)],
    )


def predictions_plot(T: Array, p: Array) -> str:
    """Each point's class and the probability of class 1 that the network gives it."""
    number = np.arange(float(len(T)))
    series = [Series(number, T.ravel(), "x"), Series(number, p.ravel(), "o")]
    return plot("truth: x, prediction: o", series, x_label="point")


def losses_plot(losses: Array) -> str:
    """The loss before each step."""
    return plot("loss", [Series(np.arange(float(len(losses))), losses, "x")], x_label="step")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the whole study."""
    chosen = options("functional_layers", __doc__ or "", 200, arguments)
    X, T = data(chosen.seed)
    print(points_plot(X, T))
    print(predictions_plot(T, predict(X, *start(chosen.seed))))
    history = train(steps=chosen.steps, seed=chosen.seed, watch=print_every(10))
    print(losses_plot(history.losses))
    print(predictions_plot(T, predict(X, *history.parameters)))
    as_found = train(steps=chosen.steps, seed=chosen.seed, gradient=as_found_gradient)
    print(f"last loss: {history.losses[-1]:.4f} mended, {as_found.losses[-1]:.4f} as found")
    if chosen.pictures is not None:
        curves = {"mended": history.losses, "as found": as_found.losses}
        print(
            loss_curves(chosen.pictures / "functional_layers_losses.png", "2-8-1 functional layers", curves)
        )


if __name__ == "__main__":
    run(main)
