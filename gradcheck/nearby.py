"""Points near the given one: those the user asks for, and those where a leaf shows that is zero at the point itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from gradcheck.ask.calls import NotNumeric, Raised, flat, undisturbed
from gradcheck.ask.look import steady
from gradcheck.ask.point import Point, step_scale
from gradcheck.ask.surfaces import away
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.findings import Blind, Branch, Leaf, Unseen, Verdict
from gradcheck.judge.examine import Examined, examine
from gradcheck.judge.glance import agree
from gradcheck.judge.reasons import Reason
from gradcheck.oracles.ball import Relation
from gradcheck.report.report import Report
from gradcheck.reported import reported
from gradcheck.unseen.unseen import movable, unseen

_NEAR = 0.05
"""Share of its size by which an entry is moved for a further point."""

_BESIDE = (0.05, 0.4, 3.0, 3.0, 3.0, 3.0)
"""The same where a leaf is zero at the point: it may take more to wake it, a dead or saturated unit most. Such a unit
has to come over zero, which a step of three times its size does in 37 of 100: four of them miss it in 16, and three
units in less than one."""

_INWARDS = (1.0, 0.1, 0.01)
"""Factors of these tried until f is defined."""


class _Note(StrEnum):
    """What is said of a leaf that was looked at beside the point."""

    ZERO = "not tested: zero here and nearby"
    STATIONARY = (
        "right at this point, where the derivative is zero; the claim is the same beside it, and wrong"
    )
    SHOWN = "zero at this point, tested beside it"
    ELSEWHERE = "right at this point, and wrong at one beside it, where other leaves were looked at"


def at_more_points(
    task: Task, seen: Examined, report: Report, generator: np.random.Generator
) -> tuple[Examined, Report]:
    """The report of the given point and of as many near it as the user asks for."""
    for _ in range(task.options.points):
        if report.verdict is Verdict.FAIL:
            break
        there = _beside(task, (_NEAR,), generator)
        report = _merged(report, reported(there, generator))
        seen = seen if there.reasons else there
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
        there = _beside(task, _inwards(share), generator)
        if not _is_defined(there):
            continue
        found = reported(there, generator)
        if found.verdict is Verdict.FAIL and any(found.leaves[n].verdict is Verdict.FAIL for n in left):
            return _zero_here(report, left, (seen, there, found))
        if found.verdict is Verdict.INCONCLUSIVE:
            continue
        looked = True
        failing = {n for n, leaf in enumerate(found.leaves) if leaf.verdict is Verdict.FAIL}
        shown = {n for n in left - _blind(there) if found.leaves[n].resolution is not None}
        report = replace(report, leaves=_replaced(report.leaves, found.leaves, shown))
        report = _noted(report, dict.fromkeys(failing, _Note.ELSEWHERE))
        left -= shown
        zero &= {number for number in left if not _is_hidden(there, number)}
        if not left:
            break
    still = {number: _Note.ZERO for number in zero} if looked else {}
    report = _noted(report, still)
    at_kinks = len(blind) < sum(slot.size > 0 for slot in seen.task.where.slots)
    # what is zero wherever it was looked at is so claimed rightly: a shift that f does not see, dead units
    known = bool(still) and (_claims_nothing(seen) or left <= zero)
    if at_kinks or known or _some_tested(report):
        return seen, report
    return seen, replace(report, verdict=Verdict.INCONCLUSIVE, reasons=(Reason.NOTHING.told().words,))


def _zero_here(
    report: Report, left: set[int], at: tuple[Examined, Examined, Report]
) -> tuple[Examined, Report]:
    """The report of a claim that fails beside the point in leaves whose derivative is zero at it.

    It is not charged with that where it may be meant for the point alone: it is the same beside it, or wrong there in
    what it was right in at the point.
    """
    seen, there, found = at
    frozen = not _follows(seen, there.task.where)
    if frozen and (_claims_nothing(seen) or _some_tested(report)):
        return seen, _noted(report, dict.fromkeys(left, _Note.STATIONARY))
    names = ", ".join(report.leaves[number].path for number in sorted(left))
    if frozen or any(
        here.resolution is not None and other.verdict is Verdict.FAIL
        for here, other in zip(report.leaves, found.leaves, strict=True)
    ):
        what = f"the derivative by {names} is zero, which any multiple of it is"
        return seen, replace(
            report, verdict=Verdict.INCONCLUSIVE, reasons=(Reason.SPECIAL.told(what=what).words,)
        )
    return there, found.noting(Reason.BESIDE.told(names=names).words)


def _some_tested(report: Report) -> bool:
    return any(leaf.resolution is not None for leaf in report.leaves)


def off_what_is_special(
    task: Task, seen: Examined, report: Report, generator: np.random.Generator
) -> tuple[Report, Blindness | None]:
    """The report of a pass once what a moved point can show was looked at there, and what is left to look for.

    What fails there is told, not charged, where the claim may be meant for the point alone: it is the same elsewhere,
    or wrong elsewhere, too (made of what was computed once, at the point), or a Jacobian where something is zero.
    """
    if report.verdict is not Verdict.PASS:
        return report, None
    cheap = task.where.x.size <= _FEW and task.f.seconds + task.claim.seconds <= _CHEAP
    spots = movable(task, seen)
    known: dict[Unseen, Unseen] = {}
    there, at_a_glance = seen, False
    if seen.task.where is task.where and spots and cheap:
        alike = _answers_alike(seen)
        at_a_glance = alike and _agree_without(spots, task, generator)
        there = seen if at_a_glance else _without(spots, replace(task, times=1) if alike else task, generator)
    if at_a_glance or (there.task.where is not task.where and there.verdict is Verdict.PASS):
        known = {one: replace(one, seen_to=True) for one in spots}
    elif _is_defined(there) and _fails(there, generator):
        known = {one: _failing(one) for one in spots}
        if task.kind in _OF_A_CHART:
            x, slots = task.where.x, {slot.path: slot for slot in task.where.slots}
            spots = tuple(one for one in spots if x[slots[one.where].start : slots[one.where].stop].all())
            there = _without(spots, task, generator) if spots else seen
        if _fails(there, generator) and _holds_elsewhere(spots, seen, generator):
            report = replace(report, verdict=Verdict.INCONCLUSIVE, reasons=_special(spots))
    blindness = Blindness(task, seen, known)
    if not task.options.strict:
        return report, blindness
    found, branches = blindness.now()
    blind = _blind(seen)
    left = (
        *(
            f"{leaf.path}: {leaf.note}"
            for number, leaf in enumerate(report.leaves)
            if leaf.note is _Note.ELSEWHERE or (number in blind and leaf.resolution is None)
        ),
        *(one.message for one in found if not one.seen_to),
    )
    report = replace(report, unseen=found, branches=branches)
    return replace(report, verdict=Verdict.INCONCLUSIVE, reasons=left) if left else report, None


Looked = tuple[tuple[Unseen, ...], tuple[Branch, ...]]
"""What a pass could not see, and the branches of f and claim."""


@dataclass(frozen=True)
class Blindness:
    """What a pass could not see, to be looked for: it takes a call of f and of the claim.

    ``known`` is what is known of some of it from a point beside.
    """

    task: Task
    seen: Examined
    known: Mapping[Unseen, Unseen] = field(default_factory=dict)

    def now(self) -> Looked:
        """What is found at the end of the check."""
        try:
            with undisturbed():
                found, branches = unseen(self.task, self.seen)
        except Exception as error:  # what a function closes over answers as it likes when it is looked at
            return self._unknown(f"looking for it raised {type(error).__name__}")
        return tuple(self.known.get(one, one) for one in found), branches

    def later(self) -> Looked:
        """The same for one who asks after the check: what f and the claim close over may be another by then."""
        with undisturbed():
            as_before = _answer_as_before(self.seen)
        if as_before:
            return self.now()
        return self._unknown(
            "f or the claim answers otherwise than at the check. Read it before what they close over is changed"
        )

    def _unknown(self, why: str) -> Looked:
        message = f"what else was not seen is not known: {why}"
        return (*self.known.values(), Unseen(Blind.UNKNOWN, self.task.f.label, message)), ()


def _answer_as_before(seen: Examined) -> bool:
    """Whether f and the claim, asked once more, give what they gave at the check."""
    task, label = seen.task, seen.task.f.label
    assert seen.asked is not None and seen.asked.reading is not None and seen.u is not None
    try:
        output = task.f(*task.where.copied(task.where.args))
        again = task.ask(task.where, task.where.copied(task.where.args), seen.u, seen.look.output)
        return _is_still(flat(seen.look.output, label), flat(output, label), seen.look.spread) and _is_still(
            seen.asked.reading.flat, again.flat, seen.asked.spread
        )
    except (Raised, NotNumeric, ValueError):
        return False


def _is_still(was: Floats, now: Floats, spread: Floats | float) -> bool:
    return steady(was, now, lambda: None) or (
        was.shape == now.shape and bool(np.all(np.abs(was - now) <= _SPREADS * spread))
    )


_SPREADS = 16.0
"""How many times as far as two calls were apart at the check one may be later."""


_FEW, _CHEAP = 10_000, 0.2
"""Entries, and seconds of a call of f and one of the claim, up to which a moved point is looked at unasked. It takes
ten such calls; what takes microseconds is never so slow by what else the machine does."""

_OF_A_CHART = ("jacobian", "jvp")
"""Kinds of claims that are made at the origin of local coordinates."""


def _answers_alike(seen: Examined) -> bool:
    """Whether f and the claim, asked twice, gave the same to the last digit."""
    return seen.asked is not None and not np.any(seen.look.spread) and not np.any(seen.asked.spread)


def _special(movable: Sequence[Unseen]) -> tuple[str, ...]:
    return (Reason.SPECIAL.told(what=", ".join(one.message for one in movable)).words,)


def _fails(there: Examined, generator: np.random.Generator) -> bool:
    if there.verdict is not Verdict.FAIL or there.task.options.allow is None:
        return there.verdict is Verdict.FAIL
    return reported(there, generator).verdict is Verdict.FAIL


def _holds_elsewhere(special: Sequence[Unseen], seen: Examined, generator: np.random.Generator) -> bool:
    """Whether the claim is another at another point, and right where these leaves, and those equal to one, are left."""
    slots, x = seen.task.where.slots, seen.task.where.x
    values = {slot: x[slot.start : slot.stop].tobytes() for slot in slots}
    left = {values[slot] for slot in slots if slot.path in {one.where for one in special}}
    moved = {slot.path for slot in slots if values[slot] not in left}
    there = seen.task.where.moved(x + _step(seen.task.where, _NEAR, generator))
    return _follows(seen, there) and (
        not moved or _beside(seen.task, _inwards(_NEAR), generator, moved).verdict is not Verdict.FAIL
    )


def _follows(seen: Examined, there: Point) -> bool:
    """Whether the claim is another one at another point, asked for the same."""
    if seen.asked is None or seen.asked.reading is None or seen.u is None:
        return True
    try:
        again = seen.task.ask(there, there.copied(there.args), seen.u, seen.look.output)
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


def _without(special: Sequence[Unseen], task: Task, generator: np.random.Generator) -> Examined:
    """What a point shows in which nothing but these is not so."""
    return _beside(task, _inwards(_NEAR), generator, {one.where for one in special})


def _agree_without(special: Sequence[Unseen], task: Task, generator: np.random.Generator) -> bool:
    """Whether a glance at such a point is enough."""
    step = _step(task.where, _NEAR, generator, {one.where for one in special})
    where = task.where.moved(task.where.x + step)
    return "differences" in task.options.oracles and agree(replace(task, where=where), generator)


def _inwards(share: float) -> tuple[float, ...]:
    return tuple(share * factor for factor in _INWARDS)


def _beside(
    task: Task, shares: Sequence[float], generator: np.random.Generator, moved: Collection[str] | None = None
) -> Examined:
    """What a point beside shows, a share of its size away: the first of them at which f and claim are defined.

    Where the claim fails, the point is kept on the surfaces that it is on: a claim may hold there alone. Of the leaves
    those with the paths ``moved`` are, all if that is None.
    """
    where = task.where
    step = _step(where, 1.0, generator, moved)
    failing = None
    for share in shares:
        for x in away(where, share * step):
            there = examine(replace(task, where=where.moved(x)), generator)
            if _is_defined(there):
                if not _fails(there, generator):
                    return there
                failing = there  # in the end where most that is right is so: on a surface
        if failing is not None:
            return failing
    return there


def _step(
    where: Point, share: float, generator: np.random.Generator, moved: Collection[str] | None = None
) -> Floats:
    """A random step of such a share of each entry's size, of the leaves with the paths ``moved``; of all if None."""
    step = share * step_scale(where.x, where.slots) * generator.standard_normal(where.x.size)
    for slot in where.slots:
        if moved is not None and slot.path not in moved:
            step[slot.start : slot.stop] = 0.0
    return step


def _is_defined(seen: Examined) -> bool:
    """Whether f and the claim are at this point."""
    return not seen.reasons and seen.asked is not None and seen.asked.reading is not None


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
        replace(one, resolution=other.resolution, note=_Note.SHOWN) if number in shown else one
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
