"""Which leaves hang on which expression of a claim."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.raised import raised_at
from gradcheck.explain.blame.watch import Change, Node, Observer, is_float, nudged, turned
from gradcheck.explain.blame.written import Source, Written


@dataclass(frozen=True)
class Reach:
    """What calls of the claim showed.

    Attributes
    ----------
    values
        Of every expression that was evaluated, its value at each visit.
    leaves
        By expression, the leaves that change with it; no entry where it is no floating-point number.
    decided
        The same of expressions with which nothing changes by as little as one likes: their sign decides, or order.
    whole
        Whether the claim came to its end, and so showed everything that runs.
    fixed
        Expressions on which the result of f hangs, too: with another value of one of them f would be another function.
    """

    values: dict[Node, list[Any]]
    leaves: dict[Node, frozenset[int]] = field(default_factory=dict)
    decided: dict[Node, frozenset[int]] = field(default_factory=dict)
    whole: bool = True
    fixed: frozenset[Node] = frozenset()

    def is_fixed(self, node: ast.AST, source: Source) -> bool:
        """Whether an expression, what a statement is given, or what either is part of, is f's as well."""
        around: ast.AST | None = node.value if isinstance(node, ast.Assign | ast.AugAssign) else node
        while isinstance(around, ast.expr | ast.keyword):
            if around in self.fixed:
                return True
            around = source.parents.get(around)
        return False

    def ran(self, node: ast.AST, source: Source) -> bool:
        """Whether this expression, or one inside it, is evaluated."""
        around = node
        while isinstance(around, ast.expr | ast.keyword) and around not in self.values:
            around = source.parents[around]  # a constant runs if what it is part of does
        if isinstance(around, ast.stmt):
            return not self.whole or any(inside in self.values for inside in ast.walk(around))
        return True

    def of(self, node: ast.AST, source: Source) -> frozenset[int] | None:
        """The leaves that change with an expression or what it is part of; None where that is not known."""
        around = self._known(node, source)
        return None if around is None else self.leaves[around]

    def decided_by(self, node: ast.AST, source: Source) -> frozenset[int]:
        """The leaves for which the sign or the order of an expression, or of what it is part of, decides."""
        around = self._known(node, source)
        return frozenset() if around is None else self.decided.get(around, frozenset())

    def _known(self, node: ast.AST, source: Source) -> ast.expr | None:
        around = node.value if isinstance(node, ast.Assign | ast.AugAssign) else node
        while isinstance(around, ast.expr | ast.keyword):
            above = source.parents[around]
            if isinstance(around, ast.expr) and around in self.leaves and not _asks_for_shape(above):
                return around
            around = above
        return None


def _asks_for_shape(node: ast.AST) -> bool:
    """Whether an expression makes something of the shape alone of what stands in it."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("shape", "size", "ndim")
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return name in ("len", "shape", "size", "ndim") or name.endswith("_like")


def taken(
    observer: Observer, probe: Probe, functions: Iterable[Written], late: Callable[[], bool]
) -> frozenset[Node]:
    """The expressions of functions that f calls, too, on which its result hangs; once it is late, all that are left."""
    values = observer.recorded(probe.result)
    inside = {node for one in functions for node in ast.walk(one.node)}
    return frozenset(
        node
        for node, held in values.items()
        if node in inside and is_float(held[0]) and (late() or _is_taken(observer, probe, node))
    )


_PARTS = 20
"""Of what a statement hands on so many parts are looked at: each is a call of f."""


def is_left(observer: Observer, probe: Probe, function: Written) -> bool:
    """Whether a function that f calls has something that f's result does not hang on, a gradient say.

    It returns or keeps it, or works it out for the claim alone, as a flag tells it to.
    """
    values, of_claim = observer.recorded(probe.result), observer.recorded(probe.ask)
    inside = {node for node in ast.walk(function.node) if isinstance(node, ast.expr)}
    alone = inside - values.keys() if inside & values.keys() else ()  # it may be a copy of what f calls
    if any(node in of_claim and is_float(of_claim[node][0]) for node in alone):
        return True
    lines = {line for _, line, _ in raised_at(probe, (function,))}
    if lines & {node.lineno for node in alone} - {node.lineno for node in inside & values.keys()}:
        return True
    handed_on = (
        part
        for node in ast.walk(function.node)
        if isinstance(node, ast.Return) or (isinstance(node, ast.Assign) and _is_kept(node.targets[0]))
        for part in islice(ast.walk(node.value or node), _PARTS)
        if part in values and is_float(values[part][0])
    )
    return any(not _is_taken(observer, probe, part) for part in handed_on)


def _is_kept(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute | ast.Subscript)


def _is_taken(observer: Observer, probe: Probe, node: Node) -> bool:
    with observer.altering([node], nudged):
        return not probe.keeps_f()


def reach_of(
    observer: Observer, probe: Probe, late: Callable[[], bool], fixed: frozenset[Node] = frozenset()
) -> Reach:
    """Record the claim at a probe, then nudge one expression after another until it is ``late``, but ``fixed`` ones."""
    values = observer.recorded(probe.ask)
    base = probe.answer()
    if base is None:
        return Reach(values, whole=False, fixed=fixed)
    blurred = probe.leaves_with(~np.isfinite(base.flat)) - base.missing
    silent = blurred - probe.leaves_with(np.isfinite(base.flat))
    leaves: dict[Node, frozenset[int]] = {}
    decided: dict[Node, frozenset[int]] = {}

    def hanging(node: Node, change: Change) -> frozenset[int] | None:
        with observer.altering([node], change):
            now = probe.answer()
        if now is None:  # it indexes something, say
            return None
        moved = ~((now.flat == base.flat) | (np.isnan(now.flat) & np.isnan(base.flat)))
        odd = base.missing | now.missing
        strays = frozenset(number for number in odd if now.moved_from(base, number))
        return probe.leaves_with(moved) - odd | strays

    for node, held in values.items():
        if late() or node in fixed or isinstance(node, ast.arg) or not is_float(held[0]):
            continue
        if (found := hanging(node, nudged)) is not None:
            # a nudge moves nothing that is no number: any may hang on it, and all on what is none itself
            leaves[node] = found | (silent if np.isfinite(held[0]).all() else blurred)
            if not leaves[node]:
                decided[node] = hanging(node, turned) or frozenset()
    return Reach(values, leaves, decided, fixed=fixed)
