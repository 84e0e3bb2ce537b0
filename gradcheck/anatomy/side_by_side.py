"""What several passes left, side by side, and what of it goes with the cotangent, as gradients do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcheck.anatomy.places import Item, Place

Left = Sequence[tuple[Place, Any]]
"""Arrays as a pass left them, each with its place."""


def side_by_side(*passes: Left) -> Iterator[tuple[Place, list[Any]]]:
    """Of each place in the last pass what each left there; of lists that grow with every pass the ends are alike."""
    named = [_by_name(left) for left in passes]
    for name in named[-1]:
        for there in zip(*(reversed(one[name]) for one in named), strict=False):
            yield there[-1][0], [value for _, value in there]


def with_cotangent(once: Left, again: Left, other: Left) -> Left:
    """What goes with the cotangent, the same one twice and then an opposite one: statistics go on in their own way."""
    return [
        (place, c)
        for place, (a, b, c) in side_by_side(once, again, other)
        if np.shape(a) == np.shape(b) == np.shape(c) and _is_turned(b - a, c - b)
    ]


def _is_turned(before: Any, now: Any) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.any(now) and np.sum(before * now) <= 1e-3 * np.sum(now * now))


def _by_name(left: Left) -> dict[Place, list[tuple[Place, Any]]]:
    result: dict[Place, list[tuple[Place, Any]]] = defaultdict(list)
    for place, value in left:
        name = tuple(
            Item(None) if isinstance(step, Item) and type(step.key) is int else step for step in place
        )
        result[name].append((place, value))
    return result
