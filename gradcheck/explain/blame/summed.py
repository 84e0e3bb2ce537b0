"""What a loop adds up, where the sum is known that it has to come to: edits of a term, and terms that are missing.

No term of a sum is known by itself. But an edit of one can be judged by the sum that it makes, without a call of the
claim; so can a statement that would add something at every round, or write it into a part of what is there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.apart import TooLong, no_longer_than
from gradcheck.explain.blame.edits import ADDED, Edit, operand
from gradcheck.explain.blame.flow import place, stores
from gradcheck.explain.blame.forcing import Force, Wanted
from gradcheck.explain.blame.inverse import is_open
from gradcheck.explain.blame.missing import in_place, sight_of
from gradcheck.explain.blame.patch import bare
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.sight import Candidate
from gradcheck.explain.blame.watch import is_float
from gradcheck.explain.blame.written import Written, then

_EQUAL = 1e-7
"""Relative difference of what is the same; the edit is proved afterwards."""
_ROUNDS, _SEEN = 64, 80
"""Rounds of a loop, at most, and things in sight that are tried in each term."""
_HOLE = "__gradcheck_hole__"
Scopes = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Sum:
    """A statement that adds a term in every round, with the variables in each, and how much the sum lacks.

    ``patience`` are the seconds that a term of all rounds may take.
    """

    function: Written
    statement: ast.AugAssign
    scopes: Scopes
    lacks: Floats
    patience: float

    def suits(self, node: ast.expr, text: str) -> bool:
        """Whether the sum comes right where ``text`` stands for a part of the term."""
        whole = self.function.source.segment_with(self.statement.value, {node: f"({text})"})
        return self.comes(whole, ({},) * len(self.scopes))

    def comes(self, term: str, holes: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the sum comes right with another text of the term, and what fills its holes in each round."""
        scopes = [{**scope, **more} for scope, more in zip(self.scopes, holes, strict=True)]
        new = _in_every_round(f"({term})", self.function, scopes, self.patience)
        try:
            made = sum_at(
                self._places, [one - old for one, old in zip(new, self._terms, strict=True)], self.lacks
            )
        except Exception:  # of operands that do not suit each other
            return False
        return _same(made if isinstance(self.statement.op, ast.Add) else -made, self.lacks)

    @cached_property
    def _places(self) -> list[Any]:
        target = self.statement.target
        index = target.slice if isinstance(target, ast.Subscript) else None
        return [place(index, self.function, scope) for scope in self.scopes]

    @cached_property
    def _terms(self) -> list[Any]:
        return _in_every_round(
            f"({self.function.source.segment(self.statement.value)})",
            self.function,
            self.scopes,
            self.patience,
        )


def sum_at(places: Sequence[Any], terms: Sequence[Any], like: Floats) -> Floats:
    """The terms added up, each at its place of an array."""
    total = np.zeros(np.shape(like))
    for where, term in zip(places, terms, strict=True):
        total[where] += term
    return total


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.all(np.abs(one - other) <= _EQUAL * np.abs(other).max(initial=0.0)))


def sums(force: Force, wanted: Sequence[Wanted]) -> Iterator[Sum]:
    """The statements that add up what is known as a whole, and not term by term."""
    known = {one.node for one in wanted}
    for one in wanted:
        name = _variable(one)
        if name is None or len(one.values) != 1 or is_open(one.values[0]):
            continue
        lacks = np.asarray(one.values[0] - force.reach.values[one.node][0])
        for store in stores(one.function.node):
            value = store.statement.value
            held = force.reach.values.get(value, [])
            if store.name != name or store.sign is None or value in known or not 1 < len(held) <= _ROUNDS:
                continue
            noted = force.as_it_is(one.function, value)
            if noted is not None and isinstance(store.statement, ast.AugAssign):
                yield Sum(one.function, store.statement, noted.scopes, lacks, force.patience)


def _variable(one: Wanted) -> str | None:
    """The variable that holds what is wanted, or will."""
    if isinstance(one.node, ast.Name):
        return one.node.id
    above = one.function.source.parents[one.node]
    first = above.targets[0] if isinstance(above, ast.Assign) else None
    return first.id if isinstance(first, ast.Name) else None


_WAYS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} * {s}", lambda e, s: e * s),
    ("{e} / {s}", lambda e, s: e / s),
    ("{s}", lambda e, s: s),
    ("{e} + {s}", lambda e, s: e + s),
    ("{e} - {s}", lambda e, s: e - s),
)


def terms(scene: Scene, sums_: Sequence[Sum], force: Force) -> Iterator[tuple[Written, Edit]]:
    """Edits of a part of a term into what is made of it and one thing in sight."""
    for one in sums_:
        source, value = one.function.source, one.statement.value
        parts = [
            node
            for node in ast.walk(value)
            if isinstance(node, ast.expr) and len(held := force.reach.values.get(node, ())) == len(one.scopes)
            if all(map(is_float, held))
        ]
        for node in parts:
            if (noted := force.as_it_is(one.function, node)) is None:
                continue
            site = in_place(noted)[0]
            hole, text = source.segment_with(value, {node: _HOLE}), operand(source, node)
            held = force.reach.values[node]
            for other in islice(sight_of(scene, site), _SEEN):
                if scene.time.late():
                    return
                values = _in_every_round(other.text, one.function, one.scopes, one.patience)
                for form, made in _WAYS if values else ():
                    with np.errstate(all="ignore"):
                        filled = [_made(made, old, new) for old, new in zip(held, values, strict=True)]
                    if one.comes(hole, [{_HOLE: each} for each in filled]):
                        yield (
                            one.function,
                            Edit(ADDED, "written", node, bare(form.format(e=text, s=other.text))),
                        )


def _made(made: Callable[[Any, Any], Any], old: Any, new: Any) -> Any:
    try:
        return made(old, new)
    except Exception:  # of operands that do not suit each other
        return None


def _in_every_round(text: str, function: Written, scopes: Scopes, patience: float) -> list[Any]:
    space = {"np": np, **function.functions[0].__globals__}
    try:
        code = compile(text, "<sum>", "eval")
        with no_longer_than(patience):
            return [eval(code, space, dict(scope)) for scope in scopes]
    except (TooLong, Exception):  # what the names mean elsewhere they do not mean here
        return []


def unadded(
    scene: Scene, force: Force, wanted: Sequence[Wanted], indices: Sequence[str]
) -> Iterator[tuple[Written, Edit]]:
    """Statements more, which add to part of a variable in every round what it lacks."""
    for one in wanted:
        name = _variable(one)
        if name is None or not np.ndim(one.values[0]) or any(map(is_open, one.values)):
            continue
        gaps = [
            np.asarray(new - old) for new, old in zip(one.values, force.reach.values[one.node], strict=True)
        ]
        # what starts as zeros is written into further on
        if not isinstance(one.node, ast.Name) and np.any(force.reach.values[one.node][0]):
            yield from _written(scene, one, indices, name, gaps)
        for loop in _loops(one.function) if len(gaps) == 1 else ():
            noted = _last(force, one.function, loop)
            if noted is not None and name in noted.scopes[0]:
                yield from _written(scene, noted, indices, name, gaps)


def _loops(function: Written) -> Iterator[ast.For]:
    """Loops that hold no other one."""
    for node in ast.walk(function.node):
        if isinstance(node, ast.For) and not any(
            isinstance(part, ast.For) for part in ast.walk(node) if part is not node
        ):
            yield node


def _last(force: Force, function: Written, loop: ast.For) -> Wanted | None:
    """An expression of the last statement of a loop, with the variables in every round."""
    for node in ast.walk(loop.body[-1]):
        held = force.reach.values.get(node, []) if isinstance(node, ast.expr) else []
        if isinstance(node, ast.expr) and 1 < len(held) <= _ROUNDS and not isinstance(loop.body[-1], ast.If):
            return force.as_it_is(function, node)
    return None


def _written(
    scene: Scene, at: Wanted, indices: Sequence[str], name: str, gaps: Sequence[Floats]
) -> Iterator[tuple[Written, Edit]]:
    function, source = at.function, at.function.source
    statement: ast.AST = at.node
    while not isinstance(statement, ast.stmt):
        statement = source.parents[statement]
    sight: Sequence[Candidate] = ()
    for index in indices:
        if scene.time.late():
            return
        try:
            tree = ast.parse(f"_[{index}]", mode="eval").body
            assert isinstance(tree, ast.Subscript)
            places = [place(tree.slice, function, scope) for scope in at.scopes]
            first = np.zeros(np.shape(gaps[0]))[places[0]]
        except Exception:  # of what means nothing there
            continue
        ones = _Sums(places, gaps)
        for sign, factor in (("+", 1.0), ("-", -1.0)):
            if ones.are([np.full(np.shape(first), factor)] * len(places)):
                yield function, _more(source, statement, f"{name}[{index}] {sign}= 1")
        if ones.may_be():
            sight = sight or sight_of(scene, in_place(at)[0])
        for other in sight if ones.may_be() else ():
            if scene.time.late():
                return
            held = _in_every_round(other.text, function, at.scopes, scene.patience)
            for sign, factor in (("+", 1.0), ("-", -1.0)):
                if held and ones.are([_made(np.multiply, factor, each) for each in held]):
                    yield function, _more(source, statement, f"{name}[{index}] {sign}= {bare(other.text)}")


def _more(source: Any, statement: ast.stmt, text: str) -> Edit:
    return Edit(ADDED, "written", statement, f"{source.segment(statement)}{then(source, statement)}{text}")


@dataclass(frozen=True, eq=False)
class _Sums:
    """The places of something in every round, and what is lacking: after each of them, or after all."""

    places: Sequence[Any]
    gaps: Sequence[Floats]

    def may_be(self) -> bool:
        """Whether it is a part, and nothing is lacking elsewhere."""
        try:
            hits = self._sums([1.0] * len(self.places))
        except IndexError:  # it is no place of this array
            return False
        return any(np.any(hit == 0.0) for hit in hits) and all(
            not np.any(np.abs(gap[hit == 0.0]) > _EQUAL * np.abs(gap).max(initial=0.0))
            for gap, hit in zip(self.gaps, hits, strict=True)
        )

    def are(self, values: Sequence[Any]) -> bool:
        """Whether all is right with these values at the places."""
        try:
            return all(map(_same, self._sums(values), self.gaps))
        except Exception:  # of another shape
            return False

    def _sums(self, values: Sequence[Any]) -> list[Floats]:
        if len(self.gaps) == 1:
            return [sum_at(self.places, values, self.gaps[0])]
        return [
            sum_at([where], [value], gap)
            for where, value, gap in zip(self.places, values, self.gaps, strict=True)
        ]
