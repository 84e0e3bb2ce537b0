"""How sharp a look was: the size of an error that this very check catches with 99 % probability, leaf by leaf.

Against autograd every entry is compared, and what lies outside the radius is caught: nothing is left to chance. Along
directions an error e of the gradient shows as ``<e, v>``. Two shapes are the extremes: an error spread over the leaf,
whose ``<e, v>`` has, with random signs, a density of at most ``0.4 / (s r)`` at any place for a relative size r and
``s = sqrt(sum over the leaf (g_i v_i)^2)``, so that a window of +- tau is met with probability at most ``0.8 tau / (s
r)`` a direction; and one in a single entry, of which at least half a mean share ``s / sqrt(n)`` shows for certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.ask.point import Slot
from gradcheck.judge.entrywise import Entrywise, Near
from gradcheck.judge.facts import Fact
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.rounding import peak
from gradcheck.oracles.ball import MARGIN, length

MISSED = 0.01
"""Probability with which an error of the stated size goes unseen."""

_DENSITY = 0.8
_LUCK = 2.0
"""Another direction may be resolved less well than this one was."""

_LEAST_SHARE = 2.0
"""A single entry's magnitude is at least half of the typical one (`gradcheck.judge.directions`)."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one leaf: its resolution, None where it was not tested, and the entries that were hidden."""

    resolution: float | None
    hidden: int = 0


def entrywise(slot: Slot, entries: Entrywise | Near) -> Seen:
    """Of a leaf whose every entry was compared: the largest error that is caught, relative to its largest entry.

    None where that is as large as the leaf: it is zero to its own rounding, or else hidden by that of the claim.
    """
    part = slice(slot.start, slot.stop)
    value = entries.autograd.value[part]
    largest = peak(value)
    seen = entries.most_caught(slot) / largest if largest > 0.0 else np.inf
    if seen < 1.0:
        return Seen(seen)
    zero = bool(np.all(np.abs(value) <= MARGIN * entries.autograd.radius[part]))
    return Seen(None, 0 if zero else slot.size)


def by_directions(slot: Slot, pairing: Pairing, facts: Sequence[Fact], floor: float) -> Seen:
    """Of a leaf seen along directions, each about a group of its entries; the dullest group counts.

    Entries that were ruled on at a kink were looked at one by one.
    """
    part = slice(slot.start, slot.stop)
    contributes = pairing.contribution[part] > floor
    seen, spread, looked_at = 0.0, 0.0, np.zeros(slot.size, dtype=bool)
    for mask in _distinct(facts):
        looked_at |= mask[part]
        about = [fact for fact in facts if fact.question.mask is mask and fact.ruling is None]
        if shares := _shares(about, pairing, part):
            count = int(np.count_nonzero(mask[part]))
            seen, spread = max(seen, _caught(shares, count)), max(spread, _spread(shares, count))
    hidden = int(np.count_nonzero(contributes & ~looked_at))
    if (
        spread >= 1.0
    ):  # an error as large as the leaf itself may go unseen, unless the leaf is left of larger terms
        beside = any(fact.size > pairing.span(fact.question.v) for fact in facts if fact.ruling is None)
        return Seen(None, 0 if beside else slot.size)
    return Seen(seen if looked_at.any() and seen > 0.0 else None, hidden)


def of_group(slots: Sequence[Slot], pairing: Pairing, facts: Sequence[Fact]) -> float:
    """The resolution that directions about one and the same group of entries give, of the leaf they show worst."""
    mask = facts[0].question.mask
    worst = 0.0
    for slot in slots:
        part = slice(slot.start, slot.stop)
        if shares := _shares(facts, pairing, part):
            worst = max(worst, _caught(shares, int(np.count_nonzero(mask[part]))))
    return worst


def _distinct(facts: Sequence[Fact]) -> list[np.ndarray]:
    return list({id(fact.question.mask): fact.question.mask for fact in facts}.values())


def _shares(facts: Sequence[Fact], pairing: Pairing, part: slice) -> list[float]:
    """What the leaf contributes along each direction, in radii of it; nothing where it has no part in one."""
    spreads = [length(pairing.claim.value[part] * fact.question.v[part]) for fact in facts]
    return [
        spread / (_LUCK * fact.radius) if fact.radius > 0.0 else np.inf
        for spread, fact in zip(spreads, facts, strict=True)
        if spread > 0.0
    ]


def _caught(shares: Sequence[float], count: int) -> float:
    """The relative size that is caught with probability 1 - `MISSED` by directions with these shares."""
    single = min(_LEAST_SHARE * np.sqrt(count) / share for share in shares)
    return max(_spread(shares, count), float(single))


def _spread(shares: Sequence[float], count: int) -> float:
    """The same of an error that is spread over the leaf."""
    if count == 1:
        return min(1.0 / share for share in shares)
    product = float(np.prod([_DENSITY / share for share in shares]))
    return float((product / MISSED) ** (1.0 / len(shares)))


def miss_probability(slots: Sequence[Slot], pairing: Pairing, facts: Sequence[Fact], rtol: float) -> float:
    """Bound on the probability that an error of size ``rtol``, spread over one leaf, went unseen."""
    worst = 0.0
    for mask in _distinct(facts):
        about = [fact for fact in facts if fact.question.mask is mask]
        for slot in slots:
            if shares := _shares(about, pairing, slice(slot.start, slot.stop)):
                worst = max(
                    worst, float(np.prod([min(1.0, _DENSITY / (_LUCK * rtol * share)) for share in shares]))
                )
    return worst
