"""One point of a task: the looks at f and claim, the oracles, and the judgement on what they showed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck.ask import calls, precision
from gradcheck.ask.calls import NotNumeric, Raised
from gradcheck.ask.look import (
    Asked,
    Look,
    changing,
    look_at_claim,
    look_at_function,
    not_finite,
    random,
    steady,
)
from gradcheck.ask.point import beside, describe
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.findings import OracleUse, Verdict
from gradcheck.judge.arguments import spacing_of_arguments
from gradcheck.judge.decide import Judgement
from gradcheck.judge.entrywise import SHARE
from gradcheck.judge.evaluation import Evaluated, claim_unit, covector, evaluated, pair
from gradcheck.judge.facts import Fact
from gradcheck.judge.judge import case_of, judge
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.reasons import Reason
from gradcheck.judge.rows import suspicious
from gradcheck.judge.slope import AGREEMENT
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.autodiff import trace_task
from gradcheck.oracles.ball import Ball
from gradcheck.oracles.gradients import NoGradient
from gradcheck.oracles.third_voice import third_voice
from gradcheck.oracles.ties import as_written
from gradcheck.oracles.tracing import Trace


@dataclass(frozen=True)
class Examined:
    """What one point showed: all that an explanation or a report is made of.

    Attributes
    ----------
    task, u
        The task about the function that the claim is about, and the covector its outputs were paired with.
    reasons
        Why nothing can be said, before any number.
    refused
        Why autograd was not heard; "" where it was.
    seconds
        That this thread worked on it.
    """

    task: Task
    look: Look = field(default_factory=Look)
    asked: Asked | None = None
    u: Floats | None = None
    f: Evaluated | None = None
    pairing: Pairing | None = None
    autograd: Answer | None = None
    tape: Trace | None = None
    refused: str = ""
    judgement: Judgement | None = None
    reasons: tuple[str, ...] = ()
    voices: tuple[OracleUse, ...] = ()
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """The verdict of the whole check: of its conduct as well as of its numbers."""
        if self.reasons:
            return Verdict.INCONCLUSIVE
        if self.asked is None or self.asked.reading is None or self.judgement is None:
            return Verdict.FAIL
        if self.asked.conduct or self.asked.lends or self.look.conduct:
            return Verdict.FAIL
        if self.task.unchecked and self.judgement.verdict is Verdict.PASS:
            return Verdict.INCONCLUSIVE
        return self.judgement.verdict

    @property
    def rtol(self) -> float:
        """The relative error that must be caught."""
        unit = precision.DOUBLE if self.pairing is None else self.pairing.unit
        return self.task.options.rtol or precision.default_rtol(unit)


def examine(task: Task, generator: np.random.Generator) -> Examined:
    """Everything there is to see at the task's point."""
    start = time.thread_time()
    seen = _examined(task, generator)
    return replace(seen, seconds=time.thread_time() - start)


def _examined(task: Task, generator: np.random.Generator) -> Examined:
    if task.through is not None:
        try:
            task = task.derived()
        except (NoGradient, Raised, NotNumeric) as problem:
            return Examined(task, reasons=(str(problem),))
    look = look_at_function(task.f, task.where, task.times)
    if look.reasons:
        return Examined(task, look, reasons=look.reasons)
    _must_be_scalar(task, look)
    if look.y.size == 0:
        nothing = f"{task.f.label} returned nothing (no entries): there is no derivative to check"
        return Examined(task, look, reasons=(nothing,))
    u = covector(task, look, generator)
    asked = look_at_claim(
        task.claim, lambda args: task.ask(task.where, args, u, look.output), task.where, look, task.times
    )
    seen = Examined(task, look, asked, u)
    if asked.reading is None:
        return seen
    if look.promoted and any(problem.kind == "nonfinite" for problem in asked.reading.problems):
        # they overflow together: what double precision makes of f is not held against the claim
        native = calls.flat(look.output, task.f.label)
        return Examined(task, look, reasons=(not_finite(task.f.label, task.where, native),))
    if task.none_came:
        return replace(seen, reasons=(unchecked(task),))
    found = _weighed(seen, evaluated(task, look, u, asked.reading), generator)
    if found.reasons or (found.verdict is Verdict.PASS and not _is_dull(found)):
        return found
    coarser = _by_arguments(found)
    if coarser is None:
        return found
    remark = (
        f"{task.f.label} rounds its arguments: it was judged by steps longer than what that shifts them by"
    )
    reading = replace(asked.reading, remarks=(*asked.reading.remarks, remark))
    return _weighed(replace(seen, asked=replace(asked, reading=reading)), coarser, generator)


def _is_dull(seen: Examined) -> bool:
    """Whether differences see little of an f whose values are double: autograd may pass over what it rounds."""
    assert seen.f is not None and seen.judgement is not None
    judged = seen.judgement.judged
    return (
        seen.autograd is not None
        and seen.f.unit == precision.DOUBLE
        and judged is not None
        and not judged.sees(AGREEMENT)
    )


def _by_arguments(seen: Examined) -> Evaluated | None:
    """F as one that rounds its arguments, where a claim that did not pass, or hardly, shows that it does."""
    task, f, pairing, autograd = seen.task, seen.f, seen.pairing, seen.autograd
    assert f is not None and pairing is not None
    follows = pairing.precise and autograd is not None and not _stands_still(autograd, pairing)
    if follows or f.value.native or not pairing.claim.value.any():
        return None

    def entries(x: Floats) -> Floats | None:
        task.f.calls += 1
        return f.value.outputs(x)

    spacing = spacing_of_arguments(entries, f.y, f.unit, pairing)
    return None if spacing is None else replace(f, arguments=spacing)


def _is_nothing(autograd: Answer, f: Evaluated) -> bool:
    """Whether autograd finds that nothing moves an f whose values have few bits: it may follow a floor to the grid."""
    return f.unit > precision.DOUBLE and not autograd.value.any()


def _stands_still(autograd: Answer, pairing: Pairing) -> bool:
    """Whether a leaf is zero by autograd in all entries, and not by the claim: f may round it on its way in."""
    parts = (slice(slot.start, slot.stop) for slot in pairing.slots)
    return any(pairing.claim.value[part].any() and not autograd.value[part].any() for part in parts)


def _weighed(seen: Examined, f: Evaluated, generator: np.random.Generator) -> Examined:
    """What the oracles and the judge make of f and claim."""
    task, look, asked, u = seen.task, seen.look, seen.asked, seen.u
    assert asked is not None and asked.reading is not None and u is not None
    unit = max(f.unit, claim_unit(task, asked.reading, f) if f.unit > precision.DOUBLE else f.unit)
    autograd, tape, refused = trace_task(task, look, u, unit)
    pairing = pair(task, look, asked, f, autograd)
    rounds = f.decimal > 0.0 or f.arguments is not None
    if autograd is not None and (rounds or _is_nothing(autograd, f)) and _stands_still(autograd, pairing):
        autograd, tape, refused = None, None, "f rounds, and the derivative of that is 0"
    if tape is not None:
        pairing = replace(pairing, pieces=partial(as_written, tape, u))
    asked = _narrow_where_f_is_not(asked, pairing)
    if f.decimal and asked.reading is not None:
        remark = f"{task.f.label} rounds its values to multiples of {f.decimal:g}, and was judged as such"
        asked = replace(asked, reading=replace(asked.reading, remarks=(*asked.reading.remarks, remark)))
    seen = replace(seen, asked=asked, f=f, pairing=pairing, autograd=autograd, tape=tape, refused=refused)
    if asked.reading is not None and asked.reading.problems:
        truth = (
            None if autograd is None else Ball(autograd.value, _generous(pairing) * np.abs(autograd.value))
        )
        return replace(seen, judgement=Judgement(Verdict.FAIL, differences=False, truth=truth))
    if "differences" not in task.options.oracles and autograd is None:
        return replace(seen, reasons=(f"autograd alone was asked for, and it does not apply: {refused}",))
    return _judged(seen, generator)


def unchecked(task: Task) -> str:
    """What is said of a layer's arrays that no gradient came for; "" where there are none."""
    if not task.unchecked:
        return ""
    return Reason.UNCHECKED.told(names=", ".join(task.unchecked), first=task.unchecked[0]).words


def _generous(pairing: Pairing) -> float:
    """Share of an entry by which it may be off where the claim fails for another that is no number or has no place.

    Its rounding cannot be measured then; what it is told of the rest must not accuse that of rounding.
    """
    return min(0.3, max(SHARE, 2.0**13 * pairing.unit))


def _must_be_scalar(task: Task, look: Look) -> None:
    if not task.scalar or look.y.size == 1:
        return
    wanted = f"{task.f.label} must return a scalar for check_{task.kind}; it returned"
    if isinstance(look.output, tuple | list) and len(look.output) == 2 and np.ndim(look.output[0]) == 0:
        raise ValueError(
            f"{wanted} a pair, {describe(look.output)}: is that (value, gradient)? Then check its first part, "
            f"lambda *args: {task.f.label}(*args)[0]; else use check_vjp or check_jacobian"
        )
    one = not isinstance(look.output, tuple | list | dict)
    what = f"an array of shape {np.shape(look.output)}" if one else f"a tree of {look.y.size} numbers"
    raise ValueError(f"{wanted} {what}. Sum it, or use check_vjp or check_jacobian")


def _narrow_where_f_is_not(asked: Asked, pairing: Pairing) -> Asked:
    """A claim of fewer digits than its argument has lost some, unless f has no more of them; then that is a remark."""
    reading = asked.reading
    if reading is None or not reading.narrow:
        return asked
    units = {precision.of(str(told.evidence["returned"])) for told in reading.narrow}
    if max(units) > pairing.precision:
        return replace(asked, reading=replace(reading, problems=(*reading.problems, *reading.narrow)))
    kinds = sorted({str(told.evidence["returned"]) for told in reading.narrow})
    remark = f"f and its derivative are {', '.join(kinds)}, and were judged as such"
    return replace(asked, reading=replace(reading, remarks=(*reading.remarks, remark)))


def _judged(seen: Examined, generator: np.random.Generator) -> Examined:
    task, pairing, u = seen.task, seen.pairing, seen.u
    assert (
        pairing is not None
        and u is not None
        and seen.f is not None
        and seen.asked is not None
        and seen.asked.reading is not None
    )
    judgement = _judgement(seen, pairing, seen.autograd, generator)
    if judgement.verdict is not Verdict.PASS:
        other = _another_value(seen)
        if other is not None:
            return replace(seen, reasons=(random(task.f.label, seen.look.y, other),))
    if judgement.verdict is Verdict.PASS and seen.tape is not None and not judgement.discredited:
        for row in suspicious(task, seen.asked.reading, seen.tape, seen.look, pairing.claim.unit):
            reading = task.ask(task.where, task.where.copied(task.where.args), row, seen.look.output)
            autograd = trace_task(task, seen.look, row, seen.f.unit)[0]
            asked = replace(seen.asked, reading=reading, spread=0.0)
            f = replace(seen.f, value=replace(seen.f.value, u=row))
            alone = pair(task, seen.look, asked, f, autograd)
            found = _judgement(seen, alone, autograd, generator)
            if found.verdict is Verdict.FAIL:
                judgement = found
                break
    if judgement.verdict is Verdict.PASS and task.kind not in ("vjp", "layer") and task.times > 1:
        seen = replace(seen, asked=_asked_again(task, seen.asked, pairing))
    voices: tuple[OracleUse, ...] = ()
    if judgement.judged is not None and _third_voice_wanted(task, seen.autograd):
        task.f.calls += 1
        voices = (_voice(task, u, judgement.judged),)
    return replace(seen, judgement=judgement, voices=voices)


def _asked_again(task: Task, asked: Asked, pairing: Pairing) -> Asked:
    """The claim once more, after f was called elsewhere: it may answer for f's last point (a cache, a stale Hessian).

    A pullback may: its forward pass is called just before it, by whoever uses it.
    """
    if task.differentiated is not None:  # f itself was called through its gradient alone
        try:
            task.differentiated(*task.where.place(beside(pairing.x, pairing.slots)))
        except Raised:
            return asked
    again = pairing.claim.at(pairing.x)
    if again is None or steady(
        pairing.claim.value, again, lambda: pairing.claim.at(beside(pairing.x, pairing.slots))
    ):
        return asked
    return replace(
        asked,
        conduct=(
            *asked.conduct,
            changing(task.claim.label, pairing.claim.value, again, "f was called elsewhere"),
        ),
    )


def _judgement(
    seen: Examined, pairing: Pairing, autograd: Answer | None, generator: np.random.Generator
) -> Judgement:
    options = seen.task.options
    rtol = options.rtol or precision.default_rtol(pairing.unit)
    alone = "differences" not in options.oracles
    case = case_of(pairing, autograd, rtol, strict=options.rtol is not None, differences=not alone)
    return judge(case, generator)


def _third_voice_wanted(task: Task, autograd: Answer | None) -> bool:
    """Where it was asked for by name, and by default where autograd does not apply."""
    single = any(slot.dtype.itemsize < 8 for slot in task.where.slots)
    if single or task.kind in ("hessian", "hvp"):
        return False
    return "complex_step" in task.options.oracles and (task.options.named or autograd is None)


def _voice(task: Task, u: Floats, judged: Fact) -> OracleUse:
    slope = Ball(np.asarray(judged.slope.value), np.asarray(judged.radius))
    return third_voice(task.f.function, task.where, u, judged.question.v, slope)


def _another_value(seen: Examined) -> Floats | None:
    """What a third call of f, before it is held against anyone, returned, where that is not what the first did."""
    task, look = seen.task, seen.look
    if look.promoted:
        return None

    def at(args: tuple[Any, ...]) -> Floats:
        return calls.flat(task.f(*args), task.f.label)

    try:
        again = at(task.where.copied(task.where.args))
    except (Raised, NotNumeric):
        return None
    where = task.where
    return (
        None
        if steady(look.y, again, lambda: at(where.place(beside(where.x, where.slots), native=True)))
        else again
    )
