"""Surfaces that the arrays of a point are on: rotations, distributions. A claim may be the derivative there alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.point import Point
from gradcheck.ask.trees import Floats

_Surface = Callable[[Floats, Floats, float], Floats | None]
"""Of an array, where it is moved to, and how far it may be off: that place on the surface; None where it is on none."""


def away(where: Point, step: Floats) -> Iterator[Floats]:
    """Where a step leads: straight ahead, then kept on the surfaces that the arrays are on, where they are on any."""
    ahead = where.x + step
    yield ahead
    before = ahead
    for surfaces in (_SURFACES, _SURFACES[::-1]):  # the identity is symmetric, and a rotation
        kept = ahead.copy()
        for slot in where.slots:
            part = slice(slot.start, slot.stop)
            if slot.size > 1 and step[part].any():
                given, moved = (x[part].reshape(slot.shape) for x in (where.x, ahead))
                close = 8.0 * slot.size * precision.of(slot.dtype)
                found = (surface(given, moved, close) for surface in surfaces)
                kept[part] = next((one for one in found if one is not None), moved).ravel()
        if not np.array_equal(kept, before):
            yield kept
        before = kept


def is_symmetric(value: Floats, close: float = 0.0) -> bool:
    """Whether it is a symmetric matrix, or a stack of them, to rounding: an inverse is."""
    if value.ndim < 2 or not 1 < value.shape[-1] == value.shape[-2]:
        return False
    column, row = value[..., 0], value[..., 0, :]
    if not _are_close(column, row, 1e-3 * float(abs(row).max())):  # most are told by that
        return False
    allowed = (close or 8.0 * value.size * precision.of(value.dtype)) * float(abs(value).max())
    return _are_close(value, value.swapaxes(-1, -2), allowed)


def _are_close(one: Floats, other: Floats, allowed: float) -> bool:
    return bool(((one == other) | (abs(one - other) <= allowed)).all())


def _symmetric(given: Floats, moved: Floats, close: float) -> Floats | None:
    if not is_symmetric(given, close) or (given == given.flat[0]).all():
        return None
    return 0.5 * (moved + moved.swapaxes(-1, -2))


def _distribution(given: Floats, moved: Floats, close: float) -> Floats | None:
    return None if (given < 0.0).any() else _in_parts(given, np.abs(moved), close)


def _unit(given: Floats, moved: Floats, close: float) -> Floats | None:
    squares = _in_parts(np.square(given), np.square(moved), close)
    return None if squares is None else np.copysign(np.sqrt(squares), moved)


def _in_parts(given: Floats, moved: Floats, close: float) -> Floats | None:
    """What is moved, so that it adds up to 1 along the axes along which what is given does."""
    every = (tuple(range(given.ndim)), *((axis,) for axis in range(given.ndim)))
    found = [
        axes
        for axes in every
        if all(given.shape[axis] > 1 for axis in axes)
        and np.all(abs(given.sum(axis=axes, keepdims=True) - 1.0) <= close)
    ]
    for axes in found * _ROUNDS:
        moved = moved / moved.sum(axis=axes, keepdims=True)
    return moved if found else None


_ROUNDS = 30
"""Of dividing by the sums of rows and of columns in turn (Sinkhorn and Knopp 1967), for both to be 1."""


def _orthonormal(given: Floats, moved: Floats, close: float) -> Floats | None:
    if given.ndim < 2 or 1 in given.shape[-2:]:
        return None
    narrow = given if given.shape[-2] >= given.shape[-1] else given.swapaxes(-1, -2)
    if (abs(narrow.swapaxes(-1, -2) @ narrow - np.eye(narrow.shape[-1])) > close).any():
        return None
    left, _, right = np.linalg.svd(moved, full_matrices=False)
    nearest: Floats = left @ right
    return nearest


_SURFACES: tuple[_Surface, ...] = (_symmetric, _distribution, _unit, _orthonormal)
