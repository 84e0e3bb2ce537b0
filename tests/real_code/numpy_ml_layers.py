"""numpy-ml: activations up to their second derivative, losses, and layers with forward and backward in NumPy."""

from __future__ import annotations

import collections
import collections.abc
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from .shipped import Array, Shipped, elementwise, normal, uniform

# the package predates Python 3.10, which moved this name; lent to it for the length of its import
if "numpy_ml" not in sys.modules:
    collections.Hashable = collections.abc.Hashable  # type: ignore[attr-defined]
    try:
        import numpy_ml.neural_nets.layers  # noqa: F401
    finally:
        del collections.Hashable  # type: ignore[attr-defined]

from numpy_ml.neural_nets import layers
from numpy_ml.neural_nets.activations import activations
from numpy_ml.neural_nets.losses import losses

PACKAGE = "numpy-ml"
X = np.array([-2.3, -0.7, 0.2, 0.9, 1.8])


def activation_functions() -> Iterator[Shipped]:
    """fn, grad and grad2."""
    made: dict[str, Any] = {
        name: getattr(activations, name)()
        for name in (
            "Sigmoid",
            "ReLU",
            "LeakyReLU",
            "Tanh",
            "Affine",
            "Identity",
            "ELU",
            "Exponential",
            "SELU",
            "HardSigmoid",
            "SoftPlus",
        )
    }
    for name, activation in made.items():
        yield elementwise(f"{name}.grad", PACKAGE, activation.fn, activation.grad, X)
        yield elementwise(f"{name}.grad2", PACKAGE, activation.grad, activation.grad2, X)
        yield elementwise(f"{name}.grad", PACKAGE, activation.fn, activation.grad, 7 * X, point="saturated")


def loss_functions() -> Iterator[Shipped]:
    """Losses by the layer's input, as its backward pass wants them."""
    z, y = normal(311, 6, 3), normal(312, 6, 3)
    act = activations.Tanh()
    yield Shipped(
        "SquaredError.grad", PACKAGE, "grad", lambda z: float(losses.SquaredError.loss(y, act.fn(z))),
        lambda z: losses.SquaredError.grad(y, act.fn(z), z, act), (z,), 0,
    )  # fmt: skip
    classes = np.eye(3)[[0, 2, 1, 1, 0, 2]]

    def softmax(z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    yield Shipped(
        "CrossEntropy.grad", PACKAGE, "grad", lambda z: float(losses.CrossEntropy.loss(classes, softmax(z))),
        lambda z: losses.CrossEntropy.grad(classes, softmax(z)), (z,), 0,
    )  # fmt: skip
    target, guess = uniform(313, 0.1, 0.9, 6, 3), uniform(314, 0.1, 0.9, 6, 3)
    mean, log_variance = normal(315, 6, 2), normal(316, 6, 2)

    def by_all(p: Array, m: Array, v: Array) -> tuple[Array, Array, Array]:
        by_guess, by_log_variance, by_mean = losses.VAELoss.grad(target, p, m, v)
        return by_guess, by_mean, by_log_variance

    yield Shipped(
        "VAELoss.grad", PACKAGE, "grad",
        lambda p, m, v: float(losses.VAELoss.loss(target, p, m, v)), by_all,
        (guess, mean, log_variance), (0, 1, 2),
    )  # fmt: skip


def output(layer: Any, x: Array) -> Array:
    """The forward pass as in training; what it keeps for a backward pass is dropped."""
    y = np.array(layer.forward(x.copy()))
    layer.flush_gradients()
    return y


def network_layers() -> Iterator[Shipped]:
    """Backward by the input, and by each parameter, of every layer."""
    image, sequence = normal(317, 2, 5, 5, 2), normal(318, 2, 6, 3)
    table = normal(319, 4, 3)
    made: tuple[tuple[str, Any, Array], ...] = (
        ("FullyConnected", layers.FullyConnected(5, act_fn="Tanh"), table),
        ("Softmax", layers.Softmax(), table),
        ("BatchNorm1D", layers.BatchNorm1D(), table),
        ("LayerNorm1D", layers.LayerNorm1D(), table),
        ("Conv1D", layers.Conv1D(4, 3, pad=1, act_fn="Tanh"), sequence),
        ("Conv2D", layers.Conv2D(3, (2, 2), pad=1, stride=1, act_fn="Tanh"), image),
        ("Conv2D(stride 2)", layers.Conv2D(3, (3, 3), pad=0, stride=2, act_fn="Tanh"), image),
        ("Deconv2D", layers.Deconv2D(3, (2, 2), pad=0, stride=1, act_fn="Tanh"), image),
        ("Pool2D(max)", layers.Pool2D((2, 2), stride=1, pad=0, mode="max"), image),
        ("Pool2D(average)", layers.Pool2D((2, 2), stride=1, pad=0, mode="average"), image),
        ("BatchNorm2D", layers.BatchNorm2D(), image),
        ("LayerNorm2D", layers.LayerNorm2D(), image),
        ("Flatten", layers.Flatten(), image),
    )
    for name, layer, x in made:
        layer.forward(x)  # sizes are known, and parameters there, after a first pass
        for seed, (parameter, value) in enumerate(sorted(layer.parameters.items())):
            if isinstance(value, np.ndarray) and value.size and "running" not in parameter:
                layer.parameters[parameter] = 0.4 * normal(330 + seed, *value.shape)

        def forward(x: Array, layer: Any = layer) -> Array:
            return output(layer, x)

        def by_input(u: Array, x: Array, layer: Any = layer) -> Array:
            layer.flush_gradients()
            layer.forward(x.copy())
            return np.array(layer.backward(u.copy()))

        yield Shipped(f"{name}.backward by X", PACKAGE, "vjp", forward, by_input, (x,), 0)
        for parameter, value in layer.parameters.items():
            if (
                not isinstance(value, np.ndarray)
                or parameter not in layer.gradients
                or "running" in parameter
            ):
                continue

            def with_parameter(p: Array, x: Array = x, layer: Any = layer, key: str = parameter) -> Array:
                kept = layer.parameters[key]
                layer.parameters[key] = p.copy()
                try:
                    return output(layer, x)
                finally:
                    layer.parameters[key] = kept

            def by_parameter(
                u: Array, p: Array, x: Array = x, layer: Any = layer, key: str = parameter
            ) -> Array:
                kept = layer.parameters[key]
                layer.parameters[key] = p.copy()
                try:
                    layer.flush_gradients()
                    layer.forward(x.copy())
                    layer.backward(u.copy())
                    return np.array(layer.gradients[key])
                finally:
                    layer.parameters[key] = kept

            yield Shipped(
                f"{name}.backward by {parameter}",
                PACKAGE,
                "vjp",
                with_parameter,
                by_parameter,
                (np.array(value),),
                0,
            )


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from activation_functions()
    yield from loss_functions()
    yield from network_layers()
