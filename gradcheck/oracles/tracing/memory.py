"""Writes: arrays share memory and are changed in place; a tape wants values that never change.

A `Storage` stands for one piece of memory. Its content is replaced by writes, its version counts them, and
each view knows which positions of the storage it shows, so that it can be read anew when the version has moved
on. Which positions those are is asked of the values' own addresses, not of the function that made the view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval, isbox
from numpy.typing import NDArray

from gradcheck.oracles.tracing import moves
from gradcheck.oracles.tracing.refusal import refuse, spend

if TYPE_CHECKING:
    from gradcheck.oracles.tracing.array import Traced


class Storage:
    """One piece of memory: its content (autograd's box or plain) and how often it was written.

    Writes are gathered and made together when the content is next read, so that filling an array entry by
    entry does not copy it at each entry.

    ``captured``: the plain content is kept by the tape or belongs to the caller, so a write must copy it.
    ``shared``: a plain copy was handed out, as if it were this memory; a write could not reach it.
    """

    __slots__ = ("_content", "_writes", "captured", "shared", "version")

    def __init__(self, content: Any) -> None:
        self._content = content
        self._writes: list[tuple[moves.Positions, Any]] = []
        self.version = 0
        self.captured = False
        self.shared = False

    @property
    def box(self) -> Any:
        """The content, with all writes made."""
        if self._writes:
            wheres, values = zip(*self._writes, strict=True)
            spend(getval(self._content).nbytes)
            self._content = moves.put(self._content, moves.Writes(wheres), *values)
            self._writes = []
            self.captured = False
        return self._content

    @box.setter
    def box(self, content: Any) -> None:
        self._content = content
        self._writes = []

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it depends on a differentiated leaf."""
        return not self._writes and not isbox(self._content)

    def add(self, where: moves.Positions, value: Any) -> None:
        """Write ``value`` at positions that do not repeat, when next read."""
        self._writes.append((where, value))


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
    if view.positions is None:
        view.positions = _shown_by(view.origin)
    positions: moves.Positions = view.positions
    return positions


def _shown_by(origin: Origin) -> moves.Positions:
    parent = shown(origin.parent).reshape(-1)
    addresses = _addresses(origin.parent_value).reshape(-1)
    order = np.argsort(addresses, kind="stable")
    wanted = _addresses(origin.value)
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
    if storage.is_plain and not isbox(new):
        _write_plain(target, index, new)
    else:
        _write_traced(storage, np.asarray(shown(target)[index]), new, moves.takes_once(index))
    storage.version += 1


def assign(target: Traced, new: Any) -> None:
    """``target[...] = new`` for a result of the target's own shape, without a copy where that can be had."""
    _check_kind(target, new)
    _check_writable(target.storage)
    if target.origin is None:
        # a second array must not share the content of the first one, which may be written in place
        target.storage.box = _with_strides(new, target.strides)
        target.storage.captured = not isbox(new)
    else:
        _write_traced(target.storage, shown(target), new, target.origin is None)
    target.storage.version += 1


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
    storage.version += 1


def duplicate(source: Traced, order: Any = "C") -> Traced:
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


def _write_traced(storage: Storage, where: moves.Positions, new: Any, once: bool) -> None:
    new = _fit(new, where.shape)
    flat = where.reshape(-1)
    if not once and np.unique(flat).size < flat.size:  # of several writes to one entry the last one stays
        last = {position: number for number, position in enumerate(flat.tolist())}
        kept = np.fromiter(last.values(), dtype=np.intp)
        new = anp.reshape(new + np.zeros(where.shape), (-1,))[kept]
        where = flat[kept]
    storage.add(where, new)


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
