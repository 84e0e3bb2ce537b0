"""Would this very check have noticed? Known errors are planted into the claim, and the judge is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradcheck.ask.calls import undisturbed
from gradcheck.ask.look import look_at_claim, look_at_function
from gradcheck.ask.task import Task, generator_of
from gradcheck.ask.trees import Floats
from gradcheck.judge.evaluation import covector, pair
from gradcheck.judge.judge import judge
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.precision import default_rtol
from gradcheck.oracles.autodiff import trace_task
from gradcheck.report.findings import Verdict

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
        if task.through is not None:
            task = task.derived()
        look = look_at_function(task.f, task.where)
        u = covector(task, look, generator) if not look.reasons else np.ones(1)
        reading = None
        if not look.reasons:
            reading = look_at_claim(
                task.claim, lambda args: task.ask(task.where, args, u, look.output), task.where, look
            )
        if reading is None or reading.problems or look.diagnoses:
            raise ValueError("sensitivity() plants errors into a claim that passes; this one does not")
        traced, _, _ = trace_task(task, look, u)
        pairing = pair(task, look, u, reading)
        rtol = task.options.rtol or default_rtol(pairing.unit)
        if judge(pairing, traced, generator, rtol).verdict is not Verdict.PASS:
            raise ValueError("sensitivity() plants errors into a claim that passes; this one does not")
        planted = tuple(
            Planted(leaf, mistake, size, judge(_spoilt(pairing, factors), traced, generator, rtol).verdict)
            for leaf, mistake, size, factors in _mistakes(pairing)
        )
    return Sensitivity(planted)


def _mistakes(pairing: Pairing) -> Iterator[tuple[str, str, float, Floats]]:
    for slot in pairing.slots:
        part = pairing.claimed[slot.start : slot.stop]
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
                factors = np.ones(pairing.claimed.size)
                factors[where] = 1.0 - size
                yield slot.path, mistake, size, factors


def _spoilt(pairing: Pairing, factors: Floats) -> Pairing:
    def claim_at(x: Floats) -> Floats | None:
        right = pairing.claim_at(x)
        return None if right is None else right * factors

    return replace(pairing, claimed=pairing.claimed * factors, claim_at=claim_at)
