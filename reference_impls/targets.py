"""What losses compare outputs with: a number for each entry, or a label for each row.

NumPy would repeat what does not fit until it does: of outputs (n, 1) and targets (n,) it makes n differences of each
with each, and their mean is a number like any other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def by_entry(targets: Array, outputs: Array, name: str = "targets") -> Array:
    """``targets`` of the outputs' dtype, so that the loss has it as well; an error where they are of another shape."""
    must_be_array("outputs", outputs)
    must_be_array(name, targets)
    if targets.shape != outputs.shape:
        raise ValueError(
            f"{name} has the shape {targets.shape}, and the outputs {outputs.shape}: give one for each entry, say "
            f"by reshape{outputs.shape}"
        )
    if outputs.dtype.kind != "f" or targets.dtype == outputs.dtype:
        return targets
    converted: Array = targets.astype(outputs.dtype)
    return converted


def by_row(labels: Array, outputs: Array) -> tuple[Array, Array]:
    """The places of the labels in ``outputs`` (examples, classes), as an index."""
    must_be_array("outputs", outputs)
    if outputs.ndim != 2:
        raise ValueError(
            f"the outputs have the shape {outputs.shape}; wanted (examples, classes), say by .reshape"
        )
    examples, classes = outputs.shape
    must_be_whole("labels", labels, (examples,))
    must_be_within("labels", labels, 0, classes - 1)
    return np.arange(examples), labels


def must_be_array(name: str, value: object) -> None:
    """Say so if this is a list, a number or whatever else has no dtype."""
    if not hasattr(value, "dtype"):
        raise TypeError(f"{name} is a {type(value).__name__}; wanted an array: say by numpy.array({name})")


def must_lie(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Say so if this is no number from ``least`` to ``most``."""
    try:
        lies = np.ndim(value) == 0 and bool(least <= value <= most)
    except TypeError:  # a string, None
        lies = False
    if not lies:
        raise ValueError(f"{name}={value!r}; wanted a number from {least} to {most}")


def must_be_whole(name: str, values: Array, shape: tuple[int, ...]) -> None:
    """Say so if these are not integers of this shape."""
    must_be_array(name, values)
    if values.shape != shape or values.dtype.kind not in "iu":
        raise ValueError(
            f"{name} is {values.dtype} of shape {values.shape}; wanted whole numbers of shape {shape}, as the outputs "
            "have it: say by .ravel(), by .astype(int), or of one-hot rows by .argmax(axis=1)"
        )


def must_be_within(name: str, values: Array, least: int, most: int) -> None:
    """Say so if one of the integers is none from ``least`` to ``most``; to NumPy -1 would be the last class."""
    if values.size and (values.min() < least or values.max() > most):
        wrong = values[(values < least) | (values > most)][0]
        raise ValueError(f"{name} holds {wrong}; wanted from {least} to {most}, by the shapes of the others")
