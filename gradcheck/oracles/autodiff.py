"""Autograd's answer to a task: traced once, pulled back, and held against f's own value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from autograd.extend import VSpace
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vspaces import ArrayVSpace

from gradcheck.ask import precision, trees
from gradcheck.ask.calls import Counted
from gradcheck.ask.look import Look
from gradcheck.ask.random_rounding import Rolled
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.tracing import Trace, Untraceable, hessian_vector, trace
from gradcheck.oracles.tracing.replay import OtherPiece, rolled_outputs, rolled_pullbacks

# a claim that calls autograd hands it the arrays that its rounding is measured with
ArrayBox.register(Rolled)
VSpace.register(Rolled, lambda value: ArrayVSpace(value))


_SAME = 1e-5
"""Share by which a trace in double precision may differ from f: float32 somewhere inside makes less. What differs more
is another function; last bits, where values show fewer than double's, may make 64 roundoffs."""


def trace_task(
    task: Task, look: Look, u: Floats, shown: float = precision.DOUBLE
) -> tuple[Answer | None, Trace | None, str]:
    """Autograd's answer to a task, its tape, and why there is none; ``shown`` is the roundoff that values show."""
    if "autograd" not in task.options.oracles:
        return None, None, "not asked for"
    if task.differentiated is not None:
        return _trace_twice(task, task.differentiated, u)
    where = task.where
    paths = [slot.keys for slot in where.slots]

    def attempt(args: tuple[Any, ...]) -> tuple[Trace, Floats]:
        task.f.calls += 1
        found = trace(task.f.function, args, paths)
        gradient = flat_pullback(found, u)
        if not trees.all_finite(gradient):
            raise Untraceable("its answer is not finite")
        return found, gradient

    try:
        tape, gradient = attempt(where.place(where.x))
    except Untraceable as refusal:
        return None, None, str(refusal)
    value = np.concatenate([output.ravel() for output in tape.outputs]) if tape.outputs else np.empty(0)
    if value.shape != look.y.shape:
        return None, None, "the traced function returned another shape than f"
    native = max(shown, *(precision.of(slot.dtype) for slot in where.slots), _unit_of(look.output))
    gap = float(np.max(np.abs(value - look.y), initial=0.0))
    size = max(float(np.max(np.abs(look.y), initial=0.0)), 1e-300)
    if not gap <= max(_SAME, 2.0**6 * native) * size and not gap <= _cancellation(tape, value, native):
        return None, None, "the traced function has another value than f"
    off = gap / size

    def at(x: Floats) -> Floats | None:
        try:
            return attempt(where.place(x))[1]
        except Untraceable:
            return None

    def rolled(count: int) -> list[Floats]:
        return [rows[0] for rows in rolled_rows(tape, [u], count)]

    return Answer(gradient, precision.DOUBLE, at, rolled, whole=True, off=off), tape, ""


def _trace_twice(task: Task, f: Counted, u: Floats) -> tuple[Answer | None, None, str]:
    """Autograd's second derivatives: the gradient of ``<u, grad f>``, by a trace of a trace."""
    where = task.where
    if task.given is not None or u.size != where.x.size:
        return None, None, "second derivatives along tangents are taken by differences of f's gradient"
    tangents = [u[slot.start : slot.stop].reshape(slot.shape) for slot in where.slots]

    def at(x: Floats) -> Floats | None:
        f.calls += 1
        try:
            pieces = hessian_vector(f.function, where.place(x), [slot.keys for slot in where.slots], tangents)
        except Untraceable:
            return None
        gradient = np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])
        return gradient if np.isfinite(gradient).all() else None

    gradient = at(where.x)
    if gradient is None:
        return None, None, "f cannot be traced twice"
    return Answer(gradient, precision.DOUBLE, at, lambda count: []), None, ""


def rolled_rows(tape: Trace, covectors: Sequence[Floats], count: int) -> list[list[Floats]]:
    """The flat pullbacks of some covectors in so many replays; of fewer where a replay is at another piece of f."""
    generator, runs = np.random.default_rng(0), []
    for _ in range(count):
        try:
            found = rolled_pullbacks(tape, [laid_out(tape, u) for u in covectors], generator)
        except OtherPiece:
            continue
        except Exception:  # a primitive that does not take its own values back: moved inputs will have to do
            return []
        runs.append([np.concatenate([piece.ravel() for piece in pieces]) for pieces in found])
    return runs


def _cancellation(tape: Trace, value: Floats, native: float) -> float:
    """What rounding in f's own precision may make of its value where terms cancel: the trace's, scaled up to it."""
    generator = np.random.default_rng(0)
    try:
        runs = [rolled_outputs(tape, generator) for _ in range(4)]
    except Exception:  # told by differences then
        return 0.0
    spread = max(float(np.max(np.abs(run - value), initial=0.0)) for run in runs)
    return 8.0 * spread * native / precision.DOUBLE


def _unit_of(output: Any) -> float:
    return max((precision.of(getattr(leaf, "dtype", "")) for _, leaf in trees.leaves(output)), default=0.0)


def flat_pullback(tape: Trace, u: Floats) -> Floats:
    """The tape's pullback of a flat covector of the outputs, flat."""
    return flat(tape.pullback(laid_out(tape, u)))


def flat(pieces: Sequence[Any]) -> Floats:
    """Arrays, one for each leaf, as one vector."""
    return np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])


def laid_out(tape: Trace, u: Floats) -> list[Floats]:
    """A flat covector as one array for each output."""
    cotangents, position = [], 0
    for output in tape.outputs:
        cotangents.append(u[position : position + output.size].reshape(output.shape))
        position += output.size
    return cotangents
