"""Gradients that backward leaves where no copy of a layer has them: in closures and globals, in objects there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import bare_keys, keyed_keys, parameter_keys
from gradcheck.anatomy.outside import reached
from gradcheck.anatomy.parameters import Kept, felt, paired
from gradcheck.anatomy.places import Attribute, Item, Place, arrays
from gradcheck.anatomy.trying import Tried, tried_once
from gradcheck.ask import trees

Left = Sequence[tuple[Place, Any]]
"""Arrays as a pass left them, each with its place."""

Read = Callable[[Tried], Sequence[Any]]
"""The gradients that are checked, as a pass left or returned them."""


def left_outside(tried: Tried, read: Read) -> dict[Place, Any]:
    """The parameters outside of which backward leaves a gradient there, or returns one, other than those ``read``.

    Forward depends on them, and what is left goes with the cotangent and is called like one of them, or has its shape.
    """
    ahead = [Kept((place,), value, np.array(value)) for place, value in _ahead(tried)]
    if not ahead:
        return {}
    once, there = _left(tried, 1.0, read), dict(_ahead(tried))
    may_be = [one for one in ahead if _is_kept(one, there.get(one.places[0]))]
    if not may_be:
        return {}
    again, other = _left(tried, 1.0, read), _left(tried, -2.0, read)
    goes = [*_going(once, again, other)]
    if not goes:
        return {}
    pairs = paired(may_be, goes, (parameter_keys, bare_keys, keyed_keys))
    named = {place for places in pairs.values() for place in places}
    wanted = {np.shape(one.array) for one in may_be}
    nameless = {place for place, value in goes if place not in named and np.shape(value) in wanted}
    shapes = _of_no_input(tried, other, nameless, read) if nameless else set()
    there = dict(_ahead(tried))
    likely = [
        there[one.places[0]]
        for number, one in enumerate(may_be)
        if one.places[0] in there and (number in pairs or np.shape(one.array) in shapes)
    ]
    used = {id(value) for value in _used(tried, likely)}
    return {place: value for place, value in there.items() if id(value) in used}


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
    came = [
        ((Attribute("returned"), *place), value)
        for place, value in arrays(again.came, lambda name: False)
        if isinstance(value, np.ndarray)
    ]
    return [
        (place, np.array(value))
        for place, value in [*outside, *came]
        if not any(np.array_equal(value, one) for one in seen)
    ]


def _is_kept(one: Kept, now: Any) -> bool:
    """Whether it is there after another pass as well, or was stepped: what forward keeps for backward is made anew."""
    return now is one.array or (np.shape(now) == one.held.shape and not np.array_equal(now, one.held))


def _going(once: Left, again: Left, other: Left) -> Iterator[tuple[Place, Any]]:
    """What goes with the cotangent, the same one twice and then an opposite one: statistics go on in their own way."""
    for place, (a, b, c) in _side_by_side(once, again, other):
        if np.shape(a) == np.shape(b) == np.shape(c) and _is_turned(b - a, c - b):
            yield place, c


def _is_turned(before: Any, now: Any) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.any(now) and np.sum(before * now) <= 1e-3 * np.sum(now * now))


def _side_by_side(*passes: Left) -> Iterator[tuple[Place, list[Any]]]:
    """Of each place in the last pass what each left there; of lists that grow with every pass the ends are alike."""
    named = [_by_name(left) for left in passes]
    for name in named[-1]:
        for there in zip(*(reversed(one[name]) for one in named), strict=False):
            yield there[-1][0], [value for _, value in there]


def _by_name(left: Left) -> dict[Place, list[tuple[Place, Any]]]:
    result: dict[Place, list[tuple[Place, Any]]] = defaultdict(list)
    for place, value in left:
        name = tuple(
            Item(None) if isinstance(step, Item) and type(step.key) is int else step for step in place
        )
        result[name].append((place, value))
    return result


def _of_no_input(tried: Tried, left: Left, places: Collection[Place], read: Read) -> set[tuple[int, ...]]:
    """The shapes of what does not grow with the inputs there, as an activation and its gradient do."""
    for axis in (0, -1):
        try:
            more = _left(replace(tried, values=_twice(tried.values, axis)), 1.0, read)
        except Exception:  # not along this one
            continue
        if more:
            pairs = [(place, *map(np.shape, values)) for place, values in _side_by_side(more, left)]
            return {shape for place, longer, shape in pairs if place in places and longer == shape}
    given = {np.shape(leaf) for _, leaf in trees.leaves((tried.values, tried.output))}
    return {np.shape(value) for place, value in left if place in places} - given


def _twice(values: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    def doubled(_: trees.Path, leaf: Any) -> Any:
        return np.concatenate([leaf, leaf], axis) if np.ndim(leaf) else leaf

    return tuple(trees.map_leaves(doubled, value) for value in values)


def _used(tried: Tried, likely: Sequence[Any]) -> list[Any]:
    """Those that the output depends on; one that cannot be moved may be one."""
    free = [one for one in likely if _is_plain(one)]
    kept = [Kept(((Item(number),),), one, np.array(one)) for number, one in enumerate(free)]

    def depends(change: Callable[[Any], None]) -> list[bytes] | None:
        held = [one.held for one in kept]
        now = [*held]
        change(now)
        moved = [number for number, value in enumerate(now) if value is not held[number]]
        try:
            for number in moved:
                free[number][...] = now[number]
            return tried.depends(lambda own: None)
        finally:
            for number in moved:
                free[number][...] = held[number]

    return [one.array for one in felt(kept, depends)] + [one for one in likely if not _is_plain(one)]


def _is_plain(array: Any) -> bool:
    """Whether an array is in memory alone, and may be written into for a moment."""
    return (
        array.flags.writeable and type(array) is np.ndarray and type(array.base) in (np.ndarray, type(None))
    )
