"""Would this very check have noticed? Known errors are planted into the claim, and the judge is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradcheck.ask.calls import undisturbed
from gradcheck.ask.task import Task, generator_of
from gradcheck.ask.trees import Floats
from gradcheck.findings import Verdict
from gradcheck.judge.examine import examine
from gradcheck.judge.judge import case_of, judge
from gradcheck.judge.pairing import Pairing

SIZES = (1e-2, 1e-4, 1e-6, 1e-8)
"""Relative sizes of the planted errors."""


@dataclass(frozen=True)
class Planted:
    """One planted error: the leaf, what was done to it, by how much, and what the check said."""

    leaf: str
    mistake: str  # "sign", "scale" or "one entry"
    size: float
    verdict: Verdict

    @property
    def caught(self) -> bool:
        """Whether the check failed, as it should."""
        return self.verdict is Verdict.FAIL


@dataclass(frozen=True)
class Sensitivity:
    """What a check would have caught."""

    planted: tuple[Planted, ...]

    def __str__(self) -> str:
        caught = sum(error.caught for error in self.planted)
        rows = [
            f"  {error.leaf:<12} {error.mistake:<10} {error.size:<8.0e} {'caught' if error.caught else error.verdict}"
            for error in self.planted
        ]
        return "\n".join([f"{caught} of {len(self.planted)} planted errors were caught", *rows])


def sensitivity(task: Task) -> Sensitivity:
    """Plant a sign, a factor and a single wrong entry into each leaf of a right claim.

    Raises
    ------
    ValueError
        The claim is not right as it stands, or the check cannot tell: there is nothing to plant errors into.
    """
    generator = generator_of(task.options)
    with undisturbed():
        seen = examine(task, generator)
        pairing, rtol = seen.pairing, seen.rtol
        if pairing is None or seen.verdict is not Verdict.PASS:
            raise ValueError("sensitivity() plants errors into a claim that passes; this one does not")
        planted = tuple(
            Planted(leaf, mistake, size, judge(case_of(spoilt, seen.autograd, rtol), generator).verdict)
            for leaf, mistake, size, spoilt in _mistakes(pairing)
        )
    return Sensitivity(planted)


def _mistakes(pairing: Pairing) -> Iterator[tuple[str, str, float, Pairing]]:
    for slot in pairing.slots:
        part = pairing.claim.value[slot.start : slot.stop]
        if not part.any():
            continue  # a factor leaves zeros as they are
        whole = slice(slot.start, slot.stop)
        entry = slot.start + int(np.argmax(np.abs(part)))
        for mistake, where, sizes in (
            ("sign", whole, (2.0,)),
            ("scale", whole, SIZES),
            ("one entry", entry, SIZES),
        ):
            for size in sizes:
                factors = np.ones(pairing.claim.value.size)
                factors[where] = 1.0 - size
                yield slot.path, mistake, size, _spoilt(pairing, factors)


def _spoilt(pairing: Pairing, factors: Floats) -> Pairing:
    right = pairing.claim

    def at(x: Floats) -> Floats | None:
        found = right.at(x)
        return None if found is None else found * factors

    def spoilt(runs: Callable[[int], list[Floats]]) -> Callable[[int], list[Floats]]:
        return lambda count: [found * factors for found in runs(count)]

    claim = replace(
        right, value=right.value * factors, at=at, rolled=spoilt(right.rolled), nudged=spoilt(right.nudged)
    )
    return replace(pairing, claim=claim)
