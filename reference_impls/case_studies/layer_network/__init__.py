"""Networks of layer objects, trained one example at a time: XOR, and real digits from three starts.

The derivative of the squared error was found wrong by a factor and, by its own argument names, in its sign.
``python -m reference_impls.case_studies.layer_network`` trains all of it; the trained weights come from the
command in `fit_weights`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gradcheck import Case
from reference_impls.case_studies.digits import one_hot, shipped
from reference_impls.case_studies.history import Array
from reference_impls.case_studies.layer_network import digits, xor
from reference_impls.case_studies.layer_network.digits import random, shifted
from reference_impls.case_studies.layer_network.loss import (
    LossGradient,
    as_called_mse_gradient,
    as_found_mse_gradient,
    gradient,
    loss,
    mse,
    mse_gradient,
)
from reference_impls.case_studies.layer_network.network import Layer, Network, Parameters, assemble, gradients
from reference_impls.case_studies.layer_network.weights import ACTIVATIONS, trained
from reference_impls.case_studies.layer_network.xor import train

__all__ = [
    "Layer",
    "Network",
    "as_called_mse_gradient",
    "as_found_mse_gradient",
    "cases",
    "digits",
    "gradient",
    "loss",
    "mse",
    "mse_gradient",
    "random",
    "shifted",
    "train",
    "trained",
    "xor",
]

NAME = "case_studies.layer_network"
STEP = ("step", "relu")


def cases() -> list[Case]:
    """The whole networks, right and as found; the loss by itself; and a network through a step function."""
    return [*_xor_cases(), *_digit_cases(), *_loss_cases(), *_step_cases()]


def _case(
    name: str,
    params: Parameters,
    x: Array,
    y: Array,
    activations: tuple[str, ...],
    loss_gradient: LossGradient = mse_gradient,
    **expectation: Any,
) -> Case:
    """A check of the whole network whose backward pass begins with ``loss_gradient``."""
    f = partial(loss, activations=activations)
    claim = partial(gradient, activations=activations, loss_gradient=loss_gradient)
    return Case(f"{NAME}/{name}", f, claim, (params, x, y), argnums=0, **expectation)


def _xor_cases() -> list[Case]:
    """With one output the missing ``1/n`` is 1, so on one example of XOR the derivation as found is right."""
    params = xor.start()
    x, y = xor.X[1], xor.Y[1]
    return [
        _case("xor", params, x, y, xor.ACTIVATIONS),
        _case("xor_batch", params, xor.X, xor.Y, xor.ACTIVATIONS),
        _case("as_found_on_xor", params, x, y, xor.ACTIVATIONS, as_called_mse_gradient),
    ]


def _digit_cases() -> list[Case]:
    images, labels = shipped()
    targets = one_hot(labels)
    return [
        *(
            _case(f"digit_{name}", start(), images[0], targets[0], ACTIVATIONS)
            for name, start in digits.STARTS.items()
        ),
        _case("digits_batch", trained(), images[:16], targets[:16], ACTIVATIONS),
        _case(
            "as_found",
            trained(),
            images[0],
            targets[0],
            ACTIVATIONS,
            as_called_mse_gradient,
            expect="fail",
            diagnosis="scale",
        ),
    ]


def _loss_cases() -> list[Case]:
    y_pred = assemble(trained(), ACTIVATIONS).forward(shipped().images[0])
    at = y_pred, one_hot(shipped().labels[0])
    wrong: dict[str, Any] = {"argnums": 0, "expect": "fail", "diagnosis": "scale"}
    return [
        Case(f"{NAME}/mse", mse, mse_gradient, at, argnums=0),
        Case(f"{NAME}/as_found_mse", mse, as_found_mse_gradient, at, **wrong),
        Case(f"{NAME}/as_called_mse", mse, as_called_mse_gradient, at, **wrong),
    ]


def _step_cases() -> list[Case]:
    """Through hidden step functions: 0 is right for the layer before them, the sigmoid's gradient is not.

    The right claim passes, and its report says that the first layer could not be tested: nothing there moves
    the loss. The biases are moved, since with the original's 0 one sum stands exactly on the step's jump.
    """
    params = xor.start()
    params[0]["biases"] += 0.5
    f = partial(loss, activations=STEP)
    at = (params, xor.X, xor.Y)
    return [
        _case("xor_through_step", *at, STEP),
        Case(
            f"{NAME}/step_with_derivative_of_sigmoid",
            f,
            _surrogate_gradient,
            at,
            argnums=0,
            expect="fail",
            leaf="params[0]['weights']",
        ),
    ]


def _surrogate_gradient(params: Parameters, x: Array, y: Array) -> Parameters:
    """Forward through the step, backward as if it were a sigmoid: of use in training, but not the derivative."""
    network = assemble(params, STEP)
    upstream = mse_gradient(network.forward(x), y)
    network.layers[0].activation = "sigmoid"
    network.backward(upstream)
    return gradients(network)
