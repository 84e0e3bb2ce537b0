"""A point made smaller along a dimension: its arrays cut, its indices kept in range, the rest as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.dimensions import Shape, shape_of

if TYPE_CHECKING:
    from gradcheck.strategies import At

_SMALL = 4
"""Lengths up to this are tried; a mistake that needs more is left at the length it was found at."""


def smaller(at: At, shapes: Mapping[str, Any]) -> Iterator[At]:
    """The point with one of its dimensions shorter, the shortest first."""
    parsed = {name: shape_of(name, text) for name, text in shapes.items() if isinstance(text, str)}
    for name, length in at.dims.items():
        for shorter in range(1, min(length, _SMALL + 1)):
            dims = {**at.dims, name: shorter}
            args = {
                key: _cut(value, parsed[key], dims) if key in parsed else value
                for key, value in at.args.items()
            }
            yield replace(at, args=args, dims=dims)


def _cut(value: Any, shape: Shape, dims: Mapping[str, int]) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    part = value[tuple(slice(length) for length in shape.lengths(dims))].copy()
    return part if shape.below is None else part % max(1, shape.below.length(dims))
