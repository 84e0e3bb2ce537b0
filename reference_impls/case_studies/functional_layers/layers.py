"""Layers as functions: each a closure over its parameters, beside it the closures that pull derivatives back.

A layer is a function of its input together with one pullback for its input and one for each of its
parameters. `nn` chains the functions; `gradient` walks the pullbacks back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from reference_impls import activations
from reference_impls.case_studies.history import Array


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
    return np.add(np.tanh(X / 2), 1) / 2


def _sigmoid_pullback(X: Array, dldy: Array) -> Array:
    """``d/dx (tanh(x/2) + 1)/2 = (1 - tanh(x/2)**2)/4``, the same as ``0.25 / cosh(x/2)**2``, without its overflow."""
    t: Array = np.tanh(X / 2)
    return dldy * (1 - t) * (1 + t) / 4


def _as_found_sigmoid_pullback(X: Array, dldy: Array) -> Array:
    """As found: the chain rule's 1/2 missing, and ``x`` where ``x/2`` belongs."""
    squared: Array = np.cosh(X) ** 2
    return dldy * 0.5 / squared


sigmoid = Layer(_half_tanh, {"X": _sigmoid_pullback})
as_found_sigmoid = Layer(_half_tanh, {"X": _as_found_sigmoid_pullback})


def cross_entropy(T: Array) -> Layer:
    """``-log q``, where ``q = x t + (1 - x)(1 - t)`` is what ``x`` gives to the target ``t`` of 0 or 1.

    ``dq/dx = t - (1 - t) = 2 t - 1``, so the derivative is ``(1 - 2 t)/q``. For ``t`` of 0 or 1 that is the same number
    as ``-t/x + (1 - t)/(1 - x)``, but it divides by 0 only where the loss itself is infinite: no fudge is needed.
    """

    def probability(X: Array) -> Array:
        return X * T + (1 - X) * (1 - T)

    return Layer(
        lambda X: -np.log(probability(X)), {"X": lambda X, dldy: dldy * (1 - 2 * T) / probability(X)}
    )


def as_found_cross_entropy(T: Array) -> Layer:
    """As found: ``1e-4`` is added to one of the derivative's two denominators, and not to the function."""
    return Layer(cross_entropy(T).apply, {"X": lambda X, dldy: dldy * (-T / X + (1 - T) / (1 - X + 1e-4))})


def vjp(layer: Layer, parameter: str, X: Array, dldy: Array) -> Array:
    """Pull ``dldy``, of the shape of the layer's output at ``X``, back to a parameter, or to "X".

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
