"""Whether f is an iteration that stops at a tolerance, as its source shows: then its derivative is right to no more."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any

from gradcheck.ask.callees import callees
from gradcheck.ask.source import tree_of

_SOLVERS = frozenset(
    {
        "brentq", "bisect", "brenth", "ridder", "toms748", "newton", "root", "root_scalar", "fsolve", "fixed_point",
        "solve_ivp", "odeint", "quad", "minimize", "minimize_scalar", "least_squares", "cg", "gmres", "bicgstab",
        "minres", "lsqr", "eigsh", "svds",
    }
)  # fmt: skip
"""Functions of SciPy that stop when something is small enough."""

_DEEP = 4
"""How many calls below f are looked into."""


def stopping(function: Callable[..., Any]) -> str:
    """What in ``function``, or in a function that it names, stops at a tolerance; "" where nothing does."""
    own = list(callees(function, _DEEP))
    names = _SOLVERS - {one.__name__ for one in own}
    return next(filter(None, (_told(one, _is_loop) for one in own)), "") or next(
        filter(None, (_told(one, lambda node: _solver(node, names)) for one in own)), ""
    )


def _told(function: FunctionType, what: Callable[[ast.AST], str]) -> str:
    tree = tree_of(function)
    for node in ast.walk(tree) if tree else ():
        if said := what(node):
            return f"{said}, line {getattr(node, 'lineno', 0)} of {function.__name__}"
    return ""


def _is_loop(node: ast.AST) -> str:
    if isinstance(node, ast.While) and _is_tolerance(node.test):
        return "a while loop"
    leaves = isinstance(node, ast.While | ast.For) and any(
        isinstance(inner, ast.If) and _is_tolerance(inner.test) and _breaks(inner) for inner in ast.walk(node)
    )
    return "a loop that breaks off" if leaves else ""


def _breaks(node: ast.If) -> bool:
    return any(isinstance(inner, ast.Break | ast.Return) for inner in ast.walk(node))


def _is_tolerance(test: ast.expr) -> bool:
    """Whether a condition compares with a small number, or a size with something, as in ``abs(step) < tol``."""
    compared = [
        part
        for node in ast.walk(test)
        if isinstance(node, ast.Compare)
        for part in (node.left, *node.comparators)
    ]
    inner = [node for part in compared for node in ast.walk(part)]
    small = any(
        isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value < 1 for node in inner
    )
    names = {str(getattr(node, "attr", getattr(node, "id", ""))).lower() for node in inner}
    return small or bool(names & _SIZES) or any(_TOLERANCE.search(name) for name in names)


_SIZES = frozenset({"abs", "norm", "fabs", "absolute", "allclose", "isclose"})
_TOLERANCE = re.compile("tol|eps|thresh")


def _solver(node: ast.AST, names: Collection[str]) -> str:
    called = node.func if isinstance(node, ast.Call) else None
    name = str(getattr(called, "attr", getattr(called, "id", "")))
    return name if name in names else ""
