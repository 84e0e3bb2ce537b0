"""The decision: from the facts to a verdict. No other place makes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.findings import Verdict
from gradcheck.judge import resolution
from gradcheck.judge.entrywise import Entrywise, Near
from gradcheck.judge.facts import Case, Fact, Purpose, Side, supported
from gradcheck.judge.kinks import Kink
from gradcheck.judge.reasons import Reason, Told
from gradcheck.judge.resolution import Seen
from gradcheck.oracles.ball import Ball, Relation


@dataclass(frozen=True)
class Truth:
    """Autograd's gradient as a ball within which a right claim may lie; what that is a pass need not know."""

    entries: Entrywise | Near

    @property
    def value(self) -> Floats:
        """What autograd says."""
        return self.entries.autograd.value

    @property
    def radius(self) -> Floats:
        """How far off a right claim may be."""
        return self.entries.radius


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Attributes
    ----------
    reasons, remarks
        Why it is inconclusive; what else is worth a line.
    wrong
        Mask of the entries known to be wrong, where autograd is believed.
    discredited
        Whether differences contradicted autograd, so that it was left out.
    differences
        Whether differences took part.
    seen
        Of each leaf, how sharp the look at it was.
    truth
        Autograd's gradient where it is believed, each entry with the radius that a right claim may lie within.
    rounding
        Autograd's own radius, where it was measured.
    kinks, torn
        The kinked entries looked at; whether they are no subgradient together though each of them is.
    judged
        A direction along which the claim agrees with differences.
    deciding
        The first direction along which it is apart from them; without one `judged`, or the last that was asked about.
    miss_probability
        Bound on the probability that an error of size ``rtol`` in one leaf went unseen.
    """

    verdict: Verdict
    reasons: tuple[Told, ...] = ()
    remarks: tuple[Told, ...] = ()
    wrong: np.ndarray | None = None
    discredited: bool = False
    differences: bool = True
    seen: tuple[Seen, ...] = ()
    truth: Ball | Truth | None = None
    rounding: Floats | None = None
    kinks: tuple[Kink, ...] = ()
    torn: bool = False
    judged: Fact | None = None
    deciding: Fact | None = None
    miss_probability: float | None = None


def decide(case: Case, facts: Sequence[Fact]) -> Judgement:
    """The verdict on the claim, by all that was asked."""
    found = _on_all(case, facts)
    rulings = [fact.ruling for fact in facts if fact.ruling is not None]
    kinks = tuple(kink for ruling in rulings for kink in ruling.kinks)
    wrong = found.wrong
    if wrong is not None and kinks:
        wrong = wrong.copy()
        wrong[[kink.index for kink in kinks if kink.relation is Relation.AGREE]] = False
    entries = None if found.discredited else case.entries
    judged = [
        fact
        for fact in facts
        if fact.ruling is None
        and fact.relation is Relation.AGREE
        and fact.question.purpose is not Purpose.FLAT
    ]
    apart = [fact for fact in facts if fact.relation is Relation.APART]
    found = replace(
        found,
        wrong=wrong,
        kinks=kinks,
        torn=any(ruling.torn for ruling in rulings),
        truth=None if entries is None else Truth(entries),
        rounding=entries.autograd.radius if entries is not None and entries.measured else None,
        judged=judged[0] if judged else None,
        deciding=next(iter([*apart, *judged, *facts[-1:]]), None),
    )
    return _sharpness(case, facts, entries, found)


def _sharpness(
    case: Case, facts: Sequence[Fact], entries: Entrywise | Near | None, found: Judgement
) -> Judgement:
    """The judgement with what it would have seen; inconclusive where that is less than the user stated."""
    pairing = case.pairing
    if entries is not None:
        seen = tuple(resolution.entrywise(slot, entries) for slot in pairing.slots)
        missed = 0.0
    else:
        along = [
            fact
            for fact in facts
            if fact.question.purpose is Purpose.GROUP
            and fact.relation is Relation.AGREE
            and (fact.ruling is not None or fact.sees(case.rtol))
        ]
        seen = tuple(
            resolution.by_directions(slot, pairing, along, 0.5 * pairing.noise) for slot in pairing.slots
        )
        smooth = [fact for fact in along if fact.ruling is None]
        missed = resolution.miss_probability(pairing.slots, pairing, smooth, case.rtol)
    told = [one.resolution for one in seen if one.resolution is not None]
    if found.verdict is Verdict.PASS and entries is None and not told and any(one.hidden for one in seen):
        found = replace(found, verdict=Verdict.INCONCLUSIVE, reasons=(Reason.DROWNED.told(),))
    coarsest = max((one.resolution for one in seen if one.resolution is not None), default=0.0)
    if found.verdict is Verdict.PASS and coarsest > case.rtol:
        # near an optimum what is left of the gradient is rounding, and the terms it is left of were judged instead
        missed = 1.0 if entries is not None else missed
        if case.strict:
            reason = Reason.COARSE.told(resolved=coarsest, rtol=case.rtol)
            found = replace(found, verdict=Verdict.INCONCLUSIVE, reasons=(reason,))
    return replace(found, seen=seen, miss_probability=min(1.0, missed))


def _on_all(case: Case, facts: Sequence[Fact]) -> Judgement:
    arbiter = next((fact for fact in facts if fact.question.purpose is Purpose.ARBITER), None)
    if case.entries is None:
        return _by_differences(case, facts)
    if arbiter is None:
        return _agreed(facts)
    side = supported(arbiter, case.pairing.magnitude)
    if side in (Side.CLAIM, Side.NEITHER):
        alone = _by_differences(case, [fact for fact in facts if fact is not arbiter])
        return replace(alone, discredited=True)
    return _arbitrated(case.entries, arbiter, side, [fact for fact in facts if fact is not arbiter])


def _arbitrated(entries: Entrywise | Near, arbiter: Fact, side: Side, guards: Sequence[Fact]) -> Judgement:
    failed = Judgement(Verdict.FAIL, wrong=entries.apart)
    match side:
        case Side.AUTOGRAD:
            return failed
        case Side.KINK:
            return replace(_ruled(arbiter), wrong=entries.apart)
        case Side.NEAR_KINK:
            return Judgement(Verdict.INCONCLUSIVE, (Reason.NEAR_KINK.told(),))
        case Side.BROKEN:
            return replace(failed, differences=False)
        case (
            _
        ):  # hidden from differences, so that autograd's word counts if nothing contradicts it where it shows
            guarded = _agreed(guards)
            if guarded.verdict is Verdict.PASS and entries.certainly.any():
                return replace(failed, wrong=entries.certainly, differences=False)
            return guarded


def _agreed(guards: Sequence[Fact]) -> Judgement:
    """Claim and autograd are one: differences may contradict both, but need not resolve the point."""
    if not guards:
        return Judgement(Verdict.PASS, differences=False)
    last = guards[-1]
    if last.question.purpose is Purpose.FLAT:
        flat = _still(last)
        if flat.verdict is not Verdict.INCONCLUSIVE or any(
            told.reason is Reason.JUMP for told in flat.reasons
        ):
            return flat
        return Judgement(Verdict.PASS, remarks=flat.reasons)
    if last.ruling is not None:
        return _ruled(last)
    if not np.isfinite(last.slope.error) and last.jumps:
        return Judgement(Verdict.INCONCLUSIVE, (Reason.JUMP.told(),))
    if last.relation is Relation.AGREE:
        return Judgement(Verdict.PASS)
    if last.relation is Relation.UNTOLD:
        return Judgement(Verdict.PASS, remarks=(Reason.UNRESOLVED.told(),), differences=False)
    if last.autograd is not None and last.slope.meets(last.autograd) is Relation.AGREE:
        # within its own rounding of autograd entry by entry, but not as a whole
        return Judgement(Verdict.FAIL)
    figures = {"claimed": float(last.claim.value), "truth": last.slope.value, "radius": last.radius}
    return Judgement(Verdict.INCONCLUSIVE, (Reason.DISAGREE.told(**figures),))


def _by_differences(case: Case, facts: Sequence[Fact]) -> Judgement:
    resolved = False
    remarks: tuple[Told, ...] = ()
    for fact in facts:
        if fact.question.purpose is Purpose.FLAT:
            found = _still(fact)
            if resolved and any(told.reason is Reason.FLATNESS for told in found.reasons):
                continue  # hidden beside what was seen
        elif fact.ruling is not None:
            found = _ruled(fact)
        elif fact.relation is Relation.APART:
            found = Judgement(Verdict.FAIL)
        elif fact.relation is Relation.AGREE and fact.sees(case.rtol):
            found = Judgement(Verdict.PASS)
        elif not resolved and fact is _last_group(facts):
            # nothing larger was resolved: it is not for its smallness that this is not
            found = Judgement(Verdict.INCONCLUSIVE, (_unresolved(case, fact),))
        else:
            continue
        remarks += found.remarks
        if found.verdict is not Verdict.PASS:
            return found
        resolved = True
    return Judgement(Verdict.PASS, remarks=remarks)


def _last_group(facts: Sequence[Fact]) -> Fact | None:
    return next((fact for fact in reversed(facts) if fact.question.purpose is Purpose.GROUP), None)


def _unresolved(case: Case, fact: Fact) -> Told:
    if not np.isfinite(fact.radius):
        return Reason.ROUGH.told()
    if fact.sees(case.rtol):
        return Reason.EDGE.told()
    return Reason.NOISY.told(resolved=fact.radius / fact.size if fact.size else np.inf, rtol=case.rtol)


def _still(fact: Fact) -> Judgement:
    """Whether f stands still along entries claimed to be zero."""
    if fact.ruling is not None:
        return _ruled(fact)
    if fact.relation is Relation.APART:
        return Judgement(Verdict.FAIL)
    if not np.isfinite(fact.slope.error):
        return Judgement(Verdict.INCONCLUSIVE, (Reason.JUMP.told(),))
    if not fact.still:
        return Judgement(Verdict.INCONCLUSIVE, (Reason.FLATNESS.told(radius=fact.slope.error),))
    return Judgement(Verdict.PASS)


def _ruled(fact: Fact) -> Judgement:
    """A kink: the entries were ruled on one by one."""
    ruling = fact.ruling
    assert ruling is not None
    if ruling.relation is Relation.APART:
        return Judgement(Verdict.FAIL)
    if ruling.relation is Relation.UNTOLD:
        return Judgement(Verdict.INCONCLUSIVE, (ruling.reason or Reason.KINK_EDGE.told(),))
    at_kinks = any(kink.relation is Relation.AGREE for kink in ruling.kinks)
    return Judgement(Verdict.PASS, remarks=() if at_kinks else (Reason.BETWEEN_SLOPES.told(),))
