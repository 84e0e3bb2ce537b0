"""Layers as functions: a 2-8-1 network of closures, fitted to ten random points.

A layer is a function of its input and, beside it, one pullback for its input and for each of its
parameters, all closed over the same parameters. `nn` chains the functions; `gradient` walks the pullbacks
back. ``python -m reference_impls.case_studies.functional_layers`` trains such a network and plots in the
terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcheck import Case
from reference_impls import activations
from reference_impls.case_studies.history import Array, Gradient, History, Parameters, Watch, descend, paired


class Layer(NamedTuple):
    """A function of ``X`` and its pullbacks ``(X, dldy) -> dldp``, by name: "X" and one a parameter."""

    apply: Callable[[Array], Array]
    pullbacks: Mapping[str, Callable[[Array, Array], Array]]


def linear(W: Array, B: Array) -> Layer:
    """``X W + B`` with ``W`` (inputs, outputs) and ``B`` (outputs,).

    Raises
    ------
    ValueError
        If ``W`` and ``B`` have different numbers of outputs.
    """
    if W.shape[-1:] != B.shape:
        raise ValueError(f"W has the shape {W.shape} and B {B.shape}; B needs the shape {W.shape[-1:]}")
    return Layer(
        lambda X: X @ W + B,
        {
            "X": lambda X, dldy: dldy @ W.T,
            "W": lambda X, dldy: X.T @ dldy,
            "B": lambda X, dldy: dldy.sum(axis=0),
        },
    )


relu = Layer(activations.relu, {"X": lambda X, dldy: activations.relu_vjp(dldy, X)})


def _half_tanh(X: Array) -> Array:
    return (np.tanh(X / 2) + 1) / 2


def _sigmoid_pullback(X: Array, dldy: Array) -> Array:
    """``d/dx (tanh(x/2) + 1)/2 = (1 - tanh(x/2)**2)/4``, also known as ``0.25 / cosh(x/2)**2``, which may
    overflow.
    """
    t = np.tanh(X / 2)
    return dldy * (1 - t) * (1 + t) / 4


def _as_found_sigmoid_pullback(X: Array, dldy: Array) -> Array:
    """As found: the chain rule's 1/2 missing, and ``x`` where ``x/2`` belongs."""
    return dldy * 0.5 / np.cosh(X) ** 2


sigmoid = Layer(_half_tanh, {"X": _sigmoid_pullback})
as_found_sigmoid = Layer(_half_tanh, {"X": _as_found_sigmoid_pullback})


def cross_entropy(T: Array) -> Layer:
    """``-log q``, where ``q = x t + (1 - x)(1 - t)`` is the probability given to the target ``t``, 0 or 1,
    by ``x``.

    ``dq/dx = t - (1 - t) = 2 t - 1``, so the derivative is ``(1 - 2 t)/q``. Unlike ``-t/x + (1 - t)/(1 -
    x)``, the same number for ``t`` of 0 or 1, it divides by 0 only where the loss itself is infinite, so it
    needs no fudge.
    """

    def probability(X: Array) -> Array:
        return X * T + (1 - X) * (1 - T)

    return Layer(
        lambda X: -np.log(probability(X)), {"X": lambda X, dldy: dldy * (1 - 2 * T) / probability(X)}
    )


def as_found_cross_entropy(T: Array) -> Layer:
    """As found: `cross_entropy` with ``1e-4`` added to one of the derivative's two denominators, and not to
    the function.
    """
    return Layer(cross_entropy(T).apply, {"X": lambda X, dldy: dldy * (-T / X + (1 - T) / (1 - X + 1e-4))})


def vjp(layer: Layer, parameter: str, X: Array, dldy: Array) -> Array:
    """Pull ``dldy``, of the shape of the layer's output at ``X``, back to one of the layer's parameters, or
    to "X".

    Raises
    ------
    ValueError
        If the layer has no such parameter.
    """
    if parameter not in layer.pullbacks:
        raise ValueError(f"parameter={parameter!r}: this layer has {', '.join(layer.pullbacks)}")
    return layer.pullbacks[parameter](X, dldy)


def nn(layers: Sequence[Layer]) -> Callable[[Array], Array]:
    """The function that applies one layer after the other."""

    def forward(X: Array) -> Array:
        for layer in layers:
            X = layer.apply(X)
        return X

    return forward


def gradient(layers: Sequence[Layer]) -> Callable[[Array], list[dict[str, Array]]]:
    """The function of ``X`` that differentiates the sum of ``nn(layers)(X)``.

    It returns one dict a layer, in the layers' order: the derivative with respect to its input, "X", and to
    each of its parameters.
    """

    def backward(X: Array) -> list[dict[str, Array]]:
        inputs = [X]
        for layer in layers:
            inputs.append(layer.apply(inputs[-1]))
        dldy = np.ones_like(inputs.pop())
        found: list[dict[str, Array]] = []
        for layer, entering in zip(reversed(layers), reversed(inputs), strict=True):
            found.insert(0, {name: vjp(layer, name, entering, dldy) for name in layer.pullbacks})
            dldy = found[0]["X"]
        return found

    return backward


def data(seed: int = 0) -> tuple[Array, Array]:
    """Ten points ``X`` (10, 2), normal, each of a random class: ``T`` (10, 1) of 0 and 1."""
    X, T, *_ = _draw(seed)
    return X, T


def start(seed: int = 0) -> Parameters:
    """Random normal ``W0`` (2, 8), ``B0`` (8,), ``W1`` (8, 1), ``B1`` (1,), drawn after the `data` of the
    same seed.
    """
    _, _, *parameters = _draw(seed)
    return tuple(parameters)


def _draw(seed: int) -> list[Array]:
    random = np.random.RandomState(seed)
    X, T, *parameters = (random.standard_normal(size) for size in ((10, 2), (10, 1), (2, 8), 8, (8, 1), 1))
    return [X, (T > 0).astype(float), *parameters]


def predict(X: Array, W0: Array, B0: Array, W1: Array, B1: Array) -> Array:
    """The network's probability of class 1, (examples, 1)."""
    return nn([linear(W0, B0), relu, linear(W1, B1), sigmoid])(X)


def loss(X: Array, T: Array, W0: Array, B0: Array, W1: Array, B1: Array) -> Any:
    """The cross-entropy of the network's predictions, summed over the points."""
    return np.sum(cross_entropy(T).apply(predict(X, W0, B0, W1, B1)))


def _derivation(sigmoid: Layer, cross_entropy: Callable[[Array], Layer]) -> Gradient:
    """The gradient of `loss` that these two layers' pullbacks lead to, as a function of ``(X, T, W0, B0,
    W1, B1)``.
    """

    def network_gradient(X: Array, T: Array, W0: Array, B0: Array, W1: Array, B1: Array) -> Parameters:
        layers = [linear(W0, B0), relu, linear(W1, B1), sigmoid, cross_entropy(T)]
        hidden, _, output, _, _ = gradient(layers)(X)
        return hidden["W"], hidden["B"], output["W"], output["B"]

    return network_gradient


mended_gradient = _derivation(sigmoid, cross_entropy)
as_found_gradient = _derivation(as_found_sigmoid, as_found_cross_entropy)
fudged_gradient = _derivation(sigmoid, as_found_cross_entropy)
wrong_sigmoid_gradient = _derivation(as_found_sigmoid, cross_entropy)


def train(
    *,
    steps: int = 200,
    learning_rate: float = 0.01,
    seed: int = 0,
    gradient: Gradient = mended_gradient,
    watch: Watch | None = None,
) -> History:
    """Gradient descent on the ten points, all drawn from ``seed``; ``gradient=as_found_gradient`` trains as
    the original did.
    """
    loss_and_gradient = paired(loss, gradient, *data(seed))
    return descend(loss_and_gradient, start(seed), steps=steps, learning_rate=learning_rate, watch=watch)


def cases() -> list[Case]:
    """The mended derivation; as found with both mistakes, and with each alone; and each mended or wrong
    layer by itself.
    """
    name = "case_studies.functional_layers"
    at = (2, 3, 4, 5)
    first, trained = (*data(), *start()), (*data(), *train().parameters)
    specimens = {
        "as_found": as_found_gradient,
        "as_found_sigmoid_only": wrong_sigmoid_gradient,
        "as_found_fudge_only": fudged_gradient,
    }
    return [
        Case(f"{name}/gradient", loss, mended_gradient, first, argnums=at),
        Case(f"{name}/gradient_trained", loss, mended_gradient, trained, argnums=at),
        *(
            Case(f"{name}/{specimen}", loss, claim, first, argnums=at, expect="fail")
            for specimen, claim in specimens.items()
        ),
        *_layer_cases(name),
    ]


def _layer_cases(name: str) -> list[Case]:
    X, T = data()
    z = X[:, :1]
    p = sigmoid.apply(z)
    layers = [
        ("relu", relu, X, "pass"),
        ("sigmoid", sigmoid, z, "pass"),
        ("as_found_sigmoid", as_found_sigmoid, z, "fail"),
        ("cross_entropy", cross_entropy(T), p, "pass"),
        ("as_found_cross_entropy", as_found_cross_entropy(T), p, "fail"),
    ]
    return [
        Case(f"{name}/{label}", layer.apply, _pullback(layer), (point,), kind="vjp", expect=expect)
        for label, layer, point, expect in layers
    ]


def _pullback(layer: Layer) -> Callable[[Array, Array], Array]:
    """The layer's pullback to its input, cotangent first, as `gradcheck.check_vjp` takes it."""
    return lambda dldy, X: vjp(layer, "X", X, dldy)
