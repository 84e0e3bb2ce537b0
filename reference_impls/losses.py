"""Losses and their hand-written gradients, each with its derivation.

Examples are rows. A loss ``name(outputs, targets)`` returns one number; ``name_gradient(outputs, targets)``
its derivative with respect to ``outputs``. "Mean" is over every entry, which is the mean over examples
where an example has one output; the softmax losses take one row as one example and average over rows. Of no
examples at all the loss is 0. Targets come entry by entry or row by row, and none is repeated to fit
(`reference_impls.targets`).
float32 stays float32, and no logit of size 1e4 or less overflows, warns or turns to NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradcheck import Case
from reference_impls.activations import log_softmax, sigmoid, softmax
from reference_impls.targets import by_entry, by_row

Array = np.ndarray[Any, np.dtype[Any]]


def mean(entries: Any) -> Any:
    """The mean of all entries; 0 where there are none."""
    return np.sum(entries) / max(1, entries.size)


def mse_mean(outputs: Array, targets: Array) -> Any:
    """Mean over all ``N`` entries of ``(a - t)**2``."""
    return mean((outputs - by_entry(targets, outputs)) ** 2)


def mse_mean_gradient(outputs: Array, targets: Array) -> Array:
    """Gradient of `mse_mean`.

    Only one of the ``N`` summands holds ``a_i``, and its derivative is ``2 (a_i - t_i)``; the mean's
    ``1/N`` stays.
    """
    return 2 * (outputs - by_entry(targets, outputs)) / outputs.size


def mse_sum(outputs: Array, targets: Array) -> Any:
    """Sum over all entries of ``(a - t)**2``."""
    return np.sum((outputs - by_entry(targets, outputs)) ** 2)


def mse_sum_gradient(outputs: Array, targets: Array) -> Array:
    """Gradient of `mse_sum`: ``2 (a - t)``."""
    return 2 * (outputs - by_entry(targets, outputs))


def binary_cross_entropy(probabilities: Array, targets: Array) -> Any:
    """Mean of ``-t log p - (1 - t) log(1 - p)``, targets in [0, 1].

    A probability that has rounded to 0 or 1 has an infinite logarithm. The smallest normal number
    stands in for 0, which caps one entry's loss at 708 (87 in float32). Where the probabilities come from a
    sigmoid, `binary_cross_entropy_with_logits` needs no cap.
    """
    targets, tiny = by_entry(targets, probabilities), np.finfo(probabilities.dtype).tiny
    log_p = np.log(np.maximum(probabilities, tiny))
    log_q = np.log(np.maximum(1 - probabilities, tiny))
    return -mean(targets * log_p + (1 - targets) * log_q)


def binary_cross_entropy_gradient(probabilities: Array, targets: Array) -> Array:
    """Gradient of `binary_cross_entropy`.

    ``d/dp [-t log p - (1 - t) log(1 - p)] = -t/p + (1 - t)/(1 - p)``, times ``1/N`` from the mean.
    """
    targets, tiny = by_entry(targets, probabilities), np.finfo(probabilities.dtype).tiny
    p: Array = np.maximum(probabilities, tiny)
    q: Array = np.maximum(1 - probabilities, tiny)
    return ((1 - targets) / q - targets / p) / probabilities.size


def binary_cross_entropy_with_logits(logits: Array, targets: Array) -> Any:
    """Mean of ``softplus(z) - t z``: binary cross-entropy at ``p = sigmoid(z)``, targets in [0, 1].

    ``log p = -softplus(-z) = z - softplus(z)`` and ``log(1 - p) = -softplus(z)``, so that
    ``-t log p - (1 - t) log(1 - p) = softplus(z) - t z``, with ``softplus(z) = logaddexp(0, z)``.
    """
    return mean(np.logaddexp(0, logits) - by_entry(targets, logits) * logits)


def binary_cross_entropy_with_logits_gradient(logits: Array, targets: Array) -> Array:
    """Gradient of `binary_cross_entropy_with_logits`.

    ``softplus' = sigmoid``, so the derivative is ``(sigmoid(z) - t) / N``: the prediction less the target.
    """
    targets = by_entry(targets, logits)
    return (sigmoid(logits) - targets) / logits.size


def logistic(logits: Array, labels: Array) -> Any:
    """Mean of ``-log sigmoid(y z) = softplus(-y z)`` for labels ``y`` of +1 and -1."""
    return mean(np.logaddexp(0, -by_entry(labels, logits, "labels") * logits))


def logistic_gradient(logits: Array, labels: Array) -> Array:
    """Gradient of `logistic`.

    With ``m = y z``, ``d/dm softplus(-m) = -sigmoid(-m)`` and ``dm/dz = y``: together ``-y sigmoid(-y z) /
    N``.
    """
    labels = by_entry(labels, logits, "labels")
    return -labels * sigmoid(-labels * logits) / logits.size


def softmax_cross_entropy(logits: Array, labels: Array) -> Any:
    """Mean over rows of ``-log softmax(z)[label]``, labels one integer a row.

    Logits have the shape (examples, classes), labels (examples,).
    """
    return -mean(log_softmax(logits)[by_row(labels, logits)])


def softmax_cross_entropy_gradient(logits: Array, labels: Array) -> Array:
    """Gradient of `softmax_cross_entropy`.

    In one row ``-log p_k = log sum_j exp(z_j) - z_k``; its derivative with respect to ``z_j`` is ``p_j -
    delta_jk``. The mean over ``n`` rows leaves ``(softmax(z) - one_hot) / n``.
    """
    gradient = softmax(logits)
    gradient[by_row(labels, logits)] -= 1
    return gradient / len(labels)


def softmax_cross_entropy_one_hot(logits: Array, targets: Array) -> Any:
    """Mean over rows of ``-sum_j t_j log softmax(z)_j``, targets of the logits' shape (examples, classes)."""
    return -np.sum(by_entry(targets, logits) * log_softmax(logits)) / max(1, len(logits))


def softmax_cross_entropy_one_hot_gradient(logits: Array, targets: Array) -> Array:
    """Gradient of `softmax_cross_entropy_one_hot`.

    In one row the loss is ``T log sum_k exp(z_k) - sum_k t_k z_k`` with ``T = sum_k t_k``, and its
    derivative ``T p_j - t_j``. Rows of probabilities have ``T = 1``; keeping ``T`` makes it right for any
    targets.
    """
    targets = by_entry(targets, logits)
    mass: Array = np.sum(targets, axis=-1, keepdims=True)
    return (mass * softmax(logits) - targets) / len(logits)


class Loss(NamedTuple):
    """A loss of (outputs, targets) and its gradient with respect to the outputs."""

    value: Callable[[Array, Array], Any]
    gradient: Callable[[Array, Array], Array]


LOSSES: dict[str, Loss] = {
    "mse_mean": Loss(mse_mean, mse_mean_gradient),
    "mse_sum": Loss(mse_sum, mse_sum_gradient),
    "binary_cross_entropy": Loss(binary_cross_entropy, binary_cross_entropy_gradient),
    "binary_cross_entropy_with_logits": Loss(
        binary_cross_entropy_with_logits, binary_cross_entropy_with_logits_gradient
    ),
    "logistic": Loss(logistic, logistic_gradient),
    "softmax_cross_entropy": Loss(softmax_cross_entropy, softmax_cross_entropy_gradient),
    "softmax_cross_entropy_one_hot": Loss(
        softmax_cross_entropy_one_hot, softmax_cross_entropy_one_hot_gradient
    ),
}
"""Every loss by name."""


def example(name: str, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Array, Array]:
    """Random outputs of ``shape`` (examples, outputs), and targets of the kind the loss ``name`` takes."""
    outputs = rng.standard_normal(shape)
    if name.startswith("mse"):
        return outputs, rng.standard_normal(shape)
    if name == "logistic":
        return outputs, rng.choice([-1.0, 1.0], shape)
    if name == "softmax_cross_entropy":
        return outputs, rng.integers(shape[1], size=shape[0])
    if name == "softmax_cross_entropy_one_hot":
        return outputs, np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
    if name == "binary_cross_entropy":
        outputs = rng.uniform(0.05, 0.95, shape)
    return outputs, rng.integers(2, size=shape).astype(float)


def cases() -> list[Case]:
    """Every loss at random outputs, in float64 and in float32."""
    found = []
    for name, (value, gradient) in LOSSES.items():
        outputs, targets = example(name, (6, 4), np.random.default_rng(1))
        single = targets.astype(np.float32) if targets.dtype == np.float64 else targets
        found += [
            Case(f"losses/{name}", value, gradient, (outputs, targets), argnums=0),
            Case(f"losses/{name}_float32", value, gradient, (outputs.astype(np.float32), single), argnums=0),
        ]
    return found
