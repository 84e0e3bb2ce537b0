"""Which arrays and numbers that a layer keeps may be its parameters, and which have their gradients beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.anatomy.calling import RATE
from gradcheck.anatomy.descent import settings_of
from gradcheck.anatomy.in_pairs import in_pairs
from gradcheck.anatomy.naming import GRADIENTS, is_given, is_gradients, keyed_keys, parameter_keys, says
from gradcheck.anatomy.number_lists import in_an_array, is_in_a_matrix
from gradcheck.anatomy.parameters import Kept, as_floats, felt, is_moved, paired, rounding
from gradcheck.anatomy.passes import Passes
from gradcheck.anatomy.places import Place, arrays, found, walk
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
    free, anew = (
        [one for one in some if by_user.isdisjoint(one.places)] for some in (seen.lasting, seen.remade)
    )
    pairs = _called_alike(free, anew, tried)
    left = _without(free, pairs)
    states = [one for one in anew if one not in pairs]
    dependent = felt([one for one in (*left, *states) if _may_be_one(one, tried.own)], tried.depends)
    others = _unread(tried, pairs)
    # that a dict has the keys of another says something only of what the output depends on: a momentum has them as well
    by_key = paired(dependent, others, [keyed_keys])
    pairs |= {dependent[number]: places for number, places in by_key.items()}
    pairs |= in_pairs([one for one in dependent if one not in pairs], pairs, tried)
    pairs |= in_an_array(left, others, tried)
    parts = [one for one in dependent if one not in pairs]
    wholes = [one for one in left if one not in dependent and any(is_part(part, [one]) for part in parts)]
    # the nearest counts
    pairs |= {one: (at,) for one in wholes for at, value in reversed(others) if _may_be_whole(one, at, value)}
    numbers = [one for one in left if one not in dependent and not isinstance(one.array, np.ndarray)]
    lacking, settings = _of_use(_without(numbers, pairs), tried)
    return Candidates(pairs, [*parts, *lacking], [one for one in wholes if one not in pairs], settings)


def _called_alike(free: Sequence[Kept], anew: Sequence[Kept], tried: Tried) -> dict[Kept, tuple[Place, ...]]:
    """Those whose gradients are called like them; of what forward makes anew only what the output depends on."""
    pairs = {
        as_floats(free[number]): places
        for number, places in sorted(paired(free, tried.after).items())
        if not any(_is_step(tried, free[number], place) for place in places)
    }
    again = {anew[number]: places for number, places in paired(anew, _unread(tried, pairs)).items()}
    return pairs | {one: again[one] for one in felt(list(again), tried.depends)}


def _without(some: Sequence[Kept], pairs: Mapping[Kept, tuple[Place, ...]]) -> list[Kept]:
    taken = {place for one in pairs for place in one.places}
    return [one for one in some if taken.isdisjoint(one.places)]


def _unread(tried: Tried, pairs: Mapping[Kept, tuple[Place, ...]]) -> list[tuple[Place, Any]]:
    used = {place for places in pairs.values() for place in places}
    return [there for there in tried.after if there[0] not in used]


def _of_use(numbers: Sequence[Kept], tried: Tried) -> tuple[list[Kept], list[Kept]]:
    """The numbers that lack a gradient, and those that are settings but for those of which one is returned.

    A number is a setting, but not where a place that is called its gradient is left empty, nor in a matrix of lists.
    """
    empty = [(place, value) for place, value in walk(tried.own, lambda name: False) if value is None]
    lacking = [numbers[number] for number in paired(numbers, empty, [parameter_keys])]
    lacking += [one for one in numbers if one not in lacking and is_in_a_matrix(one, tried.own)]
    came = arrays(tried.came, lambda name: False)
    settings = (
        [one for one in numbers if one not in lacking]
        if any(np.ndim(value) == 0 for _, value in came)
        else []
    )
    return (
        felt([*map(as_floats, lacking)], tried.depends),
        [as_floats(one) for one in felt(settings, tried.depends)],
    )


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
