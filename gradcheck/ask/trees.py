"""Nested lists, tuples and dicts of arrays: walk them, rebuild them, name their leaves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Path = tuple[Any, ...]
"""Keys from the root of a tree to a leaf: indices of lists and tuples, keys of dicts."""


class Endless(ValueError):
    """A container holds itself."""


_DEEPEST = 128
"""No tree of arrays is nested so deep."""


def must_end(name: str, tree: Any) -> dict[Path, Any]:
    """Every leaf of a tree by its path; raise where it holds itself, before anybody walks it.

    Raises
    ------
    ValueError
        It does.
    """
    try:
        return dict(leaves(tree))
    except Endless:
        raise ValueError(
            f"{name} is a {type(tree).__name__} that contains itself: pass a tree of arrays, which ends"
        ) from None


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf of ``tree`` with the path that leads to it, in the order the containers hold them."""
    if len(path) > _DEEPEST:
        raise Endless("a list, tuple or dict contains itself")
    if isinstance(tree, dict):
        for key, child in tree.items():
            yield from leaves(child, (*path, key))
    elif isinstance(tree, list | tuple):
        for index, child in enumerate(tree):
            yield from leaves(child, (*path, index))
    else:
        yield path, tree


def map_leaves(function: Callable[[Path, Any], Any], tree: Any, path: Path = ()) -> Any:
    """The same tree with each leaf replaced by ``function(path, leaf)``; containers are always new."""
    if isinstance(tree, dict):
        items = {key: map_leaves(function, child, (*path, key)) for key, child in tree.items()}
        return items if type(tree) is dict else _like_dict(tree, items)
    if isinstance(tree, list | tuple):
        children = [map_leaves(function, child, (*path, index)) for index, child in enumerate(tree)]
        if hasattr(tree, "_fields"):  # a namedtuple takes its fields one by one
            return type(tree)(*children)
        return type(tree)(children)
    return function(path, tree)


def _like_dict(original: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    # a copy keeps the class, and what it carries beside its items (defaultdict's factory, say)
    again = copy.copy(original)
    again.update(items)
    return again


def copied(tree: Any) -> Any:
    """The same tree with every array copied."""
    if type(tree) is dict:
        return {key: copied(child) for key, child in tree.items()}
    if type(tree) is list:
        return [copied(child) for child in tree]
    return map_leaves(lambda _, leaf: copied_leaf(leaf), tree)


def copied_leaf(leaf: Any) -> Any:
    """A copy of an array; anything else as it is."""
    # order "K" keeps the memory layout, so that f rounds as it does on the caller's own arrays
    return leaf.copy(order="K") if isinstance(leaf, np.ndarray) else leaf


def is_floating(leaf: Any) -> bool:
    """Whether a derivative with respect to ``leaf`` makes sense: real floating-point array or scalar."""
    if isinstance(leaf, np.ndarray | np.generic):
        return _is_floating(leaf.dtype)
    return isinstance(leaf, float)


def all_finite(values: Floats) -> bool:
    """Whether there is no NaN and no infinity; a sum shows either, in less time, unless it overflows itself."""
    return bool(np.isfinite(np.add.reduce(values)) or np.isfinite(values).all())


@lru_cache(maxsize=256)
def _is_floating(dtype: np.dtype[Any]) -> bool:
    return np.issubdtype(dtype, np.floating)


def name(root: str, path: Path) -> str:
    """How a person would write the leaf: ``params['b'][0]``."""
    return root + "".join(f"[{key!r}]" for key in path)
