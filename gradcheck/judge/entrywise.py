"""The claim against autograd, entry by entry, with as much rounding measured as the gaps between them ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.draws import blocks, signs
from gradcheck.ask.point import Slot
from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.rounding import MANY_RUNS, Digits, measured, peak, ulps
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


_LAST_DIGITS = 2.0**-44
"""Of a step of a hundredth of the arguments' size, what moves them by two or three of their last digits."""


S = TypeVar("S", float, Floats)


@dataclass(frozen=True)
class _Beside:
    """Two answers side by side."""

    claim: Ball | Digits
    autograd: Ball | Digits

    @cached_property
    def gap(self) -> Floats:
        """Claim less autograd."""
        return self.claim.value - self.autograd.value

    @cached_property
    def rounding(self) -> Floats:
        """What rounding may make of an entry's gap."""
        return self.claim.radius + self.autograd.radius


@dataclass(frozen=True)
class Entrywise(_Beside):
    """Two answers, each with its rounding, and the share of an entry that nobody asks about, all of shape (P,).

    ``measured`` tells whether autograd's rounding was: else it is the least that it can be.
    """

    claim: Ball
    autograd: Ball
    slack: Floats
    measured: bool = False

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

    @property
    def differs(self) -> bool:
        """Whether any entry is further off."""
        return bool(self.apart.any())

    def most_caught(self, slot: Slot) -> float:
        """The largest error of an entry of a leaf that is caught, whoever else is silent."""
        part = slice(slot.start, slot.stop)
        return float(np.max(_caught(self.rounding[part], self.slack[part]), initial=0.0))


def _caught(rounding: Floats, slack: Floats) -> Floats:
    return np.maximum(MARGIN * rounding, slack)


@dataclass(frozen=True)
class Near(_Beside):
    """Two answers in double precision of which no entry is off by more than the share that nobody asks about.

    What an `Entrywise` has besides is worked out where it is asked for, or block by block. ``most`` is how much an
    entry of each leaf moves f by, at most, over its own size.
    """

    claim: Digits
    autograd: Digits
    pairing: Pairing
    most: Mapping[Slot, float]

    differs: ClassVar[bool] = False
    measured: ClassVar[bool] = False

    @cached_property
    def radius(self) -> Floats:
        """Within this an entry of the claim is right, if autograd is."""
        return np.maximum(self.rounding, _slack(self.pairing, self.autograd.answer, self.most))

    @cached_property
    def apart(self) -> np.ndarray:
        """The entries further off: none."""
        return np.zeros(self.pairing.x.shape, dtype=bool)

    @property
    def certainly(self) -> np.ndarray:
        """Those so far off that rounding is no explanation: none."""
        return self.apart

    def most_caught(self, slot: Slot) -> float:
        """The largest error of an entry of a leaf that is caught, whoever else is silent."""
        part = slice(slot.start, slot.stop)
        share = SHARE * peak(self.autograd.answer.value[part])
        if MARGIN * (self.claim.highest(part) + self.autograd.highest(part)) <= share and slot.size:
            return max(share, _floor(self.most[slot], float(self.pairing.scale[part].min())))
        parts = blocks(slot.start, slot.stop)
        return max((float(np.max(self._caught(part, self.most[slot]))) for part in parts), default=0.0)

    def _caught(self, part: slice, most: float) -> Floats:
        rounding = ulps(self.pairing.claim, part) + ulps(self.autograd.answer, part)
        return _caught(rounding, _unasked(self.pairing, self.autograd.answer, part, most))


def _is_near(pairing: Pairing, autograd: Answer) -> bool:
    one, other = pairing.claim.value, autograd.value
    return all(
        bool((np.abs(one[part] - other[part]) <= SHARE * np.abs(other[part])).all())
        for part in blocks(0, other.size)
    )


def compare(pairing: Pairing, autograd: Answer) -> Entrywise | Near:
    """Rounding is measured where it may explain a gap: the claim's first, for that is cheaper."""
    claim, single = pairing.claim, pairing.claim.unit > precision.DOUBLE
    most = {slot: _moved(pairing, autograd, slot) for slot in pairing.slots}
    # a leaf so small beside f may be nothing but rounding, although the two agree on it
    small = any(slot.size and moved <= pairing.natural_share for slot, moved in most.items())
    if not single and not small and _is_near(pairing, autograd):
        return Near(Digits(claim), Digits(autograd), pairing, most)
    slack = np.zeros_like(autograd.value) if single else _slack(pairing, autograd, most)
    found = Entrywise(Ball(claim.value, ulps(claim)), Ball(autograd.value, ulps(autograd)), slack)
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


def _slack(pairing: Pairing, autograd: Answer, most: Mapping[Slot, float]) -> Floats:
    """What of each entry nobody asks about."""
    parts = [(slice(slot.start, slot.stop), most[slot]) for slot in pairing.slots]
    return np.concatenate([_unasked(pairing, autograd, part, moved) for part, moved in parts])


def _unasked(pairing: Pairing, autograd: Answer, part: slice, most: float) -> Floats:
    """A share of an entry, or what moves f, over its own size, by rounding's square of what ``most`` does in its leaf.

    ``expm1(-700) + 1`` is 0 in double precision, the derivative that it stands for 1e-304: nobody can tell them apart.
    """
    return np.maximum(SHARE * np.abs(autograd.value[part]), _floor(most, pairing.scale[part]))


def _floor(most: float, scale: S) -> S:
    return precision.DOUBLE**2 * min(most, _LARGEST) / scale


def _moved(pairing: Pairing, autograd: Answer, slot: Slot) -> float:
    """The most that an entry of a leaf moves f by, over its own size."""
    return max(
        (
            float((np.abs(autograd.value[part]) * pairing.scale[part]).max())
            for part in blocks(slot.start, slot.stop)
        ),
        default=0.0,
    )


_LARGEST = float(np.finfo(np.float64).max)


def _glaring(found: Entrywise, pairing: Pairing) -> bool:
    """Whether no rounding in double precision could make what differs.

    Each leaf with entries that are apart is off by far as a whole, and moves f by more than half of its digits; each of
    those entries by more than the last digits of the leaf's largest. What a leaf is left of, where terms cancel, shows
    at a small distance; not where the claim is the same there, nor where they cancel everywhere, ``sum(x - mean(x))``:
    the last digits of the arguments move the claim by as much then, or f is little beside them.
    """
    left_over = precision.may_be_left_over(np.array([pairing.magnitude]), pairing.scale)
    if left_over or not pairing.precise or pairing.claim.unit > precision.DOUBLE or not found.apart.any():
        return False
    # each entry by a sign of its own: arguments that are equal must not stay so
    step = 0.01 * pairing.scale * signs(np.random.default_rng(0), pairing.x.size)
    there = pairing.claim.at(pairing.x + step)
    rounded = pairing.claim.at(pairing.x + _LAST_DIGITS * step)
    if there is None or rounded is None:
        return False
    jitter = (rounded - found.claim.value) * pairing.scale
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
        if (
            stands_still
            or length(jitter[part]) > _GLARING * off
            or not by_far
            or np.min(apart) <= _SLIGHT * np.max(size[part])
        ):
            return False
    return True
