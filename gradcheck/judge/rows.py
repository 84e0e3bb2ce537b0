"""Rows of a dense Jacobian that a random mixture of the outputs would hide: each is put to the same judge."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.look import Look
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.judge.rounding import CLOSE, MANY_RUNS
from gradcheck.oracles.autodiff import flat_pullback, rolled_rows, trace_task
from gradcheck.oracles.tracing import Trace

DENSE, DENSE_ROWS = 100_000, 256
"""Entries and rows of a Jacobian that are compared one by one."""

_MOST = 3
"""Rows asked about, the furthest off first."""


def rows_of(task: Task, tape: Trace | None, look: Look) -> Floats | None:
    """Autograd's Jacobian, (outputs, P); None where there is none, or it is too large to be worth it."""
    if look.y.size * task.where.x.size > DENSE or look.y.size > DENSE_ROWS or task.given is not None:
        return None
    units = np.eye(look.y.size)
    if task.kind == "jacobian" and tape is not None:
        return np.stack([flat_pullback(tape, row) for row in units])
    if task.kind == "hessian":
        rows = [trace_task(task, look, row)[0] for row in units]
        return None if any(row is None for row in rows) else np.stack([row.value for row in rows if row])
    return None


def rounding_of(rows: Floats, tape: Trace | None) -> Floats:
    """The measured radius of each entry of `rows_of`; two last digits where it cannot be measured."""
    runs = [] if tape is None else rolled_rows(tape, list(np.eye(len(rows))), MANY_RUNS)
    deviation = (
        np.max([np.abs(np.stack(run) - rows) for run in runs], axis=0) if runs else np.zeros_like(rows)
    )
    radius: Floats = CLOSE * deviation + 2.0 * precision.DOUBLE * np.abs(rows)
    return radius


def suspicious(task: Task, reading: Reading, tape: Trace | None, look: Look, unit: float) -> Iterator[Floats]:
    """Covectors of the outputs in whose rows claim and autograd differ, by more than a share of the row."""
    rows = rows_of(task, tape, look) if task.kind == "jacobian" else None
    if rows is None:
        return
    claims = [raw.reshape(look.y.size, -1) for raw in reading.dense if raw is not None]
    size = np.max(np.abs(rows), axis=1, initial=0.0)
    gap = np.max(np.abs(np.hstack(claims) - rows), axis=1, initial=0.0)
    share = 1e-8 if unit == precision.DOUBLE else 2.0**8 * unit
    off = gap / np.where(size > 0.0, size, 1.0)
    for row in np.argsort(-off)[:_MOST]:
        if off[row] > share:
            yield np.eye(look.y.size)[row]
