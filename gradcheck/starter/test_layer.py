"""Starter: its derivative over shapes and precisions, and what a layer must be besides right."""

import numpy as np
import pytest

import gradcheck
from gradcheck.starter.layer import Starter


def layer_of(inputs, outputs, dtype="float64"):
    """A layer with random parameters: zeros would hide mistakes."""
    rng = np.random.default_rng(0)
    return Starter(*(rng.standard_normal(shape).astype(dtype) for shape in ((inputs, outputs), outputs)))


def batch_of(examples, inputs, dtype="float64"):
    """Random inputs."""
    return np.random.default_rng(1).standard_normal((examples, inputs)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("examples", [1, 2, 5, 17])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (1, 3), (4, 1), (3, 3), (5, 2)])
def test_the_gradients_are_right(examples, inputs, outputs, dtype):
    gradcheck.check_layer(layer_of(inputs, outputs, dtype), batch_of(examples, inputs, dtype))


@gradcheck.layers(lambda: layer_of(3, 2), batch_of(5, 3))
def test_it_is_what_a_layer_should_be(check):
    check()
