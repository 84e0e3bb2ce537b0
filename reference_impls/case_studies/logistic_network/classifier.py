"""Handwritten digits through 784 inputs, 128 relu units and 10 logits, by stochastic gradient descent.

The loss is softmax cross-entropy with integer labels, computed from the logits. The network is
`reference_impls.mlp`'s.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reference_impls.case_studies.digits import Digits
from reference_impls.case_studies.history import History
from reference_impls.fast_mlp import Workspace, loss_and_gradients
from reference_impls.mlp import initial_parameters, predict
from reference_impls.parameters import Parameters, arrays, like

SIZES = (784, 128, 10)

EpochWatch = Callable[[int, float, float], None]


def accuracy(params: Parameters, digits: Digits) -> float:
    """The share of ``digits`` whose largest logit is their label's."""
    return float(np.mean(np.argmax(predict(params, digits.images), axis=1) == digits.labels))


def batches(count: int, size: int, random: np.random.Generator) -> list[NDArray[np.int_]]:
    """The indices 0 to ``count - 1``, shuffled, in pieces of ``size``; the last may be shorter."""
    order = random.permutation(count)
    return [order[first : first + size] for first in range(0, count, size)]


def train(
    train: Digits,
    test: Digits,
    *,
    epochs: int = 10,
    learning_rate: float = 0.01,
    seed: int = 0,
    batch: int = 32,
    watch: EpochWatch | None = None,
) -> History:
    """Plain SGD over shuffled batches, ``epochs`` times over ``train``.

    Returns
    -------
    History
        ``losses``: the mean loss of each batch, before its step. ``accuracies``: on ``test``, after each
        epoch. ``parameters``: ``W`` and ``b`` of one layer after the other.
    """
    random = np.random.default_rng(seed)
    params = initial_parameters(SIZES, random)
    slopes, workspace = like(params), Workspace()
    losses: list[float] = []
    accuracies: list[float] = []
    for epoch in range(epochs):
        first = len(losses)
        for rows in batches(len(train.labels), batch, random):
            images, labels = train.images[rows], train.labels[rows]
            losses.append(
                float(loss_and_gradients(params, images, labels, workspace=workspace, out=slopes)[0])
            )
            for parameter, slope in zip(arrays(params), arrays(slopes), strict=True):
                slope *= learning_rate
                parameter -= slope
        accuracies.append(accuracy(params, test))
        if watch is not None:
            watch(epoch, float(np.mean(losses[first:])), accuracies[-1])
    return History(np.array(losses), tuple(arrays(params)), np.array(accuracies))
