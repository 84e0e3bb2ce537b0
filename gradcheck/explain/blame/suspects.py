"""Where a mistake may be: on which expressions the wrong leaves hang, and which other values would make them right."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gradcheck.ask import precision
from gradcheck.explain.blame.needed import LARGEST, Needed, needed
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.watch import Node, is_float
from gradcheck.explain.blame.written import Source, Written

THINKING = 0.5
"""Share of the seconds in which to tell where a mistake may be."""


@dataclass(eq=False)
class Suspects:
    """The expressions of a claim by how suspicious they are."""

    scene: Scene
    _solved: dict[tuple[Node, bool], Needed | None] = field(default_factory=dict)

    @cached_property
    def several(self) -> bool:
        """Whether there is no one expression with another value of which all leaves were right."""
        return len(self.scene.left) > 1 and not self._one_place()

    def _one_place(self) -> bool:
        reach = self.scene.reach
        nodes = [node for node, leaves in reach.leaves.items() if leaves >= self.scene.left]
        return not reach.whole or any(self._solvable(node, False) for node in nodes)

    @cached_property
    def _solving(self) -> bool:
        """Whether values can be solved for: what comes is as exact as double precision is, and has the right shapes.

        At a kink more than one gradient is right.
        """
        first = self.scene.points[0]
        exact = all(precision.of(slot.dtype) <= precision.DOUBLE for slot in first.task.where.slots)
        exact &= not any(np.ptp(slack) for slack in first.slack if slack.size)
        reading = first.answer() if exact else None
        return reading is not None and all(
            raw is not None and raw.shape == truth.shape
            for raw, truth in zip(reading.raw, first.truth, strict=True)
        )

    def suspicion(self, function: Written, node: ast.expr | ast.stmt) -> float | None:
        """How well the leaves that hang on the expression are the wrong ones: 0 best; None where none of them does.

        One mistake is where all wrong leaves hang on; of several each is where as few as possible do.
        """
        reach, left = self.scene.reach, self.scene.left
        if not reach.ran(node, function.source):
            return None
        leaves = reach.of(node, function.source)
        if leaves is None:
            return 2.0
        if not any(reach.leaves.values()):
            return 2.0  # what it computes is not what comes: it lacks a return
        if not leaves & left:
            own = reach.values.get(node) if isinstance(node, ast.expr) else None
            # a nudge of what is zero may be lost on the way, and one of what is only written into always is
            lost = own is not None and is_float(own[0]) and not np.any(own[0])
            return 4.0 if lost or _is_effect(function.source, function.source.parents.get(node)) else None
        missed = float(len(leaves & left) - 1) if self.several else float(len(left - leaves) > 0)
        return missed + 0.5 * (len(leaves - left) > 0)

    def spread(self, function: Written, node: ast.AST) -> int:
        """How many of the wrong leaves hang on the expression; all where that is not known."""
        leaves = self.scene.reach.of(node, function.source)
        return len(self.scene.left if leaves is None else leaves & self.scene.left)

    def able(self, function: Written, node: ast.AST) -> bool:
        """Whether another value of the expression, or of what it is part of, may make every leaf right."""
        around = node.value if isinstance(node, ast.Assign | ast.AugAssign) else node
        while isinstance(around, ast.expr | ast.keyword) and around not in self.scene.reach.leaves:
            around = function.source.parents[around]
        return self.several or not isinstance(around, ast.expr) or self._solvable(around, False)

    def solution(self, node: ast.expr) -> Needed | None:
        """The value that a place of one visit should have, where it is known; of several mistakes, for its leaves."""
        held = self.scene.reach.values[node]
        known = self._solving and ((node, self.several) in self._solved or not self.scene.time.late())
        few = len(held) == 1 and np.size(held[0]) <= LARGEST
        return self._needed(node, self.several) if known and few else None

    def unexplained(self) -> str:
        """The first expression with one other value of which every leaf would be right, where there is one."""
        for function in self.scene.functions:
            inside = set(ast.walk(function.node))
            for node in self.scene.reach.leaves:
                solution = self._solved.get((node, False))
                if node not in inside or solution is None or not solution.only:
                    continue
                if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Subscript):
                    place = f"{function.source.segment(node)} (line {node.lineno})"
                    return f"With another value of {place} every leaf would be right here; none was found"
        return ""

    def _solvable(self, node: Node, several: bool) -> bool:
        """Whether some value in this place may make every leaf right; so too where that is not to be told quickly."""
        held = self.scene.reach.values[node]
        dear = (
            not self._solving or len(held) > 1 or np.size(held[0]) > LARGEST or self.scene.time.past(THINKING)
        )
        return dear or self._needed(node, several) is not None

    def _needed(self, node: Node, several: bool) -> Needed | None:
        if (node, several) not in self._solved:
            scene, first = self.scene, self.scene.points[0]
            every = frozenset(range(len(first.truth)))
            which = scene.reach.leaves.get(node) if several else None
            solution = needed(scene.observer, node, scene.reach.values[node][0], first, which or every)
            self._solved[node, several] = solution
        return self._solved[node, several]


def _is_effect(source: Source, node: ast.AST | None) -> bool:
    """Whether it is a call whose value nobody takes."""
    return isinstance(node, ast.Call) and isinstance(source.parents.get(node), ast.Expr)
