"""What an exploration found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradcheck.findings import Verdict
from gradcheck.report.report import Report
from gradcheck.report.views.figures import count


@dataclass(frozen=True)
class Exploration:
    """What was tried, and the smallest point that failed.

    Attributes
    ----------
    verdict
        "fail" where a point failed, "inconclusive" where none could be judged, else "pass".
    report
        The report of the smallest failure; None without one.
    problem
        In a sentence what is special about it; of an exploration that could judge nothing, what stood in the way.
    example
        Python that makes its arguments, by their names in ``shapes``.
    covered
        How many points of each kind were tried: ``{"axis n of length 1": 12, ...}``.
    tried, undecided, skipped
        Points; those of which the check was inconclusive; those where f raised or was not finite.
    """

    verdict: Verdict
    report: Report | None
    problem: str
    example: str
    covered: Mapping[str, int]
    tried: int
    undecided: int
    skipped: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return self.verdict is Verdict.PASS

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        head = (
            f"{self.verdict}: {count(self.tried, 'point')} in {self.seconds:.1f} s, {self.undecided} undecided, "
            f"{self.skipped} where f is not defined"
        )
        found = [self.problem] if self.problem else []
        if self.example:
            found = [f"the smallest that fails: {self.problem}", self.example]
        found += [str(self.report)] if self.report is not None else []
        table = "\n".join(f"  {number:5}  {what}" for what, number in sorted(self.covered.items()))
        return "\n\n".join([head, *found, f"covered\n{table}"])


class ExplorationFailed(AssertionError):
    """A point failed; ``exploration`` says which."""

    __module__ = "gradcheck"

    def __init__(self, exploration: Exploration) -> None:
        super().__init__(exploration)
        self.exploration = exploration

    def __str__(self) -> str:
        return str(self.exploration)
