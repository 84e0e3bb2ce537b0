"""The mean squared error, its derivative right and as found, and what they make of a whole network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reference_impls.case_studies.history import Array
from reference_impls.case_studies.layer_network.network import Parameters, assemble, gradients

LossGradient = Callable[[Array, Array], Array]


def mse(y_pred: Array, y_true: Array) -> Any:
    """The mean of ``(y_true - y_pred)**2`` over the ``n`` outputs (of all examples of a batch)."""
    return np.mean((y_true - y_pred) ** 2)


def mse_gradient(y_pred: Array, y_true: Array) -> Array:
    """The derivative of `mse` with respect to ``y_pred``: ``2 (y_pred - y_true) / n``."""
    return 2 * (y_pred - y_true) / y_pred.size


def as_found_mse_gradient(y_pred: Array, y_true: Array) -> Array:
    """As found: the sign is the derivative's by ``y_true``, and ``1/n`` is missing."""
    return 2 * (y_true - y_pred)


def as_called_mse_gradient(y_pred: Array, y_true: Array) -> Array:
    """As found and as called: the callers swap the two arguments, which mends the sign by a second mistake.

    What is left is the factor ``n``: 10 for ten outputs, nothing for the one output of XOR.
    """
    return as_found_mse_gradient(y_true, y_pred)


def loss(params: Parameters, x: Array, y: Array, activations: Sequence[str]) -> Any:
    """`mse` of the network made of ``params`` and ``activations``, at ``x`` (inputs,) or a batch of rows."""
    return mse(assemble(params, activations).forward(x), y)


def gradient(
    params: Parameters,
    x: Array,
    y: Array,
    activations: Sequence[str],
    loss_gradient: LossGradient = mse_gradient,
) -> Parameters:
    """The derivative of `loss` by ``params``: backpropagation that begins with ``loss_gradient``."""
    network = assemble(params, activations)
    network.backward(loss_gradient(network.forward(x), y))
    return gradients(network)
