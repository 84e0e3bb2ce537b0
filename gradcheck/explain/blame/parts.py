"""A statement that a claim lacks: what should have been written into part of an array, or added to it.

The array is known to want something more, and the rest of it to be right. Which part that is stands, as a rule, where f
reads it or where the claim does something else with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.edits import ADDED, Edit
from gradcheck.explain.blame.flow import parts_written, place
from gradcheck.explain.blame.forcing import Force, Wanted
from gradcheck.explain.blame.goals import Goals
from gradcheck.explain.blame.missing import in_place, sight_of
from gradcheck.explain.blame.patch import bare
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.sight import LARGEST, Candidate
from gradcheck.explain.blame.synthesis import texts_of
from gradcheck.explain.blame.watch import is_float
from gradcheck.explain.blame.written import Written, then

_EQUAL = 1e-7
"""Relative difference of what is the same; the edit is proved afterwards."""
_FOUND, _EACH = 40, 8
"""Texts of a value that are looked for, and of them the short ones that are tried."""


@dataclass(frozen=True, eq=False)
class Lack:
    """An array that wants more where it is read: the ``read``, with all that is seen there, and what it lacks."""

    read: Wanted
    lacks: Floats
    after: ast.stmt | None = None


def unwritten(
    scene: Scene, force: Force, goals: Goals, wanted: tuple[Wanted, ...]
) -> Iterator[tuple[Written, Edit]]:
    """Edits that write into part of an array what is wanted of it, before the array is read."""
    for one in _lacks(force, wanted):
        for store, value in _instead(one):
            for text in _texts(scene, one, value):
                yield one.read.function, Edit(ADDED, "written", store, text)
        for index in indices(scene):
            for before, after, value in _written(index, one, goals):
                for text in _texts(scene, one, value):
                    yield one.read.function, _edit(one, f"{_signed(before, text)}{after}")


def _texts(scene: Scene, one: Lack, value: Floats) -> Iterator[str]:
    """Short texts of a value, of what is in sight where an array is read."""
    site, _, _ = in_place(one.read)
    there = replace(site, target=(value,), now=(value,))
    sight = (*sight_of(scene, there), *_gathered(one.read.scopes[0]))
    texts = set(islice(texts_of(there.target, sight), _FOUND))
    for text in sorted(texts, key=lambda each: (len(each), each))[:_EACH]:
        if scene.time.late():
            return
        yield text


def _instead(one: Lack) -> Iterator[tuple[ast.expr, Floats]]:
    """Numbers that are written into a part of an array, which is all that it lacks, and what is to be written there."""
    function, read = one.read.function, one.read.node
    for store in parts_written(function.node, read) if isinstance(read, ast.Name) else ():
        value = store.statement.value
        if store.index is None or store.sign is not None or not isinstance(value, ast.Constant | ast.UnaryOp):
            continue
        where = _place(store.index, one)
        if where is not None and _is_all(one.lacks, where) and np.ndim(one.lacks[where]):
            yield value, (one.read.values[0] + one.lacks)[where]


def _place(index: ast.expr, one: Lack) -> Any:
    """What an index is worth where an array is read; None for what means nothing there."""
    try:
        where = place(index, one.read.function, one.read.scopes[0])
        one.lacks[where]
    except Exception:
        return None
    return where


def _is_all(lacks: Floats, where: Any) -> bool:
    """Whether a part is all that is lacking."""
    rest = lacks.copy()
    rest[where] = 0.0
    return bool(np.all(np.abs(rest) <= _EQUAL * np.abs(lacks).max(initial=0.0)))


def _edit(one: Lack, statement: str) -> Edit:
    source = one.read.function.source
    node = one.after or _statement(source.parents, one.read.node)
    parts = [source.segment(node), then(source, node), statement]
    return Edit(ADDED, "written", node, "".join(parts if one.after else reversed(parts)))


def _signed(before: str, text: str) -> str:
    if not text.startswith("-"):
        return before + bare(text)
    positive = bare(text[1:])
    if before.endswith("+= "):
        return before.replace("+= ", "-= ") + positive
    return f"{before}-({positive})" if " " in positive else f"{before}-{positive}"


def _gathered(scope: Mapping[str, Any]) -> Iterator[Candidate]:
    """The rows of one variable that another one tells."""
    arrays = [(name, value) for name, value in scope.items() if isinstance(value, np.ndarray) and value.ndim]
    for name, value in arrays:
        for index, rows in arrays:
            if is_float(value) and rows.dtype.kind in "iu" and value.size <= LARGEST:
                with suppress(IndexError):  # of an index for something else
                    yield Candidate(f"{name}[{index}]", (value[rows],))


def _lacks(force: Force, wanted: tuple[Wanted, ...]) -> Iterator[Lack]:
    for one in wanted:
        if len(one.values) != 1 or not np.ndim(one.values[0]):
            continue
        gap = one.values[0] - force.reach.values[one.node][0]
        if isinstance(one.node, ast.Name):
            yield Lack(force.as_it_is(one.function, one.node) or one, gap, one.after)
            continue
        above = one.function.source.parents[one.node]
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Name):
            reads = [
                node
                for node in ast.walk(one.function.node)
                if isinstance(node, ast.Name)
                and node.id == above.targets[0].id
                and node.lineno > above.lineno
                if isinstance(node.ctx, ast.Load) and len(force.reach.values.get(node, ())) == 1
                if not isinstance(getattr(one.function.source.parents[node], "ctx", None), ast.Store)
            ]
            first = min(reads, key=lambda node: (node.lineno, node.col_offset), default=None)
            if first is not None and (read := force.as_it_is(one.function, first)) is not None:
                yield Lack(read, gap)


def _statement(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> ast.stmt:
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return node


def indices(scene: Scene) -> tuple[str, ...]:
    """Texts of the parts that are taken of anything in the claim and in f."""
    nodes = ((one, node) for one in (*scene.functions, *scene.of_f) for node in ast.walk(one.node))
    return tuple(
        dict.fromkeys(
            one.source.segment(node.slice) for one, node in nodes if isinstance(node, ast.Subscript)
        )
    )


def _written(index: str, one: Lack, goals: Goals) -> Iterator[tuple[str, str, Floats]]:
    """How a value is written into a part, up to it and after it, and the value, where that is all that is lacking."""
    lacks, name = one.lacks, one.read.function.source.segment(one.read.node)
    tree = ast.parse(f"_[{index}]", mode="eval").body
    assert isinstance(tree, ast.Subscript)
    where = _place(tree.slice, one)
    if where is None or not _is_all(lacks, where):
        return
    part, near = np.asarray(lacks[where]), _EQUAL * np.abs(lacks).max(initial=0.0)
    axes = where if isinstance(where, tuple) else (where,)
    if (
        not any(isinstance(axis, np.ndarray) for axis in axes)
        or "range(" in index
        or any(map(_is_every, axes))
    ):
        if not _is_whole(lacks, where):
            yield f"{name}[{index}] += ", "", part
        return
    # what is added up where rows come twice cannot be told apart; but f's derivatives are known
    for goal in goals.of(part.shape):
        added = np.zeros(lacks.shape)
        np.add.at(added, where, goal.values[0])
        if np.all(np.abs(added - lacks) <= near):
            yield (
                f"np.add.at({name}, {f'({index})' if isinstance(tree.slice, ast.Tuple) else index}, ",
                ")",
                goal.values[0],
            )


def _is_every(axis: Any) -> bool:
    """Whether an index has each of the places from the first on once: then no place of an array comes twice."""
    return isinstance(axis, np.ndarray) and np.array_equal(axis, np.arange(axis.size))


def _is_whole(lacks: Floats, where: Any) -> bool:
    hits = np.zeros(lacks.shape, dtype=bool)
    hits[where] = True
    return bool(hits.all())
