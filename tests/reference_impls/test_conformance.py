"""Every layer passes every check of a layer, in both precisions.

All but one: a cache holds the inputs themselves, as `layer` says.
"""

from functools import partial
from importlib import import_module

import numpy as np
import pytest

import gradcheck
from reference_impls.layers import dot_product_attention, embedding, gru, linear, lstm, rnn
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
    "linear": ((6, 3, rng), vectors, {}),
    "conv2d": ((4, 3, 3, rng), images, {"padding": 1}),
    "conv_transpose2d": ((4, 3, 3, rng), images, {"stride": 2}),
    "max_pool2d": (None, images, {}),
    "average_pool2d": (None, images, {}),
    "batch_norm": ((4,), images, {}),
    "group_norm": ((4,), images, {"groups": 2}),
    "layer_norm": ((6,), vectors, {}),
    "rms_norm": ((6,), vectors, {}),
    "dropout": (None, vectors, {}),
    "attention": ((6, rng), tokens, {"heads": 2}),
    "activation gelu": (None, vectors, {"name": "gelu"}),
    "activation softmax": (None, vectors, {"name": "softmax"}),
}
"""What ``initial_params`` takes, input and settings of the layers with one input whose examples come first; the first
word is the module."""


def made(module, sizes, settings, dtype):
    sizes = None if sizes is None else [size() if size is rng else size for size in sizes]
    params = {} if sizes is None else module.initial_params(*sizes, dtype=np.dtype(dtype))
    return Layer(module.forward, module.backward, params, **settings)


class BatchFirst(Layer):
    """A recurrent layer over (batch, time, features): examples come first, as `gradcheck.layer_checks` wants them."""

    def forward(self, x):
        return super().forward(x.swapaxes(0, 1)).swapaxes(0, 1)

    def backward(self, dy):
        return super().backward(dy.swapaxes(0, 1)).swapaxes(0, 1)


def recurrent(module, dtype):
    return BatchFirst(module.forward, module.backward, module.initial_params(6, 3, rng(), np.dtype(dtype)))


def block(dtype):
    return Residual([made(linear, (6, 6, rng), {}, dtype)])


OTHERS = {
    "rnn": (partial(recurrent, rnn), lambda dtype: (tokens(dtype),)),
    "lstm": (partial(recurrent, lstm), lambda dtype: (tokens(dtype),)),
    "gru": (partial(recurrent, gru), lambda dtype: (tokens(dtype),)),
    "embedding": (
        partial(made, embedding, (7, 3, rng), {}),
        lambda dtype: (rng().integers(0, 7, (4, 5)),),
    ),
    "dot_product_attention": (
        partial(made, dot_product_attention, None, {}),
        lambda dtype: (tokens(dtype), 2 * tokens(dtype), tokens(dtype)[..., :4]),
    ),
    "residual": (block, lambda dtype: (vectors(dtype),)),
}
"""What makes one and its inputs, by dtype, of all others."""


def checks():
    for dtype in DTYPES:
        layers = {}
        for name, (sizes, inputs, settings) in LAYERS.items():
            module = import_module(f"reference_impls.layers.{name.split()[0]}")
            layers[name] = (partial(made, module, sizes, settings, dtype), (inputs(dtype),))
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
