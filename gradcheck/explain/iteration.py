"""Whether f is an iteration that stops at a tolerance, as its source shows: then its derivative is right to no more."""

from __future__ import annotations

import ast
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
    breaks = any(isinstance(inner, ast.Break) for inner in ast.walk(node))
    if isinstance(node, ast.While):
        compares = any(isinstance(inner, ast.Compare) for inner in ast.walk(node.test))
        return "a while loop" if breaks or compares else ""
    return "a loop that breaks off" if isinstance(node, ast.For) and breaks else ""


def _solver(node: ast.AST, names: Collection[str]) -> str:
    called = node.func if isinstance(node, ast.Call) else None
    name = str(getattr(called, "attr", getattr(called, "id", "")))
    return name if name in names else ""
