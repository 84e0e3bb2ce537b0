"""What values of the claim are in f: which expression of f is worth the same."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradcheck.ask.point import Point
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.reach import taken
from gradcheck.explain.blame.watch import Node, is_float, observing
from gradcheck.explain.blame.written import Written

_EQUAL = 1e-9
"""Relative difference of what is computed twice."""


class Meanings:
    """The expressions of f by what they are worth at a probe."""

    def __init__(
        self, of_f: tuple[Written, ...], shared: tuple[Written, ...], probe: Probe, late: Callable[[], bool]
    ) -> None:
        self._of_f, self._task = of_f, probe.task
        with observing(of_f) as observer:
            own = taken(observer, probe, shared, late)
        # what f computes beside its result is the claim's
        self._others = {node for one in shared for node in ast.walk(one.node)} - own
        self.values = self.recorded(probe.task.where)
        inside = (
            (one.source, node) for one in of_f for node in ast.walk(one.node) if isinstance(node, ast.expr)
        )
        named = (
            (source.segment(node), self.values[node][-1])
            for source, node in inside
            if node in self.values and is_telling(self.values[node][-1])
        )
        # of several texts of one value the fullest says most: X @ W1 + b1 rather than z1
        self._known = sorted(named, key=lambda pair: -len(" ".join(pair[0].split())))

    def recorded(self, where: Point) -> dict[Node, list[Any]]:
        """The values of the expressions of f at a point."""
        with observing(self._of_f) as observer:
            values = observer.recorded(lambda: self._task.f(*where.copied(where.args)))
        return {node: held for node, held in values.items() if node not in self._others}

    def of(self, value: Any, own: str) -> str | None:
        """The expression of f that is worth ``value``, up to transposition; None for none, or for ``own`` text."""
        if not is_telling(value):
            return None
        found = [text for text, other in self._known if _same(value, other) and "\n" not in text]
        if not found or own in found:
            return None
        return found[0] if len(found[0]) <= 60 else min(found, key=len)


def is_telling(value: Any) -> bool:
    """Whether two values of the kind are hardly equal by accident."""
    return is_float(value) and np.size(value) > 1 and len(np.unique(np.asarray(value))) > 1


def _same(one: Any, other: Any) -> bool:
    if np.shape(one) != np.shape(other):
        return False
    return bool((np.abs(one - other) <= _EQUAL * np.abs(other)).all())


def values_by_text(values: Mapping[Node, list[Any]], function: Written) -> dict[str, Any]:
    """The last value of each expression of a function, by its text."""
    inside = (node for node in ast.walk(function.node) if isinstance(node, ast.expr) and node in values)
    return {function.source.segment(node): values[node][-1] for node in inside}
