"""The logistic network: two ramps through 2-3-1 sigmoid units, then real digits through a relu classifier.

The derivation of the first was found wrong in a way that still trains. As a command,
``python -m reference_impls.case_studies.logistic_network``, it trains that network mended and as found, trains the
classifier and compares it with torch.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls import mlp
from reference_impls.case_studies.by_core import descend_by_core
from reference_impls.case_studies.digits import shipped
from reference_impls.case_studies.history import Gradient, History, Watch, descend, paired
from reference_impls.case_studies.logistic_network import classifier
from reference_impls.case_studies.logistic_network.ramps import as_found_gradient, data, gradient, loss, start

LEARNING_RATE = 1e-4
STEPS = 200_000

__all__ = ["as_found_gradient", "cases", "classifier", "data", "gradient", "loss", "start", "train"]


def train(
    *,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    gradient: Gradient | None = None,
    watch: Watch | None = None,
) -> History:
    """Gradient descent on all 1,000 points from ``start(seed)``.

    Without a ``gradient`` the fast core does it, by the same derivation; ``gradient=as_found_gradient``
    trains as the original did.
    """
    X, Y = data()
    course: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate, "watch": watch}
    if gradient is None:
        return descend_by_core(start(seed), X, Y, hidden="sigmoid", loss="logistic", **course)
    return descend(paired(loss, gradient, X, Y), start(seed), **course)


def cases() -> list[Case]:
    """The logistic network, mended at two points and as found; the classifier on 64 real digits."""
    at = (2, 3, 4, 5)
    first = (*data(), *start())
    trained = (*data(), *train(steps=1000).parameters)
    images, labels = shipped()
    params = mlp.initial_parameters(classifier.SIZES, np.random.default_rng(0))
    softmax = partial(mlp.loss, loss="softmax_cross_entropy")
    return [
        Case("case_studies.logistic_network/gradient", loss, gradient, first, argnums=at),
        Case("case_studies.logistic_network/gradient_trained", loss, gradient, trained, argnums=at),
        Case(
            "case_studies.logistic_network/as_found",
            loss,
            as_found_gradient,
            first,
            argnums=at,
            expect="fail",
            leaf="b2",
        ),
        Case(
            "case_studies.logistic_network/digit_classifier",
            softmax,
            mlp.gradients,
            (params, images[:64], labels[:64]),
            argnums=0,
        ),
    ]
