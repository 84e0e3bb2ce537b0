"""Where a mistake may be: on which expressions the wrong leaves hang, and which of them mend when they are forced."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradcheck.explain.blame.flow import stores
from gradcheck.explain.blame.forcing import Force, Wanted
from gradcheck.explain.blame.goals import Goals
from gradcheck.explain.blame.raised import Arrays, raised_at
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.summed import Sum, sums
from gradcheck.explain.blame.watch import is_float
from gradcheck.explain.blame.written import Source, Written


@dataclass(eq=False)
class Suspects:
    """The expressions of a claim by how suspicious they are; ``wanted`` are those that mend when they are forced."""

    scene: Scene
    force: Force
    goals: Goals
    wanted: tuple[Wanted, ...]

    @cached_property
    def several(self) -> bool:
        """Whether there is no one expression with another value of which all leaves were right."""
        alone = any(one.mended == self.scene.left for one in self.wanted)
        return len(self.scene.left) > 1 and bool(self.wanted) and not alone

    def suspicion(self, function: Written, node: ast.expr | ast.stmt) -> float | None:
        """How well the leaves that hang on the expression are the wrong ones: 0 best; None where none of them does.

        One mistake is where all wrong leaves hang on; of several each is where as few as possible do.
        """
        reach, left = self.scene.reach, self.scene.left
        if not reach.ran(node, function.source) or reach.is_fixed(node, function.source):
            return None
        leaves = reach.of(node, function.source)
        if not reach.whole:
            return 2.0 - any(
                one is function and _spans(node, function.source, line) for one, line, _ in self._raised
            )
        if leaves is None:
            return 2.0
        if not any(reach.leaves.values()):
            return 2.0  # what it computes is not what comes: it lacks a return
        if not leaves & left:
            if reach.decided_by(node, function.source) & left:
                return 3.0
            own = reach.values.get(node) if isinstance(node, ast.expr) else None
            # a nudge of what is zero may be lost on the way, and one of what is only written into always is
            lost = own is not None and is_float(own[0]) and not np.any(own[0])
            return 4.0 if lost or _is_effect(function.source, function.source.parents.get(node)) else None
        missed = float(len(leaves & left) - 1) if self.several else float(len(left - leaves) > 0)
        return missed + 0.5 * (len(leaves - left) > 0)

    @cached_property
    def _raised(self) -> list[tuple[Written, int, Arrays]]:
        """The lines at which the claim raises, where it does: a mistake is there rather than before."""
        return raised_at(self.scene.points[0], self.scene.functions)

    def spread(self, function: Written, node: ast.AST) -> int:
        """How many of the wrong leaves hang on the expression; all where that is not known."""
        leaves = self.scene.reach.of(node, function.source)
        return len(self.scene.left if leaves is None else leaves & self.scene.left)

    def able(self, function: Written, node: ast.AST) -> bool:
        """Whether it is part of an expression that mends when it is forced, or holds one; so, too, where none is."""
        if not self._forced or not isinstance(node, ast.expr) or self.several:
            return True
        around: ast.AST | None = node
        while isinstance(around, ast.expr | ast.keyword | ast.comprehension):
            if around in self._forced:
                return True
            around = function.source.parents.get(around)
        held = self.scene.reach.values.get(around.value, [None]) if isinstance(around, ast.Assign) else [None]
        if around in self._adding or type(held[0]) is int:  # a whole number, which is not forced
            return True
        # what stands in no value of its own, an index or a condition, decides on others
        return (
            not isinstance(around, ast.Assign | ast.AugAssign | ast.Return) or function.name in self._called
        )

    @cached_property
    def _forced(self) -> frozenset[ast.AST]:
        """The expressions that mend when they are forced, and those that they are part of."""
        found: set[ast.AST] = set()
        for one in self.wanted:
            around: ast.AST = one.node
            while one.mended == self.scene.left and isinstance(around, ast.expr):
                found.add(around)
                around = one.function.source.parents[around]
        return frozenset(found)

    @cached_property
    def sums(self) -> tuple[Sum, ...]:
        """The statements that add up, round after round, what would mend all if it were known."""
        return tuple(sums(self.force, [one for one in self.wanted if one.mended == self.scene.left]))

    @cached_property
    def _adding(self) -> frozenset[ast.AST]:
        """Those statements, and the ones that give the variables that they read a value in their round."""
        found: set[ast.AST] = set()
        for one in self.sums:
            found.add(one.statement)
            todo: list[ast.AST] = [one.statement]
            while todo:
                read = {part.id for part in ast.walk(todo.pop()) if isinstance(part, ast.Name)}
                for store in stores(one.function.node):
                    often = len(self.scene.reach.values.get(store.statement.value, ())) > 1
                    if store.name in read and often and store.statement not in found:
                        found.add(store.statement)
                        todo.append(store.statement.value)
        return frozenset(found)

    @cached_property
    def _called(self) -> frozenset[str]:
        """Names of what is called in the expressions that mend when they are forced."""
        calls = (
            part.func
            for one in self.wanted
            if one.mended == self.scene.left
            for part in ast.walk(one.node)
            if isinstance(part, ast.Call)
        )
        return frozenset(getattr(call, "id", getattr(call, "attr", "")) for call in calls)

    def unexplained(self) -> str:
        """The first expression with one other value of which every leaf would be right, where there is one."""
        for one in self.wanted:
            if one.mended == self.scene.left and isinstance(
                one.node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Subscript
            ):
                place = f"{one.function.source.segment(one.node)} (line {one.node.lineno})"
                return f"With another value of {place} every leaf would be right here; none was found"
        return ""


def _spans(node: ast.expr | ast.stmt, source: Source, line: int) -> bool:
    """Whether a line is the expression's, or its statement's where that holds no others."""
    around: ast.AST = node
    while isinstance(around, ast.expr | ast.keyword | ast.comprehension):
        around = source.parents[around]
    whole = around if isinstance(around, _SIMPLE) else node
    return whole.lineno <= line <= (whole.end_lineno or whole.lineno)


_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
"""Statements that hold no others: what raises in one of several lines is told of by the first."""


def _is_effect(source: Source, node: ast.AST | None) -> bool:
    """Whether it is a call whose value nobody takes."""
    return isinstance(node, ast.Call) and isinstance(source.parents.get(node), ast.Expr)
