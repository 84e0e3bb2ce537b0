"""From comparisons to a verdict: is the claimed gradient of a pairing right, and how sharp was the look?

With autograd's answer at hand every entry of the claim is compared with it, and differences say along one
direction which of the two to believe wherever they differ, and that both are right where they do not. Without
it the claim is compared with differences along one direction for each group of entries.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from gradcheck import kinked
from gradcheck.comparison import (
    COARSE,
    FINE,
    MARGIN,
    ROUNDING,
    SHARP,
    Comparison,
    Outcome,
    along,
    central,
    noise,
    slopes,
)
from gradcheck.directions import equilibrated, groups, signs
from gradcheck.evidence import Floats
from gradcheck.findings import OracleUse, Verdict
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.estimate import Estimate
from gradcheck.pairing import Line, Pairing, Traced
from gradcheck.rounding import claim_rounding

RESOLUTION = {False: 1e-9, True: 2e-5}  # autograd and a claim in double, in single precision (key: single)
_LEAF_SHARE = {False: 0.0, True: 2e-6}
_PARDON = 32.0
"""Entries may differ by this many measured roundings: the measurements sample a distribution, and its tail
reaches a few times further in a large array."""

_HIDDEN = 32.0
"""A gap below so many roundings of f over a step of the entries' own size is out of reach of differences."""

_GUARD_SPAN = 1e2
"""Where claim and autograd are one, differences only guard against a blindness common to both: the entries that
contribute most show it best."""

_JUMP = "f jumps, or is not finite, right beside this point: it has no derivative there. Move the point"

_FAR = (1.0, 1e3, 1e6)
"""How many times their own size entries are moved to see whether f depends on them at all."""

_NEIGHBOURS = (0.5, 0.05, 0.005)
_CLEAR = 1e-6  # a claim that is this close to autograd at a neighbour is only rounded at the point

_SMALL = {
    False: 1e-3,
    True: 3e-2,
}  # larger relative errors are no rounding, and are not worth measuring it for

_BEYOND_DOUBT = 100.0
"""Where differences are too coarse to arbitrate, autograd's word counts only this far outside the tolerance."""


@dataclass
class Judgement:
    """What the judge found.

    Attributes
    ----------
    resolution
        For each slot, the smallest relative error that would have been seen; None where it was not tested.
    wrong
        Mask of the entries known to be wrong, where autograd is trusted.
    truth, bound
        Autograd's gradient and its tolerance where it is trusted, else None.
    autograd
        What became of autograd: "" where it took part and was right.
    kinks, torn
        The kinked entries looked at; whether they are no subgradient together though each of them is.
    voices
        What other oracles said.
    miss_probability
        Bound on the probability that an error of size ``rtol`` in one leaf went unseen.
    """

    verdict: Verdict
    resolution: dict[int, float | None] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    wrong: np.ndarray | None = None
    truth: Floats | None = None
    bound: Floats | None = None
    autograd: str = ""
    differences: bool = False
    miss_probability: float | None = None
    kinks: tuple[kinked.Kink, ...] = ()
    torn: bool = False
    voices: list[OracleUse] = field(default_factory=list)


def judge(
    pairing: Pairing,
    traced: Traced | None,
    generator: np.random.Generator,
    rtol: float,
    differences: bool = True,
) -> Judgement:
    """Compare the claim of ``pairing`` with every oracle at hand; without ``differences`` autograd's word is law."""
    if traced is None:
        return _with_differences(pairing, generator, rtol)
    tolerance = _entry_tolerance(pairing, traced)
    gap = pairing.claimed - traced.gradient
    wrong = np.abs(gap) > tolerance
    if wrong.any():
        tolerance = tolerance + _measured_rounding(pairing, traced, np.abs(gap), wrong)
        wrong = np.abs(gap) > tolerance
    if not differences:
        verdict = Verdict.FAIL if wrong.any() else Verdict.PASS
        alone = Judgement(verdict, wrong=wrong, truth=traced.gradient, bound=tolerance, miss_probability=0.0)
        _entrywise_resolution(pairing, traced.gradient, tolerance, alone)
        return alone
    if not wrong.any():
        return _confirm(pairing, traced, tolerance, generator, rtol)
    judgement = _arbitrate(pairing, traced, gap, wrong, tolerance, generator, rtol)
    if judgement is not None:
        return judgement
    refused = "differences contradict it here; it was left out"
    return _with_differences(pairing, generator, rtol, autograd=refused)


# --- with autograd -------------------------------------------------------------------------------------------


def _entry_tolerance(pairing: Pairing, traced: Traced) -> Floats:
    single = pairing.unit > 1e-12
    tolerance = RESOLUTION[single] * np.abs(traced.gradient)
    for slot in pairing.slots:
        part = tolerance[slot.start : slot.stop]
        if part.size:
            part += _LEAF_SHARE[single] / RESOLUTION[single] * float(part.max())
    return tolerance


def _measured_rounding(pairing: Pairing, traced: Traced, gap: Floats, wrong: np.ndarray) -> Floats:
    """The rounding of claim and autograd where it may explain a gap; zeros where the gap is far beyond it."""
    nothing = np.zeros_like(gap)
    relative = gap <= _SMALL[pairing.unit > ROUNDING] * np.abs(traced.gradient)
    natural = np.abs(traced.gradient)
    if not relative[wrong].all():
        natural = _natural_size(pairing, traced)
        if not (relative | (gap <= 1e-9 * natural))[wrong].all():
            return nothing
    floor = 1e-9 * natural
    claim = claim_rounding(pairing.claim_at, pairing.x, pairing.claimed, pairing.scale, pairing.unit, floor)
    own = claim_rounding(traced.at, pairing.x, traced.gradient, pairing.scale, ROUNDING, floor)
    return _PARDON * (claim + own + pairing.unit * natural)


def _natural_size(pairing: Pairing, traced: Traced) -> Floats:
    """What each entry is made of: its size here or at 1 % distance, where terms that cancel here do not."""
    signs = np.where(np.arange(pairing.x.size) % 2, 0.01, -0.01)
    moved = traced.at(pairing.x + signs * pairing.scale)
    here = np.abs(traced.gradient)
    return here if moved is None else np.maximum(here, np.abs(moved))


def _confirm(
    pairing: Pairing, traced: Traced, tolerance: Floats, generator: np.random.Generator, rtol: float
) -> Judgement:
    """Claim and autograd are one: a single direction of differences guards against a common blindness."""
    judgement = Judgement(Verdict.PASS, truth=traced.gradient, bound=tolerance, miss_probability=0.0)
    _entrywise_resolution(pairing, traced.gradient, tolerance, judgement)
    floor = 100.0 * pairing.precision * pairing.magnitude
    contribution = np.abs(pairing.claimed) * pairing.scale
    mask = next(groups(contribution, floor, _GUARD_SPAN), None)
    if mask is None:
        return _flat_too(pairing, generator, judgement)
    v = _direction(pairing, mask, generator)
    comparison = along(pairing, v)
    judgement.differences = True
    if comparison.outcome is Outcome.DIFFERS and _all_rounding(pairing, traced, v):
        return _flat_too(pairing, generator, judgement)
    if comparison.outcome is Outcome.DIFFERS:  # a second look, in another direction, before anything is said
        v = _direction(pairing, mask, generator)
        comparison = along(pairing, v)
    if comparison.outcome is Outcome.KINKED:
        return _ruled(pairing, v, comparison, judgement)
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
    flat = _flat(pairing, np.ones(pairing.x.shape, dtype=bool), generator, replace(judgement, reasons=[]))
    if flat.verdict is not Verdict.INCONCLUSIVE or _JUMP in flat.reasons:
        return flat
    judgement.remarks += flat.reasons
    return judgement


def _all_rounding(pairing: Pairing, traced: Traced, v: Floats) -> bool:
    """Whether the claim along ``v`` is nothing but rounding of terms that cancel, as at a minimum of 0."""
    return _span(pairing, v) <= 1e-9 * float(np.linalg.norm(_natural_size(pairing, traced) * v))


def _entrywise_resolution(
    pairing: Pairing, gradient: Floats, tolerance: Floats, judgement: Judgement
) -> None:
    for number, slot in enumerate(pairing.slots):
        part = np.abs(gradient[slot.start : slot.stop])
        largest = float(part.max()) if part.size else 0.0
        seen = float(tolerance[slot.start : slot.stop].max()) / largest if largest > 0.0 else np.inf
        if seen < 1.0:
            judgement.resolution[number] = seen
        else:
            judgement.resolution[number] = None
            judgement.notes[number] = _untested(slot.size)


def _untested(size: int) -> str:
    if size == 0:
        return "no entries"
    return "not tested: the derivative is zero at this point; try points=3"


def _arbitrate(
    pairing: Pairing,
    traced: Traced,
    gap: Floats,
    wrong: np.ndarray,
    tolerance: Floats,
    generator: np.random.Generator,
    rtol: float,
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
            _entrywise_resolution(pairing, traced.gradient, tolerance, kinked_here)
            if v.size <= kinked.ONE_BY_ONE:  # entries that agree may share a kink with one that does not
                beside = np.where(v == 0.0, pairing.scale * signs(generator, v.size), v)
                return _ruled(pairing, beside, comparison, kinked_here, settled=v == 0.0)
            return _ruled(pairing, v, comparison, kinked_here)
        if estimate.error <= 0.25 * between:
            # anything but autograd's answer, be it the claim's or a third: differences judge alone
            return failed if abs(estimate.value - truth) <= 0.25 * between + estimate.error else None
        return _coarse(pairing, traced, np.abs(gap), failed, estimate, truth + between)
    return _hidden(pairing, traced, np.abs(gap), failed, generator, rtol)


def _coarse(
    pairing: Pairing, traced: Traced, gap: Floats, failed: Judgement, estimate: Estimate, claimed: float
) -> Judgement:
    """Differences see the gap but cannot tell which side of it is right: a kink beside the point, or noise."""
    assert failed.bound is not None
    if not estimate.smooth and abs(claimed - estimate.value) <= estimate.error:
        near = replace(failed, verdict=Verdict.INCONCLUSIVE, wrong=None, truth=None)
        reason = (
            "f has a kink so close to the point that differences cannot step under it; your claim and autograd "
            "differ, and either may belong to the side the point is on. Move the point away from the kink"
        )
        return replace(near, reasons=[reason])
    sure = np.any(failed.wrong & (gap > _BEYOND_DOUBT * failed.bound))
    if sure and traced.faithful:
        return replace(failed, differences=False)
    return replace(failed, verdict=Verdict.INCONCLUSIVE, wrong=None, reasons=[_too_coarse(estimate)])


def _too_coarse(estimate: Estimate) -> str:
    return (
        f"your claim and autograd differ by less than differences resolve here (+- {estimate.error:.1g} along the "
        "entries in question)"
    )


def _hidden(
    pairing: Pairing,
    traced: Traced,
    gap: Floats,
    failed: Judgement,
    generator: np.random.Generator,
    rtol: float,
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
    return _confirm(pairing, traced, tolerance, generator, rtol)


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


# --- with differences alone ----------------------------------------------------------------------------------


def _with_differences(
    pairing: Pairing, generator: np.random.Generator, rtol: float, autograd: str = ""
) -> Judgement:
    judgement = Judgement(Verdict.PASS, autograd=autograd, differences=True)
    contribution = np.abs(pairing.claimed) * pairing.scale
    floor = 4.0 * pairing.precision * pairing.magnitude
    missed = 0.0
    hidden: list[str] = []
    resolved = False
    noisiest = 0.0
    for mask in groups(contribution, floor):
        v = _direction(pairing, mask, generator)
        if _span(pairing, v) <= noisiest:  # noise belongs to f, not to the direction: it would drown this one
            hidden.append("f's noise, measured along other entries, hides what these contribute")
            continue
        comparison = _without_rounding(pairing, v, along(pairing, v, SHARP))
        if comparison.outcome is Outcome.DIFFERS:
            judgement.verdict = Verdict.FAIL
            return judgement
        if comparison.outcome is Outcome.KINKED:
            judgement = _ruled(pairing, v, comparison, judgement)
            if judgement.verdict is not Verdict.PASS:
                return judgement
            resolved = True
            continue
        noisiest = max(noisiest, comparison.noise)
        unit = _unit_of_resolution(pairing, v, comparison, rtol)
        if comparison.outcome is Outcome.UNRESOLVED or comparison.tolerance > rtol * unit:
            hidden.append(comparison.reason or _too_noisy(comparison, unit, rtol))
            continue
        resolved = True
        _record(pairing, v, comparison.tolerance * _span(pairing, v) / unit, judgement)
        missed = max(missed, _miss(pairing, v, comparison, rtol))
    zero = contribution <= floor
    if zero.any():
        judgement = _flat(pairing, zero, generator, judgement)
        resolved = resolved or judgement.verdict is Verdict.PASS
    if not resolved:
        for reason in hidden:
            _undecided(judgement, reason)
    elif hidden:
        # small contributions beside large ones: f's rounding hides them, which is said, not held against anyone
        for number in range(len(pairing.slots)):
            if number not in judgement.resolution:
                judgement.notes[number] = (
                    "not tested: f's own rounding hides what it contributes at this point"
                )
        judgement.remarks.append("some entries contribute less than f's rounding and were not tested")
    judgement.miss_probability = min(1.0, missed)
    return judgement


def _without_rounding(pairing: Pairing, v: Floats, comparison: Comparison) -> Comparison:
    """The comparison again, with the claim's rounding measured, where that may explain a disagreement."""
    off = abs(comparison.claimed - comparison.truth)
    if comparison.outcome not in (Outcome.DIFFERS, Outcome.UNRESOLVED) or not off <= _SMALL[
        pairing.unit > ROUNDING
    ] * _span(pairing, v):
        return comparison
    floor = 1e-12 * pairing.magnitude / pairing.scale
    rounding = claim_rounding(
        pairing.claim_at, pairing.x, pairing.claimed, pairing.scale, pairing.unit, floor
    )
    allowance = 4.0 * float(np.linalg.norm(rounding * v))
    tolerance = comparison.tolerance + allowance
    if off <= tolerance:
        return replace(comparison, outcome=Outcome.AGREES, tolerance=tolerance, reason="")
    return replace(comparison, outcome=comparison.outcome if off > MARGIN * tolerance else Outcome.UNRESOLVED)


def _unit_of_resolution(pairing: Pairing, v: Floats, comparison: Comparison, rtol: float) -> float:
    """What the tolerance along ``v`` is relative to: the claim's span, near an optimum that of its terms.

    At an optimum the gradient is what is left of terms that cancel, and no rounding leaves it relatively right.
    """
    span = _span(pairing, v)
    if comparison.tolerance <= rtol * span:
        return span
    moved = pairing.claim_at(pairing.x + np.where(np.arange(v.size) % 2, 0.01, -0.01) * pairing.scale)
    return span if moved is None else max(span, float(np.linalg.norm(moved * v)))


def _direction(pairing: Pairing, mask: np.ndarray, generator: np.random.Generator) -> Floats:
    return equilibrated(generator, pairing.claimed, pairing.scale, mask, pairing.slots)


def _span(pairing: Pairing, v: Floats) -> float:
    return float(np.linalg.norm(pairing.claimed * v))


def _ruled(
    pairing: Pairing, v: Floats, joint: Comparison, judgement: Judgement, settled: np.ndarray | None = None
) -> Judgement:
    ruling = kinked.rule(pairing, v, joint, settled)
    judgement.kinks = (*judgement.kinks, *ruling.kinks)
    at_kink = [kink.index for kink in ruling.kinks if kink.outcome is Outcome.AGREES]
    for number, slot in enumerate(pairing.slots):
        count = sum(slot.start <= index < slot.stop for index in at_kink)
        if count:
            judgement.notes[number] = f"{count} of {slot.size} entries at a kink, accepted as subgradients"
    if not at_kink and ruling.outcome is Outcome.AGREES:
        judgement.remarks.append("f has a kink at this point; the claim lies between its one-sided slopes")
    if judgement.wrong is not None and at_kink:
        judgement.wrong[at_kink] = False
    if ruling.outcome is Outcome.DIFFERS:
        judgement.verdict = Verdict.FAIL
        judgement.torn = ruling.torn
    elif ruling.outcome is not Outcome.AGREES:
        _undecided(judgement, ruling.reason)
    return judgement


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


def _undecided(judgement: Judgement, reason: str) -> None:
    judgement.verdict = Verdict.INCONCLUSIVE
    if reason not in judgement.reasons:
        judgement.reasons.append(reason)


def _too_noisy(comparison: Comparison, span: float, rtol: float) -> str:
    return (
        f"f is too noisy here: differences resolve a relative error of {comparison.tolerance / span:.1g}, "
        f"rtol asks for {rtol:.1g}. Evaluate f in double precision, take an offset out of it, or state a larger rtol"
    )


# --- where the gradient is zero ------------------------------------------------------------------------------


def _flat(
    pairing: Pairing, mask: np.ndarray, generator: np.random.Generator, judgement: Judgement
) -> Judgement:
    """Entries claimed to be zero (or all rounding): is f flat along them?

    There is no span to judge a bound by, so it is judged by how f moves over the entries' own scale.
    """
    v = np.where(mask, pairing.scale, 0.0) * signs(generator, mask.size)
    line = Line(pairing, v)
    claimed = float(pairing.claimed @ v)
    coarse, _ = central(line, COARSE, FINE)
    resolved = noise(line, COARSE)
    for number, slot in enumerate(pairing.slots):
        part = mask[slot.start : slot.stop]
        if part.size and part.all():
            judgement.resolution[number] = None
            judgement.notes.setdefault(number, _untested(slot.size))
    bends = [abs(line(h) + line(-h) - 2.0 * line(0.0)) / h for h in (COARSE, FINE)]
    still = 8.0 * pairing.precision * pairing.magnitude
    if abs(coarse - claimed) <= resolved and bends[1] <= noise(line, FINE):
        for far in _FAR:
            moved = max(abs(value - line(0.0)) for value in line.ask((far, -far)))
            if not moved <= still:
                break
        # flat here and moved there: were f linear, it would have been seen to move here
        if moved <= still or not np.isfinite(moved) or resolved <= 1e-3 * moved / far:
            return judgement
        resolved = 1e-3 * moved / far
    estimate = derivative(line, samples=line.samples, tolerance=resolved)
    low, high = slopes(estimate)
    if high > low:
        error = max(estimate.error - 0.5 * (high - low), 0.0)
        return _ruled(
            pairing, v, Comparison(Outcome.KINKED, claimed, estimate.value, error, low, high), judgement
        )
    steepest = max(
        (abs(value - line(0.0)) / abs(t) for t, value in line.samples.items() if abs(t) >= 1e-3), default=0.0
    )
    off = abs(claimed - estimate.value)
    if off > 3.0 * estimate.error + 1e-3 * resolved:
        judgement.verdict = Verdict.FAIL
    elif not np.isfinite(estimate.error):
        _undecided(judgement, _JUMP)
    elif estimate.error > 1e-2 * steepest:
        _undecided(
            judgement,
            f"the claim is zero where differences resolve no better than {estimate.error:.1g}; "
            "whether f is flat here cannot be told",
        )
    return judgement
