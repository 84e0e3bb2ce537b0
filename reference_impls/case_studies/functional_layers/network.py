"""A 2-8-1 network of functional layers, relu then sigmoid, that tells ten random points apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reference_impls.case_studies.functional_layers import layers
from reference_impls.case_studies.functional_layers.layers import Layer, linear, nn, relu
from reference_impls.case_studies.history import Array, Gradient, Parameters


def data(seed: int = 0) -> tuple[Array, Array]:
    """Ten points ``X`` (10, 2), normal, each of a random class: ``T`` (10, 1) of 0 and 1."""
    X, T, *_ = _draw(seed)
    return X, T


def start(seed: int = 0) -> Parameters:
    """Normal ``W0`` (2, 8), ``B0`` (8,), ``W1`` (8, 1), ``B1`` (1,), drawn after the `data` of the same seed."""
    _, _, *parameters = _draw(seed)
    return tuple(parameters)


def _draw(seed: int) -> list[Array]:
    random = np.random.RandomState(seed)
    X, T, *parameters = (random.standard_normal(size) for size in ((10, 2), (10, 1), (2, 8), 8, (8, 1), 1))
    return [X, (T > 0).astype(float), *parameters]


def predict(X: Array, W0: Array, B0: Array, W1: Array, B1: Array) -> Array:
    """The network's probability of class 1, (examples, 1)."""
    return nn([linear(W0, B0), relu, linear(W1, B1), layers.sigmoid])(X)


def loss(X: Array, T: Array, W0: Array, B0: Array, W1: Array, B1: Array) -> Any:
    """The cross-entropy of the network's predictions, summed over the points."""
    return np.sum(layers.cross_entropy(T).apply(predict(X, W0, B0, W1, B1)))


def _derivation(sigmoid: Layer, cross_entropy: Callable[[Array], Layer]) -> Gradient:
    """The gradient of `loss` that the pullbacks of these two layers lead to."""

    def network_gradient(X: Array, T: Array, W0: Array, B0: Array, W1: Array, B1: Array) -> Parameters:
        chain = [linear(W0, B0), relu, linear(W1, B1), sigmoid, cross_entropy(T)]
        hidden, _, output, _, _ = layers.gradient(chain)(X)
        return hidden["W"], hidden["B"], output["W"], output["B"]

    return network_gradient


gradient = _derivation(layers.sigmoid, layers.cross_entropy)
as_found_gradient = _derivation(layers.as_found_sigmoid, layers.as_found_cross_entropy)
fudged_gradient = _derivation(layers.sigmoid, layers.as_found_cross_entropy)
as_found_sigmoid_gradient = _derivation(layers.as_found_sigmoid, layers.cross_entropy)
