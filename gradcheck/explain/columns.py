"""The dense Jacobian of an f that cannot be traced, by differences: a column at a time, all outputs from one call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from gradcheck.ask.calls import NotNumeric, Raised, flat
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.explain.locate import EVERY_ENTRY
from gradcheck.judge.pairing import Pairing
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.ladder import MIDDLE

_OUTPUTS = 64
"""The most outputs that are told apart: each has a ladder of its own over the same calls of f."""

_CALLS, _SECONDS = 25, 2.0
"""What a column takes, about, and how long all of them may."""

_SHARP = 1e-6
"""Share of an entry to which it is wanted."""


def columns(task: Task, pairing: Pairing, outputs: int) -> tuple[Floats, Floats] | None:
    """The Jacobian and its radii, (outputs, P) each; None where it is too large to be worth it.

    NaN with an infinite radius where an entry cannot be told.
    """
    size = pairing.x.size
    if task.kind != "jacobian" or task.given is not None or size > EVERY_ENTRY or outputs > _OUTPUTS:
        return None
    if task.f.seconds * _CALLS * size > _SECONDS:
        return None
    found = [_column(task, pairing, column, outputs) for column in range(size)]
    return np.stack([value for value, _ in found], axis=1), np.stack([radius for _, radius in found], axis=1)


def _column(task: Task, pairing: Pairing, column: int, outputs: int) -> tuple[Floats, Floats]:
    known: dict[float, Floats] = {}
    length = float(pairing.scale[column])

    def at(t: float) -> Floats:
        if t not in known:
            x = pairing.x.copy()
            x[column] += t * length
            try:
                known[t] = flat(task.f(*task.where.copied(task.where.place(x))), "f")
            except (Raised, NotNumeric):
                known[t] = np.full(outputs, np.nan)
        return known[t] if known[t].shape == (outputs,) else np.full(outputs, np.nan)

    entries = []
    for row in range(outputs):
        rough = abs(float(at(MIDDLE)[row] - at(-MIDDLE)[row])) / (2.0 * MIDDLE)
        entries.append(derivative(partial(_entry, at, row), tolerance=_SHARP * rough))
    value = np.array([one.value for one in entries]) / length
    radius = np.array([one.error for one in entries]) / length
    return value, np.where(np.isfinite(value), radius, np.inf)


def _entry(at: Callable[[float], Floats], row: int, t: float) -> float:
    return float(at(t)[row])
