"""The value that an expression would have to be worth for every leaf to be right.

A backward pass is linear in its cotangents, so that the value follows from a linear system, whatever the expression is
written like. An expression for which there is no such value is not the one to mend.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.watch import Node, Observer

LARGEST = 64
"""Entries of an expression that are solved for together, one call of the claim each."""
STEPS = 3
"""Newton steps: one is enough where the leaves are linear in the expression."""
_STEP = 1e-4
_RANK = 1e-10
_TELLING = 3
"""Entries of which not all are right up to one factor by accident."""


@dataclass(frozen=True)
class Needed:
    """A value with which the leaves are right; where it is not the only one, the one nearest to what is there now.

    ``slope`` is how the leaves change with it, where they do so linearly or the value is the only one: what else makes
    them right can be told by it, with no call of the claim. ``ends`` is where a leaf ends and the next one begins.
    """

    value: Floats
    slope: Floats | None
    only: bool
    ends: tuple[int, ...]

    def levels(self, other: Any) -> tuple[int, ...]:
        """How right each leaf is with another value: 2 where it is, 1 up to a factor; nothing where it does not fit."""
        if self.slope is None or np.shape(other) != self.value.shape:
            return ()
        with np.errstate(all="ignore"):
            wanted, there = self.slope @ self.value.ravel(), self.slope @ np.ravel(other)
            pairs = zip(np.split(there, self.ends), np.split(wanted, self.ends), strict=True)
            return tuple(_level(one, goal) for one, goal in pairs)


def _level(there: Floats, wanted: Floats) -> int:
    most = 1e-6 * np.max(np.abs(wanted), initial=0.0)
    if np.all(np.abs(there - wanted) <= most):
        return 2
    factor = (there @ wanted) / (there @ there)
    return int(wanted.size >= _TELLING and np.all(np.abs(factor * there - wanted) <= most))


def needed(observer: Observer, node: Node, value: Any, probe: Probe, which: frozenset[int]) -> Needed | None:
    """The value in an expression's place with which ``which`` leaves are right; None where there is none."""
    x = np.array(value, dtype=np.float64)
    if x.size > LARGEST or not np.isfinite(x).all():
        return None
    pieces = [probe.truth[number].ravel() for number in sorted(which)]
    target, ends = np.concatenate(pieces), tuple(accumulate(piece.size for piece in pieces))[:-1]

    def leaves(at: Floats) -> Floats | None:
        changed = at.reshape(np.shape(value)) if isinstance(value, np.ndarray) else type(value)(at)
        try:
            with observer.altering(node, lambda visit, old: changed):
                raw = probe.ask().raw
        except Exception:  # of a value that means nothing there
            return None
        came = [raw[number] for number in sorted(which)]
        if any(piece is None for piece in came):
            return None
        flat = np.concatenate([piece.ravel() for piece in came if piece is not None])
        return flat if flat.shape == target.shape and np.isfinite(flat).all() else None

    now = leaves(x)
    for _ in range(STEPS):
        if now is None:
            return None
        slope = _jacobian(leaves, x, now)
        if slope is None:
            return None
        change, _, rank, _ = np.linalg.lstsq(slope, target - now, rcond=_RANK)
        x, foreseen = x + change.reshape(x.shape), now + slope @ change
        now = leaves(x)
        linear = now is not None and _same(now, foreseen)
        if now is None or _same(now, target):
            only = bool(rank == x.size)
            return None if now is None else Needed(x, slope if linear or only else None, only, ends)
        if linear:
            return None  # no further step comes closer
    return None


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.all(np.abs(one - other) <= 1e-8 * np.max(np.abs(other), initial=1e-300)))


def _jacobian(leaves: Any, x: Floats, now: Floats) -> Floats | None:
    columns = []
    step = _STEP * (float(np.max(np.abs(x), initial=0.0)) or 1.0)
    for index in range(x.size):
        moved = x.copy()
        moved.flat[index] += step
        ahead = leaves(moved)
        if ahead is None:
            return None
        columns.append((ahead - now) / step)
    return np.stack(columns, axis=1)
