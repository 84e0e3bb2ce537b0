"""Reading what a claim returned: one array for each checked leaf, or what is wrong with its build."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from gradcheck.ask import trees
from gradcheck.ask.calls import Raised, identical
from gradcheck.ask.foreign import foreign
from gradcheck.ask.point import Point, Slot, describe
from gradcheck.ask.trees import Floats
from gradcheck.findings import Diagnosis


@dataclass(frozen=True)
class Reading:
    """The claim leaf by leaf.

    ``raw`` holds for each slot a float64 copy in the shape it came in, None where nothing of the kind came;
    ``dtypes`` what it was before; ``problems`` why it is no gradient (empty where it is one); ``conduct`` what
    is wrong with how it was given, whatever its values (a cotangent changed), ``lends`` with its memory (an
    argument's); ``narrow`` that it has fewer digits than its argument, which is a problem only where f has them all;
    ``dense`` the Jacobians as they came, where ``raw`` is their product with a covector.
    """

    raw: tuple[Floats | None, ...]
    dtypes: tuple[str, ...]
    problems: tuple[Diagnosis, ...]
    conduct: tuple[Diagnosis, ...] = ()
    lends: tuple[Diagnosis, ...] = ()
    narrow: tuple[Diagnosis, ...] = ()
    remarks: tuple[str, ...] = ()
    dense: tuple[Floats | None, ...] = ()
    joined: Floats | None = None
    """The memory of ``raw``, where all pieces lie side by side in it."""

    @cached_property
    def flat(self) -> Floats:
        """All entries in the order of the point; only where there are no problems."""
        if self.joined is not None:
            return self.joined
        if len(self.raw) == 1 and self.raw[0] is not None:
            return self.raw[0].ravel()
        return np.concatenate([piece.ravel() for piece in self.raw if piece is not None])


def read(where: Point, result: Any, label: str, output: tuple[int, ...] = ()) -> Reading:
    """Match ``result`` with the checked arguments.

    Parameters
    ----------
    label
        What the claim is called in messages.
    output
        Axes that come before those of the leaf: the output's shape for a dense Jacobian.

    Raises
    ------
    Raised
        ``result`` contains itself.
    TypeError
        It is a sparse matrix, an operator, a tensor, or a pair of value and gradient.
    """
    came = _must_end(result, label)
    as_due = None if output else _read_as_due(where, result, came)
    if as_due is not None:
        return as_due
    problems: list[Diagnosis] = []
    remarks: list[str] = []
    narrow: list[Diagnosis] = []
    per_argument = _per_argument(where, result, label, problems)
    problems += _strays(where, per_argument, label)
    raw: list[Floats | None] = []
    dtypes: list[str] = []
    for slot in where.slots:
        tree = per_argument.get(slot.argnum, _MISSING)
        leaf = _follow(tree, slot.keys[1:])
        array = _array(leaf)
        raw.append(None if array is None else array.astype(np.float64))
        dtypes.append("none" if array is None else str(array.dtype))
        if tree is not _MISSING:
            problem = _problem(slot, leaf, array, label, output)
            problems += [problem] if problem else []
            if array is not None and problem is None:
                narrow += _narrow(slot, array)
            if array is not None and array.dtype.kind in "iub":
                remarks.append(
                    f"{label} returned {array.dtype} for {slot.path}; its values were judged as floats"
                )
    return Reading(
        tuple(raw),
        tuple(dtypes),
        tuple(problems),
        narrow=tuple(narrow),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _read_as_due(where: Point, result: Any, came: dict[trees.Path, Any]) -> Reading | None:
    """The reading of arrays that have the places, shapes and dtypes of their leaves, all finite; None of others."""
    several = len(where.argnums) > 1
    if len(came) != len(where.slots) or (
        several and not (isinstance(result, tuple | list) and len(result) == len(where.argnums))
    ):
        return None
    joined = np.empty(where.x.size)
    pieces = []
    for slot in where.slots:
        own = slot.keys[1:]
        leaf = came.get((where.argnums.index(slot.argnum), *own) if several else own)
        if not isinstance(leaf, np.ndarray) or leaf.shape != slot.shape or leaf.dtype != slot.dtype:
            return None
        piece = joined[slot.start : slot.stop].reshape(slot.shape)
        piece[...] = np.asarray(leaf)
        pieces.append(piece)
    if not trees.all_finite(joined):
        return None
    return Reading(tuple(pieces), tuple([_name(slot.dtype) for slot in where.slots]), (), joined=joined)


@lru_cache(maxsize=64)
def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype)


class _Missing:
    pass


_MISSING = _Missing()


def _per_argument(where: Point, result: Any, label: str, problems: list[Diagnosis]) -> dict[int, Any]:
    if len(where.argnums) == 1:
        return {where.argnums[0]: result}
    names = ", ".join(where.names[number] for number in where.argnums)
    if not isinstance(result, tuple | list) or len(result) != len(where.argnums):
        message = (
            f"{label} returned {describe(result)}; wanted a tuple of {len(where.argnums)} gradients, "
            f"for {names} in that order. Return one gradient for each checked argument, or name the checked "
            "ones with argnums="
        )
        problems.append(
            Diagnosis("shape", "", message, {"returned": describe(result), "wanted": len(where.argnums)})
        )
        return {}
    return dict(zip(where.argnums, result, strict=True))


def _strays(where: Point, per_argument: dict[int, Any], label: str) -> list[Diagnosis]:
    """Leaves of the claim that its argument does not have."""
    problems = []
    for number, tree in per_argument.items():
        known = {path for path, _ in trees.leaves(where.args[number])}
        if () in known or _stacked(
            where.args[number], tree
        ):  # lists of numbers are read as arrays, and the reverse
            continue
        for path, leaf in trees.leaves(tree):
            if leaf is not None and not any(path[:depth] in known for depth in range(len(path) + 1)):
                name = trees.name(where.names[number], path)
                message = (
                    f"{label} returned {describe(leaf)} for {name}, which {where.names[number]} does not have; a "
                    "gradient has the tree of its argument"
                )
                problems.append(Diagnosis("shape", name, message, {"returned": describe(leaf)}))
    return problems


def _stacked(argument: Any, tree: Any) -> bool:
    """Whether ``tree`` is an array where the argument is a list, of the numbers or arrays that it would hold."""
    if not isinstance(tree, np.ndarray) or not isinstance(argument, list | tuple):
        return False
    try:
        return bool(np.asarray(argument, dtype=np.float64).shape == tree.shape)
    except (TypeError, ValueError):  # ragged, or not of numbers alone
        return False


def _follow(tree: Any, keys: trees.Path) -> Any:
    for key in keys:
        if isinstance(key, str) and not isinstance(tree, dict):
            return tree  # a list where a dict was due, say: what came is what there is to show
        try:
            tree = tree[key]
        except (TypeError, KeyError, IndexError):
            return _MISSING
    return tree


def _must_end(result: Any, label: str) -> dict[trees.Path, Any]:
    try:
        return trees.must_end(f"what {label} returned", result)
    except ValueError as endless:
        raise Raised(str(endless)) from None


def _array(leaf: Any) -> np.ndarray | None:
    if leaf is None or leaf is _MISSING or isinstance(leaf, dict):
        return None
    try:
        array = np.asarray(leaf)
    except Exception:  # a ragged list, an array of another library that does not give its numbers away
        return None
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            return None
    if array.dtype.kind == "c":
        return array.real
    return array if array.dtype.kind in "fiub" else None


def _problem(
    slot: Slot, leaf: Any, array: np.ndarray | None, label: str, output: tuple[int, ...]
) -> Diagnosis | None:
    wanted = (*output, *slot.shape)
    if array is None:
        _misuse(leaf, label, slot.path)
        what = "nothing" if leaf is _MISSING else describe(leaf)
        message = f"{label} returned {what} for {slot.path}; wanted a {slot.dtype} array of shape {wanted}"
        return Diagnosis("shape", slot.path, message, {"returned": what, "wanted": list(wanted)})
    if np.iscomplexobj(np.asarray(leaf)):
        message = (
            f"{label} returned complex numbers for {slot.path}, which is real: a gradient with respect to a real "
            "array is real; return its .real, if that is what was meant"
        )
        return Diagnosis("dtype", slot.path, message, {"returned": str(np.asarray(leaf).dtype)})
    if array.shape != wanted:
        message = f"the gradient of {slot.path} has shape {array.shape} where {slot.path} asks for {wanted}"
        return Diagnosis("shape", slot.path, message, {"returned": list(array.shape), "wanted": list(wanted)})
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        count = int(np.count_nonzero(~np.isfinite(array)))
        value = float(array[index])
        message = (
            f"the gradient of {slot.path} is {value} at {list(index)} ({count} of {array.size} entries not "
            "finite) where f is finite"
        )
        return Diagnosis("nonfinite", slot.path, message, {"index": index, "count": count, "value": value})
    return None


def _misuse(leaf: Any, label: str, path: str) -> None:
    """Raise for what is no array, and no mistake in the derivative either.

    Raises
    ------
    TypeError
        A sparse matrix, an operator, a tensor, a value and its gradient: the message names it and the remedy.
    """
    known = foreign(leaf, f"{label}(...)")
    if known is not None:
        what, plain = known
        raise TypeError(
            f"{label} returned {what} for {path}, which is not supported: return a plain array, {plain}"
        )
    is_pair = isinstance(leaf, tuple | list) and len(leaf) == 2
    if (
        is_pair
        and not isinstance(leaf[0], list)
        and np.ndim(leaf[0]) == 0
        and isinstance(leaf[1], np.ndarray | list)
    ):
        raise TypeError(
            f"{label} returned a pair for {path}, {describe(leaf)}: is that (value, gradient)? Check its second part, "
            f"lambda *args: {label}(*args)[1]"
        )


def _narrow(slot: Slot, array: np.ndarray) -> list[Diagnosis]:
    if array.dtype.kind != "f" or array.dtype.itemsize >= min(slot.dtype.itemsize, 8):
        return []
    if slot.scalar is float:  # Python's float takes the precision of what it meets
        return []
    message = (
        f"the gradient of {slot.path} is {array.dtype} where {slot.path} is {slot.dtype}: precision is lost "
        "on the way; compute it in the argument's own dtype"
    )
    return [Diagnosis("dtype", slot.path, message, {"returned": str(array.dtype), "wanted": str(slot.dtype)})]


def contracted(reading: Reading, u: Floats, output: tuple[int, ...]) -> Reading:
    """A reading of dense Jacobians, contracted with the covector ``u``: the claimed pullback."""
    if reading.problems:
        return reading
    axes = len(output)
    raw = [np.tensordot(u.reshape(output), dense, axes) for dense in reading.raw if dense is not None]
    return replace(reading, raw=tuple(np.asarray(piece) for piece in raw), dense=reading.raw, joined=None)


def hessian_rows(where: Point, result: Any, u: Floats, label: str) -> Reading:
    """A reading of second derivatives, contracted with ``u`` over the first index of each block."""
    _must_end(result, label)
    several = len(where.argnums) > 1
    positions = {number: position for position, number in enumerate(where.argnums)}
    total: list[Floats] = [np.zeros(slot.shape) for slot in where.slots]
    problems: list[Diagnosis] = []
    narrow: list[Diagnosis] = []
    dtypes = ["float64"] * len(where.slots)
    blocks: list[Floats | None] = []
    for row in where.slots:
        along_row = _follow(result, (positions[row.argnum], *row.keys[1:]) if several else row.keys[1:])
        for column, slot in enumerate(where.slots):
            keys = (positions[slot.argnum], *slot.keys[1:]) if several else slot.keys[1:]
            leaf = _follow(along_row, keys)
            block = _array(leaf)
            blocks.append(None if block is None else block.astype(np.float64))
            problem = _problem(slot, leaf, block, label, row.shape)
            if problem is not None or block is None:
                problems += [problem] if problem else []
                continue
            narrow += _narrow(slot, block)
            dtypes[column] = str(block.dtype)
            covector = u[row.start : row.stop].reshape(row.shape)
            total[column] = total[column] + np.tensordot(covector, block.astype(np.float64), len(row.shape))
    raw = tuple(None if problems else np.asarray(piece) for piece in total)
    return Reading(
        raw,
        tuple(dtypes),
        tuple({problem.message: problem for problem in problems}.values()),
        narrow=tuple({told.message: told for told in narrow}.values()),
        dense=tuple(blocks) if len(blocks) == 1 else (),
    )


def lent(result: Any, args: tuple[Any, ...], where: Point, label: str) -> Diagnosis | None:
    """The diagnosis of a claim that hands out the memory of an argument as its gradient; None where it does not."""
    leaves = [(number, path, leaf) for number, arg in enumerate(args) for path, leaf in _arrays(arg)]
    owners = {id(owner) for _, _, leaf in leaves for owner in (leaf, leaf.base)}
    pieces = [piece for _, piece in _arrays(result) if not _is_new(piece, owners)]
    if not pieces:
        return None
    spans = [(*byte_bounds(leaf), number, path) for number, path, leaf in leaves]
    spans.sort(key=lambda span: span[0])
    starts = [span[0] for span in spans]
    furthest = list(accumulate((span[1] for span in spans), max))
    for piece in pieces:
        low, high = byte_bounds(piece)
        # the last argument that begins before the piece ends, and those before it that reach into it
        last = bisect_left(starts, high) - 1
        while last >= 0 and furthest[last] > low:
            _, end, number, path = spans[last]
            if end > low:
                return _lends(trees.name(where.names[number], path), label)
            last -= 1
    return None


def _is_new(piece: np.ndarray, owners: set[int]) -> bool:
    """Whether an array has memory of its own, which is none of these owners'."""
    return piece.base is None and piece.flags.owndata and id(piece) not in owners


def _arrays(tree: Any) -> Iterator[tuple[trees.Path, Any]]:
    return ((path, leaf) for path, leaf in trees.leaves(tree) if isinstance(leaf, np.ndarray) and leaf.size)


def _lends(name: str, label: str) -> Diagnosis:
    message = (
        f"{label} returns the memory of its argument {name}: who then scales the gradient in place, "
        f"or updates {name}, changes the other. Return a copy"
    )
    return Diagnosis("mutates_input", name, message, {"function": label, "argument": name})


def changed(given: Any, kept: Any, label: str, name: str) -> Diagnosis | None:
    """The diagnosis of a claim that writes into the cotangent or tangents it was ``given``; None otherwise."""
    pairs = zip(trees.leaves(given), trees.leaves(kept), strict=True)
    if all(identical(one, other) for (_, one), (_, other) in pairs):
        return None
    message = (
        f"{label} writes into its {name}: whoever called it finds {name} changed. Work on a copy, "
        f"for example {name} = {name}.copy(), or {name} * mask for {name} *= mask"
    )
    return Diagnosis("mutates_input", name, message, {"function": label, "argument": name})


def shaped(like: Any, values: Floats) -> Any:
    """``values`` laid out as ``like``, a tree of arrays and numbers: floats of the same precision."""
    position = 0

    def take(_: trees.Path, leaf: Any) -> Any:
        nonlocal position
        array = np.asarray(leaf)
        piece = values[position : position + array.size].reshape(array.shape)
        position += array.size
        dtype = array.dtype if array.dtype.kind == "f" else np.float64
        if not isinstance(leaf, np.ndarray):
            return float(piece) if type(leaf) in (float, int) else np.asarray(piece, dtype=dtype)[()]
        return piece.astype(dtype)

    return trees.map_leaves(take, like)
