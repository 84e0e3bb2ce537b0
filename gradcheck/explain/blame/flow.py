"""Where a value that is read comes from: what a variable was given, what was written into it, what a call returns."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from gradcheck.explain.blame.written import Written

_PLACE = "__gradcheck_place__"


@dataclass(frozen=True, eq=False)
class Store:
    """A statement that writes a value into a variable, at an index of it or throughout; or adds it, with a sign."""

    statement: ast.Assign | ast.AugAssign
    name: str
    index: ast.expr | None
    sign: int | None


@lru_cache(maxsize=64)
def stores(function: ast.AST) -> tuple[Store, ...]:
    """All that writes into variables, or gives them a value."""
    return tuple(_stores(function))


def _stores(function: ast.AST) -> Iterator[Store]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign | ast.AugAssign):
            continue
        sign = {ast.Add: 1, ast.Sub: -1}.get(type(node.op)) if isinstance(node, ast.AugAssign) else None
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            base = target.value if isinstance(target, ast.Subscript) else target
            if isinstance(base, ast.Name):
                yield Store(node, base.id, target.slice if isinstance(target, ast.Subscript) else None, sign)


def parts_written(function: ast.AST, read: ast.Name) -> Iterator[Store]:
    """What was written into parts of a variable, or added to it, before it is read."""
    for one in stores(function):
        partly = one.index if isinstance(one.statement, ast.Assign) else one.sign
        if one.name == read.id and one.statement.lineno <= read.lineno and partly is not None:
            yield one


def given(function: ast.AST, read: ast.Name) -> tuple[ast.expr | None, ast.expr | None]:
    """What a variable was given last before it is read, and what in the round before where that is further down."""
    every = sorted(
        (one.statement for one in stores(function) if one.name == read.id and _is_plain(one)),
        key=lambda one: one.lineno,
    )
    before = [one for one in every if one.lineno < read.lineno]
    return before[-1].value if before else None, every[-1].value if len(every) > len(before) else None


def run_out(function: Written, node: ast.AST) -> frozenset[str]:
    """The variables of loops that a node is not part of: what the last round left in them means nothing there."""
    inside, around = set[ast.AST](), node
    while around is not function.node and around in function.source.parents:
        inside.add(around)
        around = function.source.parents[around]
    loops = [one for one in function.inside if isinstance(one, ast.For)]
    kept = {name for one in loops if one in inside for name in _names(one.target)}
    return frozenset(name for one in loops if one not in inside for name in _names(one.target)) - kept


@lru_cache(maxsize=64)
def loop_variables(function: ast.AST) -> frozenset[str]:
    """The variables of all loops of a function."""
    loops = (one for one in ast.walk(function) if isinstance(one, ast.For))
    return frozenset(name for one in loops for name in _names(one.target))


def _names(target: ast.expr) -> Iterator[str]:
    yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _is_plain(one: Store) -> bool:
    return isinstance(one.statement, ast.Assign) and one.index is None


def returned(functions: tuple[Written, ...], node: ast.expr) -> Iterator[ast.expr]:
    """What the functions return that an expression calls, or the part of it that it takes."""
    part = (
        node.slice.value if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) else None
    )
    call = node.value if isinstance(node, ast.Subscript) and isinstance(part, int) else node
    if not isinstance(call, ast.Call):
        return
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    for function in functions:
        for each in ast.walk(function.node) if function.name == name else ():
            value = each.value if isinstance(each, ast.Return) else None
            if value is not None and call is node:
                yield value
            elif isinstance(value, ast.Tuple) and isinstance(part, int) and abs(part) < len(value.elts):
                yield value.elts[part]


def place(index: ast.expr | None, function: Written, scope: Mapping[str, Any]) -> Any:
    """What an index is worth where there are these variables."""
    if index is None:
        return ...
    tree = ast.Expression(ast.Subscript(ast.Name(_PLACE, ast.Load()), index, ast.Load()))
    code = compile(ast.fix_missing_locations(tree), "<place>", "eval")
    return eval(code, {**function.functions[0].__globals__, _PLACE: np.s_}, dict(scope))


def written_into(function: ast.AST) -> Iterator[tuple[ast.stmt, list[ast.expr]]]:
    """Statements that are the last to write into a variable, and the expressions that read it from there on."""
    last: dict[str, Store] = {}
    for one in sorted(stores(function), key=lambda each: (each.statement.lineno, each.statement.col_offset)):
        last[one.name] = one
    for one in last.values():
        end = one.statement.end_lineno or 0, one.statement.end_col_offset or 0
        reads: list[ast.expr] = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Name)
            and node.id == one.name
            and isinstance(node.ctx, ast.Load)
            and (node.lineno, node.col_offset) > end
        ]
        if reads and not _is_plain(one):
            yield one.statement, sorted(reads, key=lambda each: (each.lineno, each.col_offset))
