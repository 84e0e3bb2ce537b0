"""Functional layers: a network of closures, fitted to ten random points, with two mistakes as found.

``python -m reference_impls.case_studies.functional_layers`` trains it and plots in the terminal (extra
``plots``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcheck import Case
from reference_impls.case_studies.by_core import descend_by_core
from reference_impls.case_studies.functional_layers.layers import (
    Layer,
    as_found_cross_entropy,
    as_found_sigmoid,
    cross_entropy,
    relu,
    sigmoid,
    vjp,
)
from reference_impls.case_studies.functional_layers.network import (
    as_found_gradient,
    as_found_sigmoid_gradient,
    data,
    fudged_gradient,
    gradient,
    loss,
    predict,
    start,
)
from reference_impls.case_studies.history import Array, Gradient, History, Watch, descend, paired

__all__ = ["as_found_gradient", "cases", "data", "gradient", "loss", "predict", "start", "train"]


def train(
    *,
    steps: int = 200,
    learning_rate: float = 0.01,
    seed: int = 0,
    gradient: Gradient | None = None,
    watch: Watch | None = None,
) -> History:
    """Gradient descent on the ten points, everything drawn from ``seed``.

    Without a ``gradient`` the fast core does it, by the same derivation; ``gradient=as_found_gradient``
    trains as the original did.
    """
    X, T = data(seed)
    course: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate, "watch": watch}
    if gradient is None:
        # sigmoid and cross-entropy are one loss of the logits in the core
        bce = "binary_cross_entropy_with_logits"
        return descend_by_core(start(seed), X, T, hidden="relu", loss=bce, **course)
    return descend(paired(loss, gradient, X, T), start(seed), **course)


def cases() -> list[Case]:
    """The derivation mended, as found, and with each of its mistakes alone; then its layers by themselves."""
    name = "case_studies.functional_layers"
    at = (2, 3, 4, 5)
    first, trained = (*data(), *start()), (*data(), *train().parameters)
    specimens = {
        "as_found": (as_found_gradient, None),
        "as_found_sigmoid_only": (as_found_sigmoid_gradient, None),
        "as_found_fudge_only": (fudged_gradient, "small_relative"),
    }
    return [
        Case(f"{name}/gradient", loss, gradient, first, argnums=at),
        Case(f"{name}/gradient_trained", loss, gradient, trained, argnums=at),
        *(
            Case(f"{name}/{specimen}", loss, claim, first, argnums=at, expect="fail", diagnosis=diagnosis)
            for specimen, (claim, diagnosis) in specimens.items()
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
