"""One check from the first look to the report: the straight line, in order."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np

from gradcheck.ask import calls as guard
from gradcheck.ask.calls import NotNumeric, Raised
from gradcheck.ask.gradients import NoGradient
from gradcheck.ask.look import Look, look_at_claim, look_at_function, same
from gradcheck.ask.task import Task, generator_of
from gradcheck.explain.failure import explain_failure, hides_in_dense
from gradcheck.explain.sensitivity import sensitivity
from gradcheck.judge.evaluation import covector, pair
from gradcheck.judge.judge import judge
from gradcheck.judge.judgement import Judgement
from gradcheck.judge.pairing import Traced, step_scale
from gradcheck.judge.precision import default_rtol
from gradcheck.oracles.autodiff import trace_task
from gradcheck.oracles.third_voice import third_voice
from gradcheck.report.findings import Verdict
from gradcheck.report.report import Report
from gradcheck.report.summary import report_of


def run(task: Task) -> Report:
    """Check ``task`` at its point, and at more points near it where that is asked for."""
    start = time.perf_counter()
    generator = generator_of(task.options)
    with guard.undisturbed():
        report = _at(task, generator, start)
        for _ in range(task.options.points):
            if report.verdict is Verdict.FAIL:
                break
            x = task.where.x
            jittered = x + 0.05 * step_scale(x, task.where.slots) * generator.standard_normal(x.size)
            report = _merged(report, _at(replace(task, where=task.where.moved(jittered)), generator, start))
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
    return report.remembering(partial(sensitivity, task))


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


def _at(task: Task, generator: np.random.Generator, start: float) -> Report:
    if task.through is not None:
        try:
            derived = task.derived()
        except (NoGradient, Raised, NotNumeric) as problem:
            return report_of(task, Judgement(Verdict.INCONCLUSIVE, reasons=[str(problem)]), Look(), None, ())
        return _at(derived, generator, start)
    look = look_at_function(task.f, task.where)
    if look.reasons:
        return report_of(task, Judgement(Verdict.INCONCLUSIVE, reasons=look.reasons), look, None, ())
    if task.scalar and look.y.size != 1:
        shape = (
            np.shape(look.output)
            if not isinstance(look.output, tuple | list | dict)
            else f"{look.y.size} numbers"
        )
        raise ValueError(
            f"{task.f.label} must return a scalar for check_{task.kind}; it returned an array of shape {shape}. "
            "Sum it, or use check_vjp or check_jacobian"
        )
    u = covector(task, look, generator)
    reading = look_at_claim(
        task.claim, lambda args: task.ask(task.where, args, u, look.output), task.where, look
    )
    if reading is None:
        return report_of(task, Judgement(Verdict.FAIL), look, None, ())
    traced, tape, refused = trace_task(task, look, u)
    pairing = pair(task, look, u, reading)
    if "differences" not in task.options.oracles and traced is None and not reading.problems:
        reason = f"autograd alone was asked for, and it does not apply: {refused}"
        return report_of(
            task, Judgement(Verdict.INCONCLUSIVE, reasons=[reason], autograd=refused), look, pairing, ()
        )
    broken = reading.problems
    if broken:
        judgement = Judgement(Verdict.FAIL, differences=False, autograd=refused)
        judgement.truth = None if traced is None else traced.gradient
        judgement.bound = None if traced is None else 1e-9 * np.abs(traced.gradient)
    else:
        rtol = task.options.rtol or default_rtol(pairing.unit)
        alone = "differences" not in task.options.oracles
        judgement = judge(
            pairing, traced, generator, rtol, differences=not alone, strict=task.options.rtol is not None
        )
        judgement.autograd = judgement.autograd or refused
    if judgement.verdict is not Verdict.PASS and not broken and _is_random(task, look):
        reason = (
            f"{task.f.label} is random: it returned different values for the same arguments. Fix its randomness (draw "
            "masks and noise once, outside, or from a generator seeded inside)"
        )
        return report_of(task, Judgement(Verdict.INCONCLUSIVE, reasons=[reason]), look, None, ())
    if judgement.judged is not None and _third_voice_wanted(task, traced):
        task.f.calls += 1
        judgement.voices.append(third_voice(task.f.function, task.where, u, *judgement.judged))
    trusted = tape is not None and not judgement.autograd
    if judgement.verdict is Verdict.PASS and trusted and hides_in_dense(task, reading, tape, look):
        judgement.verdict = Verdict.FAIL
    judgement.remarks += reading.remarks
    if pairing.workers is not None and pairing.workers.remark:
        judgement.remarks.append(pairing.workers.remark)
    if judgement.verdict is Verdict.FAIL:
        return explain_failure(task, look, u, reading, pairing, judgement, tape, generator)
    if look.diagnoses:
        rest = (
            "the derivative itself is right" if judgement.verdict is Verdict.PASS else "the rest is undecided"
        )
        told = tuple(
            replace(diagnosis, message=f"{diagnosis.message}. Apart from that, {rest}")
            for diagnosis in look.diagnoses
        )
        return replace(report_of(task, judgement, look, pairing, told), verdict=Verdict.FAIL, reasons=())
    return report_of(task, judgement, look, pairing, ())


def _third_voice_wanted(task: Task, traced: Traced | None) -> bool:
    """Where it was asked for by name, and by default where autograd does not apply."""
    single = any(slot.dtype.itemsize < 8 for slot in task.where.slots)
    if single or task.kind in ("hessian", "hvp"):
        return False
    return "complex_step" in task.options.oracles and (task.options.named or traced is None)


def _is_random(task: Task, look: Look) -> bool:
    """Whether a third call of f, before it is held against anyone, differs from the first two."""
    try:
        return not same(look.y, guard.flat(task.f(*task.where.copied(task.where.args)), task.f.label)) and (
            not look.promoted
        )
    except (Raised, NotNumeric):
        return False
