"""What an edit makes better: leaves come right, or, where several mistakes hide each other, come nearer to it.

Of two mistakes on the way to one leaf, no edit of one makes the leaf right. Yet when what is left is a factor, the leaf
is right up to that factor; when what is left is at some of the entries, the others are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.answer import Answer
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


def witnesses(probe: Probe, answer: Answer | None) -> Witnesses:
    """What an answer at a probe has right of leaves that need not be right as a whole."""
    truth, count = probe.truth, len(probe.slots)
    if answer is None:
        return np.zeros(count + truth.size, dtype=bool)
    large = telling(probe)
    entries = large & (np.abs(answer.flat - truth) <= probe.slack)
    scaled = np.zeros(count, dtype=bool)
    for number, slot in enumerate(probe.slots):
        part = slice(slot.start, slot.stop)
        if number not in answer.missing and np.count_nonzero(large[part]) >= _TELLING:
            scaled[number] = _is_multiple(answer.flat[part], truth[part], probe.slack[part])
    return np.concatenate([scaled, entries])


def telling(probe: Probe) -> NDArray[np.bool_]:
    """The entries that bear witness: so large that none is right by accident."""
    return np.abs(probe.truth) > _SMALL * probe.slack


def _is_multiple(raw: Floats, truth: Floats, slack: Floats) -> bool:
    size = raw @ raw
    factor = raw @ truth / size if size else 0.0
    same = (np.abs(factor * raw - truth) <= slack).all()
    # all entries alike are as many times what any number is
    return bool(same) and bool(np.ptp(truth) > 1e-3 * np.max(np.abs(truth)))


@dataclass(frozen=True)
class Standing:
    """How a claim stands before its next edit: the leaves that are wrong, and what bears witness at each point."""

    points: tuple[Probe, ...]
    left: frozenset[int]
    known: tuple[Witnesses, ...]
    noise: tuple[frozenset[str], ...]
    shares: bool

    def is_quiet(self) -> bool:
        """Whether the claim warns of nothing that neither it nor f warned of before, and f is what it was."""
        quiet = all(probe.noise() <= known for probe, known in zip(self.points, self.noise, strict=True))
        return quiet and not (self.shares and not all(probe.keeps_f() for probe in self.points))

    def progress(self) -> Progress:
        """What the claim, as it is now, has more of; nothing where something that was right has become wrong."""
        mended, gained, hidden = self.left, ~self.known[0], False
        for number, (probe, known) in enumerate(zip(self.points, self.known, strict=True)):
            answer = probe.answer()
            wrong = probe.wrong_in(answer)
            mended -= wrong
            hidden = not mended if number == 0 else hidden
            if wrong - self.left or not (mended or hidden):
                return NONE
            if hidden:
                here = witnesses(probe, answer)
                gained &= here & ~known
                if np.any(known & ~here) or not np.any(gained):
                    return NONE
        if mended:
            return Progress(mended)
        return self._nearer(gained)

    def _nearer(self, gained: Witnesses) -> Progress:
        slots = self.points[0].slots
        scaled, entries = gained[: len(slots)], gained[len(slots) :]
        more = [int(np.count_nonzero(entries[slot.start : slot.stop])) for slot in slots]
        nearer = frozenset(number for number, count in enumerate(more) if count or scaled[number])
        return Progress(nearer=nearer, scaled=int(np.count_nonzero(scaled)), entries=sum(more))


def standing(points: tuple[Probe, ...], left: frozenset[int], shares: bool) -> Standing:
    """How the claim stands as it is now."""
    known = tuple(witnesses(probe, probe.answer()) for probe in points)
    noise = tuple(probe.noise() | probe.noise_of_f() for probe in points)
    return Standing(points, left, known, noise, shares)
