"""Making the pairing of a task: ``<u, F>`` in the precision that shows it best, and the claim beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask import calls as guard
from gradcheck.ask.calls import NotNumeric, Raised
from gradcheck.ask.look import Look
from gradcheck.ask.point import Point
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.judge import precision as roundoff
from gradcheck.judge.directions import signs
from gradcheck.judge.pairing import Pairing, Workers, step_scale


@dataclass(frozen=True)
class Evaluate:
    """``<u, F(x)>`` for a flat point: a value of its own, so that it can be sent to another process."""

    function: Callable[..., Any]
    where: Point
    u: Floats
    native: bool
    copies: bool

    def __call__(self, x: Floats) -> float:
        """NaN where f raises, returns no numbers, or is not finite."""
        args = self.where.place(x, native=self.native)
        if self.copies:
            args = self.where.copied(args)
        try:
            y = guard.flat(self.function(*args), "f")
        except Exception:
            return float("nan")
        value = float(self.u @ y) if y.shape == self.u.shape else float("nan")
        return value if np.isfinite(value) else float("nan")


def pair(task: Task, look: Look, u: Floats, reading: Reading) -> Pairing:
    where = task.where
    copies = task.f.label in look.writes
    value = Evaluate(task.f.function, where, u, native=False, copies=copies)
    base = float(u @ look.y)
    magnitude = max(float(np.abs(u) @ np.abs(look.y)), abs(base))
    single = any(slot.dtype.itemsize < 8 for slot in where.slots)
    precision = 2.0**-53
    if single:
        # double precision shows the derivative far better, if f is the same function there
        double = replace(value, where=where.doubled())
        promoted = double(where.x)
        task.f.calls += 1
        if abs(promoted - base) <= 1e-3 * magnitude:
            # a step far below float32 that changes nothing: f rounds its arguments before it uses them
            probe = double(where.x * (1.0 + 1e-10))
            task.f.calls += 1
            precision = 2.0**-24 if probe == promoted else precision
            value, base = double, promoted
        else:
            value, precision = replace(value, native=True), 2.0**-24

    def claim_at(x: Floats) -> Floats | None:
        args = where.copied(where.place(x, native=True))
        try:
            again = task.ask(where, args, u, look.output)
        except Raised:
            return None
        return None if again.problems else again.flat

    def count(calls: int) -> None:
        task.f.calls += calls

    return Pairing(
        x=where.x,
        claimed=np.zeros(0) if reading.problems else reading.flat,
        slots=where.slots,
        value=value,
        claim_at=claim_at,
        base=base,
        magnitude=magnitude,
        precision=precision,
        unit=max(
            roundoff.of(dtype) for dtype in (*reading.dtypes, *(str(slot.dtype) for slot in where.slots))
        ),
        scale=step_scale(where.x, where.slots),
        count=count,
        workers=None if task.options.executor is None else Workers(task.options.executor),
    )


def covector(task: Task, look: Look, generator: np.random.Generator) -> Floats:
    """1 for a scalar f; else random, with signs of both kinds, equal shares for outputs of different size."""
    if task.scalar:
        return np.ones(1)
    u = signs(generator, look.y.size)
    if u.size == 1:
        # a claim that squares its cotangent, or takes its absolute value, must not get away with it
        return -np.abs(u) - 0.1
    size = np.abs(look.y)
    spread = size[size > 0.0]
    if spread.size and spread.max() > 1e4 * spread.min():
        u *= _equalizer(task, look)
    return u


def _equalizer(task: Task, look: Look) -> Floats:
    x = task.where.x
    step = 1e-3 * step_scale(x, task.where.slots)
    try:
        moved = [guard.flat(task.f(*task.where.place(x + sign * step)), "f") for sign in (1.0, -1.0)]
    except (Raised, NotNumeric):
        return np.ones_like(look.y)
    change = np.abs(moved[0] - moved[1]) / 2e-3
    floor = 1e-12 * float(np.max(np.abs(look.y)))
    usable = np.isfinite(change) & (change > floor)
    if not usable.any():
        return np.ones_like(look.y)
    typical = float(np.median(change[usable]))
    return typical / np.where(usable, change, typical)
