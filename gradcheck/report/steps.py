"""The differences that a verdict rests on, as they were evaluated: error against step."""

from __future__ import annotations

import math

from gradcheck.findings import Steps
from gradcheck.judge.decide import Judgement
from gradcheck.judge.examine import Examined


def steps_of(seen: Examined, judgement: Judgement) -> Steps | None:
    """The differences along the direction that decided; None where f has no one slope along it."""
    fact = judgement.deciding
    if fact is None or seen.pairing is None:
        return None
    slope, samples = fact.slope, fact.samples
    differences = [
        (step, (ahead - samples[-step]) / (2.0 * step))
        for step, ahead in sorted(samples.items())
        if step > 0.0 and -step in samples
    ]
    told = tuple((step, slope) for step, slope in differences if math.isfinite(slope))
    if not told or slope.kinked or not math.isfinite(slope.error):
        return None
    autograd = math.nan if fact.autograd is None else float(fact.autograd.value)
    return Steps(
        told,
        slope.step,
        slope.value,
        slope.error,
        autograd if slope.off(autograd) <= slope.error else slope.value,
        float(fact.claim.value),
        slope.measured or seen.pairing.noise,
    )
