"""Gradients that neither names nor shapes tell apart, told apart by what they should be: slopes of forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcheck.anatomy.returned import Keys, Target, part
from gradcheck.ask import trees

_STEP = 1e-5
"""Of a central difference, relative to the entries or to 1: it need only tell gradients apart."""

_ALIKE = 1e-3


def likeliest(
    ways: Sequence[Mapping[str, Keys]],
    came: Any,
    targets: Mapping[str, Target],
    output: Callable[[str, Any], float],
) -> Mapping[str, Keys]:
    """The way in which most gradients are right, the first of several.

    Parameters
    ----------
    came
        What backward returned.
    output
        ``output(name, value)`` -> <cotangent, forward> where the target ``name`` has that value.
    """
    torn = [name for name in ways[0] if len({way.get(name) for way in ways}) > 1]
    slopes = {name: _slope(targets[name].value, partial(output, name)) for name in torn}

    def right(way: Mapping[str, Keys]) -> int:
        return sum(_is_slope(part(came, way[name]), *slopes[name]) for name in torn if name in way)

    return max(ways, key=right)


def _slope(value: Any, output: Callable[[Any], float]) -> tuple[Any, float]:
    """A direction, and the derivative along it."""
    rng = np.random.default_rng(0)
    along = trees.map_leaves(
        lambda _, leaf: rng.standard_normal(np.shape(leaf)) if trees.is_floating(leaf) else leaf, value
    )
    size = max((float(np.max(np.abs(leaf), initial=1.0)) for _, leaf in trees.leaves(value)), default=1.0)
    step = _STEP * size

    def at(side: float) -> Any:
        pairs = dict(trees.leaves(along))
        return trees.map_leaves(
            lambda path, leaf: leaf + side * step * pairs[path] if trees.is_floating(leaf) else leaf, value
        )

    return along, (output(at(1.0)) - output(at(-1.0))) / (2.0 * step)


def _is_slope(gradient: Any, along: Any, slope: float) -> bool:
    pairs = zip(trees.leaves(gradient), trees.leaves(along), strict=False)
    came = sum(float(np.sum(np.asarray(one) * two)) for (_, one), (_, two) in pairs)
    return abs(came - slope) <= _ALIKE * max(abs(came), abs(slope))
