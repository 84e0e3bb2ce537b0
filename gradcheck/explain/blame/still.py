"""An f whose derivative is zero everywhere: any claim of zeros is right of it, and no edit of one tells anything."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.watch import Node, is_float, observing
from gradcheck.explain.blame.written import Written

_SAID = "the derivative of f is zero wherever it was tried, so any claim of zeros is right of it: look at f"


def still(of_f: tuple[Written, ...], points: Sequence[Probe]) -> str:
    """What is said of such an f, with the first of its expressions that stays while what it is made of moves.

    "" where there is a derivative.
    """
    if any(one.truth.any() for one in points):
        return ""
    with observing(of_f) as observer:
        here, *there = [observer.recorded(one.result) for one in points]
    moves = {
        node for node, held in here.items() if not all(_are_same(held, one.get(node, [])) for one in there)
    }
    inside = {node: one for one in of_f for node in ast.walk(one.node)}
    for node, held in here.items():
        if (
            isinstance(node, ast.expr)
            and node in inside
            and node not in moves
            and is_float(held[-1])
            and _is_made_of(node, moves)
        ):
            text, shape = inside[node].source.segment(node), np.shape(held[-1])
            shaped = f", of shape {shape}," if shape else ""
            return f"{_SAID}. {text} (line {node.lineno}){shaped} is the same at every point"
    return _SAID


def _is_made_of(node: Node, others: set[Node]) -> bool:
    return any(part in others for one in ast.iter_child_nodes(node) for part in ast.walk(one))


def _are_same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(
        not is_float(one) or np.array_equal(one, other) for one, other in zip(some, others, strict=True)
    )
