"""Edits for a function that is right in its values and writes into what it is given, or loses their precision."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck.explain.blame.edits import ADJUSTED, EXCHANGED, OPERATORS, Edit, operand
from gradcheck.explain.blame.written import Source, Written


def manners(function: Written) -> Iterator[Edit]:
    """All that makes a new array where one is changed in place or passed on, or keeps its digits; plainest first."""
    source = function.source
    nodes = list(ast.walk(function.node))
    for node in nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield _anew(source, node)
        elif isinstance(node, ast.Call) and any(keyword.arg == "out" for keyword in node.keywords):
            yield _without(source, node, "out")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            yield from _chosen(source, node)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "astype":
            assert isinstance(node.func, ast.Attribute)
            yield Edit(EXCHANGED, "precision", node, operand(source, node.func.value))
        elif isinstance(node, ast.Call) and any(keyword.arg == "dtype" for keyword in node.keywords):
            yield _without(source, node, "dtype")
    for node in nodes:
        named = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if (
            isinstance(node, ast.Assign | ast.Return)
            and (named or isinstance(node, ast.Return))
            and node.value
        ):
            yield from _copies(source, node.value)
    for node in nodes:
        # a name, wherever it is handed on: to a helper that writes into it, to a container
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _arguments(function):
            yield Edit(ADJUSTED, "copy", node, f"{node.id}.copy()")


def _arguments(function: Written) -> frozenset[str]:
    node = function.node
    return frozenset(one.arg for one in ast.walk(node) if isinstance(one, ast.arg)) - {"self", "cls"}


def _anew(source: Source, node: ast.AugAssign) -> Edit:
    """``x = x * y`` for ``x *= y``."""
    target, value = source.segment(node.target), node.value
    product = isinstance(value, ast.BinOp) and isinstance(
        value.op, ast.Mult | ast.Div | ast.MatMult | ast.Pow
    )
    plain = product and isinstance(node.op, ast.Add | ast.Sub)
    text = source.segment(value) if plain else operand(source, value)
    return Edit(EXCHANGED, "copy", node, f"{target} = {target} {OPERATORS[type(node.op)]} {text}")


def _without(source: Source, node: ast.Call, name: str) -> Edit:
    """``np.exp(x)`` for ``np.exp(x, out=x)``."""
    others = [keyword for keyword in node.keywords if keyword.arg not in (name, None)]
    kept = [source.segment(argument) for argument in node.args]
    kept += [f"{keyword.arg}={source.segment(keyword.value)}" for keyword in others]
    return Edit(EXCHANGED, "copy", node, f"{source.segment(node.func)}({', '.join(kept)})")


def _chosen(source: Source, node: ast.Assign) -> Iterator[Edit]:
    """``x = np.where(mask, y, x)`` for ``x[mask] = y``."""
    target = node.targets[0]
    assert isinstance(target, ast.Subscript)
    if isinstance(target.value, ast.Name) and not any(
        isinstance(one, ast.Slice) for one in ast.walk(target.slice)
    ):
        name, mask = target.value.id, source.segment(target.slice)
        yield Edit(
            EXCHANGED, "copy", node, f"{name} = np.where({mask}, {source.segment(node.value)}, {name})"
        )


def _copies(source: Source, value: ast.expr) -> Iterator[Edit]:
    """A copy of what is assigned or returned, of each part of it first."""
    parts = (
        value.elts
        if isinstance(value, ast.Tuple | ast.List)
        else value.values
        if isinstance(value, ast.Dict)
        else []
    )
    for part in parts:
        yield from _copies(source, part)
    if not parts and not isinstance(value, ast.Constant):
        yield Edit(ADJUSTED, "copy", value, f"{operand(source, value)}.copy()")
