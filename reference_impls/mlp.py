"""A multilayer perceptron of any depth: forward pass, loss, and backpropagation as a textbook writes it.

Parameters are a list with one ``{"W": (inputs, outputs), "b": (outputs,)}`` a layer. Every layer but the
last is followed by the ``hidden`` activation; the last one's output goes straight into the loss.
`loss_and_gradients` gives the same numbers with less work (`reference_impls.fast_mlp`); this file is what
it is verified against.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.activations import ACTIVATIONS
from reference_impls.layers.linear import linear, linear_vjp
from reference_impls.losses import LOSSES, example
from reference_impls.parameters import Array, Parameters, empty_layer


def initial_parameters(sizes: Sequence[int], rng: np.random.Generator, dtype: Any = np.float64) -> Parameters:
    """Random weights of variance ``2 / inputs`` and zero biases for layers of the given ``sizes``.

    The variance keeps the size of the activations through relu layers (He et al. 2015, eq. 10).
    """
    params = [empty_layer(inputs, outputs, dtype) for inputs, outputs in pairwise(sizes)]
    for layer in params:
        layer["W"][...] = rng.standard_normal(layer["W"].shape) * np.sqrt(2 / len(layer["W"]))
        layer["b"][...] = 0
    return params


def predict(params: Parameters, X: Array, hidden: str = "relu") -> Array:
    """The last layer's output, (examples, outputs), for ``X`` of the shape (examples, inputs)."""
    *inner, last = params
    for layer in inner:
        X = ACTIVATIONS[hidden].value(linear(X, layer["W"], layer["b"]))
    return linear(X, last["W"], last["b"])


def loss(
    params: Parameters, X: Array, targets: Array, hidden: str = "relu", loss: str = "softmax_cross_entropy"
) -> Any:
    """The loss named ``loss`` (a key of `losses.LOSSES`) of the network's output."""
    return LOSSES[loss].value(predict(params, X, hidden), targets)


def gradients(
    params: Parameters, X: Array, targets: Array, hidden: str = "relu", loss: str = "softmax_cross_entropy"
) -> Parameters:
    """The derivative of `loss` with respect to every parameter, in the structure of ``params``.

    The network is a chain ``X -> Z1 -> A1 -> Z2 -> ... -> Zk -> loss``. The forward pass keeps each layer's
    input and ``Z``; the backward pass walks the chain from its end with ``upstream``, the loss's derivative
    with respect to where it stands. It starts as the loss's gradient with respect to ``Zk``; at a linear
    layer it leaves behind the derivatives of that layer's ``W`` and ``b`` and becomes the derivative of its
    input; at an activation it is multiplied by the slope.
    """
    activation = ACTIVATIONS[hidden]
    inputs, outputs = [X], []
    for layer in params:
        outputs.append(linear(inputs[-1], layer["W"], layer["b"]))
        inputs.append(activation.value(outputs[-1]))

    upstream = LOSSES[loss].gradient(outputs[-1], targets)
    found: Parameters = []
    for depth in reversed(range(len(params))):
        upstream, dW, db = linear_vjp(upstream, inputs[depth], **params[depth])
        found.insert(0, {"W": dW, "b": db})
        if depth > 0:
            upstream = activation.vjp(upstream, outputs[depth - 1])
    return found


def cases() -> list[Case]:
    """Networks of several depths, with every hidden activation and every loss that takes logits."""
    return [
        *(_case(hidden, (3, 5, 4), loss) for hidden in ("sigmoid", "relu", "tanh") for loss in _LOSSES),
        _case("relu", (2, 2, 1), "binary_cross_entropy_with_logits"),
        _case("sigmoid", (3, 4, 1), "mse_mean"),
        _case("tanh", (4, 6, 5, 4, 3), "softmax_cross_entropy"),
        _case("relu", (784, 128, 10), "softmax_cross_entropy", examples=32),
        _case("relu", (784, 128, 10), "softmax_cross_entropy", examples=32, dtype=np.float32),
    ]


_LOSSES = [name for name in LOSSES if name != "binary_cross_entropy"]  # that one takes probabilities


def _case(
    hidden: str, sizes: tuple[int, ...], loss_name: str, examples: int = 6, dtype: Any = np.float64
) -> Case:
    rng = np.random.default_rng(3)
    params = initial_parameters(sizes, rng, dtype)
    for layer in params:  # zero biases would leave a scale or a sign of b untested
        layer["b"][...] = 0.3 * rng.standard_normal(layer["b"].shape)
    X = rng.standard_normal((examples, sizes[0])).astype(dtype)
    _, targets = example(loss_name, (examples, sizes[-1]), rng)
    if targets.dtype == np.float64:
        targets = targets.astype(dtype)
    short = {"softmax_cross_entropy": "softmax", "binary_cross_entropy_with_logits": "bce"}.get(
        loss_name, loss_name
    )
    suffix = "_float32" if dtype == np.float32 else ""
    return Case(
        f"mlp/{hidden}_{'_'.join(map(str, sizes))}_{short}{suffix}",
        partial(loss, hidden=hidden, loss=loss_name),
        partial(gradients, hidden=hidden, loss=loss_name),
        (params, X, targets),
        argnums=0,
    )
