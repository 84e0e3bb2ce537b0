"""Plain numbers, ``self.b = [0.1, 0.2]``: which of them are weights, and where the arrays of their gradients stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.parameters import Kept, as_floats, felt, paired
from gradcheck.anatomy.places import Item, Place, found, spelled
from gradcheck.anatomy.side_by_side import Left
from gradcheck.anatomy.trying import Tried


@dataclass(frozen=True)
class Numbers:
    """The numbers of one list, or of lists in it that are as long, or one in none; what they are as an array."""

    place: Place
    entries: Sequence[Kept]
    array: np.ndarray

    def is_like(self, gradient: Any) -> bool:
        """Whether an array has an entry for each, in the same order; an axis of length 1 is none."""
        return bool(np.squeeze(gradient).shape == np.squeeze(self.array).shape)

    def entry_of(self, gradient: Any, one: Kept) -> Place:
        """Which entry of an array like it belongs to one of the numbers."""
        at = one.places[0][len(self.place) :]
        number = np.ravel_multi_index([step.key for step in at if isinstance(step, Item)], self.array.shape)
        return tuple(Item(int(key)) for key in np.unravel_index(number, np.shape(gradient)))


def lists_of(kept: Iterable[Kept], own: Any) -> Iterator[Numbers]:
    """The lists, and lists of lists, that hold nothing else than some of what is kept, the outermost first; numbers."""
    inside: dict[Place, list[Kept]] = defaultdict(list)
    for one in kept:
        for around in _lists_around(one.places[0]) if not isinstance(one.array, np.ndarray) else ():
            inside[around].append(one)
    for place, entries in sorted(inside.items(), key=lambda there: len(there[0])):
        array = _as_array(found(own, place))
        if array.size == len(entries):
            yield Numbers(place, entries, array)


def in_an_array(numbers: Sequence[Kept], others: Left, tried: Tried) -> dict[Kept, tuple[Place, ...]]:
    """The numbers whose gradients are the entries of one array that is called as their list is."""
    lists = list(lists_of(numbers, tried.own))
    pairs = paired([Kept((one.place,), one.array, one.array) for one in lists], others)
    entries = {
        as_floats(entry): ((*at, *lists[number].entry_of(gradient, entry)),)
        for number, (at, *_) in pairs.items()
        if lists[number].is_like(gradient := found(tried.own, at))
        for entry in lists[number].entries
    }
    return {one: entries[one] for one in felt(list(entries), tried.depends)}


def of_the_shape(gradients: Left, numbers: Iterable[Kept], tried: Tried) -> list[Numbers]:
    """The lists that the output depends on and that have the shape of one of the gradients, the outermost of them."""
    free, result = list(numbers), []
    for one in lists_of(numbers, tried.own) if gradients else ():
        within = set(one.entries) <= set(free) and any(one.is_like(gradient) for _, gradient in gradients)
        if within and felt([*map(as_floats, one.entries)], tried.depends):
            result.append(one)
            free = [entry for entry in free if entry not in one.entries]
    return result


def in_whole(some: Sequence[Kept], labels: Mapping[Kept, str], tried: Tried) -> Iterator[str]:
    """What they are called, a list whose numbers are all among them by its own name."""
    lists = [each for each in lists_of(some, tried.own) if each.array.ndim]
    for one in some:
        around = next((each.place for each in lists if one in each.entries), None)
        yield labels[one] if around is None else spelled(around)


def is_in_a_matrix(one: Kept, own: Any) -> bool:
    """Whether it is a float in a list of lists of numbers, all as long; not in a list of pairs, nor beside an array."""
    place = one.places[0]
    if not isinstance(one.array, float) or len(place) < 2 or not all(map(_is_number, place[-2:])):
        return False
    rows = found(own, place[:-2])
    lists = isinstance(rows, list) and all(isinstance(each, list) for each in rows)
    return lists and _as_array(rows).size > 0


def _is_number(step: Any) -> bool:
    return isinstance(step, Item) and isinstance(step.key, int)


def _lists_around(place: Place) -> Iterator[Place]:
    """Where the list stands of which this is an entry, and the lists around that; itself where it is in none."""
    if place and not _is_number(place[-1]):
        yield place
    while place and _is_number(place[-1]):
        place = place[:-1]
        yield place


def _as_array(lists: Any) -> np.ndarray:
    """An empty one where they are no rectangle of numbers."""
    try:
        array = np.asarray(lists)
    except (TypeError, ValueError):
        return np.empty(0)
    return array if array.dtype.kind in "iuf" else np.empty(0)
