"""The value that an expression would have to be worth for every leaf to be right.

A backward pass is linear in its cotangents, so that the value follows from a linear system, whatever the expression is
written like. An expression for which there is no such value is not the one to mend.
"""

from __future__ import annotations

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


def needed(observer: Observer, node: Node, value: Any, probe: Probe) -> Floats | None:
    """The value in an expression's place with which every leaf is right; None where there is none.

    Where it is not unique the one nearest to what the expression is worth now.
    """
    x = np.array(value, dtype=np.float64)
    if x.size > LARGEST or not np.isfinite(x).all():
        return None
    target = np.concatenate([leaf.ravel() for leaf in probe.truth])

    def leaves(at: Floats) -> Floats | None:
        changed = at.reshape(np.shape(value)) if isinstance(value, np.ndarray) else type(value)(at)
        try:
            with observer.altering(node, lambda visit, old: changed):
                raw = probe.ask().raw
        except Exception:  # of a value that means nothing there
            return None
        pieces = list(raw)
        if any(piece is None for piece in pieces):
            return None
        flat = np.concatenate([piece.ravel() for piece in pieces if piece is not None])
        return flat if flat.shape == target.shape and np.isfinite(flat).all() else None

    now = leaves(x)
    for _ in range(STEPS):
        if now is None:
            return None
        slope = _jacobian(leaves, x, now)
        if slope is None:
            return None
        change, *_ = np.linalg.lstsq(slope, target - now, rcond=_RANK)
        x = x + change.reshape(x.shape)
        now = leaves(x)
        if now is not None and np.all(np.abs(now - target) <= 1e-8 * np.max(np.abs(target), initial=1e-300)):
            return x
    return None


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
