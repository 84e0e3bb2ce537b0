"""What is special about the data of a point, so that mistakes hide behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import is_training
from gradcheck.anatomy.places import Item, found, spelled, walk
from gradcheck.ask import trees
from gradcheck.ask.callees import data_named
from gradcheck.ask.point import Point
from gradcheck.ask.surfaces import is_symmetric
from gradcheck.findings import Blind, Unseen

Spread = tuple[tuple[int, ...], tuple[int, ...]]
"""The shape of an operand, and that of what is made of it and others."""

_MANY = 4096
"""Rows of more are compared with the first one alone."""

_DROPOUT = re.compile(r"drop")
_KEEP = re.compile(r"keep")
_SHARE = re.compile(r"_?(p|prob|probability|rate|ratio)_?")
"""What a class that drops calls the share by itself."""


def special(where: Point, function: Callable[..., Any], spreads: frozenset[Spread]) -> Iterator[Unseen]:
    """The blind spots of the arguments, and of what the function finds outside them.

    A number that is in globals is taken for a constant of the program, as what is in capitals is.

    Parameters
    ----------
    spreads
        What is spread over what in f, to tell an axis that is there for it from one that is alone.
    """
    given = dict(zip(where.names, where.args, strict=True))
    own, common = data_named(function, DEEP, given)
    point = own | given
    for name, value in (point | {name: one for name, one in common.items() if name not in point}).items():
        yield from _of_value(name, value, name in point, spreads)


def of_arguments(where: Point) -> Iterator[Unseen]:
    """Of `special` what is said of the arguments that are checked."""
    for number in where.argnums:
        yield from _of_value(where.names[number], where.args[number], True, frozenset())


def _of_value(name: str, value: Any, of_point: bool, spreads: frozenset[Spread]) -> Iterator[Unseen]:
    for path, leaf in _leaves(value):
        if not isinstance(leaf, np.ndarray | np.generic | bool | int | float):
            continue
        told, key = trees.name(name, path), str([name.rpartition(".")[2], *path][-1])
        settings = list(_of_setting(key, told, leaf))
        yield from settings
        if isinstance(leaf, np.ndarray) and leaf.ndim:
            if of_point or not _is_constant(name):
                yield from _of_array(told, leaf, spreads)
        elif of_point and not settings:
            yield from _of_number(told, path, leaf)


DEEP = 6
"""How many calls below f and the claim are looked into."""

_FEW = 256
"""Leaves of a value that are looked at: of more, a data set in lists."""


def _leaves(value: Any) -> Iterator[tuple[trees.Path, Any]]:
    with suppress(trees.Endless):
        yield from islice(trees.leaves(value), _FEW)


def _is_constant(name: str) -> bool:
    word = name.rpartition(".")[2]
    return word.isupper() and len(word) > 1


def _of_number(name: str, path: trees.Path, value: Any) -> Iterator[Unseen]:
    """Of a number that is 0 or 1; those in a list are data."""
    listed = bool(path) and isinstance(path[-1], int)
    if not listed and trees.is_floating(value) and float(value) in _SAID:
        yield Unseen(Blind.CONSTANT, name, _constant(name, float(value), f"{name} is"))


def _of_array(name: str, value: np.ndarray, spreads: frozenset[Spread]) -> Iterator[Unseen]:
    if not value.size or value.dtype.kind not in "bfiu":
        return
    same = (value == value.flat[0]).all()
    if value.dtype.kind == "b" and same:
        hidden = "what it masks out" if value.all() else "what it lets through"
        word = str(bool(value.flat[0])).lower()
        yield Unseen(Blind.MASK, name, f"{name} is {word} everywhere: {hidden} was not seen")
    if value.dtype.kind == "f":
        yield from _lone_axes(name, value, spreads)
    if value.dtype.kind != "b" and same:
        yield from _of_constant(name, value)
    elif value.dtype.kind == "f":
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


def _of_constant(name: str, value: np.ndarray) -> Iterator[Unseen]:
    """Of an array of one number; a single index is like any other."""
    number = float(value.flat[0])
    if value.size > 1 or (value.dtype.kind == "f" and number in _SAID):
        yield Unseen(Blind.CONSTANT, name, _constant(name, number, f"every entry of {name} is"))


def _repeats(name: str, value: np.ndarray) -> Iterator[Unseen]:
    if is_symmetric(value):
        what = "the identity" if (value == np.eye(value.shape[-1], dtype=value.dtype)).all() else "symmetric"
        yield Unseen(
            Blind.SYMMETRIC, name, f"{name} is {what}: a transpose of it too many or too few was not seen"
        )
    elif value.ndim > 1:
        for axis in range(value.ndim):
            if _has_equal(value.swapaxes(axis, 0)) and not np.isin(value, NATURAL).all():
                what = ("rows", "columns")[axis] if value.ndim == 2 else f"slices along axis {axis}"
                message = f"{name} has equal {what}: one in the place of another was not seen"
                yield Unseen(Blind.ROWS, name, message)


_SAID = {0.0: ("zero", "a term or a factor with it"), 1.0: ("one", "a power of it or a factor")}
NATURAL = (-1.0, 0.0, 1.0)
"""Entries of labels and masks, whose rows repeat."""


def _constant(name: str, value: float, ahead: str) -> str:
    said, hidden = _SAID.get(value, (f"{value:.6g}", "which entry is taken"))
    return f"{ahead} {said}: {hidden} was not seen"


def _has_equal(slices: np.ndarray) -> bool:
    """Whether two are the same; those of one number throughout are padding and pixels that no image reaches."""
    first = slices.T[(0,) * (slices.ndim - 1)]  # most are told apart by that
    if slices[:1].size < 2 or _all_differ(first):
        return False
    rows = slices.reshape(len(slices), -1)
    rows = rows[(rows != rows[:, :1]).any(axis=1)]
    if len(rows) < 2:
        return False
    if len(rows) > _MANY:
        return bool((rows == rows[0]).all())
    return len({row.tobytes() for row in rows}) < len(rows)


def _all_differ(numbers: np.ndarray) -> bool:
    """Whether no two of them are the same; of several that are no numbers that is not said."""
    inorder = np.sort(numbers)
    return bool((inorder[1:] != inorder[:-1]).all() and (inorder[-1:] == inorder[-1:]).all())


def of_layer(layer: Any) -> Iterator[Unseen]:
    """The blind spots of the settings that a layer, or one inside it, keeps."""
    for place, value in walk(layer, lambda name: False):
        for step in place[-1:]:
            key = str(step.key if isinstance(step, Item) else step.name)
            owner = type(found(layer, place[:-1])).__name__ if _SHARE.fullmatch(key.lower()) else ""
            yield from _of_setting(owner + key, spelled(place), value)


def _of_setting(key: str, name: str, value: Any) -> Iterator[Unseen]:
    plain = key.lower()
    if isinstance(value, bool):
        if is_training(plain) and not value:
            yield Unseen(Blind.DROPOUT, name, f"{name} is False: what happens in training alone was not seen")
    elif isinstance(value, float | int | np.floating) and (
        (_DROPOUT.search(plain) and value == 0) or (_KEEP.search(plain) and value == 1)
    ):
        yield Unseen(Blind.DROPOUT, name, f"{name} is {value}: nothing is dropped, and dropout was not seen")
