"""One check from the first look to the report: the straight line, in order."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gradcheck.ask import ambient, calls
from gradcheck.ask.task import Task, generator_of
from gradcheck.findings import Blamed, Verdict
from gradcheck.judge.examine import Examined, examine
from gradcheck.nearby import at_more_points, off_what_is_special, where_it_shows
from gradcheck.report.report import Report
from gradcheck.reported import reported

if TYPE_CHECKING:
    from gradcheck.explain.sensitivity import Sensitivity


def run(task: Task) -> Report:
    """Check ``task`` at its point, and at more points near it where that is asked for.

    Raises
    ------
    ValueError
        ``allow`` names what is no leaf.
    """
    start = time.perf_counter()
    _must_name_leaves(task)
    generator = generator_of(task.options)
    with calls.undisturbed():
        seen = examine(task, generator)
        report = reported(seen, generator)
        for more in (where_it_shows, at_more_points):
            seen, report = more(task, seen, report, generator)
        report, blindness = off_what_is_special(task, seen, report, generator)
        if blindness is not None and ambient.is_heard():
            unseen, branches = blindness.now()
            report, blindness = replace(report, unseen=unseen, branches=branches), None
    if task.given is not None:
        report = replace(
            report,
            leaves=tuple(
                replace(
                    leaf, shape=slot.shape, dtype=str(slot.dtype), worst_index=None, entries=(), errors=None
                )
                for leaf, slot in zip(report.leaves, task.given.slots, strict=True)
            ),
        )
    report = replace(
        report,
        seconds=time.perf_counter() - start,
        evaluations=task.f.calls,
        claim_evaluations=task.claim.calls,
    )
    report.remembering(again=partial(_sensitivity, task))
    if report.verdict is Verdict.FAIL:
        return report.remembering(search=partial(_blamed, seen))
    return report if blindness is None else report.remembering(look=blindness.later)


# What explains a failure is half of the library: it is imported where there is one.


def _sensitivity(task: Task) -> Sensitivity:
    from gradcheck.explain.sensitivity import sensitivity

    return sensitivity(task)


def _blamed(seen: Examined) -> Blamed:
    from gradcheck.explain.blame.blamed import blamed

    return blamed(seen)


def _must_name_leaves(task: Task) -> None:
    allow = task.options.allow
    leaves = [slot.path for slot in task.where.slots]
    strange = [path for path in allow if path not in leaves] if isinstance(allow, Mapping) else []
    if strange:
        raise ValueError(f"allow names {strange[0]!r}, which is no leaf that is checked: {', '.join(leaves)}")
