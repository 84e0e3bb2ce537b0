"""What a value of a claim may be meant to be: the derivative of f's result by something, or a value of f."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from autograd.tracer import getval

from gradcheck.ask.look import look_at_function
from gradcheck.ask.point import step_scale
from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.meaning import Meanings
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.watch import Node, is_float
from gradcheck.oracles.autodiff import laid_out, trace_task
from gradcheck.oracles.tracing.tape import sweep

_MOST = 80
"""Goals of one shape and so many visits; the first ones."""
_ROWS = 40
"""Rows of a Jacobian that are traced, each by itself."""
_LOOPED = 64
"""Rows of a derivative that are meant one after the other, at most."""
_ENTRIES = 12
"""Entries by which what f computes is differentiated, at most."""
_FORWARD = ("grad", "jacobian")
"""Checks whose claim may be computed forward."""
_STEP = 3e-3
_DIFFERENCE, _WEIGHTS = (-2.0, -1.0, 1.0, 2.0), (1 / 12, -8 / 12, 8 / 12, -1 / 12)
"""Central differences of the fourth order, which are right to ten digits where f is smooth."""


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

    def _sensitivities(self) -> Iterator[Goal]:
        """The derivatives of the values of f by the few entries of its arguments, carried forward as filters do it."""
        where, slots = self.probe.task.where, self.probe.slots
        if self.probe.task.kind not in _FORWARD or where.x.size > _ENTRIES:
            return
        found: dict[Node, list[list[Floats]]] = {}
        for entry, scale in enumerate(step_scale(where.x, slots)):
            along = np.zeros(where.x.size)
            along[entry] = _STEP * scale
            runs = [self.meanings.recorded(where.moved(where.x + steps * along)) for steps in _DIFFERENCE]
            for node, held in self.meanings.values.items():
                at = [run.get(node, []) for run in runs]
                if all(map(is_float, held)) and all(len(one) == len(held) for one in at):
                    slopes = [
                        sum(
                            weight * np.asarray(value) for weight, value in zip(_WEIGHTS, values, strict=True)
                        )
                        / (_STEP * scale)
                        for values in zip(*at, strict=True)
                    ]
                    found.setdefault(node, []).append(slopes)
        for slopes in found.values():
            if len(slopes) == where.x.size:
                for part in {(0, where.x.size), *((slot.start, slot.stop) for slot in slots)}:
                    visits = [list(visit)[part[0] : part[1]] for visit in zip(*slopes, strict=True)]
                    yield Goal(tuple(np.stack(visit, axis=-1) for visit in visits), True)
                    yield Goal(tuple(np.stack(visit) for visit in visits), True)
                    if part[1] - part[0] == 1:
                        yield Goal(tuple(visit[0] for visit in visits), True)

    def of(self, *shapes: tuple[int, ...]) -> tuple[Goal, ...]:
        """Those of values that have these shapes, one visit after another."""
        return self._by_build.get(shapes, ())

    def over(self, *shapes: tuple[int, ...]) -> tuple[Goal, ...]:
        """Those over which values that have these shapes, and an axis of length 1, are spread."""
        return tuple(
            goal
            for build, goals in self._by_build.items()
            if len(build) == len(shapes) and all(map(_is_spread, shapes, build))
            for goal in goals
        )

    @cached_property
    def _by_build(self) -> dict[tuple[tuple[int, ...], ...], tuple[Goal, ...]]:
        found: dict[tuple[tuple[int, ...], ...], dict[bytes, Goal]] = {}
        for goal in self._all():
            build = found.setdefault(tuple(value.shape for value in goal.values), {})
            if len(build) < _MOST:
                build.setdefault(b"".join(value.tobytes() for value in goal.values), goal)
        return {key: tuple(build.values()) for key, build in found.items()}

    def _all(self) -> Iterator[Goal]:
        yield from (Goal((leaf,), True) for leaf in self.probe.by_leaf(self.probe.truth))
        yield from (Goal((block,), True) for block in self._blocks())
        yield Goal((self.probe.truth,), True)
        if self.probe.task.differentiated is not None:  # f is a derivative by autograd itself
            return
        first: dict[_Key, Floats] = {}
        total: dict[_Key, Floats] = {}
        for value, adjoint in self.adjoints:
            key = _key(value)
            first.setdefault(key, adjoint)
            # what is computed twice has its derivative in two parts
            total[key] = total[key] + adjoint if key in total else adjoint
        every = [held for held in self.meanings.values.values() if all(map(is_float, held))]
        for known in (first, total):
            for held in every:
                yield from _both_ways([known[key] for key in map(_key, held) if key in known], True)
        for held in every:
            yield from _both_ways([np.asarray(value, dtype=np.float64) for value in held], False)
        yield from (Goal((adjoint,), True) for _, adjoint in reversed(self.adjoints))
        for _, adjoint in reversed(self.adjoints):
            if (
                1 in adjoint.shape and adjoint.size > 1
            ):  # a column of f may be without its second axis in a claim
                yield Goal((adjoint.squeeze(),), True)
        for adjoint in total.values():
            # f computes at once what a claim goes through row by row
            if adjoint.ndim and 1 < len(adjoint) <= _LOOPED:
                for rows in (adjoint, adjoint[1:], adjoint[:-1]):
                    yield from _both_ways(list(map(np.asarray, rows)), True)
        for held in every:
            # a layer less: the last one, or the first, may be treated by itself
            derived = [first[key] for key in map(_key, held) if key in first]
            if len(derived) > 1:
                yield from _both_ways(derived[:-1], True)
                yield from _both_ways(derived[1:], True)
        yield from self._sensitivities()


def _both_ways(values: list[Floats], derivative: bool) -> Iterator[Goal]:
    if values:
        yield Goal(tuple(values), derivative)
    if len(values) > 1:
        yield Goal(tuple(reversed(values)), derivative, reverse=True)


def _is_spread(shape: tuple[int, ...], over: tuple[int, ...]) -> bool:
    axes = zip(shape, over, strict=False)
    return shape != over and len(shape) == len(over) and all(one in (1, other) for one, other in axes)


_Key = tuple[tuple[int, ...], bytes]


def _key(value: Any) -> _Key:
    return np.shape(value), np.asarray(value, dtype=np.float64).tobytes()
