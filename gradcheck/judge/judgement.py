"""What a judge found about one pairing, and the entries of it that several judges fill in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge import kinked
from gradcheck.judge.comparison import (
    Comparison,
    Outcome,
)
from gradcheck.judge.pairing import Pairing
from gradcheck.report.findings import OracleUse, Verdict


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
    judged
        A direction along which the claim agrees with differences.
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
    judged: tuple[Floats, Comparison] | None = None


def undecided(judgement: Judgement, reason: str) -> None:
    judgement.verdict = Verdict.INCONCLUSIVE
    if reason not in judgement.reasons:
        judgement.reasons.append(reason)


def untested(size: int) -> str:
    if size == 0:
        return "no entries"
    return "not tested: the derivative is zero at this point; try points=3"


def entrywise_resolution(pairing: Pairing, gradient: Floats, tolerance: Floats, judgement: Judgement) -> None:
    for number, slot in enumerate(pairing.slots):
        part = np.abs(gradient[slot.start : slot.stop])
        largest = float(part.max()) if part.size else 0.0
        seen = float(tolerance[slot.start : slot.stop].max()) / largest if largest > 0.0 else np.inf
        if seen < 1.0:
            judgement.resolution[number] = seen
        else:
            judgement.resolution[number] = None
            judgement.notes[number] = untested(slot.size)


def ruled(
    pairing: Pairing, v: Floats, joint: Comparison, judgement: Judgement, settled: np.ndarray | None = None
) -> Judgement:
    ruling = kinked.rule(pairing, v, joint, settled)
    judgement.kinks = (*judgement.kinks, *ruling.kinks)
    at_kink = [kink.index for kink in ruling.kinks if kink.outcome is Outcome.AGREES]
    if ruling.outcome is Outcome.AGREES:
        for number, slot in enumerate(pairing.slots):
            count = sum(slot.start <= index < slot.stop for index in at_kink)
            if count:
                judgement.notes[number] = (
                    f"{count} of {slot.size} entries at a kink, accepted as subgradients"
                )
    if not at_kink and ruling.outcome is Outcome.AGREES:
        judgement.remarks.append("f has a kink at this point; the claim lies between its one-sided slopes")
    if judgement.wrong is not None and at_kink:
        judgement.wrong[at_kink] = False
    if ruling.outcome is Outcome.DIFFERS:
        judgement.verdict = Verdict.FAIL
        judgement.torn = ruling.torn
    elif ruling.outcome is not Outcome.AGREES:
        undecided(judgement, ruling.reason)
    return judgement
