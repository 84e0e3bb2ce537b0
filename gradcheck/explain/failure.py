"""After a failure: the claim beside the truth, leaf by leaf, and what the catalogue makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradcheck.ask.calls import Raised
from gradcheck.ask.look import Look
from gradcheck.ask.point import Point, Slot
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose import diagnose
from gradcheck.explain.evidence import Evidence, LeafEvidence
from gradcheck.explain.locate import entry_truth, truth_by_differences
from gradcheck.judge.comparison import (
    Outcome,
)
from gradcheck.judge.judgement import Judgement
from gradcheck.judge.pairing import Pairing
from gradcheck.oracles.autodiff import flat_pullback, trace_task
from gradcheck.oracles.tracing import Trace
from gradcheck.report.findings import Diagnosis, Leaf
from gradcheck.report.report import Report
from gradcheck.report.summary import index_of, report_of, with_errors

_GROSS = 1e-6  # of its row's largest entry: beyond the rounding of claim and autograd

DENSE, DENSE_ROWS = 100_000, 256  # entries and rows of a Jacobian that a diagnosis compares one by one


def explain_failure(
    task: Task,
    look: Look,
    u: Floats,
    reading: Reading,
    pairing: Pairing,
    judgement: Judgement,
    tape: Trace | None,
    generator: np.random.Generator,
) -> Report:
    truth, bound = judgement.truth, judgement.bound
    if truth is None or bound is None:
        if reading.problems:
            pairing = replace(pairing, claimed=_overlaid(task.where, reading))
        truth, bound = truth_by_differences(pairing, generator)
    truth, bound = truth.copy(), bound.copy()
    for kink in judgement.kinks:
        # autograd's or the central difference's answer at a kink is a convention; the interval is the truth
        truth[kink.index], bound[kink.index] = 0.5 * (kink.left + kink.right), 0.5 * (kink.right - kink.left)
    wrong = _wrong_entries(pairing, reading, judgement, truth, bound).copy()
    for kink in judgement.kinks:
        wrong[kink.index] = judgement.torn or kink.outcome is Outcome.DIFFERS
    smooth = truth.copy()
    smooth[[kink.index for kink in judgement.kinks]] = np.nan
    leaves = tuple(
        _leaf_evidence(task.where, number, slot, reading, smooth, bound, wrong & np.isfinite(smooth))
        for number, slot in enumerate(task.where.slots)
    )

    def truth_at(number: int, indices: Sequence[tuple[int, ...]]) -> tuple[Floats, Floats]:
        slot = task.where.slots[number]
        found = [
            entry_truth(
                pairing, slot.start + int(np.ravel_multi_index(index, slot.shape)) if index else slot.start
            )
            for index in indices
        ]
        return np.array([value for value, _ in found]), np.array([error for _, error in found])

    def ask(cotangent: Floats) -> tuple[Floats | None, ...]:
        try:
            again = task.ask(task.where, task.where.copied(task.where.args), np.ravel(cotangent), look.output)
        except Raised:
            return tuple(None for _ in task.where.slots)
        return again.raw

    def pullback(cotangent: Floats) -> tuple[Floats, ...]:
        assert tape is not None
        flat = flat_pullback(tape, np.ravel(cotangent))
        return tuple(flat[slot.start : slot.stop].reshape(slot.shape) for slot in task.where.slots)

    rows = _dense_rows(task, tape, look)
    dense = None if rows is None else _dense_evidence(task, reading, rows, np.shape(look.output))
    evidence = Evidence(
        check=task.kind,
        leaves=leaves if dense is None else dense,
        arguments=tuple(zip(task.where.names, task.where.args, strict=True)),
        output=look.y
        if task.scalar or not isinstance(look.output, np.ndarray)
        else look.output.astype(np.float64),
        cotangent=None if task.scalar else u,
        truth_at=truth_at,
        pullback=pullback if tape is not None and dense is None else None,
        claim=ask if dense is None else None,
        tape=tape,
    )
    named = _diagnosed(evidence, judgement) if dense or any(leaf.wrong for leaf in leaves) else ()
    told = _told(reading, look, _at_kinks(task.where, judgement), named) or (_TOO_SMALL,)
    report = report_of(task, judgement, look, pairing, told, (reading, truth, bound, wrong))
    if dense is None:
        return report
    return replace(report, leaves=tuple(map(_dense_leaf, report.leaves, dense)))


_TOO_SMALL = Diagnosis(
    "small_relative",
    "",
    "the claim is outside the bound along a random direction, by less than single entries can be told apart: look for "
    "a fudge (+ eps), a rounded constant or a cast to lower precision",
    certainty="likely",
)


def _dense_leaf(leaf: Leaf, dense: LeafEvidence) -> Leaf:
    """The leaf with its errors told in entries of the dense Jacobian: the output's index, then the leaf's."""
    if not dense.wrong or dense.claimed is None or dense.claimed.shape != dense.truth.shape:
        return leaf
    claim, true, bound = dense.claimed.ravel(), dense.truth.ravel(), dense.bound.ravel()
    return with_errors(leaf, claim, true, bound, np.abs(claim - true) > bound, dense.truth.shape)


def _dense_rows(task: Task, tape: Trace | None, look: Look) -> Floats | None:
    """Autograd's Jacobian, (outputs, P); None where there is none, or it is too large to be worth it."""
    if look.y.size * task.where.x.size > DENSE or look.y.size > DENSE_ROWS or task.shown is not None:
        return None
    units = np.eye(look.y.size)
    if task.kind == "jacobian" and tape is not None:
        return np.stack([flat_pullback(tape, row) for row in units])
    if task.kind == "hessian":
        rows = [trace_task(task, look, row)[0] for row in units]
        return None if any(row is None for row in rows) else np.stack([row.gradient for row in rows if row])
    return None


def hides_in_dense(task: Task, reading: Reading, tape: Trace | None, look: Look) -> bool:
    """Whether a dense Jacobian differs from autograd's grossly in an output that others drown in their sum."""
    rows = _dense_rows(task, tape, look) if task.kind == "jacobian" else None
    if rows is None:
        return False
    claims = [raw.reshape(look.y.size, -1) for raw in reading.dense if raw is not None]
    size = np.max(np.abs(rows), axis=1, keepdims=True, initial=0.0)
    return bool(np.any(np.abs(np.hstack(claims) - rows) > _GROSS * size))


def _dense_evidence(
    task: Task, reading: Reading, rows: Floats, output: tuple[int, ...]
) -> tuple[LeafEvidence, ...] | None:
    """A dense Jacobian or Hessian beside autograd's, entry by entry."""
    claims = reading.dense or reading.raw
    if task.kind == "hessian" and len(task.where.slots) > 1:
        return None
    told = []
    for slot, raw, dtype in zip(task.where.slots, claims, reading.dtypes, strict=True):
        truth = rows[:, slot.start : slot.stop].reshape(*output, *slot.shape)
        bound = 1e-9 * np.abs(truth) + 1e-12 * float(np.max(np.abs(truth), initial=0.0))
        wrong = raw is None or raw.shape != truth.shape or bool(np.any(np.abs(raw - truth) > bound))
        nothing = np.zeros(truth.shape)  # the entries of a Jacobian are no multiples of the argument's
        told.append(
            LeafEvidence(slot.path, slot.argnum, nothing, raw, truth, bound, wrong, str(slot.dtype), dtype)
        )
    return tuple(told)


def _diagnosed(evidence: Evidence, judgement: Judgement) -> tuple[Diagnosis, ...]:
    try:
        return diagnose(evidence)
    except Exception as error:  # the verdict stands, whatever becomes of its explanation
        judgement.remarks.append(
            f"the diagnosis itself failed ({type(error).__name__}: {error}); please report it"
        )
        return ()


def _told(
    reading: Reading, look: Look, kinks: tuple[Diagnosis, ...], named: tuple[Diagnosis, ...]
) -> tuple[Diagnosis, ...]:
    """All diagnoses in the order a reader wants them: what is wrong, then how it is done."""
    known = {(diagnosis.kind, diagnosis.leaf) for diagnosis in named}
    built = tuple(problem for problem in reading.problems if (problem.kind, problem.leaf) not in known)
    ours = (*built, *kinks)
    writes = tuple(diagnosis for diagnosis in look.diagnoses if "returns the memory" not in diagnosis.message)
    lends = tuple(diagnosis for diagnosis in look.diagnoses if diagnosis not in writes)
    certain = (*ours, *named) if ours else named
    return (*writes, *certain[:1], *lends, *certain[1:])


def _at_kinks(where: Point, judgement: Judgement) -> tuple[Diagnosis, ...]:
    """What is wrong with a claim at the kinks of f."""
    told = []
    for kink in judgement.kinks:
        slot = next(slot for slot in where.slots if slot.start <= kink.index < slot.stop)
        place = f"{slot.path}{list(index_of(kink.index - slot.start, slot.shape)) if slot.shape else ''}"
        evidence = {"left": kink.left, "right": kink.right, "claimed": kink.claimed, "index": place}
        if kink.outcome is Outcome.DIFFERS:
            message = (
                f"{place} sits on a kink of f, with slope {kink.left:.6g} on one side and {kink.right:.6g} on the "
                f"other; any value between them is a subgradient, {kink.claimed:.6g} is not"
            )
            told.append(Diagnosis("kink", slot.path, message, evidence))
        elif judgement.torn:
            message = (
                f"{place} and its neighbours sit on a common kink of f: each of their entries lies between the "
                "one-sided slopes, but together they are the gradient of no mixture of the pieces that meet "
                "there (at a tie of max(a, b) one of the two may take the 1, or they share it)"
            )
            return (*told, Diagnosis("kink", slot.path, message, evidence))
    return tuple(told)


def _overlaid(where: Point, reading: Reading) -> Floats:
    pieces = [
        raw.ravel() if raw is not None and raw.shape == slot.shape else np.zeros(slot.size)
        for raw, slot in zip(reading.raw, where.slots, strict=True)
    ]
    return np.where(np.isfinite(whole := np.concatenate(pieces)), whole, 0.0)


def _wrong_entries(
    pairing: Pairing, reading: Reading, judgement: Judgement, truth: Floats, bound: Floats
) -> np.ndarray:
    if judgement.wrong is not None:
        return judgement.wrong
    claimed = (
        pairing.claimed
        if not reading.problems
        else np.concatenate(
            [
                raw.ravel() if raw is not None and raw.shape == slot.shape else np.full(slot.size, np.nan)
                for raw, slot in zip(reading.raw, pairing.slots, strict=True)
            ]
        )
    )
    off = np.abs(claimed - truth) > 2.0 * bound + 1e-9 * np.abs(truth)
    off |= ~np.isfinite(claimed)
    return off & np.isfinite(truth)


def _leaf_evidence(
    where: Point, number: int, slot: Slot, reading: Reading, truth: Floats, bound: Floats, wrong: np.ndarray
) -> LeafEvidence:
    part = slice(slot.start, slot.stop)
    raw = reading.raw[number]
    broken = raw is None or raw.shape != slot.shape
    return LeafEvidence(
        path=slot.path,
        argnum=slot.argnum,
        value=where.x[part].reshape(slot.shape),
        claimed=raw,
        truth=truth[part].reshape(slot.shape),
        bound=bound[part].reshape(slot.shape),
        wrong=bool(broken or wrong[part].any()),
        dtype=str(slot.dtype),
        claimed_dtype=reading.dtypes[number],
    )
