"""Saying so where arrays do not fit together, before NumPy repeats them until they do."""

from __future__ import annotations

from operator import index
from types import EllipsisType
from typing import Any

from reference_impls.layers.layer import Array
from reference_impls.targets import must_be_array


def must_have(name: str, array: Array, **axes: int | EllipsisType | None) -> None:
    """Say so if ``array`` has other axes than these, by name: of a length that counts, of any (None), or some (...).

    ``must_have("x", x, batch=None, channels=3, pixels=...)``: an axis, one of length 3, and any others. Nor may it hold
    whole numbers (`must_be_floats`).
    """
    must_be_floats(name, array)
    wanted = list(axes.values())
    if ... in wanted:
        some = wanted.index(...)
        wanted[some : some + 1] = [None] * (array.ndim - len(wanted) + 1)
    if len(wanted) != array.ndim or any(n not in (None, m) for n, m in zip(wanted, array.shape, strict=True)):
        told = (
            "..." if length is ... else axis if length is None else f"{axis} = {length}"
            for axis, length in axes.items()
        )
        raise ValueError(
            f"{name} has the shape {array.shape}; wanted ({', '.join(told)}), to go with the others"
        )


def must_be_floats(name: str, array: Array) -> None:
    """Say so if ``array`` holds whole numbers, which have no slope and cut off what is written there, or objects."""
    must_be_array(name, array)
    if array.dtype.kind in "iubO":
        raise TypeError(f"{name} is {array.dtype}; wanted floats: say by .astype(float)")


def must_agree(**arrays: Array) -> None:
    """Say so if these are not of one dtype: what comes out would be wider than what came in, or rounded to it."""
    (first, given), *others = arrays.items()
    for name, array in others:
        if (
            array.dtype.num != given.dtype.num
        ):  # whose bytes may lie in another order, as they do in some files
            raise TypeError(
                f"{name} is {array.dtype}, and {first} {given.dtype}; wanted one dtype: say by "
                f".astype({first}.dtype), or make parameters with dtype={first}.dtype"
            )


def must_answer(dy: Array, shape: tuple[int, ...], dtype: Any) -> None:
    """Say so if ``dy`` has not one entry for each of ``y``, which has this shape and dtype."""
    must_be_array("dy", dy)
    if dy.shape != shape:
        raise ValueError(f"dy has the shape {dy.shape}, and y {shape}: give one for each entry of y")
    if dy.dtype.num != dtype.num:
        raise TypeError(f"dy is {dy.dtype}, and y {dtype}; wanted one dtype: say by .astype(y.dtype)")


def must_spread(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Say so if ``array`` cannot be repeated to this shape."""
    pairs = zip(reversed(array.shape), reversed(shape), strict=False)
    if array.ndim > len(shape) or any(n not in (1, m) for n, m in pairs):
        raise ValueError(
            f"{name} has the shape {array.shape}; wanted {shape}, or less of it that can be repeated"
        )


def must_fall_into(name: str, parts: int, count: int, what: str) -> None:
    """Say so if ``count`` of something do not make so many equal parts."""
    try:
        index(parts)
    except TypeError:
        raise TypeError(f"{name} is {parts!r}; wanted a whole number") from None
    if parts < 1 or count % parts:
        raise ValueError(f"{count} {what} do not fall into {name}={parts} of equal size")
