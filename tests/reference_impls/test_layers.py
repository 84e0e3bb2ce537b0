"""The objects that hold a layer's parameters, and layers in a row."""

from __future__ import annotations

import numpy as np
import pytest

import gradcheck
from reference_impls.layers import linear
from reference_impls.layers.layer import Layer, Sequential


def _layer(inputs: int, outputs: int, seed: int = 0) -> Layer:
    rng = np.random.default_rng(seed)
    return Layer(linear.forward, linear.backward, linear.initial_params(inputs, outputs, rng))


def test_a_layer_is_checked_as_it_is() -> None:
    """With its input and each parameter as a leaf."""
    report = gradcheck.check_layer(_layer(3, 4), np.random.default_rng(1).standard_normal((5, 3)))
    assert len(report.leaves) == 3


def test_layers_in_a_row_are_a_layer() -> None:
    """Parameters and gradients carry the layer's place, and a wrong one within is found."""
    x = np.random.default_rng(1).standard_normal((5, 3))
    net = Sequential([_layer(3, 4), _layer(4, 2)])
    report = gradcheck.check_layer(net, x)
    assert len(report.leaves) == 5
    assert list(net.params) == ["0.W", "0.b", "1.W", "1.b"]

    def halved(dy, cache):
        dx, grads = linear.backward(dy, cache)
        return dx, grads | {"W": grads["W"] / 2}

    last = linear.initial_params(4, 2, np.random.default_rng(0))
    net = Sequential([_layer(3, 4), Layer(linear.forward, halved, last)])
    report = gradcheck.check_layer(net, x, raise_on_failure=False)
    assert [leaf.path for leaf in report.leaves if leaf.verdict == "fail"] == ["1.W"]


def test_backward_comes_after_forward() -> None:
    """Said in so many words."""
    with pytest.raises(RuntimeError, match="call forward"):
        _layer(3, 4).backward(np.ones((5, 4)))
