"""From comparisons to a verdict: is the claimed gradient of a pairing right, and how sharp was the look?

With autograd's answer at hand every entry of the claim is compared with it, and differences say along one
direction which of the two to believe where they differ, and that both are right where they do not. Without it
differences judge alone (`by_differences`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge import kinked, precision
from gradcheck.judge.by_differences import direction, judge_by_differences, span_of
from gradcheck.judge.comparison import (
    COARSE,
    FINE,
    ROUNDING,
    Comparison,
    Outcome,
    along,
    central,
    noise,
    slopes,
)
from gradcheck.judge.directions import equilibrated, groups, signs
from gradcheck.judge.flat import JUMP, judge_flat
from gradcheck.judge.judgement import Judgement, entrywise_resolution, ruled, undecided
from gradcheck.judge.pairing import Line, Pairing, Traced
from gradcheck.judge.rounding import claim_rounding
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.estimate import Estimate
from gradcheck.report.findings import Verdict

_PARDON = 32.0
"""Entries may differ by this many measured roundings: the measurements sample a distribution, and its tail
reaches a few times further in a large array."""

_HIDDEN = 32.0
"""A gap below so many roundings of f over a step of the entries' own size is out of reach of differences."""

_SLIGHT = 1e-6
"""Rounding inside f that is smooth over short steps (1 + tanh in a tail) can make up a slope of this size."""

_GUARD_SPAN = 1e2
"""Where claim and autograd are one, differences only guard against a blindness common to both: the entries that
contribute most show it best."""

_NEIGHBOURS = (0.5, 0.05, 0.005)

_CLEAR = 1e-6  # a claim that is this close to autograd at a neighbour is only rounded at the point

_BEYOND_DOUBT = 100.0
"""Where differences are too coarse to arbitrate, autograd's word counts only this far outside the tolerance."""


def judge(
    pairing: Pairing,
    traced: Traced | None,
    generator: np.random.Generator,
    rtol: float,
    differences: bool = True,
    strict: bool = False,
) -> Judgement:
    """Compare the claim of ``pairing`` with every oracle at hand.

    Without ``differences`` autograd's word is enough for a pass; before a fail they are asked all the same. With
    ``strict`` (the user stated ``rtol``) a leaf that is not resolved to ``rtol`` makes the check inconclusive.
    """
    judgement = _judge(pairing, traced, generator, rtol, differences)
    coarse = [seen for seen in judgement.resolution.values() if seen is not None and seen > rtol]
    if judgement.verdict is Verdict.PASS and coarse:
        # near an optimum what is left of the gradient is rounding, and the terms it is left of were judged instead
        judgement.miss_probability = 1.0
        if strict:
            undecided(
                judgement,
                f"the check resolves a relative error of {max(coarse):.1g}, rtol asks for {rtol:.1g}",
            )
    return judgement


def _judge(
    pairing: Pairing, traced: Traced | None, generator: np.random.Generator, rtol: float, differences: bool
) -> Judgement:
    if traced is None:
        return judge_by_differences(pairing, generator, rtol)
    tolerance = _entry_tolerance(pairing, traced)
    gap = pairing.claimed - traced.gradient
    wrong = np.abs(gap) > tolerance
    if wrong.any():
        tolerance = tolerance + _measured_rounding(pairing, traced, np.abs(gap), wrong)
        wrong = np.abs(gap) > tolerance
        wrong &= ~_rounded_beside_errors(pairing, traced, np.abs(gap), wrong)
    if not differences and not wrong.any():
        alone = Judgement(Verdict.PASS, truth=traced.gradient, bound=tolerance, miss_probability=0.0)
        entrywise_resolution(pairing, traced.gradient, tolerance, alone)
        return alone
    if not wrong.any():
        return _confirm(pairing, traced, tolerance, generator)
    judgement = _arbitrate(pairing, traced, gap, wrong, tolerance, generator)
    if judgement is not None:
        return judgement
    refused = "differences contradict it here; it was left out"
    return judge_by_differences(pairing, generator, rtol, autograd=refused)


def _entry_tolerance(pairing: Pairing, traced: Traced) -> Floats:
    share = precision.entrywise(pairing.unit)
    tolerance = share * np.abs(traced.gradient)
    for slot in pairing.slots:
        part = tolerance[slot.start : slot.stop]
        if part.size and pairing.unit > ROUNDING:
            part += precision.leaf_share(pairing.unit) / share * float(part.max())
    return tolerance


def _measured_rounding(pairing: Pairing, traced: Traced, gap: Floats, wrong: np.ndarray) -> Floats:
    """The rounding of claim and autograd where it may explain a gap; zeros where the gap is far beyond it."""
    nothing = np.zeros_like(gap)
    share = max(1e-9, 1e3 * pairing.unit) if pairing.unit > ROUNDING else 1e-9
    relative = gap <= precision.believable(pairing.unit) * np.abs(traced.gradient)
    natural = np.abs(traced.gradient)
    if not relative[wrong].all():
        natural = _natural_size(pairing, traced)
        if not (relative | (gap <= share * natural))[wrong].all():
            return nothing
    floor = share * natural
    claim = claim_rounding(pairing.claim_at, pairing.x, pairing.claimed, pairing.scale, pairing.unit, floor)
    own = claim_rounding(traced.at, pairing.x, traced.gradient, pairing.scale, ROUNDING, floor)
    return _PARDON * (claim + own + pairing.unit * natural)


def _rounded_beside_errors(pairing: Pairing, traced: Traced, gap: Floats, wrong: np.ndarray) -> np.ndarray:
    """Entries whose small gap the claim's own rounding explains, where others are wrong beyond any rounding."""
    small = wrong & (gap <= precision.believable(pairing.unit) * np.abs(traced.gradient))
    if not small.any() or small[wrong].all():
        return np.zeros_like(wrong)
    floor = 1e-9 * np.abs(traced.gradient)
    rounding = claim_rounding(
        pairing.claim_at, pairing.x, pairing.claimed, pairing.scale, pairing.unit, floor
    )
    for slot in pairing.slots:
        part = slice(slot.start, slot.stop)
        largest = float(np.max(np.abs(traced.gradient[part]), initial=0.0))
        rounding[part] += ROUNDING * largest  # a saturated factor, 1 - s, is wrong by u and does not show it
    return small & (gap <= 2.0 * _PARDON * rounding)


def _natural_size(pairing: Pairing, traced: Traced) -> Floats:
    """What each entry is made of: its size here or at 1 % distance, where terms that cancel here do not."""
    signs = np.where(np.arange(pairing.x.size) % 2, 0.01, -0.01)
    moved = traced.at(pairing.x + signs * pairing.scale)
    here = np.abs(traced.gradient)
    return here if moved is None else np.maximum(here, np.abs(moved))


def _confirm(
    pairing: Pairing, traced: Traced, tolerance: Floats, generator: np.random.Generator
) -> Judgement:
    """Claim and autograd are one: a single direction of differences guards against a common blindness."""
    judgement = Judgement(Verdict.PASS, truth=traced.gradient, bound=tolerance, miss_probability=0.0)
    entrywise_resolution(pairing, traced.gradient, tolerance, judgement)
    floor = 100.0 * pairing.precision * pairing.magnitude
    contribution = np.abs(pairing.claimed) * pairing.scale
    mask = next(groups(contribution, floor, _GUARD_SPAN), None)
    if mask is None:
        return _flat_too(pairing, generator, judgement)
    v = direction(pairing, mask, generator)
    comparison = along(pairing, v)
    judgement.differences = True
    if comparison.outcome is Outcome.DIFFERS and _all_rounding(pairing, traced, v):
        return _flat_too(pairing, generator, judgement)
    if comparison.outcome is Outcome.DIFFERS:  # a second look, in another direction, before anything is said
        v = direction(pairing, mask, generator)
        comparison = along(pairing, v)
    if comparison.outcome is Outcome.KINKED:
        return ruled(pairing, v, comparison, judgement)
    if comparison.outcome is not Outcome.AGREES:
        # the rounding that was measured entry by entry adds up along the direction, too
        rounding = (tolerance - _entry_tolerance(pairing, traced)) / _PARDON
        own = 8.0 * float(np.linalg.norm(rounding * v))
        if abs(comparison.claimed - comparison.truth) <= comparison.tolerance + own:
            comparison = replace(comparison, outcome=Outcome.AGREES)
    if comparison.outcome is Outcome.AGREES:
        judgement.judged = (v, comparison)
    if comparison.outcome is Outcome.DIFFERS:
        true = float(traced.gradient @ v)
        if abs(true - comparison.truth) <= comparison.tolerance < abs(true - comparison.claimed):
            # within single precision of autograd entry by entry, but not as a whole
            judgement.verdict = Verdict.FAIL
            judgement.wrong = np.abs(pairing.claimed - traced.gradient) > 1e-5 * np.abs(traced.gradient)
            return judgement
        judgement.verdict = Verdict.INCONCLUSIVE
        judgement.reasons.append(
            f"the oracles disagree: your claim and autograd agree ({comparison.claimed:.9g} along a random "
            f"direction), finite differences say {comparison.truth:.9g} +- {comparison.tolerance:.1g}. This is "
            "not held against you; f may do something here that rounding hides from differences"
        )
    elif comparison.outcome is Outcome.UNRESOLVED:
        judgement.differences = False
        judgement.remarks.append(
            f"differences could not resolve this point ({comparison.reason}); autograd did"
        )
        if not traced.faithful:
            judgement.verdict = Verdict.INCONCLUSIVE
            judgement.reasons.append(
                "autograd's value of f is not f's own, and differences could not resolve f"
            )
    return judgement


def _flat_too(pairing: Pairing, generator: np.random.Generator, judgement: Judgement) -> Judgement:
    """Claim and autograd agree on zero; differences may contradict them, but need not resolve it."""
    flat = judge_flat(
        pairing, np.ones(pairing.x.shape, dtype=bool), generator, replace(judgement, reasons=[])
    )
    if flat.verdict is not Verdict.INCONCLUSIVE or JUMP in flat.reasons:
        return flat
    judgement.remarks += flat.reasons
    return judgement


def _all_rounding(pairing: Pairing, traced: Traced, v: Floats) -> bool:
    """Whether the claim along ``v`` is nothing but rounding of terms that cancel, as at a minimum of 0."""
    return span_of(pairing, v) <= 1e-9 * float(np.linalg.norm(_natural_size(pairing, traced) * v))


def _arbitrate(
    pairing: Pairing,
    traced: Traced,
    gap: Floats,
    wrong: np.ndarray,
    tolerance: Floats,
    generator: np.random.Generator,
) -> Judgement | None:
    """Claim and autograd differ: let differences along the disagreeing entries decide; None drops autograd."""
    failed = Judgement(
        Verdict.FAIL,
        wrong=wrong,
        truth=traced.gradient,
        bound=tolerance,
        differences=True,
        miss_probability=0.0,
    )
    size = np.where(wrong, np.abs(gap), 0.0)
    mask = next(groups(size * pairing.scale, 0.0))
    # signs that make every disagreement count in the same sense: nothing cancels
    v = np.abs(equilibrated(generator, gap, pairing.scale, mask, pairing.slots)) * np.sign(gap)
    line = Line(pairing, v)
    between = float(gap @ v)
    truth = float(traced.gradient @ v)
    if between > _HIDDEN * pairing.precision * pairing.magnitude:
        if _supports(line, truth, between):
            return failed
        if _supports(line, truth + between, between):
            return None
        estimate = derivative(line, samples=line.samples, tolerance=0.05 * between)
        low, high = slopes(estimate)
        if high - low > 1e-3 * between:
            comparison = Comparison(Outcome.KINKED, truth + between, estimate.value, 0.0, low, high)
            kinked_here = replace(failed, verdict=Verdict.PASS)
            entrywise_resolution(pairing, traced.gradient, tolerance, kinked_here)
            if v.size <= kinked.ONE_BY_ONE:  # entries that agree may share a kink with one that does not
                beside = np.where(v == 0.0, pairing.scale * signs(generator, v.size), v)
                return ruled(pairing, beside, comparison, kinked_here, settled=v == 0.0)
            return ruled(pairing, v, comparison, kinked_here)
        if estimate.error <= 0.25 * between:
            if abs(estimate.value - truth) <= 0.25 * between + estimate.error:
                return failed
            third = abs(estimate.value - truth - between) > 0.25 * between + estimate.error
            if not third or between > _SLIGHT * pairing.magnitude:
                return (
                    None  # the claim's answer, or a third that is too far off for rounding: differences judge
                )
            return _hidden(pairing, traced, np.abs(gap), failed, generator)
        return _coarse(pairing, traced, np.abs(gap), failed, estimate, truth + between, generator)
    return _hidden(pairing, traced, np.abs(gap), failed, generator)


def _supports(line: Line, candidate: float, between: float) -> bool:
    """Whether four evaluations already show phi smooth with slope ``candidate``, told from ``between`` away."""
    slack = 0.05 * between
    if noise(line, FINE) > slack:
        return False
    coarse, fine = central(line, COARSE, FINE)
    ahead, behind = line(FINE), line(-FINE)
    # constant at a kink, proportional to the step elsewhere
    bend = abs(ahead + behind - 2.0 * line(0.0)) / FINE
    wide = abs(line(COARSE) + line(-COARSE) - 2.0 * line(0.0)) / COARSE
    smooth = bend <= 4.0 * ((FINE / COARSE) * wide + noise(line, FINE))
    extrapolated = fine + (fine - coarse) / ((COARSE / FINE) ** 2 - 1.0)
    return smooth and abs(fine - candidate) <= slack and abs(extrapolated - candidate) <= slack


def _coarse(
    pairing: Pairing,
    traced: Traced,
    gap: Floats,
    failed: Judgement,
    estimate: Estimate,
    claimed: float,
    generator: np.random.Generator,
) -> Judgement:
    """Differences see the gap but cannot tell which side of it is right: a kink beside the point, or noise."""
    assert failed.wrong is not None and failed.bound is not None
    if not estimate.smooth and abs(claimed - estimate.value) <= estimate.error:
        near = replace(failed, verdict=Verdict.INCONCLUSIVE, wrong=None, truth=None)
        reason = (
            "f has a kink so close to the point that differences cannot step under it; your claim and autograd "
            "differ, and either may belong to the side the point is on. Move the point away from the kink"
        )
        return replace(near, reasons=[reason])
    if not estimate.smooth:
        return replace(failed, differences=False)
    return _hidden(pairing, traced, gap, failed, generator)


def _hidden(
    pairing: Pairing, traced: Traced, gap: Floats, failed: Judgement, generator: np.random.Generator
) -> Judgement:
    """Differences do not see so small a gap: f's rounding is larger than all it changes.

    Cancellation in the claim or in autograd (``1 - s`` in a saturated unit) makes such gaps where both are right.
    What this point hides a neighbour shows: nearer to the origin nothing is saturated to the same degree, and a
    claim that is only rounded here agrees with autograd there.
    """
    assert failed.wrong is not None and failed.bound is not None
    suspect = failed.wrong & (gap > _BEYOND_DOUBT * failed.bound)
    for nearer in _NEIGHBOURS if suspect.any() else ():
        claimed, true = pairing.claim_at(nearer * pairing.x), traced.at(nearer * pairing.x)
        if claimed is None or true is None:
            break
        suspect &= ~(np.abs(claimed - true) <= _CLEAR * np.abs(true))
        if not suspect.any():
            break
    else:
        if suspect.any():
            return replace(failed, wrong=suspect, differences=False)
    tolerance = np.where(failed.wrong, np.maximum(failed.bound, gap), failed.bound)
    return _confirm(pairing, traced, tolerance, generator)
