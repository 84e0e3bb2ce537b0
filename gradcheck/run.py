"""One check from the first look to the report: the straight line, in order."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np

from gradcheck.ask import calls
from gradcheck.ask.point import step_scale
from gradcheck.ask.task import Task, generator_of
from gradcheck.explain.blame.blamed import blamed
from gradcheck.explain.failure import explain
from gradcheck.explain.sensitivity import sensitivity
from gradcheck.findings import Verdict
from gradcheck.judge.examine import Examined, examine
from gradcheck.report.report import Report
from gradcheck.report.summary import report_of


def run(task: Task) -> Report:
    """Check ``task`` at its point, and at more points near it where that is asked for."""
    start = time.perf_counter()
    generator = generator_of(task.options)
    with calls.undisturbed():
        seen = examine(task, generator)
        report = _reported(seen, generator)
        for _ in range(task.options.points):
            if report.verdict is Verdict.FAIL:
                break
            x = task.where.x
            jittered = x + 0.05 * step_scale(x, task.where.slots) * generator.standard_normal(x.size)
            moved = replace(task, where=task.where.moved(jittered))
            seen = examine(moved, generator)
            report = _merged(report, _reported(seen, generator))
    if task.shown is not None:
        report = replace(
            report,
            leaves=tuple(
                replace(leaf, shape=slot.shape, dtype=str(slot.dtype), worst_index=None, entries=())
                for leaf, slot in zip(report.leaves, task.shown, strict=True)
            ),
        )
    report = replace(
        report,
        seconds=time.perf_counter() - start,
        evaluations=task.f.calls,
        claim_evaluations=task.claim.calls,
    )
    return report.remembering(partial(sensitivity, task), partial(blamed, seen))


def _reported(seen: Examined, generator: np.random.Generator) -> Report:
    failed = seen.verdict is Verdict.FAIL and seen.pairing is not None
    return report_of(seen, explain(seen, generator)) if failed else report_of(seen)


def _merged(first: Report, second: Report) -> Report:
    """The report of two points: a leaf is tested if it was at either."""
    if second.verdict is not Verdict.PASS:
        if second.verdict is Verdict.FAIL:
            return replace(
                second, notes=(*second.notes, "the claim passed at the given point and fails at one near it")
            )
        return replace(
            first,
            notes=(*first.notes, f"a point near the given one was skipped: {'; '.join(second.reasons)}"),
        )
    if first.verdict is not Verdict.PASS:
        return first
    leaves = tuple(
        other if one.resolution is None and other.resolution is not None else one
        for one, other in zip(first.leaves, second.leaves, strict=True)
    )
    return replace(first, leaves=leaves)
