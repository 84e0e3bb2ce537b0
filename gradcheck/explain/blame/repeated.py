"""Lines of f that a backward pass repeats: what a name stands for there, where it stands for something else here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck.explain.blame.edits import EXCHANGED, Edit, names
from gradcheck.explain.blame.written import Written


def repeated(function: Written, others: tuple[Written, ...]) -> Iterator[Edit]:
    """What other functions assign to a name, in the place of what this one does; also where the claim raises for it.

    And what an expression is a part of there, in its place.
    """
    own = {*names(function), *function.code.co_names}
    told: dict[str, dict[str, str]] = {}
    around: dict[str, dict[str, str]] = {}
    for other in others:
        # what the one calls, the other can where they stand in one file
        known = own | {*other.code.co_names} if other.source.path == function.source.path else own
        for name, value in _assigned(other):
            if _read(value) <= known:
                told.setdefault(name, {})[ast.dump(value)] = other.source.segment(value)
        for whole in ast.walk(other.node):
            if isinstance(whole, ast.BinOp) and _read(whole) <= known:
                for part in (whole.left, whole.right):
                    around.setdefault(ast.dump(part), {})[ast.dump(whole)] = other.source.segment(whole)
    for name, value in _assigned(function):
        yield from (
            Edit(EXCHANGED, "repeated", value, text)
            for what, text in told.get(name, {}).items()
            if what != ast.dump(value)
        )
    for node in ast.walk(function.node):
        if isinstance(node, ast.BinOp) and (wholes := around.get(ast.dump(node))):
            own_whole = ast.dump(function.source.parents[node])
            yield from (
                Edit(EXCHANGED, "repeated", node, text) for what, text in wholes.items() if what != own_whole
            )


def _assigned(function: Written) -> Iterator[tuple[str, ast.expr]]:
    """Each variable of a function with what it is assigned, by itself or beside others."""
    for node in ast.walk(function.node):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _parts(node.targets[0], node.value)


def _parts(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(name), _:
            yield name, value
        case ast.Tuple(targets), ast.Tuple(values) if len(targets) == len(values):
            for one, other in zip(targets, values, strict=True):
                yield from _parts(one, other)


def _read(value: ast.expr) -> set[str]:
    """The names that an expression reads, but for those that it makes itself."""
    every = [node for node in ast.walk(value) if isinstance(node, ast.Name)]
    stored = {node.id for node in every if isinstance(node.ctx, ast.Store)}
    return {node.id for node in every} - stored
