"""The gradient of f as a function of its own, for claims about second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.ask import calls as guard
from gradcheck.ask import trees
from gradcheck.ask.calls import Counted
from gradcheck.ask.point import Point, step_scale
from gradcheck.ask.trees import Floats
from gradcheck.oracles.ball import length
from gradcheck.oracles.ladder import COARSE, FINE
from gradcheck.oracles.tracing import Untraceable, trace

MOST_ENTRIES = 48
"""An f that cannot be traced is differentiated entry by entry, four evaluations each."""


class NoGradient(Exception):
    """f's gradient can be had neither from autograd nor, at this size, from differences."""


def gradient_of(where: Point, f: Counted) -> Callable[..., Any]:
    """``gradient(*args)``: the gradient of a scalar f, with the tree of the checked arguments.

    By autograd where it traces f and is confirmed by a difference, else by differences.

    Raises
    ------
    NoGradient
        f cannot be traced and has more than `MOST_ENTRIES` checked entries.
    """
    paths = [slot.keys for slot in where.slots]

    def traced(*args: Any) -> Any:
        f.calls += 1
        tape = trace(f.function, args, paths)
        pieces = tape.pullback([np.ones_like(tape.outputs[0])])
        return _like_checked(where, dict(zip(paths, pieces, strict=True)))

    def differenced(*args: Any) -> Any:
        x = np.concatenate([np.asarray(_at(args, path), dtype=np.float64).ravel() for path in paths])
        gradient = _by_differences(f, where, x)
        return _like_checked(
            where, {slot.keys: gradient[slot.start : slot.stop].reshape(slot.shape) for slot in where.slots}
        )

    try:
        if _confirmed(f, where, guard.flat(traced(*where.place(where.x)), "gradient")):
            return traced
        refusal = "differences contradict autograd's gradient"
    except Untraceable as reason:
        refusal = str(reason)
    if where.x.size > MOST_ENTRIES:
        raise NoGradient(
            f"f cannot be differentiated by autograd ({refusal}) and has {where.x.size} checked entries; hand in its "
            "gradient: check_hvp(grad, hvp, ...) or check_jacobian(grad, hess, ...)"
        )
    return differenced


def _at(tree: Any, keys: trees.Path) -> Any:
    for key in keys:
        tree = tree[key]
    return tree


def _like_checked(where: Point, pieces: dict[trees.Path, Floats]) -> Any:
    made = tuple(
        trees.map_leaves(lambda path, leaf: pieces.get(path, 0.0), where.args[number], (number,))
        for number in where.argnums
    )
    return made[0] if len(made) == 1 else made


def _value(f: Counted, where: Point, x: Floats) -> float:
    y = guard.flat(f(*where.place(x)), f.label)
    if y.size != 1:
        raise ValueError(f"f must return a scalar for a second derivative; it returned {y.size} numbers")
    return float(y[0])


def _confirmed(f: Counted, where: Point, gradient: Floats) -> bool:
    direction = step_scale(where.x, where.slots) * np.where(np.arange(where.x.size) % 3, 1.0, -0.7)
    slope = (_value(f, where, where.x + FINE * direction) - _value(f, where, where.x - FINE * direction)) / (
        2 * FINE
    )
    size = length(gradient * direction)
    rounding = 2.0**-50 * abs(_value(f, where, where.x)) / FINE
    return abs(slope - float(gradient @ direction)) <= 1e-5 * size + rounding


def _by_differences(f: Counted, where: Point, x: Floats) -> Floats:
    scale = step_scale(x, where.slots)
    gradient = np.empty_like(x)
    for index in range(x.size):
        slopes = []
        for step in (COARSE, FINE):
            h = step * scale[index]
            ahead, behind = x.copy(), x.copy()
            ahead[index] += h
            behind[index] -= h
            slopes.append(
                (_value(f, where, ahead) - _value(f, where, behind)) / (ahead[index] - behind[index])
            )
        gradient[index] = slopes[1] + (slopes[1] - slopes[0]) / ((COARSE / FINE) ** 2 - 1.0)
    return gradient
