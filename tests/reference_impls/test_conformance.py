"""Every layer passes every check of a layer, in both precisions.

All but one: a cache holds the inputs themselves, as `layer` says.
"""

from functools import partial

import numpy as np
import pytest

import gradcheck
from reference_impls.layers import (
    activation,
    attention,
    average_pool2d,
    batch_norm,
    conv2d,
    conv_transpose2d,
    dropout,
    group_norm,
    layer_norm,
    linear,
    max_pool2d,
    rms_norm,
)
from reference_impls.layers.layer import Layer

KEPT = "inputs not kept by reference"
DTYPES = ("float64", "float32")


def rng():
    return np.random.default_rng(5)


def images(dtype):
    return rng().standard_normal((3, 4, 6, 5)).astype(dtype)


def vectors(dtype):
    return rng().standard_normal((4, 6)).astype(dtype)


def tokens(dtype):
    return rng().standard_normal((3, 5, 6)).astype(dtype)


LAYERS = {
    "linear": (linear, lambda dtype: linear.initial_params(6, 3, rng(), dtype), vectors, {}),
    "conv2d": (conv2d, lambda dtype: conv2d.initial_params(4, 3, 3, rng(), 1, dtype), images, {"padding": 1}),
    "conv_transpose2d": (
        conv_transpose2d,
        lambda dtype: conv_transpose2d.initial_params(4, 3, 3, rng(), 1, dtype),
        images,
        {"stride": 2},
    ),
    "max_pool2d": (max_pool2d, lambda dtype: {}, images, {}),
    "average_pool2d": (average_pool2d, lambda dtype: {}, images, {}),
    "batch_norm": (batch_norm, lambda dtype: batch_norm.initial_params(4, dtype), images, {}),
    "group_norm": (group_norm, lambda dtype: group_norm.initial_params(4, dtype), images, {"groups": 2}),
    "layer_norm": (layer_norm, lambda dtype: layer_norm.initial_params(6, dtype), vectors, {}),
    "rms_norm": (rms_norm, lambda dtype: rms_norm.initial_params(6, dtype), vectors, {}),
    "dropout": (dropout, lambda dtype: {}, vectors, {}),
    "attention": (attention, lambda dtype: attention.initial_params(6, rng(), dtype), tokens, {"heads": 2}),
    "gelu": (activation, lambda dtype: {}, vectors, {"name": "gelu"}),
    "softmax": (activation, lambda dtype: {}, vectors, {"name": "softmax"}),
}
"""Module, parameters, input and settings of the layers whose examples come first."""


def made(module, params, settings, dtype):
    return Layer(module.forward, module.backward, params(np.dtype(dtype)), **settings)


def checks():
    for name, (module, params, inputs, settings) in LAYERS.items():
        for dtype in DTYPES:
            make, together = partial(made, module, params, settings, dtype), name == "batch_norm"
            independent = False if together else None
            for check in gradcheck.layer_checks(make, inputs(dtype), skip=[KEPT], independent=independent):
                yield pytest.param(check, id=f"{name}-{dtype}-{check.name}")


@pytest.mark.parametrize("check", list(checks()))
def test_check(check) -> None:
    """What does not apply is what these layers have not: a flag, running statistics, a generator."""
    assert check() == "" or check.name in {
        "train and eval",
        "statistics untouched by backward",
        "seeded randomness",
    }
