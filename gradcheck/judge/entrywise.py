"""The claim against autograd, entry by entry, with as much rounding measured as the gaps between them ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.draws import signs
from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.rounding import MANY_RUNS, measured, ulps
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.ball import MARGIN, Ball, length

SHARE = 1e-9
"""In double precision claim and autograd may differ by this share of an entry with nothing asked: nobody needs to be
told of less, and no rounding need be measured for it. Below double it is measured always."""


_GLARING = 2.0**-13
"""All but four of double's digits would have to be lost for it, and differences have a word in it too."""


_SLIGHT = 2.0**-40
"""What moves f by no more over an entry's own size may be the rounding of one step, ``-1 + 1``, say. Three runs of four
leave that as it is, and each of a few runs does once in a while."""


@dataclass(frozen=True)
class Entrywise:
    """Two answers, each with its rounding, and the share of an entry that nobody asks about, all of shape (P,).

    ``measured`` tells whether autograd's rounding was: else it is the least that it can be.
    """

    claim: Ball
    autograd: Ball
    slack: Floats
    measured: bool = False

    @cached_property
    def gap(self) -> Floats:
        """Claim less autograd."""
        return self.claim.value - self.autograd.value

    @cached_property
    def rounding(self) -> Floats:
        """What rounding may make of an entry's gap."""
        return self.claim.radius + self.autograd.radius

    @cached_property
    def radius(self) -> Floats:
        """Within this an entry of the claim is right, if autograd is."""
        return np.maximum(self.rounding, self.slack)

    @cached_property
    def apart(self) -> np.ndarray:
        """The entries further off."""
        return np.abs(self.gap) > self.radius

    @cached_property
    def certainly(self) -> np.ndarray:
        """The entries so far off that rounding is no explanation, whoever else is silent."""
        return self.apart & (np.abs(self.gap) > MARGIN * self.rounding)

    @cached_property
    def caught(self) -> Floats:
        """The error of an entry that is caught, whoever else is silent."""
        return np.maximum(0.5 * MARGIN * self.rounding, self.slack)


def compare(pairing: Pairing, autograd: Answer) -> Entrywise:
    """Rounding is measured where it may explain a gap: the claim's first, for that is cheaper."""
    claim, single = pairing.claim, pairing.claim.unit > precision.DOUBLE
    size = np.abs(autograd.value)
    slack = np.zeros_like(size) if single else np.maximum(SHARE * size, _unseen(pairing, size))
    found = Entrywise(Ball(claim.value, ulps(claim)), Ball(autograd.value, ulps(autograd)), slack)
    small = _all_rounding(pairing, size)
    if not (single or small or found.apart.any()):
        return found
    if not small and _glaring(found, pairing):
        return found
    found = replace(found, claim=Ball(claim.value, measured(claim, pairing)))
    if small or found.apart.any():
        # new ones: what was found of the old is no longer so
        found = Entrywise(
            found.claim, Ball(autograd.value, measured(autograd, pairing)), slack, measured=True
        )
        if (found.apart & (np.abs(found.gap) * pairing.scale <= _SLIGHT * pairing.magnitude)).any():
            again = measured(autograd, pairing, MANY_RUNS)
            found = Entrywise(found.claim, Ball(autograd.value, again), slack, measured=True)
    return found


def _unseen(pairing: Pairing, size: Floats) -> Floats:
    """What of an entry moves f, over its own size, by rounding's square of what the leaf's largest entry does.

    ``expm1(-700) + 1`` is 0 in double precision, the derivative that it stands for 1e-304: nobody can tell them apart.
    """
    floor = np.zeros_like(size)
    for slot in pairing.slots:
        part = slice(slot.start, slot.stop)
        moves = size[part] * pairing.scale[part]
        most = float(np.max(moves, where=np.isfinite(moves), initial=0.0))
        np.divide(precision.DOUBLE**2 * most, pairing.scale[part], out=floor[part])
    return floor


def _glaring(found: Entrywise, pairing: Pairing) -> bool:
    """Whether no rounding in double precision could make what differs.

    Each leaf with entries that are apart is off by far as a whole, and moves f by more than half of its digits; each of
    those entries by more than the last digits of the leaf's largest. What a leaf is left of, where terms cancel, shows
    at a small distance; not where the claim is the same there.
    """
    if not pairing.precise or pairing.claim.unit > precision.DOUBLE or not found.apart.any():
        return False
    # each entry by a sign of its own: arguments that are equal must not stay so
    step = 0.01 * pairing.scale * signs(np.random.default_rng(0), pairing.x.size)
    there = pairing.claim.at(pairing.x + step)
    if there is None:
        return False
    gap = np.abs(found.gap) * pairing.scale
    size = np.maximum(np.abs(found.autograd.value), np.abs(there)) * pairing.scale
    for slot in pairing.slots:
        part = slice(slot.start, slot.stop)
        apart = gap[part][found.apart[part]]
        if not apart.size:
            continue
        off = length(apart)
        by_far = off > _GLARING * length(size[part]) and off > np.sqrt(precision.DOUBLE) * pairing.magnitude
        stands_still = np.array_equal(there[part], found.claim.value[part])
        if stands_still or not by_far or np.min(apart) <= _SLIGHT * np.max(size[part]):
            return False
    return True


def _all_rounding(pairing: Pairing, size: Floats) -> bool:
    """Whether a leaf is so small beside f that it may be nothing but rounding, although the two agree on it."""
    share = pairing.natural_share
    return any(
        slot.size
        and bool(np.max(size[slot.start : slot.stop] * pairing.scale[slot.start : slot.stop]) <= share)
        for slot in pairing.slots
    )
