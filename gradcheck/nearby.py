"""Points near the given one: those the user asks for, and those where a leaf shows that is zero at the point itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradcheck.ask.calls import Raised
from gradcheck.ask.point import step_scale
from gradcheck.ask.task import Task
from gradcheck.findings import Blind, Leaf, Unseen, Verdict
from gradcheck.judge.examine import Examined, examine
from gradcheck.judge.reasons import Reason
from gradcheck.oracles.ball import Relation
from gradcheck.report.report import Report
from gradcheck.reported import reported
from gradcheck.unseen.unseen import unseen

_NEAR = 0.05
"""Share of its size by which an entry is moved for a further point."""

_BESIDE = (0.05, 0.4, 3.0)
"""The same where a leaf is zero at the point: it may take more to wake it, a dead or saturated unit most."""

_INWARDS = (1.0, 0.1, 0.01)
"""Factors of these tried until f is defined."""


def at_more_points(
    task: Task, seen: Examined, report: Report, generator: np.random.Generator
) -> tuple[Examined, Report]:
    """The report of the given point and of as many near it as the user asks for."""
    for _ in range(task.options.points):
        if report.verdict is Verdict.FAIL:
            break
        seen = examine(_moved(task, _NEAR, generator), generator)
        report = _merged(report, reported(seen, generator))
    return seen, report


def where_it_shows(
    task: Task, seen: Examined, report: Report, generator: np.random.Generator
) -> tuple[Examined, Report]:
    """The report of a pass that could not see some leaf, once this has been looked at beside the point.

    A leaf is zero to rounding at an optimum, behind a dead unit, at a point of zeros: whatever multiple of the
    derivative is claimed is right there.
    """
    blind = _blind(seen)
    if report.verdict is not Verdict.PASS or not blind:
        return seen, report
    zero = {number for number in blind if not _is_hidden(seen, number)}
    left, looked = set(blind), False
    for share in _BESIDE:
        there = _examined_inside(task, share, generator)
        if there is None:
            continue
        found = reported(there, generator)
        if found.verdict is Verdict.FAIL and any(found.leaves[n].verdict is Verdict.FAIL for n in left):
            if _claims_nothing(seen) and _claims_nothing(there):  # said of this very point: it is stationary
                return seen, _noted(report, dict.fromkeys(left, _STATIONARY))
            names = ", ".join(report.leaves[number].path for number in sorted(left))
            return there, found.noting(Reason.BESIDE.told(names=names).words)
        if found.verdict is Verdict.INCONCLUSIVE:
            continue
        looked = True
        failing = {n for n, leaf in enumerate(found.leaves) if leaf.verdict is Verdict.FAIL}
        shown = {n for n in left - _blind(there) if found.leaves[n].resolution is not None}
        report = replace(report, leaves=_replaced(report.leaves, found.leaves, shown))
        report = _noted(report, dict.fromkeys(failing, _ELSEWHERE))
        left -= shown
        zero &= {number for number in left if not _is_hidden(there, number)}
        if not left:
            break
    still = {number: _ZERO for number in zero} if looked else {}
    report = _noted(report, still)
    at_kinks = len(blind) < sum(slot.size > 0 for slot in seen.task.where.slots)
    # what is zero wherever it was looked at is so claimed rightly: a shift that f does not see, dead units
    known = bool(still) and (_claims_nothing(seen) or left <= zero)
    if at_kinks or known or any(leaf.resolution is not None for leaf in report.leaves):
        return seen, report
    return seen, replace(report, verdict=Verdict.INCONCLUSIVE, reasons=(Reason.NOTHING.told().words,))


_ZERO = "not tested: zero here and nearby"
_STATIONARY = (
    "right at this point, where the derivative is zero; the claim is zero beside it, too, where that is not"
)
_SHOWN = "zero at this point, tested beside it"
_ELSEWHERE = "right at this point, and wrong at one beside it, where other leaves were looked at"


def off_what_is_special(
    task: Task, seen: Examined, report: Report, generator: np.random.Generator
) -> tuple[Examined, Report]:
    """The report of a pass with what it could not see; what a moved point can show is looked at there.

    What fails there is told, not charged, where the claim may be meant for the point alone: it is the same there, or a
    Jacobian (at zero rotation). Any other is wrong as the derivative that it is to be, unless it holds on a surface
    that the moved point has left: no telling, then.
    """
    if report.verdict is not Verdict.PASS:
        return seen, report
    cheap = task.where.x.size <= _FEW and task.f.seconds + task.claim.seconds <= _CHEAP
    found, branches = unseen(task, seen)
    leaves = {slot.path for slot in task.where.slots if task.given is None}
    movable = [one for one in found if one.kind in _MOVABLE and one.where in leaves]
    if task.options.points:  # they have passed
        found = tuple(replace(one, seen_to=one in movable) for one in found)
    elif movable and cheap:
        there = _examined_inside(task, _NEAR, generator)
        if there is not None and there.verdict is Verdict.PASS:
            found = tuple(replace(one, seen_to=one in movable) for one in found)
        elif there is not None and _fails(there, generator):
            found = tuple(_failing(one) if one in movable else one for one in found)
            if task.kind not in _OF_A_CHART and _follows(seen, there):
                report = replace(report, verdict=Verdict.INCONCLUSIVE, reasons=_special(movable))
    report = replace(report, unseen=found, branches=branches)
    blind = _blind(seen)
    left = (
        *(
            f"{leaf.path}: {leaf.note}"
            for number, leaf in enumerate(report.leaves)
            if leaf.note == _ELSEWHERE or (number in blind and leaf.resolution is None)
        ),
        *(one.message for one in found if not one.seen_to),
    )
    if task.options.strict and left:
        return seen, replace(report, verdict=Verdict.INCONCLUSIVE, reasons=left)
    return seen, report


_FEW, _CHEAP = 10_000, 0.2
"""Entries, and seconds of a call of f and one of the claim, up to which a moved point is looked at unasked. It takes
ten such calls; what takes microseconds is never so slow by what else the machine does."""

_OF_A_CHART = ("jacobian", "jvp")
"""Kinds of claims that are made at the origin of local coordinates."""

_MOVABLE = (Blind.CONSTANT, Blind.ROWS)
"""What is gone at a point beside; symmetry may be what f is made for."""


def _special(movable: Sequence[Unseen]) -> tuple[str, ...]:
    return (Reason.SPECIAL.told(what=", ".join(one.message for one in movable)).words,)


def _fails(there: Examined, generator: np.random.Generator) -> bool:
    if there.verdict is not Verdict.FAIL or there.task.options.allow is None:
        return there.verdict is Verdict.FAIL
    return reported(there, generator).verdict is Verdict.FAIL


def _follows(seen: Examined, there: Examined) -> bool:
    """Whether the claim is another one at the other point, asked for the same."""
    if seen.asked is None or seen.asked.reading is None or seen.u is None:
        return True
    where = there.task.where
    try:
        again = there.task.ask(where, where.copied(where.args), seen.u, seen.look.output)
    except Raised:
        return True
    return any(
        one is not None and other is not None and not np.array_equal(one, other)
        for one, other in zip(seen.asked.reading.raw, again.raw, strict=True)
    )


def _failing(one: Unseen) -> Unseen:
    return replace(
        one, message=f"{one.message}, and beside this point, where that is not so, the claim fails"
    )


def _examined_inside(task: Task, share: float, generator: np.random.Generator) -> Examined | None:
    for factor in _INWARDS:
        there = examine(_moved(task, share * factor, generator), generator)
        if not there.reasons:
            return there
    return None


def _moved(task: Task, share: float, generator: np.random.Generator) -> Task:
    x = task.where.x
    return replace(
        task,
        where=task.where.moved(
            x + share * step_scale(x, task.where.slots) * generator.standard_normal(x.size)
        ),
    )


def _blind(seen: Examined) -> set[int]:
    """The leaves of which a pass could not have told what is asked for: zero there, or hidden by rounding."""
    judgement = seen.judgement
    if judgement is None or not judgement.seen:
        return set()
    at_kinks = [kink.index for kink in judgement.kinks if kink.relation is Relation.AGREE]
    return {
        number
        for number, (slot, one) in enumerate(zip(seen.task.where.slots, judgement.seen, strict=True))
        if slot.size
        and one.resolution is None
        and not any(slot.start <= index < slot.stop for index in at_kinks)
    }


def _is_hidden(seen: Examined, number: int) -> bool:
    assert seen.judgement is not None
    return seen.judgement.seen[number].hidden > 0


def _claims_nothing(seen: Examined) -> bool:
    """Whether the claim is exactly zero, in every entry of every leaf."""
    return seen.pairing is not None and not seen.pairing.claim.value.any()


def _noted(report: Report, notes: Mapping[int, str]) -> Report:
    return replace(
        report,
        leaves=tuple(
            replace(leaf, note=notes[number]) if number in notes else leaf
            for number, leaf in enumerate(report.leaves)
        ),
    )


def _replaced(first: tuple[Leaf, ...], second: tuple[Leaf, ...], shown: set[int]) -> tuple[Leaf, ...]:
    return tuple(
        replace(one, resolution=other.resolution, note=_SHOWN) if number in shown else one
        for number, (one, other) in enumerate(zip(first, second, strict=True))
    )


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
