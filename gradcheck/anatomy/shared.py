"""Arrays of a layer that share memory: a transpose that is kept beside its weight, the parts of one long vector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from gradcheck.anatomy.parameters import Kept
from gradcheck.anatomy.places import Place, found, put_as
from gradcheck.ask.random_rounding import Rolled

Shares = tuple[tuple[Place, np.ndarray], ...]
"""Where arrays stand that share memory with one, and which entry of it each entry of theirs is, -1 for none."""


def shares(parameters: Iterable[Kept], every: Sequence[Kept]) -> list[Shares]:
    """What else of all that the layer keeps changes where each parameter is written into."""
    at = {place: one for one in every for place in one.places}
    return [tuple(_beside(at[one.settable[0]], every)) for one in parameters]


def _beside(one: Kept, every: Sequence[Kept]) -> Iterator[tuple[Place, np.ndarray]]:
    for other in every:
        if other is not one and _overlap(other.array, one.array):
            entries = _entries(other.array, one.array)
            yield from ((place, entries) for place in other.settable if np.any(entries >= 0))


def placed(own: Any, one: Kept, shared: Shares, value: Any) -> None:
    """Give a parameter a value, and what shares its memory that part of it; the parts of several add up."""
    if not shared:
        for place in one.settable:
            put_as(own, place, value)
        return
    step = value - one.held
    for place in one.settable:
        put_as(own, place, found(own, place) + step)
    longer = np.concatenate((np.ravel(step), np.zeros(1, one.held.dtype)))  # of the entry -1: no step
    for place, entries in shared:
        put_as(own, place, found(own, place) + longer[entries])


def is_part(one: Kept, wholes: Sequence[Kept]) -> bool:
    """Whether every entry of an array is one of these arrays' as well."""
    covered = np.zeros(np.shape(one.array), bool)
    for whole in wholes:
        if whole is not one and _overlap(one.array, whole.array):
            covered |= _entries(one.array, whole.array) >= 0
    return bool(np.all(covered)) and covered.size > 0


def views_again(arrays: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Of those that share memory, by identity, copies that share memory in the same way."""
    by_owner: dict[int, dict[int, np.ndarray]] = defaultdict(dict)
    for array in arrays:
        by_owner[id(_owner(array))][id(array)] = array
    for together in by_owner.values():
        bounds = sorted(map(byte_bounds, together.values()))
        if any(start < end for (_, end), (start, _) in pairwise(bounds)):
            owner = _owner(next(iter(together.values())))
            memory = owner.copy(order="K").ravel(order="K")
            for array in together.values():
                start = _address(array) - _address(owner)
                again = np.ndarray(array.shape, array.dtype, memory, start, array.strides)
                yield id(array), again.view(type(array))


def _owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory it is a view of, itself where it is none, or one of other numbers or with gaps."""
    owner, base = array, array.base
    while base is not None:  # as_strided puts an object of its own between the two
        owner, base = base if isinstance(base, np.ndarray) else owner, getattr(base, "base", None)
    kinds = type(owner) is np.ndarray and type(array) in (np.ndarray, Rolled)
    plain = kinds and owner.dtype == array.dtype and owner.dtype != object
    return owner if plain and (owner.flags.c_contiguous or owner.flags.f_contiguous) else array


def _overlap(one: Any, other: Any) -> bool:
    are_arrays = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    return are_arrays and _owner(one) is _owner(other) and np.may_share_memory(one, other)


def _address(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _addresses(array: np.ndarray) -> np.ndarray:
    steps = [step * np.arange(count) for count, step in zip(array.shape, array.strides, strict=True)]
    return _address(array) + sum(np.ix_(*steps), np.zeros(array.shape, int))


def _entries(array: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """For each entry of an array which entry of another it is, -1 where it is none."""
    known = _addresses(whole).ravel()
    order = np.argsort(known)
    wanted = _addresses(array)
    near = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(order) - 1)]
    return np.where(known[near] == wanted, near, -1)
