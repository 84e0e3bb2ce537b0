"""Which expressions mend a claim when they are made worth what they may be meant to be, and what that is.

Values that are put in the place of an expression while a program runs are called angelic (Chandra et al., "Angelic
debugging", 2011). Here they need no search: f's derivatives are known at each of its steps.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from gradcheck.explain.blame.answer import Answer
from gradcheck.explain.blame.flow import given, parts_written, place, returned, written_into
from gradcheck.explain.blame.goals import Goal, Goals
from gradcheck.explain.blame.grafting import above
from gradcheck.explain.blame.inverse import Seen, Values, fitted, is_open, operands
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.reach import Reach
from gradcheck.explain.blame.watch import Node, Observer, is_float, is_mask
from gradcheck.explain.blame.written import Written

_TELLING = 3
"""Entries of which not all are right up to one factor by accident."""
_SAME = 1e-9
_ENOUGH = 8
"""Expressions, apart from their parts, that mend everything, of which one is where the mistake is."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """Values of an expression with which ``mended`` leaves are right; ``seen`` is what all else is worth then.

    ``scopes`` are the variables at each visit. Where it is a variable ``after`` a statement that writes into it, so is
    each expression that reads it.
    """

    function: Written
    node: ast.expr
    values: Values
    mended: frozenset[int]
    seen: Seen
    scopes: tuple[Mapping[str, Any], ...]
    after: ast.stmt | None = None


@dataclass(frozen=True, eq=False)
class Force:
    """How values are tried: on whom, where, for which leaves, and for how long."""

    functions: tuple[Written, ...]
    observer: Observer
    reach: Reach
    probe: Probe
    left: frozenset[int]
    patience: float
    late: Callable[[], bool]
    _alone: dict[Node, Answer | None] = field(default_factory=dict)

    def wanted(self, goals: Goals) -> tuple[Wanted, ...]:
        """Every expression that mends something when it is worth one of the goals, or what follows from such a one."""
        found: dict[Node, Wanted] = {}
        places = self._places(goals)
        whole: set[ast.AST] = {node for _, node, _ in places}
        tried, enough = set[ast.AST](), _ENOUGH
        # what is known of the whole of an expression tells most of what is known of its parts
        places.sort(key=lambda place: any(one in whole for one in above(*place[:2])))
        for function, node, meant in places:
            if self.late() or enough == 0:
                break
            mends = {one.node for one in found.values() if one.mended == self.left}
            if mends and (node in tried or not any(goal.derivative for goal in meant)):
                continue  # a value of f that is one already
            tried.add(node)
            if mends and mends.isdisjoint(around := set(above(function, node))) and around & whole:
                continue  # a part of something else
            one = self._meant(function, [node], meant)
            enough -= one is not None and one.mended == self.left
            todo = (
                [one] if one is not None and not (node in found and found[node].mended >= one.mended) else []
            )
            while todo and not self.late():
                one = todo.pop()
                found[one.node] = one
                for part, values in self._parts(one):
                    inside = self.owners[part]
                    mended = self._mended_by(self._answer([part], values))
                    more = part not in found and mended >= one.mended
                    if more and (noted := self._noted(inside, [part], values, mended)):
                        todo.append(noted)
        some = [*found.values(), *self._of_statements(goals)]
        # a helper is right rather than who calls it
        callers = [one.code for one in self.functions]
        return tuple(
            sorted(
                some,
                key=lambda one: (
                    -len(one.mended),
                    callers.index(one.function.code),
                    self._first_off(one),
                    not self._is_carried(one),
                ),
            )
        )

    def tried(self, node: ast.expr, values: Values) -> frozenset[int]:
        """The leaves that come right with these values; none where another one gets wrong."""
        return self._mended_by(self._answer([node], values))

    def as_it_is(self, function: Written, node: ast.expr) -> Wanted | None:
        """An expression with the values that it has."""
        return self._noted(function, [node], tuple(self.reach.values[node]), frozenset())

    def _first_off(self, one: Wanted) -> int:
        """The visit at which it is for the first time not what it should be: the mistake is there, not further on."""
        pairs = enumerate(zip(one.values, self.reach.values[one.node], strict=True))
        return next((visit for visit, (new, old) in pairs if not is_open(new) and not _same(new, old)), 0)

    def _is_carried(self, one: Wanted) -> bool:
        """Whether it is a variable that is right in the first round of a loop alone."""
        held = self.reach.values[one.node]
        first = one.values[0]
        return isinstance(one.node, ast.Name) and len(held) > 2 and (is_open(first) or _same(first, held[0]))

    def _of_statements(self, goals: Goals) -> Iterator[Wanted]:
        """What a variable that statements write into is meant to be after the last of them, wherever it is read."""
        for function in self.functions:
            for statement, reads in written_into(function.node):
                held = self.reach.values.get(reads[0], [])
                if self.late() or len(held) != 1 or len(reads) < 2 or reads[0] not in self.reach.leaves:
                    continue
                one = self._meant(function, reads, list(goals.of(np.shape(held[0]))))
                if one is not None:
                    yield replace(one, after=statement)

    @cached_property
    def owners(self) -> dict[ast.AST, Written]:
        """The function that each node is part of."""
        return {node: function for function in reversed(self.functions) for node in ast.walk(function.node)}

    def _places(self, goals: Goals) -> list[tuple[Written, ast.expr, list[Goal]]]:
        """The expressions and what they may be meant to be; those last that are something of f already."""
        unknown: list[tuple[Written, ast.expr, list[Goal]]] = []
        partly, known, last = list(unknown), list(unknown), list(unknown)
        ways, attained = set[tuple[bool, bool]](), set[Goal]()
        for function in self.functions:
            for node, leaves in self.reach.leaves.items():
                held = self.reach.values[node]
                number = isinstance(node, ast.expr) and leaves & self.left and all(map(is_float, held))
                if not number or self.owners.get(node) is not function:
                    continue
                assert isinstance(node, ast.expr)
                shapes = tuple(map(np.shape, held))
                every = [*goals.of(*shapes), *goals.over(*shapes)]
                # an array of zeros, to be written into, is no value of f
                telling = np.ndim(held[0]) == 0 or np.any(held[0])
                first = [goal for goal in every if telling and _same(goal.values[0], held[0])]
                whole = [goal for goal in first if all(map(_same, goal.values, held))]
                ways |= {(goal.derivative, goal.reverse) for goal in first if len(held) > 1}
                attained |= set(whole)
                if any(not goal.derivative for goal in whole):
                    known.append((function, node, [goal for goal in every if not goal.derivative]))
                    # what a step is forgotten after is a value of f still
                    last.append((function, node, [goal for goal in every if goal.derivative]))
                elif whole:
                    known.append((function, node, [goal for goal in every if goal.derivative]))
                elif first:
                    partly.append((function, node, [*first, *(goal for goal in every if goal not in first)]))
                else:
                    unknown.append((function, node, every))
        # what is there already is not what is missing
        return [
            (function, node, [goal for goal in meant if goal not in attained and _is_likely(goal, ways)])
            for function, node, meant in (*unknown, *partly, *known, *reversed(last))
        ]

    def _meant(self, function: Written, nodes: Sequence[ast.expr], goals: list[Goal]) -> Wanted | None:
        best = frozenset[int]()
        chosen: Values = ()
        for values in self._offered(nodes[0], goals):
            if self.late():
                break
            answer = self._answer(nodes, values)
            mended = self._mended_by(answer)
            if not mended and (other := self._scaled(nodes, values, answer)):
                values = other
                mended = self._mended_by(self._answer(nodes, values))
            if len(best) < len(mended):
                best, chosen = mended, values
            if best == self.left:
                break
        return self._noted(function, nodes, chosen, best) if best else None

    def _offered(self, node: ast.expr, goals: list[Goal]) -> Iterator[Values]:
        """What the expression may be worth: a goal, or what it is and what a leaf lacks."""
        held = self.reach.values[node]
        yield from (goal.values for goal in goals)
        for number in sorted(self.reach.leaves[node] & self.left) if len(held) == 1 else ():
            slot = self.probe.slots[number]
            if slot.shape == np.shape(held[0]) and self.now is not None and number not in self.now.missing:
                gap = (self.probe.truth - self.now.flat)[slot.start : slot.stop].reshape(slot.shape)
                yield (np.asarray(held[0]) + gap,)

    @cached_property
    def now(self) -> Answer | None:
        """What comes where nothing is forced."""
        return self.probe.answer()

    def _scaled(self, nodes: Sequence[ast.expr], values: Values, answer: Answer | None) -> Values | None:
        """A multiple of the values, or of what they add, with which a leaf is right, after an answer with these."""
        if answer is None or self.now is None:
            return None
        for rest in (None, self._without(nodes)):
            if (factor := self._factor(answer, rest)) is not None:
                return tuple(factor * value for value in values)
        held = self.reach.values[nodes[0]]
        for number in sorted(self.left) if len(held) == 1 else ():
            slot = self.probe.slots[number]
            if slot.shape != np.shape(held[0]) or number in answer.missing | self.now.missing:
                continue
            part = slice(slot.start, slot.stop)
            came, gap = (answer.flat - self.now.flat)[part], (self.probe.truth - self.now.flat)[part]
            if gap.size >= _TELLING and gap @ came and _same(gap, (gap @ gap) / (gap @ came) * came):
                return (held[0] + (gap @ gap) / (gap @ came) * (values[0] - held[0]),)
        return None

    def _without(self, nodes: Sequence[ast.expr]) -> Answer | None:
        """What comes where an expression is zero: what is added to all that hangs on it."""
        if nodes[0] not in self._alone:
            zeros = tuple(np.zeros_like(value) for value in self.reach.values[nodes[0]])
            self._alone[nodes[0]] = self._answer(nodes, zeros)
        return self._alone[nodes[0]]

    def _factor(self, answer: Answer, rest: Answer | None) -> float | None:
        """How many times values are to be taken for a leaf to be right, after an answer with these and a ``rest``."""
        for number in sorted(self.left):
            slot = self.probe.slots[number]
            part = slice(slot.start, slot.stop)
            raw, truth = answer.flat[part], self.probe.truth[part]
            if rest is not None:
                raw, truth = raw - rest.flat[part], truth - rest.flat[part]
            slack = self.probe.slack[part]
            size = raw @ raw
            if np.count_nonzero(np.abs(raw) > slack) >= _TELLING:
                factor = float((raw @ truth) / size)
                if factor and abs(factor - 1.0) > _SAME and (np.abs(factor * raw - truth) <= slack).all():
                    return factor
        return None

    def _answer(self, nodes: Sequence[ast.expr], values: Values) -> Answer | None:
        with self.observer.altering(nodes, partial(_forced, values)):
            return self.probe.answer()

    def _mended_by(self, answer: Answer | None) -> frozenset[int]:
        """The leaves that came right; none where another one got wrong."""
        wrong = self.probe.wrong_in(answer)
        return self.left - wrong if wrong <= self.left else frozenset()

    def _noted(
        self, function: Written, nodes: Sequence[ast.expr], values: Values, mended: frozenset[int]
    ) -> Wanted | None:
        for visit in (0, len(values) - 1) if mended and len(values) > 2 else ():
            # what it is before the first round or after the last may be of no use to anybody
            fewer = (*values[:visit], np.full(np.shape(values[visit]), np.nan), *values[visit + 1 :])
            values = fewer if self._mended_by(self._answer(nodes, fewer)) >= mended else values
        with self.observer.altering(nodes, partial(_forced, values)):
            seen = self.observer.recorded(self.probe.ask)
        held = seen.get(nodes[0], [])
        if len(held) != len(values):
            return None
        return Wanted(function, nodes[0], values, mended, seen, tuple(self.observer.scopes()))

    def _parts(self, one: Wanted) -> Iterator[tuple[ast.expr, Values]]:
        """What follows for the parts of an expression, and for what a name was given."""
        parts = (*operands(one.node, one.values, one.seen), *self._given(one), *self._stored(one))
        for part, values in parts:
            held = self.reach.values.get(part, ())
            moves = part in self.reach.leaves and all(map(is_float, held))
            if (moves or (held and all(map(is_mask, held)))) and len(held) == len(values):
                kept = [fitted(value, now) for value, now in zip(values, held, strict=True)]
                if all(value is not None for value in kept) and not all(map(_same, kept, held)):
                    yield part, tuple(kept)  # type: ignore[arg-type]

    def _given(self, one: Wanted) -> Iterator[tuple[ast.expr, Values]]:
        """What follows for what a variable was given, or a call returns."""
        node = one.node
        yield from ((value, one.values) for value in returned(self.functions, node))
        if not isinstance(node, ast.Name):
            return
        before, last = given(one.function.node, node)
        if before is not None:
            yield before, one.values
        if last is not None and len(one.values) > 1:  # in the round before
            # what it is in the end may be returned, or of no use to anybody
            ends = [np.full(np.shape(one.values[0]), np.nan), *self.probe.by_leaf(self.probe.truth)]
            for end in ends:
                if np.shape(end) == np.shape(one.values[0]):
                    yield last, (*one.values[1:], np.asarray(end))

    def _stored(self, one: Wanted) -> Iterator[tuple[ast.expr, Values]]:
        """What follows for what is written into parts of a variable, or added to it, before it is read."""
        node = one.node
        for store in parts_written(one.function.node, node) if isinstance(node, ast.Name) else ():
            value = store.statement.value
            held = self.reach.values.get(value, [])
            unique = len(one.values) == 1 and (store.sign is None or len(held) == 1)
            if not held or not unique or not (all(map(is_float, held)) or all(map(is_mask, held))):
                continue
            if (noted := self.as_it_is(one.function, value)) is None:
                continue
            wanted, gap = one.values[0], one.values[0] - self.reach.values[node][0]
            with suppress(Exception):  # of an index that means something else there
                places = [place(store.index, one.function, scope) for scope in noted.scopes]
                if store.sign is None:
                    yield value, tuple(wanted[where] for where in places)
                else:
                    yield value, (held[0] + store.sign * gap[places[0]],)


def _is_likely(goal: Goal, ways: set[tuple[bool, bool]]) -> bool:
    """Whether values come in the order in which others of their kind do."""
    return (
        len(goal.values) == 1
        or (goal.derivative, not goal.reverse) not in ways
        or (goal.derivative, goal.reverse) in ways
    )


def _same(one: Any, other: Any) -> bool:
    size = np.abs(one).max(initial=0.0)
    return bool((np.abs(one - other) <= _SAME * size).all())


def _forced(values: Values, visit: int, old: Any) -> Any:
    if visit >= len(values) or is_open(values[visit]):
        return old
    value = np.where(np.isnan(values[visit]), old, values[visit])
    return value if value.ndim or isinstance(old, bool | np.bool_) else type(old)(value)
