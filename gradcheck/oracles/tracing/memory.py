"""Writes: arrays share memory and are changed in place; a tape wants values that never change.

A `Storage` stands for one piece of memory. Its content is replaced on every write, its version counts the
writes, and each view knows which positions of the storage it shows, so that it can be read anew when the
version has moved on. Which positions those are is asked of the values' own addresses, not of the function
that made the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval, isbox
from numpy.typing import NDArray

from gradcheck.oracles.tracing import moves
from gradcheck.oracles.tracing.refusal import refuse

if TYPE_CHECKING:
    from gradcheck.oracles.tracing.array import Traced


class Storage:
    """One piece of memory: its content (autograd's box or plain) and how often it was written.

    ``captured``: the plain content is kept by the tape or belongs to the caller, so a write must copy it.
    ``shared``: a plain copy was handed out, as if it were this memory; a write could not reach it.
    """

    __slots__ = ("box", "captured", "shared", "version")

    def __init__(self, box: Any) -> None:
        self.box = box
        self.version = 0
        self.captured = False
        self.shared = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a view came from: its parent, the parent's value then, and the view's own value then."""

    parent: Traced
    parent_value: NDArray[Any]
    value: NDArray[Any]


def overlaps(a: Any, b: Any) -> bool:
    """Whether two plain values may share memory."""
    return isinstance(b, np.ndarray) and bool(np.may_share_memory(a, b))


def read(view: Traced) -> Any:
    """The content of the memory that ``view`` shows, as of now."""
    content = view.storage.box
    if view.origin is None:
        return content
    return _with_strides(moves.gather(content, shown(view)), view.origin.value.strides)


def _with_strides(box: Any, strides: tuple[int, ...]) -> Any:
    value = getval(box)
    same = all(n < 2 or a == b for n, a, b in zip(value.shape, value.strides, strides, strict=True))
    return box if same or value.size == 0 else moves.relaid(box, strides)


def shown(view: Traced) -> moves.Positions:
    """For each entry of ``view`` its position in the storage."""
    if view.origin is None:
        return moves.positions(view.shape)
    parent = shown(view.origin.parent).reshape(-1)
    addresses = _addresses(view.origin.parent_value).reshape(-1)
    order = np.argsort(addresses, kind="stable")
    wanted = _addresses(view.origin.value)
    found = np.minimum(np.searchsorted(addresses[order], wanted), addresses.size - 1)
    if not np.array_equal(addresses[order][found], wanted):
        refuse("a write to memory that is seen in two ways cannot be traced")
    return parent[order[found]]


def _addresses(array: NDArray[Any]) -> NDArray[np.intp]:
    start = array.__array_interface__["data"][0]
    total = np.full(array.shape, start, dtype=np.intp)
    for axis, (size, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        steps = np.arange(size, dtype=np.intp) * stride
        total += steps.reshape((-1,) + (1,) * (array.ndim - axis - 1))
    return total


def write(target: Traced, index: Any, value: Any) -> None:
    """``target[index] = value``."""
    from gradcheck.oracles.tracing.array import Traced, plain

    if target.is_scalar:
        raise TypeError("'numpy.float64' object does not support item assignment")
    if isinstance(value, list | tuple):
        value = np.stack(value) if any(type(item) is Traced for item in value) else np.asarray(value)
    new = plain(value)
    _check_kind(target, new)
    storage = target.storage
    _check_writable(storage)
    if not isbox(storage.box) and not isbox(new):
        _write_plain(target, index, new)
    else:
        positions = shown(target)
        _replace(storage, positions[index], positions.size, new)
    _moved_on(target)


def assign(target: Traced, new: Any) -> None:
    """``target[...] = new`` for a result of the target's own shape, without a copy where that can be had."""
    _check_kind(target, new)
    _check_writable(target.storage)
    if target.origin is None:
        # a second array must not share the content of the first one, which may be written in place
        target.storage.box = _with_strides(new, target.strides)
        target.storage.captured = not isbox(new)
    else:
        positions = shown(target)
        _replace(target.storage, positions, positions.size, new)
    _moved_on(target)


def add_at(target: Traced, index: Any, value: Any, sign: float = 1.0) -> None:
    """``np.add.at(target, index, sign * value)``."""
    from gradcheck.oracles.tracing.array import plain

    new = plain(value)
    _check_kind(target, new)
    _check_writable(target.storage)
    storage = target.storage
    where = shown(target)[index]
    values = anp.reshape(sign * new + np.zeros(where.shape), (-1,))
    shape = np.shape(getval(storage.box))
    total = storage.box + moves.scatter(values, where.reshape(-1), shape)
    storage.box = _with_strides(total, getval(storage.box).strides)
    storage.captured = False
    _moved_on(target)


def duplicate(source: Traced, order: str = "C") -> Traced:
    """A copy with a storage of its own, laid out in this order ("K": as the source)."""
    from gradcheck.oracles.tracing.array import Traced

    box = source.box
    if source.is_scalar:
        return Traced(box)
    if not isbox(box):
        return Traced(box.copy(order))
    # what is on the tape is never written, so copies may share it
    return Traced(_with_strides(box, np.empty_like(getval(box), order=order).strides))


def _write_plain(target: Traced, index: Any, new: Any) -> None:
    storage = target.storage
    if storage.captured:
        storage.box = moves.laid_out(storage.box, storage.box.strides)
        storage.captured = False
    if target.origin is None:
        storage.box[index] = new
    else:
        where = shown(target)[index]
        np.put(storage.box, where, np.broadcast_to(new, where.shape))


def _replace(storage: Storage, where: Any, size: int, new: Any) -> None:
    where = np.asarray(where)
    new = _fit(new, where.shape)
    flat = where.reshape(-1)
    last = np.empty(np.size(getval(storage.box)), dtype=np.intp)
    last[flat] = np.arange(flat.size)
    kept = last[flat] == np.arange(flat.size)
    if not kept.all():  # of several writes to one entry the last one stays
        new = anp.reshape(new + np.zeros(where.shape), (-1,))[kept]
        where = flat[kept]
    storage.box = moves.put(storage.box, where, new)
    storage.captured = False


def _fit(new: Any, shape: tuple[int, ...]) -> Any:
    # assignment, unlike broadcasting, lets a value have extra leading axes of length 1
    while np.ndim(getval(new)) > len(shape) and np.shape(getval(new))[0] == 1:
        new = anp.reshape(new, np.shape(getval(new))[1:])
    np.broadcast_to(getval(new), shape)
    return new


def _check_kind(target: Traced, new: Any) -> None:
    if np.iscomplexobj(getval(new)) and not np.iscomplexobj(getval(target._box)):
        refuse("a complex value is written into a real array")


def _check_writable(storage: Storage) -> None:
    if storage.shared:
        refuse("an array is written after its plain values were handed out")


def _moved_on(target: Traced) -> None:
    target.storage.version += 1
    if target.origin is None:
        target._box = target.storage.box
        target.version = target.storage.version
