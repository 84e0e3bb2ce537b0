"""Gradient descent on the fast core, for the networks that `reference_impls.fast_mlp` knows."""

from __future__ import annotations

from typing import cast

import numpy as np

from reference_impls.case_studies.history import Array, History, Parameters, Watch, check_steps
from reference_impls.fast_mlp import Workspace, loss_and_gradients
from reference_impls.parameters import Layer, arrays, copies, like, side_by_side


def descend_by_core(
    start: Parameters,
    X: Array,
    Y: Array,
    *,
    hidden: str,
    loss: str,
    steps: int,
    learning_rate: float,
    watch: Watch | None = None,
) -> History:
    """Gradient descent on the sum over all examples of a loss that the core takes the mean of.

    Parameters
    ----------
    start
        ``(W1, b1, W2, b2, ...)``; copied, never written to.
    X, Y
        Inputs and targets, one example a row, one output an example.
    hidden, loss
        As `reference_impls.fast_mlp.loss_and_gradients` takes them.
    steps, learning_rate, watch
        As for `history.descend`.
    """
    check_steps(steps)
    pairs = zip(start[::2], start[1::2], strict=True)
    params = copies([{"W": W, "b": b} for W, b in pairs])
    gradients, workspace = like(params), Workspace()
    current, slopes = tuple(arrays(params)), tuple(arrays(gradients))
    # one array for W and b of a layer halves the calls, which is what a step of a small network costs
    moves = list(zip(map(_whole, params), map(_whole, gradients), strict=True))
    losses, examples = np.empty(steps), np.array(float(len(X)))
    rate = np.array(learning_rate)
    for step in range(steps):
        mean, _ = loss_and_gradients(params, X, Y, hidden, loss, workspace=workspace, out=gradients)
        losses[step] = mean * examples
        for _, slope in moves:
            np.multiply(slope, examples, slope)
        if watch is not None:
            watch(step, float(losses[step]), current, slopes)
        for layer, slope in moves:
            np.multiply(slope, rate, slope)
            np.subtract(layer, slope, layer)
    return History(losses, current)


def _whole(layer: Layer) -> Array:
    return cast(Array, side_by_side(layer))  # None only for arrays that neither copies nor like have made
