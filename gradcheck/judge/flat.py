"""Where the gradient is claimed to be zero: is f flat along those entries?"""

from __future__ import annotations

import numpy as np

from gradcheck.judge.comparison import (
    COARSE,
    FINE,
    Comparison,
    Outcome,
    central,
    noise,
    slopes,
)
from gradcheck.judge.directions import signs
from gradcheck.judge.judgement import Judgement, ruled, undecided, untested
from gradcheck.judge.pairing import Line, Pairing
from gradcheck.oracles.derivative import derivative
from gradcheck.report.findings import Verdict

JUMP = "f jumps, or is not finite, right beside this point: it has no derivative there. Move the point"

_FAR = (1.0, 1e3, 1e6)
"""How many times their own size entries are moved to see whether f depends on them at all."""


def judge_flat(
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
            judgement.notes.setdefault(number, untested(slot.size))
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
        return ruled(
            pairing, v, Comparison(Outcome.KINKED, claimed, estimate.value, error, low, high), judgement
        )
    steepest = max(
        (abs(value - line(0.0)) / abs(t) for t, value in line.samples.items() if abs(t) >= 1e-3), default=0.0
    )
    off = abs(claimed - estimate.value)
    if off > 3.0 * estimate.error + 1e-3 * resolved:
        judgement.verdict = Verdict.FAIL
    elif not np.isfinite(estimate.error):
        undecided(judgement, JUMP)
    elif estimate.error > 1e-2 * steepest:
        undecided(
            judgement,
            f"the claim is zero where differences resolve no better than {estimate.error:.1g}; "
            "whether f is flat here cannot be told",
        )
    return judgement
