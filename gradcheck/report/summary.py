"""The report of a task: verdict, leaves, oracles, and the entries worth showing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gradcheck.ask.point import Slot, index_of
from gradcheck.ask.trees import Floats
from gradcheck.explain.explanation import Compared, Explanation, Located
from gradcheck.findings import Diagnosis, Entry, Leaf, OracleUse, Verdict
from gradcheck.judge.decide import Judgement
from gradcheck.judge.examine import Examined, unchecked
from gradcheck.judge.reasons import Reason
from gradcheck.judge.resolution import Seen
from gradcheck.oracles.ball import Relation
from gradcheck.report.error_map import error_map
from gradcheck.report.report import Report
from gradcheck.report.steps import steps_of
from gradcheck.report.views.figures import figure, upwards

CONTRADICTED = Reason.CONTRADICTED.told().words

NOTHING = Explanation()
"""Of a check that did not fail."""

SHOWN = 6  # entries of a leaf with truth beside claim in a report


def report_of(seen: Examined, explained: Explanation = NOTHING) -> Report:
    """The report of what was seen at a point, with what an explanation added."""
    task, judgement = seen.task, seen.judgement
    verdict = seen.verdict
    leaves = tuple(_leaf(number, slot, seen, explained) for number, slot in enumerate(task.where.slots))
    asked = "autograd" in task.options.oracles
    refused = seen.refused if judgement is None or not judgement.discredited else CONTRADICTED
    reasons = seen.reasons or tuple(told.words for told in (judgement.reasons if judgement else ()))
    without = unchecked(task)
    reasons = reasons or ((without,) if without else ())
    reading = None if seen.asked is None else seen.asked.reading
    workers = None if seen.pairing is None else seen.pairing.workers
    notes = [told.words for told in (judgement.remarks if judgement and not seen.reasons else ())]
    return Report(
        check=task.kind,
        verdict=verdict,
        leaves=leaves,
        diagnoses=explained.diagnoses or _conduct(seen),
        reasons=reasons if verdict is Verdict.INCONCLUSIVE else (),
        oracles=(
            OracleUse(
                "autograd", seen.pairing is not None and asked and not refused, refused if asked else ""
            ),
            OracleUse("differences", judgement is not None and not seen.reasons and judgement.differences),
            *seen.voices,
        ),
        evaluations=task.f.calls,
        claim_evaluations=task.claim.calls,
        seconds=0.0,
        seed=task.options.seed,
        rtol=seen.rtol,
        miss_probability=None if judgement is None or seen.reasons else judgement.miss_probability,
        notes=(
            *notes,
            *(reading.remarks if reading is not None else ()),
            *((workers.remark,) if workers is not None and workers.remark else ()),
            *task.remarks,
            *((without,) if without and verdict is Verdict.FAIL else ()),
            *explained.notes,
        ),
        subject=task.subject,
        unchecked=task.unchecked,
        steps=None if judgement is None or seen.reasons else steps_of(seen, judgement),
        weighted=_weighted(seen, explained),
    )


def _weighted(seen: Examined, explained: Explanation) -> str:
    """How the outputs were made one number; nothing where one is told as it is."""
    u = seen.u
    if u is None or seen.task.scalar:
        return ""
    if u.size > 1:
        return f"the outputs weighted at random, by seed {seen.task.options.seed}"
    # the entries of a dense Jacobian are its own
    return "" if explained.dense is not None else f"the output weighted by {u[0]:g}"


def excused(seen: Examined, found: Mapping[int, float], allowed: Mapping[int, float]) -> Report:
    """The report of a check whose deviations, by leaf, the user says are meant."""
    assert seen.judgement is not None
    judgement = replace(seen.judgement, verdict=Verdict.PASS, wrong=None, reasons=())
    report = report_of(replace(seen, judgement=judgement))
    return replace(
        report,
        leaves=tuple(
            replace(
                leaf,
                resolution=allowed[number],
                max_rel_error=found[number],
                note=f"{upwards(found[number])} away, you allowed {figure(allowed[number])}",
            )
            if number in found
            else leaf
            for number, leaf in enumerate(report.leaves)
        ),
    )


def _conduct(seen: Examined) -> tuple[Diagnosis, ...]:
    """What is wrong with how f and claim behave, whatever the numbers say."""
    claims = () if seen.asked is None else (*seen.asked.conduct, *seen.asked.lends)
    told = (*seen.look.conduct, *claims)
    if seen.judgement is None or seen.reasons:
        return told
    right = seen.judgement.verdict is Verdict.PASS
    rest = "the derivative itself is right" if right else "the rest is undecided"
    return tuple(
        replace(diagnosis, message=f"{diagnosis.message}. Apart from that, {rest}") for diagnosis in told
    )


def _leaf(number: int, slot: Slot, seen: Examined, explained: Explanation) -> Leaf:
    judgement, dtype = seen.judgement, str(slot.dtype)
    if judgement is None or seen.reasons:
        return Leaf(slot.path, slot.shape, dtype, seen.verdict)
    found = judgement.seen[number] if judgement.seen else Seen(None)
    note = _note(number, slot, found, judgement)
    base = Leaf(slot.path, slot.shape, dtype, judgement.verdict, found.resolution, note=note)
    if explained.located is None:
        return base
    leaf = _located_leaf(number, slot, seen, explained.located, base)
    compared = None if explained.dense is None else explained.dense[number]
    return leaf if compared is None else with_errors(leaf, compared)


def _note(number: int, slot: Slot, found: Seen, judgement: Judgement) -> str:
    """What a reader must know of a leaf beyond its verdict."""
    kinks = sum(
        kink.relation is Relation.AGREE for kink in judgement.kinks if slot.start <= kink.index < slot.stop
    )
    if kinks and judgement.verdict is Verdict.PASS:
        return f"{kinks} of {slot.size} entries at a kink, accepted as subgradients"
    if slot.size == 0:
        return "no entries"
    if found.hidden == slot.size:
        return "not tested: f's own rounding hides what it contributes at this point"
    if found.hidden:
        return f"{found.hidden} of {slot.size} entries not tested: f's own rounding hides them"
    if found.resolution is None and judgement.seen and judgement.verdict is not Verdict.INCONCLUSIVE:
        return "not tested: the derivative is zero at this point"
    return ""


def _located_leaf(number: int, slot: Slot, seen: Examined, located: Located, base: Leaf) -> Leaf:
    assert seen.asked is not None and seen.asked.reading is not None
    reading = seen.asked.reading
    part = slice(slot.start, slot.stop)
    truth, bound, wrong = located.truth[part], located.bound[part], located.wrong
    raw = reading.raw[number]
    if raw is None or raw.shape != slot.shape:
        return replace(base, verdict=Verdict.FAIL, note="no gradient of this shape came back")
    if wrong[part].any():
        compared = Compared(raw.ravel(), truth, bound, wrong[part], slot.shape)
        return with_errors(replace(base, resolution=None, note=""), compared)
    verdict = Verdict.PASS if np.isfinite(truth).any() or not slot.size else Verdict.INCONCLUSIVE
    if not wrong.any() and not reading.problems and verdict is Verdict.PASS:
        verdict = Verdict.INCONCLUSIVE  # the claim is wrong along a direction, by too little to say where
    if any(problem.leaf == slot.path for problem in reading.problems):
        verdict = Verdict.FAIL
    resolution = base.resolution or _located_resolution(truth, located.allowed[part])
    return replace(base, verdict=verdict, resolution=resolution)


def with_errors(base: Leaf, compared: Compared) -> Leaf:
    """A wrong leaf with the size and the place of its errors."""
    claim, true, shape = compared.claim, compared.truth, compared.shape
    off = np.abs(claim - true)
    order = _worst_first(claim, off, compared.wrong)
    entries = tuple(
        Entry(index_of(int(i), shape), float(claim[i]), float(true[i]), float(compared.bound[i]))
        for i in order[:SHOWN]
    )
    worst = int(order[0])
    known = np.isfinite(true)
    largest = float(np.max(np.abs(true[known]), initial=0.0))
    itself = np.where((off > 0.0) & np.isfinite(off), off, 1.0)
    relative = off / np.where(true != 0.0, np.abs(true), largest or itself)
    return replace(
        base,
        verdict=Verdict.FAIL,
        max_abs_error=float(np.max(off[known], initial=0.0)),
        max_rel_error=float(np.max(relative[known], initial=0.0)) if largest > 0.0 else float("inf"),
        worst_index=index_of(worst, shape),
        entries=entries,
        errors=error_map(relative, known, compared.wrong, shape),
    )


def _located_resolution(true: Floats, allowed: Floats) -> float | None:
    largest = float(np.max(np.abs(true), where=np.isfinite(true), initial=0.0))
    widest = float(np.max(allowed, where=np.isfinite(allowed), initial=0.0))
    return widest / largest if widest < largest else None


def _worst_first(claim: Floats, off: Floats, wrong: np.ndarray) -> np.ndarray:
    # not finite first, then wrong ones by size, then the right ones that are known
    rank = np.where(np.isfinite(off), off, -1.0)
    rank = np.where(
        wrong & np.isfinite(rank), rank + (np.max(rank, initial=0.0) if wrong.any() else 0.0), rank
    )
    rank = np.where(~np.isfinite(claim), np.inf, rank)
    if rank.size > 10_000:
        top = np.argpartition(-rank, SHOWN)[:SHOWN]
        return top[np.argsort(-rank[top], kind="stable")]
    order = np.argsort(-rank, kind="stable")
    return order[rank[order] >= 0.0] if (rank >= 0.0).any() else order
