"""The judge without autograd: one direction of differences for each group of entries of like contribution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge import precision
from gradcheck.judge.comparison import (
    EDGE,
    MARGIN,
    SHARP,
    Comparison,
    Outcome,
    along,
)
from gradcheck.judge.directions import equilibrated, groups
from gradcheck.judge.flat import judge_flat
from gradcheck.judge.judgement import Judgement, ruled, undecided
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.rounding import claim_rounding
from gradcheck.report.findings import Verdict


def judge_by_differences(
    pairing: Pairing, generator: np.random.Generator, rtol: float, autograd: str = ""
) -> Judgement:
    judgement = Judgement(Verdict.PASS, autograd=autograd, differences=True)
    contribution = np.abs(pairing.claimed) * pairing.scale
    floor = 4.0 * pairing.precision * pairing.magnitude
    missed = 0.0
    hidden = np.zeros(contribution.shape, dtype=bool)
    resolved = False
    noisiest = 0.0
    for mask in groups(contribution, floor):
        v = direction(pairing, mask, generator)
        # noise belongs to f, not to the direction: it would drown this one
        if resolved and span_of(pairing, v) <= noisiest:
            hidden |= mask
            continue
        comparison = _without_rounding(pairing, v, along(pairing, v, SHARP))
        if comparison.outcome is Outcome.DIFFERS:
            judgement.verdict = Verdict.FAIL
            return judgement
        if comparison.outcome is Outcome.KINKED:
            judgement = ruled(pairing, v, comparison, judgement)
            if judgement.verdict is not Verdict.PASS:
                return judgement
            resolved = True
            continue
        noisiest = max(noisiest, comparison.noise)
        unit = _unit_of_resolution(pairing, v, comparison, rtol)
        if comparison.outcome is Outcome.UNRESOLVED or comparison.tolerance > rtol * unit:
            if not resolved:  # nothing larger was resolved: it is not for its smallness that this is not
                undecided(judgement, comparison.reason or _too_noisy(comparison, unit, rtol))
                return judgement
            hidden |= mask
            continue
        resolved = True
        judgement.judged = judgement.judged or (v, comparison)
        _record(pairing, v, comparison.tolerance * span_of(pairing, v) / unit, judgement)
        missed = max(missed, _miss(pairing, v, comparison, rtol))
    zero = contribution <= floor
    if zero.any():
        judgement = judge_flat(pairing, zero, generator, judgement)
    for number, slot in enumerate(pairing.slots):
        # small contributions beside large ones: f's rounding hides them, which is said, not held against anyone
        count = int(np.count_nonzero(hidden[slot.start : slot.stop]))
        if count == slot.size and count:
            judgement.notes[number] = "not tested: f's own rounding hides what it contributes at this point"
        elif count:
            judgement.notes[number] = (
                f"{count} of {slot.size} entries not tested: f's own rounding hides them"
            )
    judgement.miss_probability = min(1.0, missed)
    return judgement


def direction(pairing: Pairing, mask: np.ndarray, generator: np.random.Generator) -> Floats:
    return equilibrated(generator, pairing.claimed, pairing.scale, mask, pairing.slots)


def span_of(pairing: Pairing, v: Floats) -> float:
    return float(np.linalg.norm(pairing.claimed * v))


def _without_rounding(pairing: Pairing, v: Floats, comparison: Comparison) -> Comparison:
    """The comparison again, with the claim's rounding measured, where that may explain a disagreement."""
    off = abs(comparison.claimed - comparison.truth)
    if comparison.outcome not in (Outcome.DIFFERS, Outcome.UNRESOLVED) or not off <= precision.believable(
        pairing.unit
    ) * span_of(pairing, v):
        return comparison
    floor = 1e-12 * pairing.magnitude / pairing.scale
    rounding = claim_rounding(
        pairing.claim_at, pairing.x, pairing.claimed, pairing.scale, pairing.unit, floor
    )
    allowance = 4.0 * float(np.linalg.norm(rounding * v))
    tolerance = comparison.tolerance + allowance
    if off <= tolerance:
        return replace(comparison, outcome=Outcome.AGREES, tolerance=tolerance, reason="")
    if off > MARGIN * tolerance:
        return comparison
    return replace(comparison, outcome=Outcome.UNRESOLVED, reason=EDGE)


def _unit_of_resolution(pairing: Pairing, v: Floats, comparison: Comparison, rtol: float) -> float:
    """What the tolerance along ``v`` is relative to: the claim's span, near an optimum that of its terms.

    At an optimum the gradient is what is left of terms that cancel, and no rounding leaves it relatively right.
    """
    span = span_of(pairing, v)
    if comparison.tolerance <= rtol * span:
        return span
    moved = pairing.claim_at(pairing.x + np.where(np.arange(v.size) % 2, 0.01, -0.01) * pairing.scale)
    return span if moved is None else max(span, float(np.linalg.norm(moved * v)))


def _record(pairing: Pairing, v: Floats, tolerance: float, judgement: Judgement) -> None:
    for number, slot in enumerate(pairing.slots):
        part = slice(slot.start, slot.stop)
        share = float(np.linalg.norm(pairing.claimed[part] * v[part]))
        if share > 0.0:
            seen = tolerance / share
            judgement.resolution[number] = max(seen, judgement.resolution.get(number) or 0.0)


def _miss(pairing: Pairing, v: Floats, comparison: Comparison, rtol: float) -> float:
    # an error of rtol spread over a leaf enters phi'(0) as a sum with density at most 0.8 / ||e v||
    shares = [float(np.linalg.norm((pairing.claimed * v)[slot.start : slot.stop])) for slot in pairing.slots]
    smallest = min((share for share in shares if share > 0.0), default=0.0)
    return 0.8 * comparison.tolerance / (rtol * smallest) if smallest > 0.0 else 0.0


def _too_noisy(comparison: Comparison, span: float, rtol: float) -> str:
    return (
        f"f is too noisy here: differences resolve a relative error of {comparison.tolerance / span:.1g}, "
        f"rtol asks for {rtol:.1g}. Evaluate f in double precision, take an offset out of it, or state a larger rtol"
    )
