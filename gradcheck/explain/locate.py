"""After a failure: where is the claim wrong?

The truth entry by entry, bought from differences where autograd is not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradcheck.ask.draws import signs
from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Line, Pairing
from gradcheck.judge.rounding import ulps
from gradcheck.judge.slope import Slope
from gradcheck.oracles.ball import Ball, Relation
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.ladder import COARSE, FINE

EVERY_ENTRY = 48
"""So many entries are looked at one by one; more are searched by group testing."""

SEARCH_BUDGET = 160
"""Evaluations that the search in a large claim may spend."""

_MEETS = 1e-8
"""Share of an entry within which a claim that meets its difference does so by no chance."""

_SHARP = 1e-6
"""Share of an entry to which its truth is told with no further evaluation."""

SAMPLE = 12
"""Entries of a wrong leaf whose truth is bought for the diagnosis, wherever the search ended."""


def entry_truth(pairing: Pairing, index: int) -> tuple[float, float]:
    """One entry of the true gradient and a bound on its error, by differences.

    2 evaluations where the claim, which is evidence of its own, meets them, 4 where f is smooth.
    """
    length = float(pairing.scale[index])
    line = _line(pairing, np.array([index]))
    claimed = float(pairing.claim.value[index]) * length
    (fine,) = line.central(FINE)
    off = abs(fine - claimed) + line.noise(FINE)
    if off <= _MEETS * abs(fine) and line.bend(FINE) <= 1e-2 * abs(fine):
        return fine / length, 2.0 * off / length
    coarse, _ = line.central(COARSE, FINE)
    extrapolated = fine + (fine - coarse) / ((COARSE / FINE) ** 2 - 1.0)
    # what the extrapolation moves is the finer step's truncation error, so that it bounds its own many times over
    bound = 2.0 * abs(extrapolated - fine) + line.noise(FINE)
    if bound <= _SHARP * abs(fine) and line.bend(FINE) <= 1e-2 * abs(fine):
        return extrapolated / length, bound / length
    estimate = derivative(line, samples=line.samples, tolerance=_SHARP * abs(fine), grid=line.grid)
    if not np.isfinite(estimate.value):
        return np.nan, np.inf
    return estimate.value / length, estimate.error / length


def _line(pairing: Pairing, entries: np.ndarray) -> Line:
    direction = np.zeros_like(pairing.x)
    direction[entries] = pairing.scale[entries]
    return Line(pairing, direction)


def truth_by_differences(pairing: Pairing, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """The true gradient where it was located and a bound on its error, NaN elsewhere; shape (P,) each."""
    size = pairing.x.size
    truth, bound = np.full(size, np.nan), np.full(size, np.nan)
    entries = range(size) if size <= EVERY_ENTRY else _suspects(pairing, generator)
    for index in entries:
        truth[index], bound[index] = entry_truth(pairing, int(index))
    return truth, bound


def _suspects(pairing: Pairing, generator: np.random.Generator) -> Sequence[int]:
    """Entries worth looking at: group testing down to wrong ones, and a sample of every wrong leaf."""
    chosen: dict[int, None] = {}
    wrong_leaves = []
    for slot in pairing.slots:
        entries = np.arange(slot.start, slot.stop)
        if entries.size and _is_wrong(pairing, entries, generator):
            wrong_leaves.append(entries)
    budget = SEARCH_BUDGET
    for entries in wrong_leaves:
        for index in generator.permutation(entries)[:SAMPLE]:
            chosen[int(index)] = None
        stack = [entries]
        share = budget // len(wrong_leaves)
        while stack and share > 0:
            part = stack.pop()
            if part.size == 1:
                chosen[int(part[0])] = None
                continue
            half = part.size // 2
            share -= 4
            if _is_wrong(pairing, part[:half], generator):
                stack.append(part[:half])
                share -= 4
                if _is_wrong(pairing, part[half:], generator):
                    stack.append(part[half:])
            else:  # the whole was wrong and the first half is not
                stack.append(part[half:])
    return list(chosen)


def _is_wrong(pairing: Pairing, entries: np.ndarray, generator: np.random.Generator) -> bool:
    direction = np.zeros_like(pairing.x)
    direction[entries] = pairing.scale[entries] * signs(generator, entries.size)
    line = Line(pairing, direction)
    claim = Ball(pairing.claim.value, ulps(pairing.claim)).along(direction)
    coarse, fine = line.central(COARSE, FINE)
    extrapolated = fine + (fine - coarse) / ((COARSE / FINE) ** 2 - 1.0)
    error = line.noise(FINE) + abs(extrapolated - fine) + 1e-8 * pairing.span(direction)
    return Slope(extrapolated, extrapolated, error).meets(claim) is Relation.APART
