"""What every training run returns, and the gradient descent that most of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parameters = tuple[Array, ...]
Gradient = Callable[..., Parameters]
LossAndGradient = Callable[[Parameters], tuple[float, Parameters]]
Watch = Callable[[int, float, Parameters, Parameters], None]


@dataclass(frozen=True, eq=False)
class History:
    """The course of one training run.

    Attributes
    ----------
    losses
        One number a step, taken before the step.
    parameters
        The parameters after the last step.
    accuracies
        One number from 0 to 1 a step; empty where the study counts none.
    """

    losses: Array
    parameters: Parameters
    accuracies: Array = field(default_factory=lambda: np.empty(0))


def descend(
    loss_and_gradient: LossAndGradient,
    parameters: Sequence[Array],
    *,
    steps: int,
    learning_rate: float,
    watch: Watch | None = None,
) -> History:
    """Plain gradient descent, every step over the whole batch.

    Parameters
    ----------
    loss_and_gradient
        Takes the tuple of parameters; returns the loss and one gradient a parameter. The gradients may live
        in buffers that the next call overwrites.
    parameters
        Where to start; copied, never written to.
    steps, learning_rate
        How many steps, and how far each goes along the negative gradient.
    watch
        Called before each step with its number, the loss, the parameters and the gradients; what it wants to
        keep it must copy, since the step works in place.

    Raises
    ------
    ValueError
        If ``steps`` is negative.
    """
    check_steps(steps)
    current = tuple(np.array(parameter, dtype=float) for parameter in parameters)
    losses = np.empty(steps)
    for step in range(steps):
        losses[step], gradients = loss_and_gradient(current)
        if watch is not None:
            watch(step, float(losses[step]), current, gradients)
        for parameter, gradient in zip(current, gradients, strict=True):
            parameter -= learning_rate * gradient
    return History(losses, current)


def check_steps(steps: int) -> None:
    """Raise a ValueError if ``steps`` is negative."""
    if steps < 0:
        raise ValueError(f"steps={steps}: the number of steps must be 0 or more")


def paired(loss: Callable[..., Any], gradient: Gradient, *data: Array) -> LossAndGradient:
    """One function for `descend` out of a loss and a gradient, both called as ``(*data, *parameters)``."""

    def loss_and_gradient(parameters: Parameters) -> tuple[float, Parameters]:
        return float(loss(*data, *parameters)), gradient(*data, *parameters)

    return loss_and_gradient


def all_of(*watches: Watch) -> Watch:
    """One watch that calls each of these."""

    def watch(step: int, loss: float, parameters: Parameters, gradients: Parameters) -> None:
        for each in watches:
            each(step, loss, parameters, gradients)

    return watch


def print_every(interval: int) -> Watch:
    """A watch that prints step and loss every ``interval`` steps."""

    def watch(step: int, loss: float, parameters: Parameters, gradients: Parameters) -> None:
        if step % interval == 0:
            print(f"step {step:6d}  loss {loss:.12g}")

    return watch
