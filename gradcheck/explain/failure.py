"""After a failure: the claim beside the truth, leaf by leaf, and what the catalogue makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask.callees import data_named
from gradcheck.ask.point import Point, index_of
from gradcheck.ask.reading import Reading
from gradcheck.ask.task import Task
from gradcheck.ask.trees import Floats
from gradcheck.explain.columns import columns
from gradcheck.explain.diagnose import diagnose
from gradcheck.explain.diagnose.budget import Budget, budget_of
from gradcheck.explain.evidence import Evidence, LeafEvidence
from gradcheck.explain.explanation import Compared, Explanation, Located
from gradcheck.explain.locate import truth_by_differences
from gradcheck.findings import STOPPED, Diagnosis, Verdict
from gradcheck.judge.decide import Judgement
from gradcheck.judge.entrywise import SHARE
from gradcheck.judge.examine import Examined
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.rounding import CLOSE, MANY_RUNS, measured
from gradcheck.judge.rows import rounding_of, rows_of
from gradcheck.oracles.ball import Relation


def explain(seen: Examined, generator: np.random.Generator) -> Explanation:
    """Where the claim of a check that failed is wrong, and which mistake that looks like."""
    judgement, asked = seen.judgement, seen.asked
    assert judgement is not None and asked is not None
    if judgement.verdict is not Verdict.FAIL or asked.reading is None:
        return Explanation()
    reading, where = asked.reading, seen.task.where
    found = _found(seen, generator)
    rows, bars = _rows(seen, found.pairing)
    dense = None if rows is None else _dense_evidence(seen, reading, rows, bars)
    leaves = dense or tuple(
        _leaf_evidence(where, number, reading, found) for number in range(len(where.slots))
    )
    named: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()
    if dense or any(leaf.wrong for leaf in leaves):
        evidence = _evidence(seen, leaves, dense is not None)
        named, notes = _diagnosed(evidence, budget_of(seen.task.f.seconds, seen.task.options.budget))
    told = _told(seen, reading, _at_kinks(where, judgement), named) or (_TOO_SMALL,)
    compared = None
    if dense is not None:
        compared = tuple(
            _compared(leaf, bars[:, slot.start : slot.stop].ravel())
            for leaf, slot in zip(dense, where.slots, strict=True)
        )
    return Explanation(told, Located(found.truth, found.printed, found.bound, found.wrong), compared, notes)


def _rows(seen: Examined, pairing: Pairing) -> tuple[Floats | None, Floats]:
    """The dense Jacobian and the radius of each entry: autograd's, else by differences; None without either."""
    rows = rows_of(seen.task, seen.tape, seen.look)
    if rows is not None:
        return rows, rounding_of(rows, seen.tape)
    return columns(seen.task, pairing, seen.look.y.size) or (None, np.empty(0))


@dataclass(frozen=True)
class _Found:
    """The truth entry by entry, NaN where it is not known.

    ``bound`` is what a right claim may be off by, ``printed`` the truth's own radius; ``smooth`` is the truth without
    the entries at kinks, which is what a mistake can be read off from.
    """

    pairing: Pairing
    truth: Floats
    bound: Floats
    printed: Floats
    wrong: np.ndarray
    smooth: Floats


_SHORT, _SMALL = 100, 10_000
"""Steps of the tape, and entries, up to which the radius that is printed is measured as closely as it can be."""


def _found(seen: Examined, generator: np.random.Generator) -> _Found:
    judgement, pairing, asked = seen.judgement, seen.pairing, seen.asked
    assert judgement is not None and pairing is not None and asked is not None and asked.reading is not None
    if judgement.truth is None:
        if asked.reading.problems:
            pairing = replace(
                pairing, claim=replace(pairing.claim, value=_overlaid(seen.task.where, asked.reading))
            )
        truth, bound = truth_by_differences(pairing, generator)
        printed = bound.copy()
    else:
        truth, bound = judgement.truth.value.copy(), judgement.truth.radius.copy()
        assert seen.autograd is not None
        if seen.tape is not None and len(seen.tape.steps) <= _SHORT and truth.size <= _SMALL:
            printed = measured(seen.autograd, pairing, MANY_RUNS, CLOSE)
        else:
            printed = (
                measured(seen.autograd, pairing) if judgement.rounding is None else judgement.rounding.copy()
            )
    for kink in judgement.kinks:
        # autograd's or the central difference's answer at a kink is a convention; the interval is the truth
        truth[kink.index] = 0.5 * (kink.left + kink.right)
        printed[kink.index] = bound[kink.index] = 0.5 * (kink.right - kink.left)
    wrong = _wrong_entries(pairing, asked.reading, judgement, truth, bound).copy()
    for kink in judgement.kinks:
        wrong[kink.index] = judgement.torn or kink.relation is Relation.APART
    smooth = truth.copy()
    smooth[[kink.index for kink in judgement.kinks]] = np.nan
    return _Found(pairing, truth, bound, printed, wrong, smooth)


def _evidence(seen: Examined, leaves: tuple[LeafEvidence, ...], dense: bool) -> Evidence:
    """All that the catalogue may ask about the check; a dense Jacobian is told by its entries alone."""
    task, look = seen.task, seen.look
    plain = task.scalar or not isinstance(look.output, np.ndarray)
    return Evidence(
        leaves=leaves,
        arguments=tuple(zip(task.where.names, task.where.args, strict=True)),
        output=look.y if plain else look.output.astype(np.float64),
        cotangent=None if task.scalar else seen.u,
        tape=None if dense else seen.tape,
        surroundings=_surroundings(task),
    )


_DEEP = 6
"""How many calls below f are looked into for the data that they name."""


def _surroundings(task: Task) -> tuple[tuple[str, Any], ...]:
    """The arrays and numbers, by name, that f finds outside its arguments."""
    given = dict(zip(task.where.names, task.where.args, strict=True))
    own, common = data_named(task.f.function, _DEEP, given)
    return tuple(
        (name, value)
        for name, value in (common | own).items()
        if isinstance(value, np.ndarray | np.number | float | int)
        and not isinstance(value, bool)
        and name not in task.where.names
    )


_TOO_SMALL = Diagnosis(
    "small_relative",
    "",
    "the claim is outside the bound along a random direction, by less than single entries can be told apart: look for "
    "a fudge (+ eps), a rounded constant or a cast to lower precision",
    certainty="likely",
)


def _compared(dense: LeafEvidence, bars: Floats) -> Compared | None:
    """The entries of a dense Jacobian that is wrong: the output's index, then the leaf's.

    ``bars`` are the truth's own radii; the evidence has what a right claim may be off by.
    """
    if not dense.wrong or dense.claimed is None or dense.claimed.shape != dense.truth.shape:
        return None
    claim, true, bound = dense.claimed.ravel(), dense.truth.ravel(), dense.bound.ravel()
    return Compared(claim, true, bars, np.abs(claim - true) > bound, dense.truth.shape)


def _dense_evidence(
    seen: Examined, reading: Reading, rows: Floats, bars: Floats
) -> tuple[LeafEvidence, ...] | None:
    """A dense Jacobian or Hessian beside the true one, entry by entry."""
    task, pairing = seen.task, seen.pairing
    assert pairing is not None
    claims = reading.dense or reading.raw
    if task.kind == "hessian" and len(task.where.slots) > 1:
        return None
    output = np.shape(seen.look.output)
    share = max(SHARE, 2.0**8 * pairing.claim.unit)
    told = []
    for slot, raw, dtype in zip(task.where.slots, claims, reading.dtypes, strict=True):
        truth = rows[:, slot.start : slot.stop].reshape((*output, *slot.shape))
        size = np.abs(truth) + 1e-3 * float(np.nanmax(np.abs(truth), initial=0.0))
        bound = np.maximum(share * size, 2.0 * bars[:, slot.start : slot.stop].reshape(truth.shape))
        wrong = raw is None or raw.shape != truth.shape or bool(np.any(np.abs(raw - truth) > bound))
        nothing = np.zeros(truth.shape)  # the entries of a Jacobian are no multiples of the argument's
        told.append(
            LeafEvidence(slot.path, slot.argnum, nothing, raw, truth, bound, wrong, str(slot.dtype), dtype)
        )
    return tuple(told)


def _diagnosed(evidence: Evidence, budget: Budget) -> tuple[tuple[Diagnosis, ...], tuple[str, ...]]:
    """What the catalogue says, and what became of it where it failed or ran out of time."""
    try:
        found = diagnose(evidence, budget)
    except Exception as error:  # the verdict stands, whatever becomes of its explanation
        return (), (f"the diagnosis itself failed ({type(error).__name__}: {error}); please report it",)
    if not budget.untried:
        return found, ()
    untried = ", ".join(budget.untried)
    return found, (f"{STOPPED} {budget.seconds:.3g} s; not tried, or not to the end: {untried}",)


def _told(
    seen: Examined, reading: Reading, kinks: tuple[Diagnosis, ...], named: tuple[Diagnosis, ...]
) -> tuple[Diagnosis, ...]:
    """All diagnoses in the order a reader wants them: what is wrong, then how it is done."""
    assert seen.asked is not None
    strange = {problem.leaf for problem in reading.problems if _is_no_array(problem)}
    named = tuple(
        one for one in named if one.leaf not in strange or one.evidence.get("claimed", "") is not None
    )
    known = {(diagnosis.kind, diagnosis.leaf) for diagnosis in named}
    built = tuple(problem for problem in reading.problems if (problem.kind, problem.leaf) not in known)
    ours = (*built, *kinks)
    certain = (*ours, *named) if ours else named
    return (*seen.look.conduct, *seen.asked.conduct, *certain[:1], *seen.asked.lends, *certain[1:])


def _is_no_array(problem: Diagnosis) -> bool:
    """Whether something came that is no array: to say what tells more than that no gradient did."""
    return problem.kind == "shape" and problem.evidence.get("returned") not in (None, "nothing", "None")


def _at_kinks(where: Point, judgement: Judgement) -> tuple[Diagnosis, ...]:
    """What is wrong with a claim at the kinks of f."""
    told = []
    for kink in judgement.kinks:
        slot = next(slot for slot in where.slots if slot.start <= kink.index < slot.stop)
        place = f"{slot.path}{list(index_of(kink.index - slot.start, slot.shape)) if slot.shape else ''}"
        evidence = {"left": kink.left, "right": kink.right, "claimed": kink.claimed, "index": place}
        if kink.relation is Relation.APART:
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
        pairing.claim.value
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


def _leaf_evidence(where: Point, number: int, reading: Reading, found: _Found) -> LeafEvidence:
    slot, raw = where.slots[number], reading.raw[number]
    part = slice(slot.start, slot.stop)
    wrong = found.wrong[part] & np.isfinite(found.smooth[part])
    broken = raw is None or raw.shape != slot.shape
    return LeafEvidence(
        path=slot.path,
        argnum=slot.argnum,
        value=where.x[part].reshape(slot.shape),
        claimed=raw,
        truth=found.smooth[part].reshape(slot.shape),
        bound=found.bound[part].reshape(slot.shape),
        wrong=bool(broken or wrong.any()),
        dtype=str(slot.dtype),
        claimed_dtype=reading.dtypes[number],
    )
