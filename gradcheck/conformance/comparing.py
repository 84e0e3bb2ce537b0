"""Trees of arrays beside each other: changed, cut to some samples, the same, or the same to rounding."""

from __future__ import annotations

import pickle
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


def alike(one: Any, other: Any) -> bool:
    """Whether two trees are one to the rounding of sums in another order."""
    mine, theirs = dict(trees.leaves(one)), dict(trees.leaves(other))
    if mine.keys() != theirs.keys():
        return False
    for a, b in ((mine[path], theirs[path]) for path in mine):
        if a is None or b is None:
            if a is not b:
                return False
            continue
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return False
        unit = max((float(np.finfo(x.dtype).eps) for x in (a, b) if x.dtype.kind == "f"), default=0.0)
        largest = float(np.max(np.abs(a), initial=0.0))
        if not np.allclose(a, b, rtol=1e3 * unit, atol=1e3 * unit * largest, equal_nan=True):
            return False
    return True


def demanded(holds: bool, message: str) -> None:
    """Raise an AssertionError where it does not hold, under ``python -O`` as well."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(message)


def same(wanted: Any, came: Any, when: str) -> None:
    __tracebackhide__ = True
    demanded(
        alike(wanted, came),
        f"{when}: something else comes out\n  wanted {few(wanted)}\n  came   {few(came)}",
    )


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
