"""Losses that stop counting beyond a margin, and their hand-written gradients: huber and the hinges.

Conventions as in `reference_impls.losses`: examples are rows, a loss returns one number, its gradient is that with
respect to the outputs. At a corner of the loss any slope between its two sides is a subgradient; which one is taken
is said.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.losses import Array, Loss, mean
from reference_impls.targets import by_entry, by_row, must_lie


def huber(outputs: Array, targets: Array, delta: float = 1.0) -> Any:
    """Mean over all entries of ``e^2 / 2`` where ``|e| <= delta``, else ``delta (|e| - delta / 2)``; ``e = a - t``.

    Squares for small errors, absolute values for large ones (Huber, "Robust estimation of a location parameter", 1964).
    """
    must_lie("delta", delta, 0)
    size = np.abs(outputs - by_entry(targets, outputs))
    inner = np.minimum(size, delta)
    return mean(inner * (size - 0.5 * inner))


def huber_gradient(outputs: Array, targets: Array, delta: float = 1.0) -> Array:
    """Gradient of `huber`: ``e`` where ``|e| <= delta``, ``delta sign(e)`` beyond: ``clip(e, -delta, delta)``.

    The two pieces meet with equal slope, so there is no corner. The mean's ``1/N`` stays.
    """
    must_lie("delta", delta, 0)
    errors: Array = outputs - by_entry(targets, outputs)
    gradient: Array = np.clip(errors, -delta, delta) / max(1, outputs.size)
    return gradient


def hinge(outputs: Array, labels: Array) -> Any:
    """Mean over all entries of ``max(0, 1 - y f)``, labels -1 or 1 (Cortes and Vapnik, 1995)."""
    return mean(np.maximum(0, 1 - by_entry(labels, outputs, "labels") * outputs))


def hinge_gradient(outputs: Array, labels: Array) -> Array:
    """Gradient of `hinge`.

    An entry with ``y f < 1`` counts with ``1 - y f``, of slope ``-y``; the others with nothing. At ``y f = 1`` the
    slope 0 is taken.
    """
    labels = by_entry(labels, outputs, "labels")
    inside = (labels * outputs < 1).astype(outputs.dtype)
    gradient: Array = -labels * inside / max(1, outputs.size)
    return gradient


def multiclass_hinge(outputs: Array, labels: Array) -> Any:
    """Mean over rows of ``sum_{j != k} max(0, 1 + f_j - f_k)``, ``k`` the label (Weston and Watkins, 1999)."""
    return np.sum(np.maximum(_margins(outputs, labels), 0)) / max(1, len(outputs))


def multiclass_hinge_gradient(outputs: Array, labels: Array) -> Array:
    """Gradient of `multiclass_hinge`.

    Each ``j`` inside the margin, ``1 + f_j - f_k > 0``, adds a slope 1 to ``f_j`` and -1 to ``f_k``; so ``f_k`` gets
    minus their number. At the margin itself nothing is added.
    """
    inside = (_margins(outputs, labels) > 0).astype(outputs.dtype)
    inside[by_row(labels, outputs)] = -inside.sum(axis=1)
    gradient: Array = inside / max(1, len(outputs))
    return gradient


def _margins(outputs: Array, labels: Array) -> Any:
    place = by_row(labels, outputs)
    margins = 1 + outputs - outputs[place][:, None]
    margins[place] = 0
    return margins


MARGIN_LOSSES: dict[str, Loss] = {
    "huber": Loss(huber, huber_gradient),
    "hinge": Loss(hinge, hinge_gradient),
    "multiclass_hinge": Loss(multiclass_hinge, multiclass_hinge_gradient),
}
"""Every loss of this file by name."""


def targets_of(name: str, outputs: Array, rng: np.random.Generator) -> Any:
    """Targets of the kind that a loss of this file takes."""
    if name == "huber":
        return (outputs + 2 * rng.standard_normal(outputs.shape)).astype(outputs.dtype)
    if name == "hinge":
        return rng.choice([-1, 1], outputs.shape).astype(outputs.dtype)
    return rng.integers(0, outputs.shape[1], len(outputs))


def cases() -> list[Case]:
    """Every gradient at random outputs, in float64 and float32."""
    rng = np.random.default_rng(18)
    found = []
    for name, pair in MARGIN_LOSSES.items():
        for suffix, dtype in (("", np.float64), ("_float32", np.float32)):
            outputs = (2 * rng.standard_normal((6, 4))).astype(dtype)
            targets = targets_of(name, outputs, rng)
            found.append(Case(f"margin_losses/{name}{suffix}", *pair, (outputs, targets), argnums=0))
    return found
