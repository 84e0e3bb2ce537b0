"""Losses fused with their gradients, in buffers made once, for outputs stored features first.

``FUSED[name](outputs)`` prepares a loss of the buffer ``outputs``, of the shape (outputs, examples), and
gives a buffer for its gradient and a function: ``evaluate(targets)`` returns the loss of what ``outputs``
holds then, and fills the gradient. Targets come examples first, as the caller has them. The formulas are
derived in `reference_impls.losses`; with features first, sums over classes run along contiguous memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Fused = tuple[Array, Callable[[Array], Any]]


def _mse(outputs: Array, weight: float) -> Fused:
    gradient = np.empty_like(outputs)
    flat = gradient.reshape(-1)
    of_value, of_slope = outputs.dtype.type(weight), np.array(2 * weight, outputs.dtype)

    def evaluate(targets: Array) -> Any:
        np.subtract(outputs, targets.T, gradient)
        value = flat.dot(flat) * of_value
        np.multiply(gradient, of_slope, gradient)
        return value

    return gradient, evaluate


def mse_mean(outputs: Array) -> Fused:
    """Mean of the squared differences."""
    return _mse(outputs, 1 / max(1, outputs.size))


def mse_sum(outputs: Array) -> Fused:
    """Sum of the squared differences."""
    return _mse(outputs, 1.0)


def binary_cross_entropy_with_logits(outputs: Array) -> Fused:
    """Mean of ``softplus(z) - t z``; the sigmoid in its gradient is ``exp(z - softplus(z))``."""
    gradient, softplus, terms, zeros = (np.zeros_like(outputs) for _ in range(4))
    flat, share = softplus.reshape(-1), np.array(1 / max(1, outputs.size), outputs.dtype)
    mean = np.full(outputs.size, share)
    # for a handful of entries looking these up in np is a twentieth of a whole pass
    logaddexp, exp, subtract, multiply = np.logaddexp, np.exp, np.subtract, np.multiply

    def evaluate(targets: Array) -> Any:
        goal = targets.T
        logaddexp(zeros, outputs, softplus)
        subtract(outputs, softplus, gradient)
        exp(gradient, gradient)
        subtract(gradient, goal, gradient)
        multiply(gradient, share, gradient)
        multiply(goal, outputs, terms)
        subtract(softplus, terms, softplus)  # entry by entry, since the two sums may nearly cancel
        return flat.dot(mean)

    return gradient, evaluate


def logistic(outputs: Array) -> Fused:
    """Mean of ``softplus(m)`` with ``m = -y z``; its gradient is ``-y exp(m - softplus(m))``."""
    gradient, softplus, against, zeros = (np.zeros_like(outputs) for _ in range(4))
    flat, share = softplus.reshape(-1), np.array(1 / max(1, outputs.size), outputs.dtype)
    mean = np.full(outputs.size, share)

    def evaluate(labels: Array) -> Any:
        against[...] = labels.T
        np.negative(against, against)
        np.multiply(against, outputs, gradient)
        np.logaddexp(zeros, gradient, softplus)
        np.subtract(gradient, softplus, gradient)
        np.exp(gradient, gradient)
        np.multiply(gradient, against, gradient)
        np.multiply(gradient, share, gradient)
        return flat.dot(mean)

    return gradient, evaluate


def softmax_cross_entropy(outputs: Array) -> Fused:
    """Mean over examples of ``log sum_j exp(z_j) - z_label``, labels one integer an example."""
    classes, examples = outputs.shape
    gradient, total, factor = np.empty_like(outputs), np.empty_like(outputs[0]), np.empty_like(outputs[0])
    ones, share = np.ones(classes, outputs.dtype), outputs.dtype.type(1 / max(1, examples))
    shift, columns, mean = _shift(outputs, gradient), np.arange(examples), np.full(examples, share)
    # one index into the flat array is half the work of a pair
    flat, index, stride = gradient.reshape(-1), np.empty(examples, np.intp), np.array(examples, np.intp)
    unsigned = index.view(np.uintp)  # where -1 is the largest number

    def evaluate(labels: Array) -> Any:
        if labels.dtype.kind not in "iu":
            raise TypeError(f"targets is {labels.dtype}; this loss takes one integer label an example")
        index[...] = labels
        if examples and unsigned[unsigned.argmax()] >= classes:
            wrong = labels[(labels < 0) | (labels >= classes)][0]
            raise ValueError(f"targets holds {wrong}; wanted labels from 0 to {classes - 1}")
        np.multiply(index, stride, index)
        np.add(index, columns, index)
        shift()
        chosen = flat[index]
        np.exp(gradient, gradient)
        ones.dot(gradient, total)
        np.divide(mean, total, factor)
        np.multiply(gradient, factor, gradient)
        flat[index] -= share
        np.log(total, total)
        np.subtract(total, chosen, total)
        return total.dot(mean)

    return gradient, evaluate


def softmax_cross_entropy_one_hot(outputs: Array) -> Fused:
    """Mean over examples of ``T log sum_j exp(z_j) - sum_j t_j z_j`` with ``T = sum_j t_j``."""
    classes, examples = outputs.shape
    gradient, goal, terms = (np.empty_like(outputs) for _ in range(3))
    total, mass, factor = (np.empty_like(outputs[0]) for _ in range(3))
    ones, share = np.ones(classes, outputs.dtype), np.array(1 / max(1, examples), outputs.dtype)
    shift, mean = _shift(outputs, gradient), np.full(examples, share)

    def evaluate(targets: Array) -> Any:
        goal[...] = targets.T
        ones.dot(goal, mass)
        shift()
        np.multiply(goal, gradient, terms)
        np.exp(gradient, gradient)
        ones.dot(gradient, total)
        np.divide(mean, total, factor)
        np.multiply(factor, mass, factor)
        np.multiply(gradient, factor, gradient)
        np.multiply(goal, share, goal)
        np.subtract(gradient, goal, gradient)
        np.log(total, total)
        np.multiply(total, mass, total)
        ones.dot(terms, factor)
        np.subtract(total, factor, total)
        return total.dot(mean)

    return gradient, evaluate


def _shift(outputs: Array, shifted: Array) -> Callable[[], object]:
    """A function that writes ``outputs`` less each column's maximum into ``shifted``."""
    top = np.empty((1, outputs.shape[1]), outputs.dtype)
    highest = partial(np.maximum.reduce, outputs, 0, None, top, True)  # axis, dtype, out, keepdims

    def shift() -> None:
        highest()
        np.subtract(outputs, top, shifted)

    return shift


FUSED: dict[str, Callable[[Array], Fused]] = {
    "mse_mean": mse_mean,
    "mse_sum": mse_sum,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "logistic": logistic,
    "softmax_cross_entropy": softmax_cross_entropy,
    "softmax_cross_entropy_one_hot": softmax_cross_entropy_one_hot,
}
"""Every loss that takes a network's output as it is, by the name it has in `reference_impls.losses`."""
