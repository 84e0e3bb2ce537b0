"""Which arrays and numbers that a layer keeps may be its parameters, and which have their gradients beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import RATE
from gradcheck.anatomy.descent import settings_of
from gradcheck.anatomy.in_pairs import in_pairs
from gradcheck.anatomy.naming import GRADIENTS, is_given, is_gradients, keyed_keys, parameter_keys, says
from gradcheck.anatomy.parameters import Kept, as_floats, felt, is_moved, paired, rounding
from gradcheck.anatomy.passes import Passes
from gradcheck.anatomy.places import Item, Place, arrays, found, walk
from gradcheck.anatomy.shared import is_part
from gradcheck.anatomy.trying import Tried


@dataclass(frozen=True)
class Candidates:
    """What may be parameters.

    ``beside`` have their gradients in places called like them, the output depends on ``others``, which may be parts of
    ``wholes``, and on ``numbers``, which are settings but for those of which a gradient is returned.
    """

    beside: Mapping[Kept, tuple[Place, ...]]
    others: list[Kept]
    wholes: list[Kept]
    numbers: list[Kept]

    def open_to(self, own: Any) -> list[Kept]:
        """Those whose gradient may be among what is returned: what is kept has another shape, or a name of none."""
        vague = [
            one
            for one, (place, *_) in self.beside.items()
            if np.shape(found(own, place)) != one.held.shape or (len(place) == 1 and says(place, GRADIENTS))
        ]
        return [*self.others, *self.wholes, *self.numbers, *vague]


def candidates(seen: Passes, tried: Tried, by_user: Set[Place]) -> Candidates:
    """What of what the layer keeps may be a parameter, but for what the user has named."""
    depends = tried.depends
    free = [one for one in seen.lasting if by_user.isdisjoint(one.places)]
    pairs = {
        as_floats(free[number]): places
        for number, places in sorted(paired(free, tried.after).items())
        if not any(_is_step(tried, free[number], place) for place in places)
    }
    taken = {place for one in pairs for place in one.places}
    used = {place for places in pairs.values() for place in places}
    others = [there for there in tried.after if there[0] not in used]
    anew = [one for one in seen.remade if by_user.isdisjoint(one.places)]
    again = {anew[number]: places for number, places in paired(anew, others).items()}
    pairs |= {one: again[one] for one in felt(list(again), depends)}
    left = [one for one in free if taken.isdisjoint(one.places)]
    states = [one for one in anew if one not in pairs]
    dependent = felt([one for one in (*left, *states) if _may_be_one(one, tried.own)], depends)
    used |= {place for one in pairs for place in pairs[one]}
    # that a dict has the keys of another says something only of what the output depends on: a momentum has them as well
    by_key = paired(dependent, [there for there in others if there[0] not in used], [keyed_keys])
    pairs |= {dependent[number]: places for number, places in by_key.items()}
    pairs |= in_pairs([one for one in dependent if one not in pairs], pairs, tried)
    pairs |= _in_an_array(left, [there for there in others if there[0] not in used], tried)
    parts = [one for one in dependent if one not in pairs]
    wholes = [one for one in left if one not in dependent and any(is_part(part, [one]) for part in parts)]
    # the nearest counts
    pairs |= {one: (at,) for one in wholes for at, value in reversed(others) if _may_be_whole(one, at, value)}
    taken = {place for one in pairs for place in one.places}
    asked = [one for one in left if one not in dependent and not isinstance(one.array, np.ndarray)]
    asked = [one for one in asked if taken.isdisjoint(one.places)]
    # a number is a setting, but not where a place that is called its gradient is left empty, nor in a matrix of lists
    empty = [(place, value) for place, value in walk(tried.own, lambda name: False) if value is None]
    lacking = [asked[number] for number in paired(asked, empty, [parameter_keys])]
    lacking += [one for one in asked if one not in lacking and _is_in_a_matrix(one, tried.own)]
    parts += felt([*map(as_floats, lacking)], depends)
    asked = [one for one in asked if one not in lacking]
    came = arrays(tried.came, lambda name: False)
    numbers = felt(asked, depends) if any(np.ndim(value) == 0 for _, value in came) else []
    left_over = [one for one in wholes if one not in pairs]
    return Candidates(pairs, parts, left_over, [as_floats(one) for one in numbers])


def _in_an_array(
    numbers: Sequence[Kept], others: Sequence[tuple[Place, Any]], tried: Tried
) -> dict[Kept, tuple[Place, ...]]:
    """The numbers of lists whose gradients are the entries of one array that is called as the lists are."""
    inside: dict[Place, list[Kept]] = defaultdict(list)
    for one in numbers:
        if not isinstance(one.array, np.ndarray) and (lists := _lists(one.places[0])) != one.places[0]:
            inside[lists].append(one)
    wholes = [
        Kept((lists,), whole, whole) for lists in inside if (whole := _as_array(found(tried.own, lists))).size
    ]
    pairs = paired(wholes, others)
    alike = {
        wholes[number].places[0]: at
        for number, (at, *_) in pairs.items()
        if np.shape(found(tried.own, at)) == wholes[number].held.shape
    }
    entries = {
        as_floats(one): ((*at, *one.places[0][len(lists) :]),)
        for lists, at in alike.items()
        for one in inside[lists]
    }
    return {one: entries[one] for one in felt(list(entries), tried.depends)}


def _is_in_a_matrix(one: Kept, own: Any) -> bool:
    """Whether it is a float in a list of lists of numbers, all as long; not in a list of pairs, nor beside an array."""
    place = one.places[0]
    if not isinstance(one.array, float) or len(place) < 2 or not all(map(_is_number, place[-2:])):
        return False
    rows = found(own, place[:-2])
    lists = isinstance(rows, list) and all(isinstance(each, list) for each in rows)
    return lists and _as_array(rows).size > 0


def _is_number(step: Any) -> bool:
    return isinstance(step, Item) and isinstance(step.key, int)


def _lists(place: Place) -> Place:
    """Where the lists in lists stand of which this is an entry, itself where it is in none."""
    while place and _is_number(place[-1]):
        place = place[:-1]
    return place


def _as_array(lists: Any) -> np.ndarray:
    """An empty one where they are no rectangle of numbers."""
    try:
        return np.asarray(lists, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _may_be_whole(one: Kept, place: Place, value: Any) -> bool:
    """Whether what stands beside an array of which others are parts is its gradient: it is called one, not of what."""
    beside = any(place[:-1] == there[:-1] for there in one.settable)
    return beside and is_gradients(place[-1]) and np.shape(value) == one.held.shape


def _is_step(tried: Tried, one: Kept, place: Place) -> bool:
    """Whether what is kept there is how far backward moved the parameter, by a rate that can be set."""
    now, kept_there = found(tried.own, one.settable[0]), found(tried.own, place)
    if not is_moved(one, tried.own) or np.shape(now) != np.shape(kept_there):
        return False
    step = np.asarray(now) - one.held
    if not any(np.allclose(kept_there, sign * step, rtol=1e-12, atol=rounding(one)) for sign in (1.0, -1.0)):
        return False
    return RATE in tried.convention.roles or any(value for _, value in settings_of(tried))


def _may_be_one(one: Kept, own: Any) -> bool:
    """Whether an array or number whose gradient is not called like it may be a parameter: a number if it is stepped."""
    is_array = (
        isinstance(one.array, np.ndarray) and one.array.dtype.kind == "f" and not is_given(one.places[0])
    )
    return is_array or (isinstance(one.array, float | np.floating) and is_moved(one, own))
