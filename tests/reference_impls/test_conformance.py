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
    dot_product_attention,
    dropout,
    embedding,
    group_norm,
    gru,
    layer_norm,
    linear,
    lstm,
    max_pool2d,
    rms_norm,
    rnn,
)
from reference_impls.layers.layer import Layer
from reference_impls.layers.residual import Residual

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
"""Module, parameters, input and settings of the layers with one input whose examples come first."""


def made(module, params, settings, dtype):
    return Layer(module.forward, module.backward, params(np.dtype(dtype)), **settings)


class BatchFirst(Layer):
    """A recurrent layer over (batch, time, features): examples come first, as `gradcheck.layer_checks` wants them."""

    def forward(self, x):
        return super().forward(x.swapaxes(0, 1)).swapaxes(0, 1)

    def backward(self, dy):
        return super().backward(dy.swapaxes(0, 1)).swapaxes(0, 1)


def recurrent(module, dtype):
    return BatchFirst(module.forward, module.backward, module.initial_params(6, 3, rng(), np.dtype(dtype)))


def block(dtype):
    return Residual([made(linear, lambda dtype: linear.initial_params(6, 6, rng(), dtype), {}, dtype)])


OTHERS = {
    "rnn": (partial(recurrent, rnn), lambda dtype: (tokens(dtype),)),
    "lstm": (partial(recurrent, lstm), lambda dtype: (tokens(dtype),)),
    "gru": (partial(recurrent, gru), lambda dtype: (tokens(dtype),)),
    "embedding": (
        partial(made, embedding, lambda dtype: embedding.initial_params(7, 3, rng(), dtype), {}),
        lambda dtype: (rng().integers(0, 7, (4, 5)),),
    ),
    "dot_product_attention": (
        partial(made, dot_product_attention, lambda dtype: {}, {}),
        lambda dtype: (tokens(dtype), 2 * tokens(dtype), tokens(dtype)[..., :4]),
    ),
    "residual": (block, lambda dtype: (vectors(dtype),)),
}
"""What makes one and its inputs, by dtype, of all others."""


def checks():
    for dtype in DTYPES:
        layers = {
            name: (partial(made, module, params, settings, dtype), (inputs(dtype),))
            for name, (module, params, inputs, settings) in LAYERS.items()
        }
        layers |= {name: (partial(make, dtype), inputs(dtype)) for name, (make, inputs) in OTHERS.items()}
        for name, (make, inputs) in layers.items():
            independent = False if name == "batch_norm" else None
            for check in gradcheck.layer_checks(make, *inputs, skip=[KEPT], independent=independent):
                yield pytest.param(check, id=f"{name}-{dtype}-{check.name}")


@pytest.mark.parametrize("check", list(checks()))
def test_check(check) -> None:
    """What does not apply is what these layers have not: a flag, running statistics, a generator."""
    assert check() == "" or check.name in {
        "train and eval",
        "statistics untouched by backward",
        "seeded randomness",
    }
