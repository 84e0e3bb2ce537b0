"""Layers and networks as objects: a layer remembers its last forward pass for its backward pass.

Weights are (outputs, inputs). A layer takes one example, (inputs,), or a batch of rows, (examples, inputs).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from reference_impls.activations import ACTIVATIONS
from reference_impls.case_studies.history import Array


class Layer:
    """``activation(x W^T + b)`` with ``W`` (outputs, inputs) and ``b`` (outputs,).

    Parameters
    ----------
    weights, biases
        Without biases they start at 0.
    activation
        A name from `reference_impls.activations.ACTIVATIONS`: "sigmoid", "relu", "softmax", "step", ...

    Attributes
    ----------
    weights_gradient, biases_gradient
        Set by `backward`.

    Raises
    ------
    ValueError
        If the activation is unknown or the biases do not fit the weights.
    """

    weights_gradient: Array
    biases_gradient: Array

    def __init__(self, weights: Array, biases: Array | None = None, activation: str = "sigmoid") -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation={activation!r} is unknown; known are {', '.join(ACTIVATIONS)}")
        if biases is None:
            biases = np.zeros(weights.shape[0])
        if biases.shape != weights.shape[:1]:
            raise ValueError(
                f"biases has the shape {biases.shape}, but weights of the shape {weights.shape} "
                f"need {weights.shape[:1]}"
            )
        self.weights, self.biases, self.activation = weights, biases, activation

    def __repr__(self) -> str:
        outputs, inputs = self.weights.shape
        return f"{self.activation} layer {inputs} -> {outputs}"

    def forward(self, x: Array) -> Array:
        """The layer's output; remembers what `backward` needs."""
        self._x = x
        self._z = x @ self.weights.T + self.biases
        return ACTIVATIONS[self.activation].value(self._z)

    def backward(self, upstream: Array) -> Array:
        """Pull the loss's derivative by the output of the last `forward` back to its input.

        With ``z_k = sum_i W_ki x_i + b_k`` and ``d = dL/dz``, which is ``upstream`` pulled back through the
        activation: ``dL/dW_ki = d_k x_i`` and ``dL/db_k = d_k``, both summed over a batch's rows, and
        ``dL/dx_i = sum_k d_k W_ki``.
        """
        dz = ACTIVATIONS[self.activation].vjp(upstream, self._z)
        if dz.ndim == 1:
            self.weights_gradient, self.biases_gradient = np.multiply.outer(dz, self._x), dz
        else:
            self.weights_gradient, self.biases_gradient = dz.T @ self._x, dz.sum(axis=0)
        return dz @ self.weights


class Network:
    """Layers in a row; a change that would leave neighbours of different sizes is refused."""

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        check_shapes(layers)
        self.layers = list(layers)

    def __repr__(self) -> str:
        return f"Network({', '.join(map(repr, self.layers))})"

    def add_layer(self, layer: Layer, position: int | None = None) -> None:
        """Insert ``layer`` before ``position`` (None: at the end), if it fits its new neighbours."""
        where = len(self.layers) if position is None else position
        layers = list(self.layers)
        layers.insert(where, layer)
        check_shapes(layers)
        self.layers = layers

    def remove_layer(self, position: int = -1) -> Layer:
        """Take out and return the layer at ``position`` (the last one), if those around it fit each other."""
        layers = list(self.layers)
        removed = layers.pop(position)
        check_shapes(layers)
        self.layers = layers
        return removed

    def forward(self, x: Array) -> Array:
        """The last layer's output for one example or a batch of rows."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, upstream: Array) -> Array:
        """Pull the loss's derivative by the output back to the input, leaving its gradients on every layer."""
        for layer in reversed(self.layers):
            upstream = layer.backward(upstream)
        return upstream

    def descend(self, learning_rate: float) -> None:
        """One step against the gradients that `backward` left, in place."""
        for layer in self.layers:
            layer.weights -= learning_rate * layer.weights_gradient
            layer.biases -= learning_rate * layer.biases_gradient

    def cut_off(self) -> list[int]:
        """The positions of the layers that cannot learn, because a step function stands at or behind them.

        The step's derivative is 0 wherever it exists, so no gradient reaches them: their own is 0 whatever
        the loss.
        """
        steps = [position for position, layer in enumerate(self.layers) if layer.activation == "step"]
        return list(range(steps[-1] + 1)) if steps else []


def check_shapes(layers: Sequence[Layer]) -> None:
    """Raise a ValueError that names the first two neighbours that do not fit."""
    for position, (first, second) in enumerate(pairwise(layers)):
        if first.weights.shape[0] != second.weights.shape[1]:
            raise ValueError(
                f"layer {position} ({first}) gives {first.weights.shape[0]} outputs, but "
                f"layer {position + 1} ({second}) takes {second.weights.shape[1]}: they must be equal"
            )


Parameters = list[dict[str, Array]]


def parameters(network: Network) -> Parameters:
    """Copies of the weights and biases, one dict a layer."""
    return [{"weights": layer.weights.copy(), "biases": layer.biases.copy()} for layer in network.layers]


def assemble(params: Parameters, activations: Sequence[str]) -> Network:
    """A network that uses the arrays of ``params`` themselves, one activation a layer."""
    return Network([Layer(**layer, activation=name) for layer, name in zip(params, activations, strict=True)])


def gradients(network: Network) -> Parameters:
    """What the last backward pass left on the layers, in the structure of `parameters`."""
    return [{"weights": layer.weights_gradient, "biases": layer.biases_gradient} for layer in network.layers]
