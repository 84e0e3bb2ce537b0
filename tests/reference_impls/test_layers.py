"""The objects that hold a layer's parameters, and layers in a row."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradcheck
from reference_impls.layers import activation, layer_norm, linear
from reference_impls.layers.layer import Layer, Sequential
from reference_impls.layers.residual import Residual
from tests.reference_impls.layered import wrong_leaves


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
    assert wrong_leaves(net, x) == ["1.W"]


def test_backward_comes_after_forward() -> None:
    """Said in so many words."""
    with pytest.raises(RuntimeError, match="call forward"):
        _layer(3, 4).backward(np.ones((5, 4)))


def test_a_derivative_of_another_shape_is_told() -> None:
    """NumPy would repeat it, in the last layer of a row as well."""
    net = Sequential([_layer(3, 4), _layer(4, 1)])
    y = net.forward(np.ones((5, 3)))
    for dy in (np.ones(5), np.ones((1, 1)), np.ones(()), y.T):
        with pytest.raises(ValueError, match=r"dy has the shape .*, and y \(5, 1\)"):
            net.backward(dy)


def test_a_layer_stands_in_a_row_once() -> None:
    """It keeps what backward needs of its latest forward alone, so that the place before would get the one behind."""
    tanh = Layer(activation.forward, activation.backward, {}, name="tanh")
    for row in ([tanh, tanh], [_layer(3, 3), Residual([tanh]), tanh], [Sequential([tanh]), Residual([tanh])]):
        with pytest.raises(ValueError, match=r"twice.*a layer for each place"):
            Sequential(row)


def test_a_function_in_a_row_is_told() -> None:
    with pytest.raises(TypeError, match=r"layers\[1\] is a function; wanted a Layer"):
        Sequential([_layer(3, 4), activation.forward])


def test_threads_do_not_meet() -> None:
    """The functions keep nothing, and NumPy's buffer, which norms make shorter, is that of the thread."""

    def norm(seed: int) -> np.ndarray:
        x = np.random.default_rng(seed).standard_normal((700, 400))
        y, cache = layer_norm.forward(layer_norm.initial_params(400), x)
        dx, _ = layer_norm.backward(np.cos(x), cache)
        assert np.getbufsize() == 8192
        return y + dx

    alone = [norm(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as executor:
        for ours, theirs in zip(executor.map(norm, range(4)), alone, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_net_is_pickled_between_forward_and_backward() -> None:
    x = np.random.default_rng(1).standard_normal((5, 3))
    net = Sequential([_layer(3, 3), Residual([_layer(3, 3)])])
    y = net.forward(x)
    other = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(other.backward(np.ones_like(y)), net.backward(np.ones_like(y)))
    other.params["0.W"][...] = 0
    assert not np.array_equal(other.forward(x), net.forward(x))
