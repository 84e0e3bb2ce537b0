"""The report of a task: verdict, leaves, oracles, and the entries worth showing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.ask.look import Look
from gradcheck.ask.point import Point, Slot
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.judge import precision
from gradcheck.judge.judgement import Judgement
from gradcheck.judge.pairing import Pairing
from gradcheck.report.findings import Diagnosis, Entry, Leaf, OracleUse, Verdict
from gradcheck.report.report import Report

SHOWN = 6  # entries of a leaf with truth beside claim in a report

Located = tuple[Reading, Floats, Floats, np.ndarray]


def report_of(
    task: Task,
    judgement: Judgement,
    look: Look,
    pairing: Pairing | None,
    diagnoses: tuple[Diagnosis, ...],
    located: Located | None = None,
) -> Report:
    if not diagnoses:
        diagnoses = tuple(look.diagnoses)
    leaves = tuple(
        _leaf(number, slot, judgement, located, task.where) for number, slot in enumerate(task.where.slots)
    )
    used, asked = pairing is not None, "autograd" in task.options.oracles
    oracles = (
        OracleUse("autograd", used and asked and not judgement.autograd, judgement.autograd if asked else ""),
        OracleUse("differences", judgement.differences),
        *judgement.voices,
    )
    rtol = task.options.rtol or (precision.default_rtol(pairing.unit) if pairing is not None else 1e-3)
    return Report(
        check=task.kind,
        verdict=judgement.verdict,
        leaves=leaves,
        diagnoses=diagnoses,
        reasons=tuple(judgement.reasons) if judgement.verdict is Verdict.INCONCLUSIVE else (),
        oracles=oracles,
        evaluations=task.f.calls,
        claim_evaluations=task.claim.calls,
        seconds=0.0,
        seed=task.options.seed,
        rtol=rtol,
        miss_probability=judgement.miss_probability,
        notes=(*judgement.remarks, *task.remarks),
    )


def _leaf(number: int, slot: Slot, judgement: Judgement, located: Located | None, where: Point) -> Leaf:
    base = Leaf(slot.path, slot.shape, str(slot.dtype), judgement.verdict)
    resolution = judgement.resolution.get(number)
    note = judgement.notes.get(number, "")
    if located is None:
        return replace(base, resolution=resolution, note=note)
    reading, truth, bound, wrong = located
    part = slice(slot.start, slot.stop)
    raw = reading.raw[number]
    if raw is None or raw.shape != slot.shape:
        return replace(base, verdict=Verdict.FAIL, note="no gradient of this shape came back")
    if not wrong[part].any():
        verdict = Verdict.PASS if np.isfinite(truth[part]).any() or not slot.size else Verdict.INCONCLUSIVE
        if not wrong.any() and not reading.problems and verdict is Verdict.PASS:
            verdict = Verdict.INCONCLUSIVE  # the claim is wrong along a direction, by too little to say where
        if any(problem.leaf == slot.path for problem in reading.problems):
            verdict = Verdict.FAIL
        resolution = resolution or _located_resolution(truth[part], bound[part])
        return replace(base, verdict=verdict, resolution=resolution, note=note)
    located_leaf = replace(base, resolution=resolution, note=note)
    return with_errors(located_leaf, raw.ravel(), truth[part], bound[part], wrong[part], slot.shape)


def with_errors(
    base: Leaf, claim: Floats, true: Floats, bound: Floats, wrong: np.ndarray, shape: tuple[int, ...]
) -> Leaf:
    """A wrong leaf with the size and the place of its errors; entries are indexed in ``shape``."""
    off = np.abs(claim - true)
    order = _worst_first(claim, true, off, wrong)
    entries = tuple(
        Entry(index_of(int(i), shape), float(claim[i]), float(true[i]), float(bound[i]))
        for i in order[:SHOWN]
    )
    worst = int(order[0])
    known = np.isfinite(true)
    largest = float(np.max(np.abs(true[known]), initial=0.0))
    relative = off[known] / np.where(true[known] != 0.0, np.abs(true[known]), largest or np.inf)
    return replace(
        base,
        verdict=Verdict.FAIL,
        max_abs_error=float(np.max(off[known], initial=0.0)),
        max_rel_error=float(np.max(relative, initial=0.0)) if largest > 0.0 else float("inf"),
        worst_index=index_of(worst, shape),
        entries=entries,
    )


def _located_resolution(true: Floats, bound: Floats) -> float | None:
    largest = float(np.max(np.abs(true), where=np.isfinite(true), initial=0.0))
    return float(np.max(bound, where=np.isfinite(bound), initial=0.0)) / largest if largest > 0.0 else None


def _worst_first(claim: Floats, true: Floats, off: Floats, wrong: np.ndarray) -> np.ndarray:
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


def index_of(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
