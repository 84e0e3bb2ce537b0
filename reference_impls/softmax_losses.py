"""Losses of a softmax beside plain cross-entropy, and their hand-written gradients with respect to the logits.

Conventions as in `reference_impls.losses`: a row is an example, losses are means over rows. All start from the same
step: in one row ``log p_k = z_k - log sum_j exp(z_j)``, so ``d log p_k / dz_j = delta_jk - p_j``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.activations import log_softmax, sigmoid, softmax
from reference_impls.losses import Array, Loss, mean
from reference_impls.targets import by_entry, by_row, must_lie


def negative_log_likelihood(log_probabilities: Array, labels: Array) -> Any:
    """Mean over rows of ``-log p_k``, ``k`` the row's label, of log-probabilities that are there already."""
    return -np.sum(log_probabilities[by_row(labels, log_probabilities)]) / max(1, len(labels))


def negative_log_likelihood_gradient(log_probabilities: Array, labels: Array) -> Array:
    """Gradient of `negative_log_likelihood`: one entry of each row of ``n`` was taken, with the weight ``-1/n``."""
    place = by_row(labels, log_probabilities)
    gradient = np.zeros_like(log_probabilities / 1)  # of whole numbers too it is one of floats
    gradient[place] = -1 / max(1, len(labels))
    return gradient


def label_smoothing(logits: Array, labels: Array, smoothing: float = 0.1) -> Any:
    """Cross-entropy to targets that keep ``smoothing`` for all classes alike (Szegedy et al., 2016, section 7).

    ``q_j = (1 - s) delta_jk + s / K`` for ``K`` classes; the mean over rows of ``-sum_j q_j log p_j``.
    """
    must_lie("smoothing", smoothing, 0, 1)
    log_p = log_softmax(logits)
    picked = np.sum(log_p[by_row(labels, logits)])
    spread = np.sum(log_p) / logits.shape[1]
    return -((1 - smoothing) * picked + smoothing * spread) / max(1, len(labels))


def label_smoothing_gradient(logits: Array, labels: Array, smoothing: float = 0.1) -> Array:
    """Gradient of `label_smoothing`.

    As for any targets that add up to 1, ``-sum_k q_k (delta_jk - p_j) = p_j - q_j``; divided by the ``n`` rows.
    """
    must_lie("smoothing", smoothing, 0, 1)
    place, gradient = by_row(labels, logits), softmax(logits)
    gradient -= smoothing / logits.shape[1]
    gradient[place] -= 1 - smoothing
    gradient = gradient / max(1, len(labels))
    return gradient


def kl_divergence(logits: Array, targets: Array) -> Any:
    """Mean over rows of ``sum_j t_j (log t_j - log p_j)``, targets probabilities; ``0 log 0`` is 0.

    The divergence of the targets from the softmax (Kullback and Leibler, 1951).
    """
    targets, tiny = by_entry(targets, logits), np.finfo(logits.dtype).tiny
    entropy = targets * np.log(np.maximum(targets, tiny))
    return np.sum(entropy - targets * log_softmax(logits)) / max(1, len(logits))


def kl_divergence_gradient(logits: Array, targets: Array) -> Array:
    """Gradient of `kl_divergence` with respect to the logits.

    ``t log t`` is constant in them; what is left is cross-entropy: ``T p_j - t_j`` with ``T = sum_k t_k``.
    """
    targets = by_entry(targets, logits)
    mass: Array = np.sum(targets, axis=1, keepdims=True)
    gradient: Array = (mass * softmax(logits) - targets) / max(1, len(logits))
    return gradient


def focal(logits: Array, labels: Array, gamma: float = 2.0) -> Any:
    """Mean over rows of ``-(1 - p_k)^gamma log p_k``: what is well predicted hardly counts (Lin et al., 2017).

    With ``gamma`` 0 it is cross-entropy.
    """
    must_lie("gamma", gamma, 0)
    log_p = log_softmax(logits)[by_row(labels, logits)]
    return -np.sum((-np.expm1(log_p)) ** gamma * log_p) / max(1, len(labels))


def focal_gradient(logits: Array, labels: Array, gamma: float = 2.0) -> Array:
    """Gradient of `focal`.

    With ``l = log p_k`` and ``q = 1 - p_k = 1 - exp(l)``, ``dq/dl = -p_k`` and

        ``d(-q^g l)/dl = g q^(g-1) p_k l - q^g = q^g (g p_k l/q - 1)``,

    times ``dl/dz_j = delta_jk - p_j``. ``q`` is taken as ``-expm1(l)``, which keeps its digits where ``p_k`` is near
    1, and where it is 1 to rounding ``l/q`` is -1, what it tends to: ``log p = log(1 - q) = -q - q^2/2 - ...``.
    """
    must_lie("gamma", gamma, 0)
    place, p = by_row(labels, logits), softmax(logits)
    log_p = log_softmax(logits)[place]
    q = -np.expm1(log_p)
    ratio = np.divide(log_p, q, out=np.full_like(q, -1), where=q > 0)
    outer = (q**gamma * (gamma * np.exp(log_p) * ratio - 1))[:, None]
    gradient = -outer * p
    gradient[place] += outer[:, 0]
    gradient = gradient / max(1, len(labels))
    return gradient


def binary_focal(logits: Array, targets: Array, gamma: float = 2.0) -> Any:
    """The same for entries with two classes each, targets 0 or 1: mean over all entries.

    ``p_t`` is the sigmoid of ``s = z`` where the target is 1, of ``s = -z`` where it is 0.
    """
    must_lie("gamma", gamma, 0)
    s = (2 * by_entry(targets, logits) - 1) * logits
    return mean(sigmoid(-s) ** gamma * np.logaddexp(0, -s))


def binary_focal_gradient(logits: Array, targets: Array, gamma: float = 2.0) -> Array:
    """Gradient of `binary_focal`.

    With ``p = sigmoid(s)``, ``q = 1 - p = sigmoid(-s)``, ``dq/ds = -p q`` and ``d log p / ds = q``: ``d(-q^g log p)/ds
    = g q^g p log p - q^(g+1) = q^g (g p log p - q)``, times ``ds/dz``, 1 or -1.
    """
    must_lie("gamma", gamma, 0)
    sign = 2 * by_entry(targets, logits) - 1
    s = sign * logits
    p, q, log_p = sigmoid(s), sigmoid(-s), -np.logaddexp(0, -s)
    gradient: Array = sign * q**gamma * (gamma * p * log_p - q) / max(1, logits.size)
    return gradient


SOFTMAX_LOSSES: dict[str, Loss] = {
    "negative_log_likelihood": Loss(negative_log_likelihood, negative_log_likelihood_gradient),
    "label_smoothing": Loss(label_smoothing, label_smoothing_gradient),
    "kl_divergence": Loss(kl_divergence, kl_divergence_gradient),
    "focal": Loss(focal, focal_gradient),
    "binary_focal": Loss(binary_focal, binary_focal_gradient),
}
"""Every loss of this file by name."""


def targets_of(name: str, outputs: Array, rng: np.random.Generator) -> Any:
    """Targets of the kind that a loss of this file takes."""
    if name == "kl_divergence":
        return softmax(np.asarray(2 * rng.standard_normal(outputs.shape))).astype(outputs.dtype)
    if name == "binary_focal":
        return rng.integers(0, 2, outputs.shape).astype(outputs.dtype)
    return rng.integers(0, outputs.shape[1], len(outputs))


def cases() -> list[Case]:
    """Every gradient at random logits, in float64 and float32."""
    rng = np.random.default_rng(19)
    found = []
    for name, pair in SOFTMAX_LOSSES.items():
        for suffix, dtype in (("", np.float64), ("_float32", np.float32)):
            logits = (2 * rng.standard_normal((6, 4))).astype(dtype)
            targets = targets_of(name, logits, rng)
            found.append(Case(f"softmax_losses/{name}{suffix}", *pair, (logits, targets), argnums=0))
    return found
