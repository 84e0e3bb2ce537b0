"""What the parts of an expression have to be for the whole to be worth what it is meant to be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.watch import Node, is_float

Values = tuple[Floats, ...]
"""What an expression should be worth at each visit."""
Seen = Mapping[Node, list[Any]]
"""What expressions were worth at their visits."""


def operands(node: ast.expr, wanted: Values, seen: Seen) -> Iterator[tuple[ast.expr, Values]]:
    """The operands of an expression and what each has to be, the others being what they are."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand, tuple(-value for value in wanted)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value, tuple(value.T for value in wanted)
    if isinstance(node, ast.BinOp) and type(node.op) in _INVERSE:
        left, right = (_held(seen, part, len(wanted)) for part in (node.left, node.right))
        of_left, of_right = _INVERSE[type(node.op)]
        # what is wanted may be wider than what comes of the operands
        if right is not None:
            with suppress(ValueError):
                yield node.left, tuple(map(of_left, wanted, right))
        if left is not None:
            with suppress(ValueError):
                yield node.right, tuple(map(of_right, wanted, left))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ARRANGED:
        held = _held(seen, node.func.value, len(wanted))
        if held is not None and all(
            np.size(old) == np.size(new) for old, new in zip(held, wanted, strict=True)
        ):
            yield (
                node.func.value,
                tuple(np.reshape(new, np.shape(old)) for old, new in zip(held, wanted, strict=True)),
            )
    if isinstance(node, ast.Call) and node.args:
        name, first = getattr(node.func, "attr", ""), node.args[0]
        if name in _OF_ONE and len(node.args) == 1:
            yield first, tuple(map(_OF_ONE[name], wanted))
        if (
            name == "where"
            and len(node.args) == 3
            and (chosen := seen.get(first))
            and len(chosen) == len(wanted)
        ):
            for part, sign in zip(node.args[1:], (True, False), strict=True):
                with suppress(ValueError):  # of what decides in another way
                    yield part, tuple(map(partial(_where, sign), chosen, wanted))
        if name == "append" and len(node.args) == 2:
            yield from _pieces(node.args, wanted, seen)
        if name in ("concatenate", "array", "hstack") and isinstance(first, ast.List | ast.Tuple):
            yield from _pieces(first.elts, wanted, seen)


def _where(taken: bool, chosen: Any, wanted: Any) -> Floats:
    return np.where(np.asarray(chosen, dtype=bool) == taken, wanted, np.nan)


def _pieces(parts: list[ast.expr], wanted: Values, seen: Seen) -> Iterator[tuple[ast.expr, Values]]:
    start = 0
    for part in parts:
        held = _held(seen, part, len(wanted))
        if held is None or any(np.ndim(value) > 1 for value in held):
            return
        end = start + np.size(held[0])
        yield part, tuple(np.ravel(value)[start:end] for value in wanted)
        start = end


def _held(seen: Seen, part: ast.expr, visits: int) -> list[Any] | None:
    if isinstance(part, ast.Constant) and isinstance(part.value, int | float):
        return [float(part.value)] * visits
    held = seen.get(part)
    numbers = held is not None and all(is_float(value) or type(value) is int for value in held)
    return held if numbers and held is not None and len(held) == visits else None


def _root(wanted: Any, held: Any) -> Any:
    """The one matrix that ``held`` makes ``wanted`` of; None where there are many or none."""
    if (
        np.ndim(held) != 2
        or np.ndim(wanted) != 2
        or not (np.isfinite(held).all() and np.isfinite(wanted).all())
    ):
        return None
    found, _, rank, _ = np.linalg.lstsq(held, wanted, rcond=None)
    return found if rank == held.shape[1] and np.allclose(held @ found, wanted) else None


_INVERSE: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    ast.Add: (lambda v, r: v - r, lambda v, left: v - left),
    ast.Sub: (lambda v, r: v + r, lambda v, left: left - v),
    ast.Mult: (lambda v, r: v / r, lambda v, left: v / left),
    ast.Div: (lambda v, r: v * r, lambda v, left: left / v),
    ast.MatMult: (
        lambda v, r: None if (x := _root(np.transpose(v), np.transpose(r))) is None else x.T,
        lambda v, left: _root(v, left),
    ),
}
"""What the left operand has to be, given the result and the right one; and the right one, given the left."""


_OF_ONE: dict[str, Callable[[Any], Any]] = {
    "array": np.asarray, "asarray": np.asarray, "copy": np.asarray, "exp": np.log, "log": np.exp, "sqrt": np.square,
    "negative": np.negative, "diag": np.diag,
}  # fmt: skip
"""What the argument of a function has to be."""
_ARRANGED = frozenset({"copy", "flatten", "ravel", "reshape", "squeeze"})
"""Methods that give an array's entries in their order."""


def is_open(value: Any) -> bool:
    """Whether a value may be anything."""
    return bool(np.isnan(value).all())


def fitted(value: Any, now: Any) -> Floats | None:
    """A value in the shape of the one that stands there, or wider where it cannot be so; NaN where nothing follows."""
    if value is None:
        return None
    if is_open(value):
        return np.full(np.shape(now), np.nan)
    wide, now = np.asarray(value, dtype=np.float64), np.asarray(now)
    if not _fits(wide, now):
        return None
    wide = np.where(np.isfinite(wide), wide, np.nan)
    if wide.shape == now.shape:
        return wide
    # it was broadcast: then it has to be the same all along
    lead = wide.ndim - now.ndim
    index = (0,) * lead + tuple(slice(0, 1) if size == 1 else slice(None) for size in now.shape)
    first: Floats = wide[index]
    return first if np.allclose(wide, first, rtol=1e-7, atol=0.0) else wide


def _fits(value: Floats, now: Any) -> bool:
    try:
        return np.broadcast_shapes(value.shape, now.shape) == value.shape
    except ValueError:
        return False
