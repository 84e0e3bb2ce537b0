"""Gradients that backward leaves where no copy of a layer has them, in closures and globals, or returns unasked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import bare_keys, is_delta, is_gradients, keyed_keys, parameter_keys
from gradcheck.anatomy.number_lists import lists_of
from gradcheck.anatomy.outside import reached
from gradcheck.anatomy.parameters import Kept, felt, paired
from gradcheck.anatomy.places import Attribute, Item, Place, arrays
from gradcheck.anatomy.side_by_side import Left, side_by_side, with_cotangent
from gradcheck.anatomy.trying import Tried, tried_once
from gradcheck.ask import trees

Read = Callable[[Tried], Sequence[Any]]
"""The gradients that are checked, as a pass left or returned them."""


def left_outside(tried: Tried, read: Read) -> dict[Place, Any]:
    """The parameters outside of which backward leaves a gradient there, or returns one, other than those ``read``.

    Forward depends on them, and what is left goes with the cotangent and is called like one of them, or has its shape,
    or is one vector of them all.
    """
    ahead = [Kept((place,), value, np.array(value)) for place, value in _ahead(tried)]
    if not ahead:
        return {}
    once, there = _left(tried, 1.0, read), dict(_ahead(tried))
    may_be = [one for one in ahead if _is_kept(one, there.get(one.places[0]))]
    if not may_be:
        return {}
    again, other = _left(tried, 1.0, read), _left(tried, -2.0, read)
    gradients = with_cotangent(once, again, other)
    pairs = paired(may_be, gradients, (parameter_keys, bare_keys, keyed_keys))
    named = {place for places in pairs.values() for place in places}
    shapes, vector = [one.held.shape for one in may_be], (sum(one.held.size for one in may_be),)
    nameless = [
        place for place, value in gradients if place not in named and np.shape(value) in (*shapes, vector)
    ]
    alike = _of_no_input(tried, other, nameless, read) if nameless else set()
    there = dict(_ahead(tried))
    likely = [
        there[one.places[0]]
        for number, one in enumerate(may_be)
        if one.places[0] in there and (number in pairs or alike & {shapes[number], vector})
    ]
    used = {id(value) for value in _used(tried, likely)}
    return {place: value for place, value in there.items() if id(value) in used}


Shown = Callable[[Tried], Left]
"""Where gradients may be in a pass."""


def unread(tried: Tried, read: Read, shown: Shown) -> Left:
    """Of what a pass has ``shown`` what goes with the cotangent and is none of what is ``read``.

    Where backward takes no cotangent, what is not there before it either: the layer keeps its activations.
    """
    once = _other_than(read(tried), shown(tried))
    if not once:
        return []
    if tried.convention.implied:
        own = tried.machine.fresh()
        ahead = tried.machine.ahead(own, trees.copied(tried.values))
        there = arrays((own, ahead.result, tried.values), lambda name: False)
        return _other_than([value for _, value in there], once)
    passes = [tried_once(tried.machine, tried.convention, tried.values, factor) for factor in (1.0, -2.0)]
    again, other = ([] if one is None else _other_than(read(one), shown(one)) for one in passes)
    places = {place for place, _ in with_cotangent(once, again, other)}
    return [(place, value) for place, value in once if place in places]


def _ahead(tried: Tried) -> Left:
    return _not_of(tried.own, reached(tried.machine, tried.own, ahead=True))


def _not_of(own: Any, found: Left) -> Left:
    kept = {id(value) for _, value in arrays(own, lambda name: False)} if found else set()
    return [(place, value) for place, value in found if id(value) not in kept]


def _left(tried: Tried, factor: float, read: Read) -> Left:
    """What a pass with this multiple of the usual cotangent leaves outside, or returns, and is not read, nor a copy."""
    again = tried_once(tried.machine, tried.convention, tried.values, factor)
    if again is None:
        return []
    seen = read(again)
    outside = _not_of(again.own, reached(again.machine, again.own))
    return _other_than(seen, [*outside, *returned(again)])


def returned(tried: Tried) -> Left:
    """The arrays that backward returns."""
    came = arrays(tried.came, lambda name: False)
    return [
        ((Attribute("returned"), *place), value) for place, value in came if isinstance(value, np.ndarray)
    ]


def called_gradients(used: Collection[Place], tried: Tried) -> Left:
    """The arrays and lists of numbers that backward leaves in the layer, called gradients, but for what is ``used``."""
    written = [
        Kept((place,), value, np.array(value))
        for place, value in tried.after
        if any(is_gradients(step) and not is_delta(step) for step in place)
    ]
    lists = [(one.place, one.array) for one in lists_of(written, tried.own) if one.array.ndim]
    left = [(one.places[0], one.held) for one in written if isinstance(one.array, np.ndarray)]
    return [
        (place, value) for place, value in (*left, *lists) if not any(_within(one, place) for one in used)
    ]


def _within(one: Place, other: Place) -> bool:
    return one[: len(other)] == other or other[: len(one)] == one


def _other_than(seen: Sequence[Any], left: Left) -> Left:
    return [
        (place, np.array(value))
        for place, value in left
        if not any(np.array_equal(value, one) for one in seen)
    ]


def _is_kept(one: Kept, now: Any) -> bool:
    """Whether it is there after another pass as well, or was stepped: what forward keeps for backward is made anew."""
    return now is one.array or (np.shape(now) == one.held.shape and not np.array_equal(now, one.held))


def _of_no_input(tried: Tried, left: Left, places: Collection[Place], read: Read) -> set[tuple[int, ...]]:
    """The shapes of what does not grow with the inputs there, as an activation and its gradient do."""
    for axis in (0, -1):
        try:
            more = _left(replace(tried, values=_twice(tried.values, axis)), 1.0, read)
        except Exception:  # not along this one
            continue
        if more:
            pairs = [(place, *map(np.shape, values)) for place, values in side_by_side(more, left)]
            return {shape for place, longer, shape in pairs if place in places and longer == shape}
    given = {np.shape(leaf) for _, leaf in trees.leaves((tried.values, tried.output))}
    return {np.shape(value) for place, value in left if place in places} - given


def _twice(values: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    def doubled(_: trees.Path, leaf: Any) -> Any:
        return np.concatenate([leaf, leaf], axis) if np.ndim(leaf) else leaf

    return tuple(trees.map_leaves(doubled, value) for value in values)


def _used(tried: Tried, likely: Sequence[Any]) -> list[Any]:
    """Those that the output depends on; one that cannot be moved may be one."""
    plain = [one for one in likely if _is_plain(one)]
    free = [Kept(((Item(number),),), one, np.array(one)) for number, one in enumerate(plain)]

    def depends(change: Callable[[Any], None]) -> list[bytes] | None:
        now = [one.held for one in free]
        change(now)
        moved = [(one, value) for one, value in zip(free, now, strict=True) if value is not one.held]
        try:
            for one, value in moved:
                one.array[...] = value
            return tried.depends(lambda own: None)
        finally:
            for one, _ in moved:
                one.array[...] = one.held

    return [one.array for one in felt(free, depends)] + [one for one in likely if not _is_plain(one)]


def _is_plain(array: Any) -> bool:
    """Whether an array is in memory alone, and may be written into for a moment."""
    return (
        array.flags.writeable and type(array) is np.ndarray and type(array.base) in (np.ndarray, type(None))
    )
