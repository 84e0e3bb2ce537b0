"""What a value of a claim may be meant to be: the derivative of f's result by something, or a value of f."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from autograd.tracer import getval

from gradcheck.ask.look import look_at_function
from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.meaning import Meanings
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.watch import is_float
from gradcheck.oracles.autodiff import laid_out, trace_task
from gradcheck.oracles.tracing.tape import sweep

_MOST = 80
"""Goals of one shape and so many visits; the first ones."""
_ROWS = 40
"""Rows of a Jacobian that are traced, each by itself."""


@dataclass(frozen=True, eq=False)
class Goal:
    """A value that is meant, at each visit: a derivative or a value of f, from the first on or from the last."""

    values: tuple[Floats, ...]
    derivative: bool
    reverse: bool = False


@dataclass(frozen=True, eq=False)
class Goals:
    """What there is to be meant at a probe."""

    probe: Probe
    meanings: Meanings

    @cached_property
    def adjoints(self) -> tuple[tuple[Any, Floats], ...]:
        """Every value on the way of f, and the derivative by it; none without a trace."""
        task = self.probe.task
        if task.differentiated is not None:
            return ()
        _, tape, _ = trace_task(task, look_at_function(task.f, task.where), self.probe.u)
        if tape is None:
            return ()
        found = sweep(tape.steps, tape.output_nodes, laid_out(tape, self.probe.u), {})
        pairs = ((getval(step.value), adjoint) for step, adjoint in zip(tape.steps, found, strict=True))
        return tuple(
            (value, np.asarray(adjoint))
            for value, adjoint in pairs
            if is_float(value) and np.shape(adjoint) == np.shape(value)
        )

    def _blocks(self) -> Iterator[Floats]:
        """The Jacobian that a claim returns as a whole, or the Hessian; none of many rows."""
        task = self.probe.task
        if task.kind not in ("jacobian", "hessian") or (task.kind == "hessian" and len(self.probe.slots) > 1):
            return
        look = look_at_function(task.f, task.where)
        answers = [
            trace_task(task, look, row)[0] for row in np.eye(look.y.size if look.y.size <= _ROWS else 0)
        ]
        rows = [answer.value for answer in answers if answer is not None]
        if rows and len(rows) == look.y.size:
            for slot in self.probe.slots:
                outputs = slot.shape if task.kind == "hessian" else np.shape(look.output)
                yield np.stack(rows)[:, slot.start : slot.stop].reshape(*outputs, *slot.shape)

    def of(self, shape: tuple[int, ...], visits: int) -> tuple[Goal, ...]:
        """Those of values of a shape that are had so many times."""
        return self._by_build.get((shape, visits), ())

    @cached_property
    def _by_build(self) -> dict[tuple[tuple[int, ...], int], tuple[Goal, ...]]:
        found: dict[tuple[tuple[int, ...], int], dict[bytes, Goal]] = {}
        for goal in self._all():
            build = found.setdefault((goal.values[0].shape, len(goal.values)), {})
            if len(build) < _MOST:
                build.setdefault(b"".join(value.tobytes() for value in goal.values), goal)
        return {key: tuple(build.values()) for key, build in found.items()}

    def _all(self) -> Iterator[Goal]:
        yield from (Goal((leaf,), True) for leaf in self.probe.by_leaf(self.probe.truth))
        yield from (Goal((block,), True) for block in self._blocks())
        if self.probe.task.differentiated is not None:  # f is a derivative by autograd itself
            return
        known = {_key(value): adjoint for value, adjoint in reversed(self.adjoints)}
        every = [
            held
            for held in self.meanings.values.values()
            if all(map(is_float, held)) and len({np.shape(value) for value in held}) == 1
        ]
        for held in every:
            yield from _both_ways([known[key] for key in map(_key, held) if key in known], True)
        for held in every:
            yield from _both_ways([np.asarray(value, dtype=np.float64) for value in held], False)
        yield from (Goal((adjoint,), True) for _, adjoint in reversed(self.adjoints))


def _both_ways(values: list[Floats], derivative: bool) -> Iterator[Goal]:
    if values:
        yield Goal(tuple(values), derivative)
    if len(values) > 1:
        yield Goal(tuple(reversed(values)), derivative, reverse=True)


def _key(value: Any) -> tuple[tuple[int, ...], bytes]:
    return np.shape(value), np.asarray(value, dtype=np.float64).tobytes()
