"""Moving entries about: everything that only takes, repeats or puts entries has one derivative, by positions.

A *position* is the index of an entry in its array read in C order. If ``F`` only moves entries, then ``F``
applied to the array of positions says where each entry of the result came from, and that is all its
derivative needs to know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import SparseObject, vspace
from autograd.extend import defvjp_argnum, primitive
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import getval
from numpy.typing import NDArray

from gradcheck.oracles.tracing.tape import rules

Positions = NDArray[np.intp]
Maker = Callable[..., Callable[[Any], Any]]


def rule(fun: Any, *makers: Maker | None, argnums: tuple[int, ...] | None = None) -> None:
    """State the derivative of ``fun`` for this package's tape: one ``maker(ans, *args) -> g -> vjp`` each.

    ``None`` marks an argument that the result is constant in.
    """
    numbers = argnums or range(len(makers))
    rules[fun] = {n: maker or _constant_in(n) for n, maker in zip(numbers, makers, strict=True)}


def _constant_in(argnum: int) -> Maker:
    return lambda ans, *args, **kwargs: lambda g: vspace(args[argnum]).zeros()


@lru_cache(maxsize=64)
def positions(shape: tuple[int, ...]) -> Positions:
    """The position of each entry of an array of this shape (read-only)."""
    table = np.arange(math.prod(shape), dtype=np.intp).reshape(shape)
    table.flags.writeable = False
    return table


def laid_out(x: Any, strides: tuple[int, ...]) -> Any:
    """A copy of a plain array with these strides.

    Whether NumPy's ravel and reshape give views or copies hangs on the strides, so copies must keep them.
    """
    span = sum((n - 1) * abs(step) for n, step in zip(x.shape, strides, strict=True)) + x.itemsize
    if x.size == 0 or span > 4 * x.nbytes:
        return np.array(x)
    start = sum((1 - n) * step for n, step in zip(x.shape, strides, strict=True) if step < 0)
    buffer = np.empty(span // x.itemsize, dtype=x.dtype)
    copy: NDArray[Any] = np.ndarray(x.shape, x.dtype, buffer, start, strides)
    copy[...] = x
    return copy


@primitive  # type: ignore[untyped-decorator]
def relaid(x: Any, strides: tuple[int, ...]) -> Any:
    """`laid_out`, recorded."""
    return laid_out(x, strides)


rule(relaid, lambda ans, x, strides: lambda g: g)


@primitive  # type: ignore[untyped-decorator]
def gather(x: Any, where: Positions) -> Any:
    """Entries of ``x`` at ``where``."""
    return np.reshape(x, -1)[where]


@primitive  # type: ignore[untyped-decorator]
def scatter(g: Any, where: Positions, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` to which the entries of ``g`` are added at ``where``: the adjoint of `gather`."""
    size = int(np.prod(shape))
    if np.iscomplexobj(g):
        flat = np.zeros(size, dtype=complex)
        np.add.at(flat, where, g)
        return flat.reshape(shape)
    return np.bincount(where.ravel(), weights=np.ravel(g), minlength=size).reshape(shape)


rule(gather, lambda ans, x, where: lambda g: scatter(g, where, np.shape(x)))
rule(scatter, lambda ans, g, where, shape: lambda h: gather(h, where))


@primitive  # type: ignore[untyped-decorator]
def rearrange(x: Any, move: Callable[[Any], Any]) -> Any:
    """``move(x)`` for any ``move`` that only takes and repeats entries of its argument."""
    return move(x)


def _rearranged(ans: Any, x: Any, move: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda g: scatter(g, move(positions(np.shape(x))), np.shape(x))


rule(rearrange, _rearranged)


class Writes:
    """Several writes into one array, in order: the positions of each, which do not repeat within it."""

    def __init__(self, wheres: Sequence[Positions]) -> None:
        self.wheres = wheres

    @cached_property
    def written(self) -> Positions:
        """All positions written, those of several writes more than once."""
        first, *others = (where.reshape(-1) for where in self.wheres)
        return np.concatenate([first, *others]) if others else first

    @cached_property
    def last(self) -> dict[int, int]:
        """For each position that several writes share, the number of the last one."""
        if len(self.wheres) == 1 or np.unique(self.written).size == self.written.size:
            return {}
        return {int(p): n for n, where in enumerate(self.wheres) for p in where.reshape(-1)}

    def stays(self, number: int) -> Any:
        """1 where what this write wrote was not overwritten by a later one, else 0."""
        where = self.wheres[number]
        if not self.last:
            return 1.0
        flags = [float(self.last[int(p)] == number) for p in where.reshape(-1)]
        return np.reshape(np.array(flags), where.shape)


@primitive  # type: ignore[untyped-decorator]
def put(x: Any, writes: Writes, *values: Any) -> Any:
    """A copy of ``x`` with each of ``values`` at its positions."""
    copy = laid_out(x, x.strides)
    is_flat = copy.flags.c_contiguous
    for where, value in zip(writes.wheres, values, strict=True):
        if is_flat:
            copy.reshape(-1)[where] = value
        else:
            np.put(copy, where, np.broadcast_to(value, where.shape))
    return copy


@primitive  # type: ignore[untyped-decorator]
def blank(g: Any, where: Positions) -> Any:
    """A copy of ``g`` with zeros at ``where``."""
    copy = np.array(g, order="C")
    copy.reshape(-1)[where] = 0
    return copy


def _put(argnum: int, ans: Any, args: Any, kwargs: Any) -> Callable[[Any], Any]:
    writes = args[1]
    if argnum == 0:
        return lambda g: blank(g, writes.written)
    number, value = argnum - 2, args[argnum]
    return lambda g: sum_to(gather(g, writes.wheres[number]) * writes.stays(number), value)


defvjp_argnum(put, _put)
rule(blank, lambda ans, x, where: lambda g: blank(g, where))


def sum_to(g: Any, x: Any) -> Any:
    """Sum ``g`` over what broadcasting added to ``x``: the adjoint of broadcasting; real where ``x`` is."""
    if type(x) is np.ndarray and g.shape == x.shape and g.dtype == x.dtype:
        return g
    if g.dtype.kind == "c" and not np.iscomplexobj(getval(x)):
        g = anp.real(g)
    shape = np.shape(getval(x))
    if g.shape == shape:
        return g
    while anp.ndim(g) > len(shape):
        g = anp.sum(g, axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and g.shape[axis] != 1:
            g = anp.sum(g, axis=axis, keepdims=True)
    return g


take = ArrayBox.__getitem__
"""autograd's primitive for ``x[index]``."""


@primitive  # type: ignore[untyped-decorator]
def untake(g: Any, index: Any, space: Any) -> Any:
    """The adjoint of `take`, to be added in place where the cotangents meet."""
    repeats = not takes_once(index)  # np.add.at, which sums what is named again, is far slower

    def add_to(total: Any) -> Any:
        if repeats:
            np.add.at(total, index, g)
        else:
            total[index] += g
        return total

    return SparseObject(space, add_to)


def takes_once(index: Any) -> bool:
    """Whether an index names each entry at most once by what it is made of: slices, integers and masks do."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, slice | int | np.integer)
        or (isinstance(part, np.ndarray) and part.dtype == bool)
        for part in parts
    )  # fmt: skip


rule(take, lambda ans, x, index: lambda g: untake(g, index, vspace(x)))
rule(untake, lambda ans, g, index, space: lambda h: take(h, index))
