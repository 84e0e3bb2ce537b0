"""Where f is defined: at a point and on both sides of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.calls import undisturbed

_SIDE = 1e-4
"""How far beside a point, of its own size or of 1, f must be defined."""


def _moved(tree: Any, side: float) -> Any:
    def moved(_: trees.Path, value: Any) -> Any:
        if side and isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return (value + side * _SIDE * np.maximum(1.0, np.abs(value))).astype(value.dtype)
        if side and isinstance(value, float | np.floating):
            return type(value)(float(value) + side * _SIDE * max(1.0, abs(float(value))))
        return np.array(value) if isinstance(value, np.ndarray) else value

    return trees.map_leaves(moved, tree)


def _is_finite(result: Any) -> bool:
    leaves = [np.asarray(leaf) for _, leaf in trees.leaves(result)]
    return all(np.isfinite(leaf).all() for leaf in leaves if leaf.dtype.kind == "f")


def undefined(f: Callable[..., Any], args: Mapping[str, Any], shapes: Mapping[str, Any]) -> str:
    """What is in the way of f there or beside it, "" where nothing is: an axis too short, the edge of its domain."""
    with undisturbed():
        try:
            results = [f(*_beside(args, shapes, side)) for side in (0.0, 1.0, -1.0)]
        except Exception as error:
            return f"f raised {type(error).__name__}: {error}"
    return "" if all(map(_is_finite, results)) else "f is not finite"


def _beside(args: Mapping[str, Any], shapes: Mapping[str, Any], side: float) -> Iterator[Any]:
    """Copies of the arguments, what was drawn moved to one side; constants may have no other value (an order)."""
    for name, arg in args.items():
        yield _moved(arg, side if isinstance(shapes[name], str) else 0.0)
