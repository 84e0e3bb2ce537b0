"""XOR by backpropagation: a 2-2-1 sigmoid network that learns it, a relu network that solves it exactly.

This is the one study whose derivation was found right. As a command,
``python -m reference_impls.case_studies.xor_backprop --pictures DIR``, it trains the network, prints the loss, compares
the hand-written gradient with autograd's and draws the decision boundary and an animation of the training.
"""

from __future__ import annotations

from typing import Any

from gradcheck import Case
from reference_impls.case_studies.by_core import descend_by_core
from reference_impls.case_studies.history import Gradient, History, Watch, descend, paired
from reference_impls.case_studies.xor_backprop.network import (
    SOLUTION,
    X,
    Y,
    as_found_cross_entropy_gradient,
    cross_entropy,
    cross_entropy_gradient,
    gradient,
    loss,
    predict,
    relu_network,
    start,
)

__all__ = [
    "SOLUTION",
    "X",
    "Y",
    "as_found_cross_entropy_gradient",
    "cases",
    "cross_entropy",
    "cross_entropy_gradient",
    "gradient",
    "loss",
    "predict",
    "relu_network",
    "start",
    "train",
]


def train(
    *,
    steps: int = 140,
    learning_rate: float = 1.0,
    seed: int = 0,
    gradient: Gradient | None = None,
    watch: Watch | None = None,
) -> History:
    """Gradient descent on all four examples from ``start(seed)``.

    Without a ``gradient`` the fast core does it, by the same derivation.
    """
    course: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate, "watch": watch}
    if gradient is None:
        return descend_by_core(
            start(seed), X, Y, hidden="sigmoid", loss="binary_cross_entropy_with_logits", **course
        )
    return descend(paired(loss, gradient, X, Y), start(seed), **course)


def cases() -> list[Case]:
    """The gradient at the start and after training; the output's derivative, right and as found."""
    p = predict(X, *start())
    return [
        Case("case_studies.xor_backprop/gradient", loss, gradient, (X, Y, *start()), argnums=(2, 3, 4, 5)),
        Case(
            "case_studies.xor_backprop/gradient_trained",
            loss,
            gradient,
            (X, Y, *train().parameters),
            argnums=(2, 3, 4, 5),
        ),
        Case(
            "case_studies.xor_backprop/output_derivative",
            cross_entropy,
            cross_entropy_gradient,
            (p, Y),
            argnums=0,
        ),
        Case(
            "case_studies.xor_backprop/as_found_output_derivative",
            cross_entropy,
            as_found_cross_entropy_gradient,
            (p, Y),
            argnums=0,
            expect="fail",
            leaf="p",
        ),
    ]
