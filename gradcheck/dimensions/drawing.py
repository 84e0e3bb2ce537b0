"""One random point for arguments whose shapes are written as words, fit to show what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradcheck.dimensions.shape import Shape, counted, names

_LEADING = 2
"""Axes that ``...`` is at one point: two show a sum over one of them."""


def lengths_of(
    shapes: Mapping[str, Shape], asked: Mapping[str, int], generator: np.random.Generator
) -> dict[str, int]:
    """A length for every dimension: as asked, or small, at least 2, and none like another.

    Equal axes hide a transpose, and an axis of length 1 a sum that was forgotten.
    """
    every = counted(names(shapes), _LEADING)
    free = [name for name in every if name not in asked]
    choice = [length for length in range(2, len(free) + len(asked) + 5) if length not in asked.values()]
    drawn = generator.permutation(choice)[: len(free)]
    given = dict(zip(free, map(int, drawn), strict=True))
    return {name: asked[name] if name in asked else given[name] for name in every}


def point_of(
    shapes: Mapping[str, Shape],
    lengths: Mapping[str, int],
    generator: np.random.Generator,
    dtype: str = "float64",
) -> dict[str, Any]:
    """An argument for every shape: normal floats, indices of which one comes twice, masks true and false.

    Raises
    ------
    ValueError
        Indices lie below 0.
    """
    return {name: _argument(name, shape, lengths, generator, dtype) for name, shape in shapes.items()}


def _argument(
    name: str, shape: Shape, lengths: Mapping[str, int], generator: np.random.Generator, dtype: str
) -> Any:
    sizes = shape.lengths(lengths)
    if shape.kind == "bool":
        return _mask(sizes, generator)
    if shape.kind == "int":
        assert shape.below is not None
        return _indices(name, sizes, shape.below.length(lengths), generator)
    drawn = generator.standard_normal(sizes)
    return np.dtype(dtype).type(drawn) if not sizes else drawn.astype(dtype)


def _mask(sizes: tuple[int, ...], generator: np.random.Generator) -> Any:
    mask = np.asarray(generator.random(sizes) < 0.6)
    if mask.size > 1:  # a mask that is the same everywhere hides what it does
        mask.flat[0] = not mask.flat[-1]
    return mask if sizes else bool(mask)


def _indices(name: str, sizes: tuple[int, ...], below: int, generator: np.random.Generator) -> Any:
    if below == 0:
        raise ValueError(f"the indices {name} lie below 0: there are none")
    drawn = np.asarray(generator.integers(0, below, sizes))
    if drawn.size > 1:  # where no index comes twice, writing is as good as adding
        drawn.flat[0] = drawn.flat[-1]
    return drawn if sizes else int(drawn)
