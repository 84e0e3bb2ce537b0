"""In which other orders gradients in a list may be meant: a backward pass appends them as it comes by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from gradcheck.anatomy.finding import Layout
from gradcheck.anatomy.parameters import numbers_at_the_end
from gradcheck.anatomy.places import Place
from gradcheck.anatomy.trying import tried_once


def in_lists(layout: Layout) -> list[list[str]]:
    """The parameters whose gradients are in one list, or in lists in it, for each such list of several."""
    lists: dict[tuple[bool, Place], list[str]] = defaultdict(list)
    for one in layout.targets[: len(layout.parameters)]:
        source = layout.sources.get(one.name)
        place = None if source is None else source.returned or next(iter(source.places), None)
        # what backward returns one beside the other is no list of them
        where = place[: max(1, len(place) - len(numbers_at_the_end(place)))] if place else ()
        if source is not None and place and where != place:
            lists[source.returned is None, where].append(one.name)
    return [names for names in lists.values() if len(names) > 1]


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
