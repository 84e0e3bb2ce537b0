"""What an edit makes better: leaves come right, or, where several mistakes hide each other, come nearer to it.

Of two mistakes on the way to one leaf, no edit of one makes the leaf right. Yet when what is left is a factor, the leaf
is right up to that factor; when what is left is at some of the entries, the others are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask.reading import Reading
from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.apart import TooLong, no_longer_than
from gradcheck.explain.blame.probes import Probe

Witnesses = NDArray[np.bool_]
"""Of each leaf whether it is right up to a factor, and of each entry whether it is right; one after the other."""
_TELLING = 3
"""Entries of a leaf of which not all are right up to one factor by accident."""
_SMALL = 1e3
"""How many times what an entry may be off by it has to be, to bear witness."""


@dataclass(frozen=True)
class Progress:
    """The leaves that an edit makes right; else the ``nearer`` ones: right up to a factor, or in more entries."""

    leaves: frozenset[int] = frozenset()
    nearer: frozenset[int] = frozenset()
    scaled: int = 0
    entries: int = 0

    @property
    def amount(self) -> tuple[int, int, int]:
        """The more the better."""
        return len(self.leaves), self.scaled, self.entries

    def __bool__(self) -> bool:
        return any(self.amount)


NONE = Progress()


def witnesses(probe: Probe, reading: Reading | None) -> Witnesses:
    """What a reading at a probe has right of leaves that need not be right as a whole."""
    scaled, entries = [], []
    raws = [None] * len(probe.truth) if reading is None else reading.raw
    for raw, truth, slack in zip(raws, probe.truth, probe.slack, strict=True):
        if raw is None or raw.shape != truth.shape:
            scaled.append(False)
            entries.append(np.zeros(truth.size, dtype=bool))
            continue
        telling = np.abs(truth) > _SMALL * slack
        entries.append((telling & (np.abs(raw - truth) <= slack)).ravel())
        scaled.append(_is_multiple(raw, truth, slack) if np.count_nonzero(telling) >= _TELLING else False)
    return np.concatenate([np.array(scaled, dtype=bool), *entries])


def _is_multiple(raw: Floats, truth: Floats, slack: Floats) -> bool:
    with np.errstate(all="ignore"):
        factor = np.vdot(raw, truth) / np.vdot(raw, raw)
        same = np.all(np.abs(factor * raw - truth) <= slack)
    # all entries alike are as many times what any number is
    return bool(same) and bool(np.ptp(truth) > 1e-3 * np.max(np.abs(truth)))


@dataclass(frozen=True)
class Standing:
    """How a claim stands before its next edit: the leaves that are wrong, and what bears witness at each point."""

    points: tuple[Probe, ...]
    left: frozenset[int]
    patience: float
    known: tuple[Witnesses, ...]
    noise: tuple[frozenset[str], ...]

    def is_quiet(self) -> bool:
        """Whether the claim, as it is now, warns of nothing that neither it nor f warned of before."""
        return all(probe.noise() <= known for probe, known in zip(self.points, self.noise, strict=True))

    def progress(self) -> Progress:
        """What the claim, as it is now, has more of; nothing where something that was right has become wrong."""
        mended, gained, hidden = self.left, ~self.known[0], False
        for number, (probe, known) in enumerate(zip(self.points, self.known, strict=True)):
            try:
                with no_longer_than(self.patience):
                    reading = probe.answer()
            except TooLong:
                return NONE
            wrong = probe.wrong_in(reading)
            mended -= wrong
            hidden = not mended if number == 0 else hidden
            if wrong - self.left or not (mended or hidden):
                return NONE
            if hidden:
                here = witnesses(probe, reading)
                gained &= here & ~known
                if np.any(known & ~here) or not np.any(gained):
                    return NONE
        if mended:
            return Progress(mended)
        return self._nearer(gained)

    def _nearer(self, gained: Witnesses) -> Progress:
        truth = self.points[0].truth
        scaled, entries = gained[: len(truth)], gained[len(truth) :]
        ends = np.cumsum([leaf.size for leaf in truth])[:-1]
        more = [int(np.count_nonzero(part)) for part in np.split(entries, ends)]
        nearer = frozenset(number for number, count in enumerate(more) if count or scaled[number])
        return Progress(nearer=nearer, scaled=int(np.count_nonzero(scaled)), entries=sum(more))


def standing(points: tuple[Probe, ...], left: frozenset[int], patience: float) -> Standing:
    """How the claim stands as it is now."""
    known = tuple(witnesses(probe, probe.answer()) for probe in points)
    noise = tuple(probe.noise() | probe.noise_of_f() for probe in points)
    return Standing(points, left, patience, known, noise)
