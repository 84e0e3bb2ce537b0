"""The inputs of forward: what of them has a gradient, and what the output depends on without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import in_common
from gradcheck.anatomy.naming import is_given
from gradcheck.anatomy.parameters import shifted
from gradcheck.anatomy.passes import Dependence
from gradcheck.anatomy.places import Attribute, Item
from gradcheck.anatomy.returned import Target
from gradcheck.ask import trees


def names_in(inputs: Sequence[Target]) -> set[str]:
    """What the inputs and the leaves of them are called."""
    return {
        name
        for one in inputs
        for path, _ in trees.leaves(one.value)
        for name in (one.name, trees.name(one.name, path))
    }


def cut(inputs: Sequence[Target], came: Mapping[str, Any]) -> list[Target]:
    """The inputs, of dicts of parameters what has a gradient among what ``came``."""
    return [
        replace(one, value=in_common(one.value, came[one.name])[0]) if one.name in came else one
        for one in inputs
    ]


def without_gradient(inputs: Sequence[Target], came: Mapping[str, Any], depends: Dependence) -> list[str]:
    """Arrays of the inputs, or whole inputs, on which the output depends and for which nothing ``came``."""
    rest = [
        (one, path)
        for one, part in zip(inputs, cut(inputs, came), strict=True)
        for path in _arrays(one)
        if one.name not in came or path not in _arrays(part)
    ]
    still = depends(_as_it_is) if rest else None
    felt = [
        trees.name(one.name, path if one.name in came else ())
        for one, path in rest
        if replace(depends, values=_shifted(depends.values, one.value, path))(_as_it_is) != still
    ]
    return list(dict.fromkeys(felt))


def _arrays(one: Target) -> list[trees.Path]:
    """Where it holds arrays of floats that are called neither settings nor statistics."""
    return [
        path
        for path, leaf in trees.leaves(one.value if one.differentiable else None)
        if isinstance(leaf, np.ndarray)
        and trees.is_floating(leaf)
        and not is_given((Attribute(one.name), *map(Item, path)))
    ]


def _as_it_is(own: Any) -> None:
    """No change of the layer."""


def _shifted(values: tuple[Any, ...], value: Any, path: trees.Path) -> tuple[Any, ...]:
    """The inputs with one array of one of them elsewhere."""
    other = trees.map_leaves(lambda there, leaf: shifted(leaf, 0) if there == path else leaf, value)
    return tuple(other if one is value else one for one in values)
