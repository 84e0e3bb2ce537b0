"""Which axes and numbers are one length: they have to grow together, or f does not run.

No shape says so: four examples of four features are two lengths, and a width that a function is given as a number is
the same as that of an array. What changes by itself is a length of its own, however many others are equal to it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice

Place = tuple[int, int]
"""What grows, by its number, and which axis of it; -1 for a number."""
_TOGETHER, _TIMES = 5, 6
"""Places that grow together, at most, and how many times a length another may be that grows with it."""
_TRIED, _MORE, _TAKEN = 250, 200, 6
"""Sets of places that are tried for one of them, ways after one that f takes, and how many that it takes."""
_SMALL = 16
"""Lengths that are doubled before they are made one longer: what comes in groups or windows stays whole."""


@dataclass(frozen=True)
class Growth:
    """A length, by how much it grows, and where it stands.

    Some places may be several times as long. Of others, longer or shorter, it may be a part, or they one of it.
    """

    length: int
    more: int
    places: tuple[Place, ...]

    def of(self, length: int) -> int:
        """By how much what is that long grows."""
        return self.more * (1 if length % self.length else length // self.length)


Shapes = Sequence[tuple[int, ...] | int]
"""Of arrays their shapes; of numbers themselves."""


Judge = Callable[[Growth], bool]


def growths(
    shapes: Shapes, takes: Judge, suits: Judge, late: Callable[[], bool]
) -> Iterator[tuple[Growth, ...]]:
    """Every length with the fewest places that must grow for f to take it, then more of them until the claim does.

    F may take more than the claim was written for: keys that are more than the queries, say. The last of the ways in
    which a length may grow suits the claim, if any does.
    """
    every, grown = list(_places(shapes)), set[Place]()
    for sums in (False, True):  # what nothing of the same length goes with may be a part of what is longer
        for length, _ in Counter(long for _, long in every).most_common():
            own = [place for place, long in every if long == length and (length > 1 or place[1] < 0)]
            many = [
                place
                for place, long in every
                if (long in range(2 * length, _TIMES * length + 1, length)) or (sums and long % length)
            ]
            known = grown & {*own} if sums else set[Place]()
            for first in own:
                if first in known:
                    continue
                others = [one for one in own if one != first]
                # what grows by itself hardly grows with others
                free = [one for one in others if one not in known]
                pools = (many,) if sums else ((), many)
                ways = chain(
                    _growths(first, free, pools, length),
                    _growths(first, others, pools, length) if len(free) < len(others) else (),
                )
                if found := _found(ways, takes, suits, late):
                    known |= {*found[0].places}
                    grown |= {*found[0].places}
                    yield found
                if late():  # all of that length together is better than nothing
                    whole = Growth(length, 1, tuple(own))
                    if not (found or sums) and takes(whole):
                        yield (whole,)
                    return


def _found(
    ways: Iterator[Growth], takes: Judge, suits: Judge, late: Callable[[], bool]
) -> tuple[Growth, ...]:
    """The first ways that f takes, up to one that suits the claim."""
    taken: list[Growth] = []
    tried: set[Growth] = set()
    left = math.inf
    for growth in ways:
        left -= 1
        if left < 0 or len(taken) == _TAKEN or late():
            break
        if growth in tried or not takes(growth):
            continue
        tried.add(growth)
        taken.append(growth)
        left = min(left, _MORE)
        if suits(growth):
            break
    return tuple(taken)


def _places(shapes: Shapes) -> Iterator[tuple[Place, int]]:
    for number, shape in enumerate(shapes):
        if isinstance(shape, int):
            yield (number, -1), shape
        else:
            yield from (((number, axis), long) for axis, long in enumerate(shape))


def _growths(
    first: Place, others: list[Place], pools: Sequence[Sequence[Place]], length: int
) -> Iterator[Growth]:
    """Ways in which a place may grow with others of its length, and what is several times as long."""
    more = (length, 1) if 1 < length <= _SMALL else (1, length) if length > 1 else (1,)
    sets = (
        (first, *some) for count in range(_TOGETHER) for pool in pools for some in _some(others, pool, count)
    )
    for places in chain(islice(sets, _TRIED), ((first, *others),)):
        yield from (Growth(length, by, tuple(sorted(places))) for by in more)


def _some(others: Sequence[Place], many: Sequence[Place], count: int) -> Iterator[tuple[Place, ...]]:
    """So many of the others, or, where there is more to choose from, some of that as well."""
    every = combinations((*others, *many), count)
    return (some for some in every if {*some} & {*many}) if many else every
