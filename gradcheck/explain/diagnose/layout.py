"""The right numbers in the wrong places: transposed, rows or columns permuted, blocks exchanged, reversed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import COMMON, RECOGNISED, Guess
from gradcheck.explain.diagnose.scale import fitted_factor
from gradcheck.explain.diagnose.subject import Subject

Order = NDArray[np.intp]


def transpose(subject: Subject) -> Iterator[Guess]:
    """Two axes of equal length exchanged, possibly with a factor on top."""
    truth = subject.truth
    if truth.ndim < 2 or truth.ndim > 4:
        return
    for axes in permutations(range(truth.ndim)):
        turned = truth.transpose(axes)
        if axes == tuple(range(truth.ndim)) or turned.shape != truth.shape or truth.size < 4:
            continue
        for factor in (1.0, _factor(subject, turned)):
            if abs(factor) > 1e-8 and subject.explained_by(factor * turned, gain=max(1.0, abs(factor))):
                yield _transposed(subject, axes, factor)
                return


def _factor(subject: Subject, turned: Floats) -> float:
    known = subject.known & np.isfinite(turned)
    return fitted_factor(subject.claimed[known], turned[known])


def _transposed(subject: Subject, axes: tuple[int, ...], factor: float) -> Guess:
    scaled = abs(factor - 1.0) > 1e-6
    says = "{leaves} {is} transposed: the claim's entry [i, j] is the truth's entry [j, i]"
    if len(axes) > 2:
        says = (
            f"{{leaves}} {{has}} axes exchanged: transpose(claim, {tuple(np.argsort(axes).tolist())})"
            " is the truth"
        )
    if scaled:
        says += f", and {factor:.6g} times as large"
    remedy = "Return the transpose, or exchange the factors of the matrix product."
    figures = {"axes": list(axes), "factor": factor}
    return Guess("transpose", (subject.number,), COMMON + 2.0 * scaled, says, remedy, figures, axes)


def permutation(subject: Subject) -> Iterator[Guess]:
    """Whole slices along one axis, or all entries, in another order."""
    truth = subject.truth
    if not np.all(subject.known) or truth.size < 2:
        return
    for axis in range(truth.ndim):
        order = _order(np.moveaxis(truth, axis, 0), np.moveaxis(subject.claimed, axis, 0), subject)
        if order is not None and subject.explained_by(np.take(truth, order, axis=axis)):
            yield _permuted(subject, axis, order)
            return
    flat = _order(truth.ravel(), subject.claimed.ravel(), subject)
    if truth.ndim > 1 and flat is not None and subject.explained_by(truth.ravel()[flat].reshape(truth.shape)):
        moved = int(np.count_nonzero(flat != np.arange(flat.size)))
        says = (
            f"{{leaves}} {{has}} the right numbers in other places: {moved} of {flat.size} entries "
            f"moved{_flat(truth, flat)}"
        )
        figures = {"moved": moved, "of": int(flat.size)}
        yield Guess("permutation", (subject.number,), RECOGNISED + 1.0, says, _REORDER, figures, "entries")


_REORDER = "Check the order in which the pieces are stacked, reshaped or indexed."


def _order(truth: Floats, claimed: Floats, subject: Subject) -> Order | None:
    """Which slice of the truth stands at each place of the claim; None where they cannot be matched.

    Slices are matched by the order of one number each, a fixed irrational combination of their entries.
    """
    count = truth.shape[0]
    if count < 2:
        return None
    weights = np.cos(np.arange(truth[0].size) * 2.0 + 1.0)
    mine, theirs = (a.reshape(count, -1) @ weights for a in (truth, claimed))
    order = np.empty(count, dtype=np.intp)
    order[np.argsort(theirs, kind="stable")] = np.argsort(mine, kind="stable")
    # equal slices (zeros, mostly) may match anywhere: keep those that already fit in place
    fits = np.abs(mine - theirs) <= 1e-9 * max(float(np.max(np.abs(mine))), subject.scale)
    if np.any(fits):
        rest = np.flatnonzero(~fits)
        order = np.arange(count)
        order[rest[np.argsort(theirs[rest], kind="stable")]] = rest[np.argsort(mine[rest], kind="stable")]
    return None if np.array_equal(order, np.arange(count)) else order


def _permuted(subject: Subject, axis: int, order: Order) -> Guess:
    count = order.size
    noun = {1: ["entries"], 2: ["rows", "columns"]}.get(
        subject.truth.ndim, [f"slices along axis {axis}"] * 9
    )[axis]
    how = _pattern(order)
    says = f"{{leaves}} {{has}} {noun} in the wrong order: {how}"
    figures = {"axis": axis, "order": order[:64].tolist(), "pattern": how}
    # a swap of two entries could be chance in a leaf of two
    cost = RECOGNISED + (1.5 if subject.truth.size == count == 2 else 0.0)
    return Guess(
        "permutation", (subject.number,), cost, says, _REORDER, figures, (axis, tuple(order.tolist()))
    )


def _pattern(order: Order) -> str:
    count = order.size
    if np.array_equal(order, np.arange(count)[::-1]) and count > 2:
        return "reversed"
    shift = int(order[0])
    if np.array_equal(order, np.roll(np.arange(count), -shift)) and count > 2:
        return f"rolled by {-shift if shift <= count // 2 else count - shift}"
    for blocks in (2, 3, 4):
        if count % blocks == 0 and count > blocks:
            size = count // blocks
            starts = order[::size]
            if np.all(starts % size == 0) and np.array_equal(
                order, (starts[:, None] + np.arange(size)).ravel()
            ):
                return f"blocks of {size} stand as {(starts // size).tolist()} (gates or pieces exchanged)"
    moved = np.flatnonzero(order != np.arange(count))
    if moved.size == 2:
        return f"{moved[0]} and {moved[1]} exchanged"
    return f"{moved.size} of {count} moved"


def _flat(truth: Floats, order: Order) -> str:
    fortran = np.arange(truth.size).reshape(truth.shape[::-1]).T.ravel()
    if np.array_equal(order, fortran) or np.array_equal(order, np.argsort(fortran)):
        return " (flattened in one order, refilled in the other)"
    return " (reversed)" if np.array_equal(order, np.arange(truth.size)[::-1]) else ""
