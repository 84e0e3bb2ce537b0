"""In which other orders gradients in a list may be meant: a backward pass appends them as it comes by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from gradcheck.anatomy.by_name import written_out
from gradcheck.anatomy.finding import Layout
from gradcheck.anatomy.naming import is_gradients
from gradcheck.anatomy.places import Item, Place, Step
from gradcheck.anatomy.source import Source
from gradcheck.anatomy.trying import tried_once


def in_lists(layout: Layout) -> list[list[str]]:
    """The parameters whose gradients are in one list, or called alike in the dicts of one, for each list of several.

    After them the inputs whose gradients are there as well.
    """
    written = written_out(layout.machine.backward)
    lists: dict[Any, list[str]] = defaultdict(list)
    for one in (*layout.targets[: len(layout.parameters)], *(one for one in layout.inputs if one.is_array)):
        source = layout.sources.get(one.name)
        place = None if source is None else _first(source)
        if source is not None and place and (found := _list_of(place, source.returned is not None, written)):
            lists[source.returned is None, found].append(one.name)
    inputs = {one.name for one in layout.inputs}
    return [names for names in lists.values() if len(names) > 1 and not inputs.issuperset(names)]


def _first(source: Source) -> Place | None:
    return source.returned or next(iter(source.places), None)


def _list_of(place: Place, returned: bool, written: int) -> tuple[Place, Place] | None:
    """The list that a place is in, and what it is called in what stands there.

    What backward returns one beside the other, the first ``written`` parts, is no list, nor are the layers of a network
    one of gradients.
    """
    numbers = [number for number, step in enumerate(place) if _is_number(step)]
    least = 0 if returned and getattr(place[0], "key", None) not in range(written) else 1
    last = max(numbers, default=-1)
    first = last
    while first > least and first - 1 in numbers:
        first -= 1
    where, inside = place[:first], place[last + 1 :]
    return (where, inside) if last >= least and (returned or not inside or is_gradients(where[-1])) else None


def _is_number(step: Step) -> bool:
    return isinstance(step, Item) and isinstance(step.key, int)


def in_other_orders(layout: Layout) -> Iterator[tuple[frozenset[str], Layout]]:
    """The readings of gradients in a list in another order than that of the parameters, where the shapes allow it.

    Before each, the parameters that it gives another gradient.
    """
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
    there = [sorted(names, key=lambda name: _numbers(layout.sources[name])) for names in lists]
    seen: list[dict[str, str]] = []
    inputs = {one.name for one in layout.inputs}
    for length in range(1, max(map(len, lists))):
        for orders in zip(*(_orders(names, inputs, length) for names in lists), strict=True):
            pairs = [
                pair
                for one, order in zip(there, orders, strict=True)
                for pair in zip(order, one, strict=True)
            ]
            turned = {name: other for name, other in pairs if name != other}
            if turned in seen:
                continue
            seen.append(turned)
            if turned and all(shapes[other] == np.shape(wanted[name]) for name, other in pairs):
                sources = {name: layout.sources[other] for name, other in turned.items()}
                yield frozenset(turned), replace(layout, sources={**layout.sources, **sources})


def _numbers(source: Source) -> list[int]:
    return [step.key for step in _first(source) or () if isinstance(step, Item) and isinstance(step.key, int)]


def _orders(names: Sequence[str], inputs: Collection[str], length: int) -> Iterator[list[str]]:
    """The orders in which gradients may stand, of layers that have ``length`` parameters each or kinds of so many.

    Layer by layer or kind by kind, both or either from the last, or the first row alone: ``dW2, dW1, db1, db2``; those
    of inputs before them or after them.
    """
    ahead, rest = ([one for one in names if (one in inputs) is among] for among in (True, False))
    grid = np.array(rest, dtype=object).reshape(-1, len(rest) if len(rest) % length else length)
    for way, down, along in product((grid, grid.T), (1, -1), (1, -1)):
        turned = way[::down, ::along]
        for order in ([*turned.flat], [*turned[0, ::-1], *turned[1:].flat]):
            yield [*ahead, *order]
            yield [*order, *ahead]
