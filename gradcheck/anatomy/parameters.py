"""Which arrays of a layer are its parameters, and where backward leaves the gradient of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from gradcheck.anatomy.naming import (
    SPELLINGS,
    VAGUE,
    VALUES,
    bare_keys,
    gradient_keys,
    hands_out,
    is_delta,
    is_gradients,
    parameter_keys,
    says,
)
from gradcheck.anatomy.places import (
    Attribute,
    Item,
    Place,
    Step,
    arrays,
    found,
    is_handed_out,
    put,
    put_as,
    spelled,
)


@dataclass(frozen=True, eq=False)
class Kept:
    """An array that the layer keeps: every place where it stands, and what it held when it was looked at."""

    places: tuple[Place, ...]
    array: Any
    held: Any

    @property
    def settable(self) -> tuple[Place, ...]:
        """The places in which another array can be put."""
        return tuple(place for place in self.places if not is_handed_out(place))


def kept(layer: Any) -> tuple[Kept, ...]:
    """The arrays of a layer, one entry for each, however many names it goes by."""
    by_identity: dict[int, list[Place]] = defaultdict(list)
    values: dict[int, Any] = {}
    for number, (place, value) in enumerate(arrays(layer, hands_out)):
        key = id(value) if isinstance(value, np.ndarray) else -1 - number  # equal floats may be one object
        by_identity[key].append(place)
        values[key] = value
    return tuple(
        Kept(tuple(places), values[key], np.array(values[key])) for key, places in by_identity.items()
    )


def lasting(before: Iterable[Kept], layer: Any) -> tuple[Kept, ...]:
    """Those that a pass has left where they are and as they were: what is computed in it is no parameter."""
    return tuple(one for one in before if one.settable and _is_there(one, found(layer, one.settable[0])))


def remade(before: Iterable[Kept], layer: Any) -> tuple[Kept, ...]:
    """Those in whose place a pass has put another array of the same shape: a weight cast or clipped, or a state."""
    return tuple(
        one
        for one in before
        if one.settable
        and isinstance(one.array, np.ndarray)
        and isinstance(now := found(layer, one.settable[0]), np.ndarray)
        and now.shape == one.array.shape
        and not _is_there(one, now)
    )


def as_floats(one: Kept) -> Kept:
    """Whole numbers that have a gradient are meant as floats: ``self.b = 0``."""
    if isinstance(one.array, int):
        return replace(one, array=float(one.array), held=np.array(float(one.array)))
    if isinstance(one.array, np.ndarray) and one.array.dtype.kind in "iu":
        return replace(one, array=one.array.astype(np.float64), held=one.held.astype(np.float64))
    return one


def is_moved(one: Kept, layer: Any) -> bool:
    """Whether in its place of this layer, another copy, something else is held now."""
    return not _holds(one, found(layer, one.settable[0]))


def rounding(one: Kept) -> float:
    """How far the array, once stepped, may be from where the step leads: it is kept in its precision."""
    floats = as_floats(one).held
    return float(4.0 * np.finfo(floats.dtype).eps * np.max(np.abs(floats), initial=0.0))


def _is_there(one: Kept, now: Any) -> bool:
    if isinstance(one.array, np.ndarray):
        return now is one.array and _holds(one, now)
    return type(now) is type(one.array) and bool(now == one.array)


def _holds(one: Kept, now: Any) -> bool:
    return now is not None and np.array_equal(one.held, now, equal_nan=one.held.dtype.kind == "f")


def moved(before: Iterable[Kept], layer: Any) -> tuple[tuple[Place, Any], ...]:
    """The places whose arrays are new, or hold something else, than ``before``; after them those of zeros.

    Of places as near those in a container of gradients come first: it may gather what the layers inside have.
    """
    was = {place: one for one in before for place in one.places}
    written, zero = [], []
    for place, value in arrays(layer, hands_out):
        if place not in was or not _is_there(was[place], value):
            written.append((place, value))
        elif not np.any(value) or is_handed_out(place):
            zero.append((place, value))
    written.sort(key=lambda there: (len(there[0]), not any(map(is_gradients, there[0][:-1]))))
    return (*written, *zero)


Keys = Callable[[Place, Callable[[str], str]], Iterator[tuple[Any, ...]]]
"""What a parameter's place may be called, in a spelling."""


def paired(
    parameters: Sequence[Kept],
    after: Sequence[tuple[Place, Any]],
    ways_to_call: Sequence[Keys] = (parameter_keys, bare_keys),
) -> dict[int, tuple[Place, ...]]:
    """For each parameter that has one, by its number, the place of its gradient, told by what the two are called.

    Of an array that two layers share each may keep a part of it, in places alike.
    """
    result: dict[int, tuple[Place, ...]] = {}
    taken: set[Place] = set()
    rank = {place: number for number, (place, _) in enumerate(after)}
    for keys, vague, spelling in product(ways_to_call, VAGUE, SPELLINGS):
        open_ = {
            number: [{*keys(place, spelling)} for place in one.places]
            for number, one in enumerate(parameters)
            if number not in result
        }
        known = {
            key[:end] for ways in open_.values() for way in ways for key in way for end in range(len(key) + 1)
        }
        by_key: dict[tuple[Any, ...], list[tuple[Place, Any]]] = defaultdict(list)
        for place, value in after if known else ():
            for key in gradient_keys(place, spelling, known) if not _says_vaguely(place, vague) else ():
                if key or not says(place, VAGUE[1]):  # a delta alone is that of the activation
                    by_key[key].append((place, value))
        waiting = {
            (place[:-1], np.shape(parameters[number].array))
            for number in (open_ if keys is bare_keys else ())
            for place in parameters[number].places
        }
        # one of the same name whose shape it has goes before one whose shape it has not
        for alike, (number, ways) in product((True, False), open_.items()):
            one = parameters[number]
            matching = [
                [there for key in way for there in by_key.get(key, ()) if there[0] not in taken]
                for way in ways
                if number not in result
            ]
            fitting = [
                [there for there in ways if np.shape(there[1]) == np.shape(one.array)] for ways in matching
            ]
            if not isinstance(one.array, np.ndarray) and not any(fitting):
                continue  # a setting, eps or a rate
            # that of nothing by name is not that of one shape where it stands beside an array of its own
            misshapen = [
                [there for there in ways if (there[0][:-1], np.shape(there[1])) not in waiting]
                for ways in matching
            ]
            best = [
                min(ways, key=lambda there: rank[there[0]])
                for ways in (fitting if alike else misshapen)
                if ways
            ]
            if best:
                result[number] = _shares(sorted(best, key=lambda there: rank[there[0]]))
                taken |= {*result[number]}
    return result


def _says_vaguely(place: Place, vague: Collection[str]) -> bool:
    """Whether it may be something else than a gradient: ``delta_W`` is a step as well, where there is a ``dW``."""
    return says(place, vague) or (bool(vague) and is_delta(place[-1]))


def _shares(nearest: Sequence[tuple[Place, Any]]) -> tuple[Place, ...]:
    """The nearest place, and those of its build that hold something else; what is gathered elsewhere is there twice."""
    kept: list[tuple[Place, Any]] = []
    build = [type(step) for step in nearest[0][0]]
    for place, value in nearest:
        is_alike = [type(step) for step in place] == build
        if is_alike and not any(np.array_equal(value, other) for _, other in kept):
            kept.append((place, value))
    return tuple(place for place, _ in kept)


def in_order(
    parameters: Sequence[Kept], after: Sequence[tuple[Place, Any]], taken: Collection[Place | None]
) -> dict[Kept, Place]:
    """Gradients kept in a list of their own, or lists in it, in the order of the parameters: told by their shapes.

    What has names is told by them or not at all: a dict is in the order in which backward came by.
    """
    lists: dict[Place, list[tuple[tuple[int, ...], Place, Any]]] = defaultdict(list)
    for place, value in after:
        numbers = _numbers(place)
        where = place[: len(place) - len(numbers)]
        if numbers and where and is_gradients(where[-1]) and place not in taken:
            lists[where].append((numbers, place, value))
    result: dict[Kept, Place] = {}
    for where, found_there in sorted(lists.items(), key=lambda one: says(one[0], VAGUE[1])):
        owner = where[:-1]
        gradients = sorted(found_there, key=lambda there: there[0])  # zeros have come last
        beside = [
            one
            for one in parameters
            if one not in result and any(place[: len(owner)] == owner for place in one.places)
        ]
        if [np.shape(one.array) for one in beside] == [np.shape(value) for _, _, value in gradients]:
            result |= {one: place for one, (_, place, _) in zip(beside, gradients, strict=True)}
    return result


def _numbers(place: Place) -> tuple[int, ...]:
    """The numbers in which a place ends, in a list or in lists of lists."""
    numbers: list[int] = []
    for step in reversed(place):
        if not isinstance(step, Item) or not isinstance(step.key, int):
            break
        numbers.insert(0, step.key)
    return tuple(numbers)


def felt(candidates: Sequence[Kept], depends: Callable[[Callable[[Any], None]], Any]) -> list[Kept]:
    """Those that the output depends on, asked for in groups.

    ``depends(change)`` is the output of a copy that ``change`` was made to, as something to compare; None where forward
    raised. All are moved together, and a group is felt if the output is another one without it: a weight that meets
    zeros is felt once these are moved as well.
    """

    def output(moved: Collection[Kept]) -> Any:
        def change(own: Any) -> None:
            for number, one in enumerate(candidates):
                if one in moved:
                    for place in one.settable:
                        if found(own, place) is not None:  # a list may be shorter in the copy
                            put_as(own, place, shifted(one.array, number))

        return depends(change)

    def among(group: Sequence[Kept]) -> list[Kept]:
        others = [one for one in candidates if one not in group]
        without = output(others) if every is not None else output(group)
        if without is not None and without == (every if every is not None else still):
            return []
        half = len(group) // 2
        return among(group[:half]) + among(group[half:]) if half else list(group)

    if not candidates:
        return []
    every, still = output(candidates), output(())
    return [] if every == still else among(candidates)


def shifted(value: Any, number: int) -> Any:
    """Every entry a little elsewhere, zeros too; others for another number."""
    array = np.asarray(value)
    drawn = np.random.default_rng(number).uniform(0.05, 0.1, array.shape)
    other = (array * (1.0 + drawn) + np.where(array == 0.0, drawn, 0.0)).astype(array.dtype)
    return (
        other
        if isinstance(value, np.ndarray)
        else other[()]
        if isinstance(value, np.generic)
        else float(other)
    )


def called(one: Kept) -> str:
    """What a report calls it: its nearest place without words that only say that it is a parameter."""
    place = one.settable[0]
    steps = [
        _as_attribute(step) if number and _says_parameter(place, number - 1) else step
        for number, step in enumerate(place)
        if not _says_parameter(place, number)
    ]
    if len(steps) > 1 and isinstance(steps[-1], Attribute) and steps[-1].name in VALUES:
        steps.pop()  # W.value
    steps[-1] = _as_attribute(steps[-1])
    return spelled(tuple(steps))


_CONTAINERS = ("params", "parameters", "weights", "modules")


def _as_attribute(step: Step) -> Step:
    return Attribute(step.key) if isinstance(step, Item) and isinstance(step.key, str) else step


def _says_parameter(place: Place, number: int) -> bool:
    step, following = place[number], place[number + 1 : number + 2]
    named = bool(following) and isinstance(following[0], Item) and isinstance(following[0].key, str)
    return named and isinstance(step, Attribute) and step.name.strip("_") in _CONTAINERS


def zeroed(own: Any, gradients: Iterable[Kept]) -> None:
    """Set gradients to zero where a layer adds to them: in place, for they may be parts of one another."""
    for one in gradients:
        for place in one.settable:
            there = found(own, place)
            if isinstance(there, np.ndarray) and there.flags.writeable:
                there[...] = 0
            else:
                put(own, place, type(one.array)(0.0))
