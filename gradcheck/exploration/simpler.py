"""A point that fails made simpler: cut along a dimension, its indices kept in range; its numbers rounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.dimensions.shape import Shape, shape_of

if TYPE_CHECKING:
    from gradcheck.strategies import At

_SMALL = 4
"""Lengths up to this are tried one by one, longer ones by halves."""

_ENTRIES = 32
"""Entries of an array that are rounded one by one; those of a larger one together alone."""


def simpler(at: At, shapes: Mapping[str, Any]) -> Iterator[At]:
    """The point with one thing simpler, smaller shapes before rounder numbers."""
    parsed = {name: shape_of(name, text) for name, text in shapes.items() if isinstance(text, str)}
    if 0 in at.dims.values():
        yield _filled(at, parsed)
    yield from _smaller(at, parsed)
    yield from _rounder(at, parsed)


def _filled(at: At, parsed: Mapping[str, Shape]) -> At:
    """The point with what has no entries of length 1, and zeros in it: a report can say more of that."""
    dims = {name: length or 1 for name, length in at.dims.items()}
    filled = {
        name: np.zeros(shape.lengths(dims), np.asarray(at.args[name]).dtype)
        for name, shape in parsed.items()
        if np.size(at.args[name]) == 0
    }
    return replace(at, args=at.args | filled, dims=dims)


def _smaller(at: At, parsed: Mapping[str, Shape]) -> Iterator[At]:
    """One of its dimensions shorter, the shortest first; what goes is the end, or the beginning."""
    for name, length in at.dims.items():
        for shorter in _lengths(length):
            dims = {**at.dims, name: shorter}
            for part in (_first, _last):
                args = {
                    key: _cut(value, parsed[key], dims, part) if key in parsed else value
                    for key, value in at.args.items()
                }
                yield replace(at, args=args, dims=dims)


def _lengths(length: int) -> list[int]:
    halves = [length // 2, 3 * length // 4, length - 1]
    return sorted({one for one in (*range(1, _SMALL + 1), *halves) if 0 < one < length})


def _first(old: int, new: int) -> slice:
    return slice(new)


def _last(old: int, new: int) -> slice:
    return slice(old - new, old)


def _cut(value: Any, shape: Shape, dims: Mapping[str, int], part: Callable[[int, int], slice]) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    lengths = shape.lengths(dims)
    cut = value[tuple(part(old, new) for old, new in zip(value.shape, lengths, strict=True))].copy()
    return cut if shape.below is None else cut % max(1, shape.below.length(dims))


def _rounder(at: At, parsed: Mapping[str, Shape]) -> Iterator[At]:
    """One of its arrays, or an entry of one, in fewer digits."""
    for name in parsed:
        value = np.asarray(at.args[name])
        if value.dtype.kind == "b":
            continue
        for rounded in _candidates(value):
            if _digits(rounded) < _digits(value):
                scalar = not isinstance(at.args[name], np.ndarray)
                yield replace(at, args={**at.args, name: type(at.args[name])(rounded) if scalar else rounded})


def _candidates(value: np.ndarray) -> Iterator[np.ndarray]:
    digits = (1, 2) if value.dtype.kind == "f" else ()  # an index of fewer digits may be one too large
    fewer = [partial(_to_digits, digits=count) for count in digits]
    roundings: list[Callable[[np.ndarray], np.ndarray]] = [np.zeros_like, np.sign, *fewer]
    yield from (np.asarray(rounding(value)) for rounding in roundings)
    for index in range(value.size) if 1 < value.size <= _ENTRIES else ():
        for rounding in roundings:
            one = value.copy()
            one.flat[index] = rounding(value.ravel()[index : index + 1])[0]
            yield one


def _to_digits(value: np.ndarray, digits: int) -> np.ndarray:
    rounded = [float(f"{one:.{digits}g}") for one in value.ravel()]
    return np.array(rounded).reshape(value.shape).astype(value.dtype)


def _digits(value: np.ndarray) -> int:
    """How much there is to read: nothing of a zero, else the digits, the sign, the exponent."""
    return sum(len(str(one).strip("0.")) for one in value.ravel())
