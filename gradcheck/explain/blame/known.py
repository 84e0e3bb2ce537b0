"""What the values of a claim are, in terms of f: a value of one of its expressions, or the derivative by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.goals import Goals
from gradcheck.explain.blame.meaning import Meanings, is_telling
from gradcheck.explain.blame.scene import Scene
from gradcheck.explain.blame.written import Written

_SAME = 1e-9
"""Relative difference of what is computed twice."""


@dataclass(frozen=True)
class Known:
    """A value with its name."""

    name: str
    value: Floats


def derivatives(goals: Goals) -> tuple[Known, ...]:
    """The derivatives of f's result, along the covector, by the values of its expressions; none without a trace."""
    named = (
        (goals.meanings.of(value, ""), adjoint) for value, adjoint in goals.adjoints if is_telling(adjoint)
    )
    return tuple(Known(f"the derivative by {text}", value) for text, value in named if text)


def first_unknown(scene: Scene, known: tuple[Known, ...], meanings: Meanings) -> str:
    """The first expression that is made of a derivative and is none, nor a value of f; with what it is made of."""
    values = scene.reach.values
    for function in scene.functions:
        for node, held in values.items():
            if node not in function.inside or not isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call):
                continue
            hangs = scene.reach.leaves.get(node, frozenset()) & scene.left
            if not hangs or not is_telling(held[-1]) or meanings.of(held[-1], "") or _name(held[-1], known):
                continue
            if parts := _parts(scene, function, node, known, meanings):
                what = f"{function.source.segment(node)} (line {node.lineno})"
                return f"{what} is neither a value of f nor a derivative of its result; {', '.join(parts)}"
    return ""


def _parts(
    scene: Scene, function: Written, node: ast.expr, known: tuple[Known, ...], meanings: Meanings
) -> list[str]:
    """What its operands are, where one of them is a derivative."""
    found, derived = {}, False
    for part in ast.iter_child_nodes(node):
        value = scene.reach.values.get(part, [None])[-1] if isinstance(part, ast.expr) else None
        if not is_telling(value):
            continue
        text = function.source.segment(part)  # type: ignore[arg-type]
        name = _name(value, known)
        derived |= name is not None
        if (name := name or meanings.of(value, text)) is not None:
            found[text] = f"{text} is {name}"
    return list(found.values()) if derived else []


def _name(value: Any, known: tuple[Known, ...]) -> str | None:
    """What a value is of what is known: itself, turned over, a sum, a multiple; as plain as it can be said."""
    array = np.asarray(value, dtype=np.float64)
    names = [
        (len(how), -len(one.name), f"{how}{one.name}")
        for one in known
        for how, form in _forms(one.value, array)
        if _same(form, array)
    ]
    return min(names)[-1] if names else None


def _forms(value: Floats, like: Floats) -> Iterator[tuple[str, Floats]]:
    yield "", value
    if value.ndim > 1:
        yield "the transpose of ", value.T
        yield from ((f"the sum over axis {axis} of ", value.sum(axis)) for axis in range(value.ndim))
    if value.shape == like.shape:
        factor = float(np.vdot(value, like) / np.vdot(value, value))
        yield f"{factor:.4g} times ", factor * value


def _same(one: Floats, other: Floats) -> bool:
    size = float(np.max(np.abs(other), initial=0.0))
    return one.shape == other.shape and bool(np.all(np.abs(one - other) <= _SAME * size))
