"""Trees of arrays beside each other: changed, cut to some samples, the same, or the same to rounding."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcheck.anatomy.parameters import Kept, kept
from gradcheck.ask import trees


def arrays_of(own: Any) -> tuple[Kept, ...]:
    return () if own is None else kept(own)


def is_float_array(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def scaled(leaf: Any, factor: float) -> Any:
    if leaf is None or factor == 1.0:
        return leaf
    return np.asarray(np.asarray(leaf) * factor, dtype=np.asarray(leaf).dtype)[()]


def cast(tree: Any, dtype: Any) -> Any:
    return trees.map_leaves(lambda _, leaf: leaf.astype(dtype) if is_float_array(leaf) else leaf, tree)


def pickled(one: Any) -> Any:
    return pickle.loads(pickle.dumps(one))


def changed(tree: Any) -> Any:
    return trees.map_leaves(lambda _, leaf: leaf * 1.25 + 0.1 if is_float_array(leaf) else leaf, tree)


def batched(tree: Any) -> list[np.ndarray]:
    """The arrays that have an axis of samples."""
    return [leaf for _, leaf in trees.leaves(tree) if isinstance(leaf, np.ndarray) and leaf.ndim]


def rows(tree: Any, batch: int, which: Any) -> Any:
    return trees.map_leaves(
        lambda _, leaf: (
            leaf[which] if isinstance(leaf, np.ndarray) and leaf.ndim and len(leaf) == batch else leaf
        ),
        tree,
    )


def unlike(one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two trees differ by more than the rounding of sums in another order: the place, and what is there.

    What is zero but for rounding, as the derivative of a bias before a softmax, has the rounding of what it is made of:
    that of the largest entry of all.
    """
    mine, theirs = dict(trees.leaves(one)), dict(trees.leaves(other))
    if mine.keys() != theirs.keys():
        yield "", one, other
        return
    whole = max((_largest(np.asarray(leaf)) for leaf in mine.values() if leaf is not None), default=0.0)
    for path, leaf in mine.items():
        if not _alike(leaf, theirs[path], whole):
            yield trees.name("", path), leaf, theirs[path]


def alike(one: Any, other: Any) -> bool:
    """Whether two trees are one, to the rounding of sums in another order."""
    return next(unlike(one, other), None) is None


def _alike(one: Any, other: Any, whole: float) -> bool:
    if one is None or other is None:
        return one is other
    a, b = np.asarray(one), np.asarray(other)
    unit = max((float(np.finfo(x.dtype).eps) for x in (a, b) if x.dtype.kind == "f"), default=0.0)
    room = unit * (1e3 * _largest(a) + 64.0 * whole)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e3 * unit, atol=room, equal_nan=True)


def _largest(array: np.ndarray) -> float:
    return float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0)) if array.dtype.kind in "fc" else 0.0


def demanded(holds: bool, message: str) -> None:
    """Raise an AssertionError where it does not hold, under ``python -O`` as well."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(message)


def same(wanted: Any, came: Any, when: str) -> None:
    __tracebackhide__ = True
    for place, one, other in unlike(wanted, came):
        where = f" at {place}" if place else ""
        told = f"{when}: something else comes out{where}\n  wanted {few(one)}\n  came   {few(other)}"
        demanded(False, told)


def exact(wanted: Any, came: Any, message: str) -> None:
    __tracebackhide__ = True
    for (_, a), (_, b) in zip(trees.leaves(wanted), trees.leaves(came), strict=True):
        demanded(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"), message)


def finite(tree: Any, when: str) -> None:
    __tracebackhide__ = True
    for _, leaf in trees.leaves(tree):
        demanded(
            leaf is None or bool(np.isfinite(np.asarray(leaf)).all()), f"{when}: not every number is finite"
        )


def few(tree: Any) -> str:
    with np.printoptions(precision=6, threshold=6, edgeitems=2):
        return str(tree).replace("\n", " ")[:200]
