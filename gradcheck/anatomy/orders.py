"""In which other orders gradients in a list may be meant: a backward pass appends them as it comes by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.anatomy.finding import Layout
from gradcheck.anatomy.naming import is_gradients
from gradcheck.anatomy.places import Item, Place, Step
from gradcheck.anatomy.trying import tried_once


def in_lists(layout: Layout) -> list[list[str]]:
    """The parameters whose gradients are in one list, or called alike in the dicts of one, for each list of several."""
    lists: dict[Any, list[str]] = defaultdict(list)
    for one in layout.targets[: len(layout.parameters)]:
        source = layout.sources.get(one.name)
        place = None if source is None else source.returned or next(iter(source.places), None)
        if source is not None and place and (found := _list_of(place, source.returned is not None)):
            lists[source.returned is None, found].append(one.name)
    return [names for names in lists.values() if len(names) > 1]


def _list_of(place: Place, returned: bool) -> tuple[Place, Place] | None:
    """The list that a place is in, and what it is called in what stands there.

    What backward returns one beside the other is no list, nor are the layers of a network one of gradients.
    """
    last = max((number for number, step in enumerate(place) if number and _is_number(step)), default=0)
    first = last
    while first > 1 and _is_number(place[first - 1]):
        first -= 1
    where, inside = place[:first], place[last + 1 :]
    return (where, inside) if last and (returned or not inside or is_gradients(where[-1])) else None


def _is_number(step: Step) -> bool:
    return isinstance(step, Item) and isinstance(step.key, int)


def in_other_orders(layout: Layout) -> Iterator[Layout]:
    """The readings of gradients in a list in another order than that of the parameters, where the shapes allow it."""
    tried = tried_once(layout.machine, layout.convention, layout.values)
    if tried is None:
        return
    lists = in_lists(layout)
    wanted = {one.name: one.value for one in layout.targets}
    shapes = {
        name: np.shape(layout.sources[name].of(tried.came, tried.own, wanted[name]))
        for names in lists
        for name in names
    }
    for length in range(1, max(map(len, lists))):
        for order in (_blocks_reversed, _reversed_in_blocks):
            pairs = [pair for names in lists for pair in zip(names, order(names, length), strict=True)]
            turned = {name: other for name, other in pairs if name != other}
            if turned and all(shapes[other] == np.shape(wanted[name]) for name, other in pairs):
                sources = {name: layout.sources[other] for name, other in turned.items()}
                yield replace(layout, sources={**layout.sources, **sources})


def _blocks(names: Sequence[str], length: int) -> list[list[str]]:
    if len(names) % length:
        return [[*names]]
    return [[*names[start : start + length]] for start in range(0, len(names), length)]


def _blocks_reversed(names: Sequence[str], length: int) -> list[str]:
    """The last layer's first: ``dW2, db2, dW1, db1``."""
    return [name for block in reversed(_blocks(names, length)) for name in block]


def _reversed_in_blocks(names: Sequence[str], length: int) -> list[str]:
    """Each layer's, or each kind's, the last first: ``db1, dW1, db2, dW2``, or ``dW2, dW1, db2, db1``."""
    return [name for block in _blocks(names, length) for name in reversed(block)] if length > 1 else [*names]
