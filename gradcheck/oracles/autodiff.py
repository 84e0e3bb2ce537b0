"""Autograd's answer to a task: traced once, pulled back, and held against f's own value."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.calls import Counted
from gradcheck.ask.look import Look
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Traced
from gradcheck.oracles.tracing import Trace, Untraceable, hessian_vector, trace


def trace_task(task: Task, look: Look, u: Floats) -> tuple[Traced | None, Trace | None, str]:
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
        if not np.isfinite(gradient).all():
            raise Untraceable("its answer is not finite")
        return found, gradient

    try:
        tape, gradient = attempt(where.place(where.x))
    except Untraceable as refusal:
        return None, None, str(refusal)
    value = np.concatenate([output.ravel() for output in tape.outputs]) if tape.outputs else np.empty(0)
    if value.shape != look.y.shape:
        return None, None, "the traced function returned another shape than f"
    single = any(slot.dtype.itemsize < 8 for slot in where.slots) or _in_single(look.output)
    close = np.abs(value - look.y) <= (1e-3 if single else 1e-10) * max(float(np.max(np.abs(look.y))), 1e-300)
    if not close.all():
        return None, None, "the traced function has another value than f"

    def at(x: Floats) -> Floats | None:
        try:
            return attempt(where.place(x))[1]
        except Untraceable:
            return None

    return Traced(gradient, True, at), tape, ""


def _trace_twice(task: Task, f: Counted, u: Floats) -> tuple[Traced | None, None, str]:
    """Autograd's second derivatives: the gradient of ``<u, grad f>``, by a trace of a trace."""
    where = task.where
    if task.shown is not None or u.size != where.x.size:
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
    return Traced(gradient, True, at), None, ""


def _in_single(output: Any) -> bool:
    return any(str(getattr(leaf, "dtype", "")) in ("float32", "float16") for _, leaf in trees.leaves(output))


def flat_pullback(tape: Trace, u: Floats) -> Floats:
    cotangents, position = [], 0
    for output in tape.outputs:
        cotangents.append(u[position : position + output.size].reshape(output.shape))
        position += output.size
    pieces = tape.pullback(cotangents)
    return np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])
