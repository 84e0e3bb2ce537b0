"""Making the pairing of a task: ``<u, F>`` in the precision that shows it best, and the claim beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask import calls, precision, trees
from gradcheck.ask.calls import NotNumeric, Raised
from gradcheck.ask.draws import signs
from gradcheck.ask.look import Asked, Look
from gradcheck.ask.point import Point, step_scale
from gradcheck.ask.reading import Reading, shaped
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.judge.claimed import Claimed
from gradcheck.judge.pairing import Pairing, Workers
from gradcheck.oracles.answer import Answer

_PROBES = (1e-3, 0.1)
"""Shares of its own size by which an entry is moved to see which numbers f returns elsewhere: half precision does not
show the lesser."""

_FURTHER = (0.2, 0.3, 0.5)
"""The same where they show less than single precision: of three numbers of half precision the last three bits are all
zero once in 500, as in bfloat16."""

_RUNS = 4
"""Times that a claim is asked beside the point to see how far it moves."""

_DOUBLE_THROUGHOUT = 1e-11
"""Share of f by which a trace in double precision may differ from f for f to compute in double as well: float32
anywhere on the way makes a thousand times more."""


@dataclass(frozen=True)
class Evaluate:
    """``<u, F(x)>`` for a flat point: a value of its own, so that it can be sent to another process."""

    function: Callable[..., Any]
    where: Point
    u: Floats
    native: bool
    copies: bool

    def outputs(self, x: Floats) -> Floats | None:
        """The entries of F, flat; None where f raises or returns anything else than at the point."""
        args = self.where.place(x, native=self.native)
        if self.copies:
            args = self.where.copied(args)
        try:
            y = calls.flat(self.function(*args), "f")
        except Exception:
            return None
        return y if y.shape == self.u.shape else None

    def __call__(self, x: Floats) -> float:
        """NaN where f raises, returns no numbers, or is not finite."""
        y = self.outputs(x)
        value = math.nan if y is None else float(self.u @ y)
        return value if math.isfinite(value) else math.nan


@dataclass(frozen=True)
class Evaluated:
    """How f is evaluated, its entries at the point, and how coarse it is.

    Attributes
    ----------
    unit
        The unit roundoff that its values show.
    decimal
        Their spacing, where they are so coarse for having been printed with so many decimals, after steps in double
        precision; else 0.
    arguments
        The distance of neighbouring numbers that it takes each argument for, shape (P,); None where it takes it
        as it is.
    """

    value: Evaluate
    y: Floats
    unit: float
    decimal: float = 0.0
    arguments: Floats | None = None


def evaluated(task: Task, look: Look, u: Floats, reading: Reading) -> Evaluated:
    """F as the judge evaluates it: in double precision where it is the same function there.

    What is claimed to stand still is meant to have its stairs.
    """
    value, y = _in_double(task, look, u)
    unit, decimal = _shown(task, value, y)
    if decimal and not (reading.problems or reading.flat.any()):
        unit, decimal = precision.DOUBLE, 0.0
    if value.native or all(slot.dtype.itemsize >= 8 for slot in task.where.slots):
        dtypes = [getattr(leaf, "dtype", "") for _, leaf in trees.leaves(look.output)]
        unit = max([unit, *map(precision.of, dtypes)])
    return Evaluated(value, y, unit, decimal)


def pair(task: Task, look: Look, asked: Asked, f: Evaluated, autograd: Answer | None) -> Pairing:
    """The pairing of a task whose f and claim were looked at; its claim is empty where the reading has problems."""
    where, u = task.where, f.value.u
    base = float(u @ f.y)
    magnitude = max(float(np.abs(u) @ np.abs(f.y)), abs(base))
    assert asked.reading is not None
    precise = _is_precise(f.unit, autograd)
    unit = claim_unit(task, asked.reading, f)
    claimed = Claimed(task, look.output, u, asked.reading, unit, most=unit if precise else 1.0)
    terms = np.abs(u * f.y) if u.size > 1 else [base]
    spacing = max((precision.spacing(float(term), f.unit) for term in terms), default=0.0)
    grid = f.decimal * float(np.linalg.norm(u)) or (spacing if f.unit > precision.DOUBLE else 0.0)

    def count(more: int) -> None:
        task.f.calls += more

    return Pairing(
        x=where.x,
        claim=claimed.answer(asked.spread + _moved_by(f.arguments, claimed)),
        slots=where.slots,
        value=f.value,
        base=base,
        magnitude=magnitude,
        precision=f.unit if f.arguments is None else max(f.unit, precision.of_spacing(f.arguments, where.x)),
        precise=precise,
        grid=grid,
        arguments=f.arguments,
        spread=float(np.sum(np.abs(u) * look.spread)),
        scale=step_scale(where.x, where.slots),
        count=count,
        workers=None if task.options.executor is None else Workers(task.options.executor),
    )


def _moved_by(arguments: Floats | None, claimed: Claimed) -> Floats | float:
    """How far the claim is from itself where its arguments are rounded as f rounds them: it may have taken either."""
    if arguments is None or claimed.reading.problems:
        return 0.0
    x, rolls = claimed.task.where.x, np.random.default_rng(0)
    beside = [claimed.at(x + 0.5 * arguments * signs(rolls, x.size)) for _ in range(_RUNS)]
    off = [np.abs(one - claimed.reading.flat) for one in beside if one is not None]
    return np.max(off, axis=0) if off else 0.0


def _is_precise(unit: float, autograd: Answer | None) -> bool:
    """Whether f was seen to compute in double precision all the way."""
    return unit == precision.DOUBLE and autograd is not None and autograd.off <= _DOUBLE_THROUGHOUT


def _in_double(task: Task, look: Look, u: Floats) -> tuple[Evaluate, Floats]:
    where = task.where
    value = Evaluate(task.f.function, where, u, native=False, copies=bool(look.conduct))
    if all(slot.dtype.itemsize >= 8 for slot in where.slots):
        return value, look.y
    double = replace(value, where=where.doubled())
    promoted = double.outputs(where.x)
    task.f.calls += 1
    if promoted is not None:
        share = 2.0**10 * max(precision.of(slot.dtype) for slot in where.slots)
        if np.all(np.abs(promoted - look.y) <= share * np.max(np.abs(look.y), initial=0.0)):
            return double, promoted
    return replace(value, native=True), look.y


def _shown(task: Task, value: Evaluate, y: Floats) -> tuple[float, float]:
    """The unit roundoff that f's values show, whatever the dtype they come in, and the last decimal of printed ones.

    A value that lacks the last digits may just be a round number: then f is asked at points nearby.
    """
    if precision.bits(y) > 24 and not precision.decimal(y):
        return precision.DOUBLE, 0.0
    rolls = np.random.default_rng(0)
    scale = step_scale(task.where.x, task.where.slots)

    def with_more(y: Floats, shares: tuple[float, ...]) -> Floats:
        task.f.calls += len(shares)
        moved = (
            value.outputs(task.where.x + share * scale * signs(rolls, task.where.x.size)) for share in shares
        )
        return np.concatenate([y, *(other for other in moved if other is not None)])

    seen = with_more(y, _PROBES)
    unit = precision.shown(seen)
    if unit > precision.SINGLE or precision.decimal(seen):
        seen = with_more(seen, _FURTHER)
        shown = precision.shown(seen)
        # fewer bits, of values that were one stair until then, are no format: f counts
        unit = shown if unit > precision.SINGLE or shown <= precision.HALF else unit
    if unit > precision.SINGLE and precision.may_be_left_over(seen, scale):
        return precision.DOUBLE, 0.0  # what is left of terms that cancel has few bits as well, and no format
    if unit > precision.DOUBLE:
        return unit, 0.0
    unit = precision.of_decimals(seen, y)
    return unit, precision.decimal(seen) if unit > precision.DOUBLE else 0.0


def claim_unit(task: Task, reading: Reading, f: Evaluated) -> float:
    """The claim's unit roundoff: its dtype's or its argument's; f's, or its own numbers', where f has few digits."""
    dtypes = (*reading.dtypes, *(slot.dtype for slot in task.where.slots))
    unit = max(precision.of(dtype) for dtype in dtypes)
    if f.unit == precision.DOUBLE or reading.problems:
        return unit
    if f.decimal:
        return max(unit, min(f.unit, precision.of_decimals(reading.flat, reading.flat)))
    # f's values may have gained digits where it adds them up
    return max(unit, f.unit, precision.shown(reading.flat))


def covector(task: Task, look: Look, generator: np.random.Generator) -> Floats:
    """1 for a scalar f; else random, with signs of both kinds, equal shares for outputs of different size."""
    if task.scalar:
        return np.ones(1)
    if look.y.size == 1:
        # a claim that squares its cotangent, or takes its absolute value, must not get away with it; a power of two
        # leaves f's last bits where they are
        return np.array([-2.0])
    u = signs(generator, look.y.size)
    size = np.abs(look.y)
    spread = size[size > 0.0]
    if spread.size and spread.max() > 1e4 * spread.min():
        most = _room(look.output)
        u *= np.clip(_equalizer(task, look), 1.0 / most, most)
    # as the claim will see it: a cotangent has the dtype of its output
    return calls.flat(shaped(look.output, u), "cotangent")


def _room(output: Any) -> float:
    """How large a cotangent may be for products with it to be numbers still: half precision ends at 65504."""
    dtypes = [np.asarray(leaf).dtype for _, leaf in trees.leaves(output)]
    largest = [float(np.finfo(dtype).max) for dtype in dtypes if dtype.kind == "f"]
    return float(min(largest, default=float(np.finfo(np.float64).max)) ** 0.25)


def _equalizer(task: Task, look: Look) -> Floats:
    x = task.where.x
    step = _PROBES[0] * step_scale(x, task.where.slots)
    try:
        moved = [calls.flat(task.f(*task.where.place(x + sign * step)), "f") for sign in (1.0, -1.0)]
    except (Raised, NotNumeric):
        return np.ones_like(look.y)
    change = np.abs(moved[0] - moved[1]) / (2.0 * _PROBES[0])
    floor = 1e-12 * float(np.max(np.abs(look.y)))
    usable = np.isfinite(change) & (change > floor)
    if not usable.any():
        return np.ones_like(look.y)
    typical = float(np.median(change[usable]))
    return typical / np.where(usable, change, typical)
