"""What is special about the arrays of a point, so that mistakes hide behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import is_training
from gradcheck.ask import trees
from gradcheck.ask.point import Point
from gradcheck.findings import Blind, Unseen

Spread = tuple[tuple[int, ...], tuple[int, ...]]
"""The shape of an operand, and that of what is made of it and others."""

_MANY = 4096
"""Rows of more are compared with the first one alone."""

_DROPOUT = re.compile(r"drop")
_KEEP = re.compile(r"keep")


def special(where: Point, spreads: frozenset[Spread]) -> Iterator[Unseen]:
    """The blind spots of the arguments.

    Parameters
    ----------
    spreads
        What is spread over what in f, to tell an axis that is there for it from one that is alone.
    """
    named = [
        (trees.name(where.names[number], path), leaf)
        for number, arg in enumerate(where.args)
        for path, leaf in trees.leaves(arg)
    ]
    for name, leaf in named:
        if isinstance(leaf, np.ndarray):
            yield from _of_array(name, leaf, spreads)
        else:
            yield from _of_setting(name.rpartition("'")[0].rpartition("'")[2] or name, name, leaf)


def _of_array(name: str, value: np.ndarray, spreads: frozenset[Spread]) -> Iterator[Unseen]:
    if value.dtype.kind == "b":
        if value.size and value.all():
            yield Unseen(Blind.MASK, name, f"{name} is true everywhere: what it masks out was not seen")
        return
    if value.dtype.kind == "f":
        yield from _lone_axes(name, value, spreads)
        yield from _repeats(name, value)


def _lone_axes(name: str, value: np.ndarray, spreads: frozenset[Spread]) -> Iterator[Unseen]:
    for axis, length in enumerate(value.shape):
        if length == 1 and value.ndim > 1 - (value.size == 1) and not _is_spread(value.shape, axis, spreads):
            yield Unseen(
                Blind.AXIS,
                name,
                f"axis {axis} of {name} has length 1: a sum or a mean over it, or a factor of its length, was not seen",
            )


def _is_spread(shape: tuple[int, ...], axis: int, spreads: frozenset[Spread]) -> bool:
    """Whether what has this shape is spread along the axis, as a bias is over a batch."""
    from_the_end = axis - len(shape)
    return any(one == shape and len(made) >= len(shape) and made[from_the_end] > 1 for one, made in spreads)


def _repeats(name: str, value: np.ndarray) -> Iterator[Unseen]:
    if value.size < 2:
        return
    first = value.flat[0]
    if (value == first).all():
        said = "zero" if first == 0.0 else "one" if first == 1.0 else f"{first:.6g}"
        hidden = {"zero": "a term or a factor with it", "one": "a power of it or a factor"}.get(
            said, "which entry is taken"
        )
        yield Unseen(Blind.CONSTANT, name, f"every entry of {name} is {said}: {hidden} was not seen")
        return
    if value.ndim == 2 and value.shape[0] == value.shape[1] and np.array_equal(value, value.T):
        what = "the identity" if np.array_equal(value, np.eye(len(value), dtype=value.dtype)) else "symmetric"
        yield Unseen(
            Blind.SYMMETRIC, name, f"{name} is {what}: a transpose of it too many or too few was not seen"
        )
    elif value.ndim >= 2 and len(value) > 1 and _has_equal_rows(value.reshape(len(value), -1)):
        yield Unseen(Blind.ROWS, name, f"{name} has equal rows: one in the place of another was not seen")


def _has_equal_rows(rows: np.ndarray) -> bool:
    if rows.shape[1] < 2:
        return False
    if len(rows) > _MANY:
        return bool((rows == rows[0]).all())
    equal = len({row.tobytes() for row in rows}) < len(rows)
    return equal and not ((rows == 0.0) | (rows == 1.0)).all()  # labels and masks repeat by nature


def _of_setting(key: str, name: str, value: Any) -> Iterator[Unseen]:
    plain = key.lower()
    if isinstance(value, bool):
        if is_training(plain) and not value:
            yield Unseen(Blind.DROPOUT, name, f"{name} is False: what happens in training alone was not seen")
    elif isinstance(value, float | int | np.floating) and (
        (_DROPOUT.search(plain) and value == 0) or (_KEEP.search(plain) and value == 1)
    ):
        yield Unseen(Blind.DROPOUT, name, f"{name} is {value}: nothing is dropped, and dropout was not seen")
