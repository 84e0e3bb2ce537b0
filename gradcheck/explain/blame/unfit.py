"""A product that lacks an operand, where the claim raises for it or what comes has a wrong shape.

There no value of an expression is known to be right. But the shapes of what is there let few products be.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from gradcheck.explain.blame.edits import ADDED, Edit, operand
from gradcheck.explain.blame.flow import given
from gradcheck.explain.blame.forcing import Force
from gradcheck.explain.blame.raised import Arrays, raised_at
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.sight import PRODUCTS
from gradcheck.explain.blame.synthesis import shape_of
from gradcheck.explain.blame.written import Written

_BACK = 2
"""How many assignments before the one that raises are looked at, each by what it reads."""


def unfit(scene: Scene, force: Force) -> Iterator[tuple[Written, Edit]]:
    """Edits by which a variable in sight is multiplied with an expression on the way to what does not fit."""
    raised = raised_at(scene.points[0], scene.functions)
    places = [(*place, {}) for place in _astray(scene, force)] if not raised else _raising(scene, raised)
    for function, node, scope in places:
        held, text = scene.reach.values[node], operand(function.source, node)
        if not isinstance(held[-1], np.ndarray):
            continue
        inside = _held(scene, function, ast.walk(node))  # a name may be given another value by what holds it
        for name, value in {**_read(scene, function), **scope, **inside}.items():
            for form, made in PRODUCTS[:4]:
                if name != text and shape_of(made, held[-1], value) is not None:
                    yield function, Edit(ADDED, "times", node, form.format(e=text, s=name))
            for form, made in _SPREADS:
                if name != text and shape_of(made, held[-1], value) not in (None, held[-1].shape):
                    yield function, Edit(ADDED, "times", node, form.format(e=text, s=name))


_SPREADS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} * {s}", lambda e, s: e * s),
    ("{s} / {e}", lambda e, s: s / e),
    ("{s} - {e}", lambda e, s: s - e),
)
"""What spreads an expression over the axes of another, and so gives it another shape."""


def _astray(scene: Scene, force: Force) -> Iterator[tuple[Written, ast.expr]]:
    """The expressions on which a leaf hangs that comes in a wrong shape; first those on which no other does."""
    missing = force.now.missing if force.now is not None else frozenset()
    last_first = reversed(scene.reach.leaves.items())
    for node, leaves in sorted(last_first, key=lambda each: len(each[1] - missing)):
        if leaves & missing and isinstance(node, ast.expr):
            yield force.owners[node], node


def _raising(
    scene: Scene, raised: list[tuple[Written, int, Arrays]]
) -> Iterator[tuple[Written, ast.expr, Arrays]]:
    """The expressions of the statements that raise, and of those that gave a value to what they read."""
    for function, line, arrays in raised:
        around: list[ast.AST] = [
            node
            for node in ast.walk(function.node)
            if isinstance(node, ast.stmt)
            and not hasattr(node, "body")
            and node.lineno <= line <= (node.end_lineno or 0)
        ]
        for _ in range(1 + _BACK):
            parts = [part for one in around for part in ast.walk(one) if isinstance(part, ast.expr)]
            yield from ((function, part, arrays) for part in parts if part in scene.reach.values)
            names = [part for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)]
            values = [value for name in names for value in given(function.node, name) if value is not None]
            around = list(dict.fromkeys(values))


def _read(scene: Scene, function: Written) -> Arrays:
    """The arrays that a function was given, assigned or read last, by their text."""
    inside = set(ast.walk(function.node))
    return _held(scene, function, (node for node in scene.reach.values if node in inside))


def _held(scene: Scene, function: Written, nodes: Iterable[ast.AST]) -> Arrays:
    found: Arrays = {}
    for node in nodes:
        held = scene.reach.values.get(node, [None]) if isinstance(node, ast.expr | ast.arg) else [None]
        if not isinstance(held[-1], np.ndarray):
            continue
        if isinstance(node, ast.arg):
            found[node.arg] = held[-1]
        elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            found[function.source.segment(node)] = held[-1]
        around = function.source.parents.get(node)
        # what is assigned may be read nowhere
        if isinstance(around, ast.Assign) and isinstance(around.targets[0], ast.Name):
            found[around.targets[0].id] = held[-1]
    return found
