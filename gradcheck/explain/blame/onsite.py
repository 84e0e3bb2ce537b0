"""What an edit makes of an expression whose value is wanted, told where it stands: the claim need not run for that."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradcheck.explain.blame.apart import TooLong, no_longer_than
from gradcheck.explain.blame.edits import Edit
from gradcheck.explain.blame.forcing import Wanted
from gradcheck.explain.blame.grafting import spelled_here
from gradcheck.explain.blame.inverse import is_open
from gradcheck.explain.blame.summed import Sum
from gradcheck.explain.blame.written import Written

_EQUAL = 1e-6
"""Relative distance of a value from the one that is wanted, at most."""
_NOISE = 1e-6
"""What is wanted is nothing but rounding where it is less than so many times what stands there."""


@dataclass(frozen=True, eq=False)
class OnSite:
    """Expressions whose ``wanted`` values would mend all that is wrong, and the seconds that one of them may take.

    ``sums`` are statements that add up what is wanted, round after round.
    """

    wanted: tuple[Wanted, ...]
    patience: float
    sums: tuple[Sum, ...] = ()

    def suits(self, function: Written, edit: Edit) -> bool | None:
        """Whether what is edited, or the next expression around it that is wanted, becomes what it should be.

        None where no value of it is known to mend. Others may mend as well, where not all of it matters.
        """
        around: ast.AST | None = edit.node
        while isinstance(around, ast.expr | ast.keyword) and around not in self._by_node:
            around = function.source.parents.get(around)
        one = self._by_node.get(around) if isinstance(around, ast.expr) else None
        text = spelled_here(edit, function)
        if text is None or not isinstance(edit.node, ast.expr):
            return None
        if one is None:
            return self._adds_up(edit.node, text)
        assert isinstance(around, ast.expr)
        visits = [visit for visit, value in enumerate(one.values) if not is_open(value)]
        if visits and around is edit.node and text in one.scopes[visits[0]]:
            value, wanted = one.scopes[visits[0]][text], one.values[visits[0]]
            if isinstance(value, np.ndarray) and not _may_be(value.shape, wanted.shape):
                return False  # most variables are something else altogether
        try:
            whole = function.source.segment_with(around, {edit.node: f"({text})"})
            code = compile(f"({whole})", "<site>", "eval")
        except (SyntaxError, ValueError):
            return None
        space = function.functions[0].__globals__
        return all(
            self._is_worth(code, space, one.scopes[visit], one.values[visit], one.seen[one.node][visit])
            for visit in dict.fromkeys((*visits[:1], *visits[-1:]))
        )

    def _adds_up(self, node: ast.expr, text: str) -> bool | None:
        return next((one.suits(node, text) for one in self._by_term.get(node, ())), None)

    @cached_property
    def _by_term(self) -> dict[ast.AST, list[Sum]]:
        found: dict[ast.AST, list[Sum]] = {}
        for one in self.sums:
            for node in ast.walk(one.statement.value):
                found.setdefault(node, []).append(one)
        return found

    @cached_property
    def _by_node(self) -> dict[ast.AST, Wanted]:
        return {one.node: one for one in self.wanted}

    def _is_worth(
        self, code: Any, space: dict[str, Any], scope: Mapping[str, Any], wanted: Any, now: Any
    ) -> bool:
        try:
            with no_longer_than(self.patience), np.errstate(all="ignore"):
                value = np.broadcast_to(eval(code, space, dict(scope)), np.shape(wanted))
                off = np.nanmax(np.abs(value - wanted), initial=0.0)
                size = max(np.nanmax(np.abs(wanted), initial=0.0), _NOISE * np.max(np.abs(now), initial=0.0))
                return bool(off <= _EQUAL * size)
        except NameError:  # of what a comprehension does not see of the function around it
            return True
        except (TooLong, Exception):  # of operands that do not suit each other
            return False


def _may_be(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether an array of a shape can stand for one of another."""
    return len(shape) <= len(wanted) and all(
        own in (1, other) for own, other in zip(shape[::-1], wanted[::-1], strict=False)
    )
