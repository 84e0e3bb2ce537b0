"""Run cases, one after the other, and set what came beside what was expected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradcheck.report.report import Report
from gradcheck.report.views import html
from gradcheck.report.views.figures import count, duration
from gradcheck.report.views.plain import SCHEMA, strict
from gradcheck.verify.collect import Broken, Found
from gradcheck.verify.mishap import traceback


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    ``problem`` says how it differs from what was expected, and is empty where it does not; ``report`` is None
    where there was no check to report on (``traceback`` then says why).
    """

    name: str
    expected: str
    report: Report | None
    problem: str = ""
    traceback: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether the check ended as the case says."""
        return not self.problem

    @property
    def verdict(self) -> str:
        """The report's verdict, or "error" where the check did not come to one."""
        return self.report.verdict.value if self.report is not None else "error"

    def to_dict(self) -> dict[str, Any]:
        """Everything about the outcome, with the whole of `Report.to_dict`."""
        report = self.report.settled() if self.report is not None and self.as_expected else self.report
        found = report.to_dict() if report is not None else _NOTHING
        told = {"problem": self.problem, "traceback": self.traceback}
        own = {"name": self.name, "expected": self.expected, "verdict": self.verdict}
        return found | own | {key: value for key, value in told.items() if value}


_NOTHING: dict[str, Any] = {
    "oracles": [], "evaluations": 0, "seconds": 0.0, "seed": None, "leaves": [], "diagnoses": [], "blame": [],
    "reasons": [], "unseen": [],
}  # fmt: skip
"""Of a case without a report."""


def run(found: Found) -> Outcome:
    """Run one case; whatever it raises is part of the outcome."""
    if isinstance(found, Broken):
        return Outcome(found.name, "pass", None, found.problem, found.traceback)
    try:
        report = found.run()
    except (Exception, SystemExit) as error:  # a sys.exit(0) of the user's would pass for a good end
        problem = f"the check raised {type(error).__name__}: {error}"
        return Outcome(found.name, found.expect.value, None, problem, traceback(error))
    problem = found.problem(report)
    if problem:
        report.blamed  # noqa: B018 - the search is part of the run, not of drawing what it found
    return Outcome(found.name, found.expect.value, report, problem)


def summary(outcomes: Sequence[Outcome]) -> str:
    """One line: how many checks, how they went, what they cost."""
    went = Counter(outcome.expected if outcome.as_expected else "" for outcome in outcomes)
    words = {
        "pass": "right",
        "fail": "wrong on purpose and caught",
        "inconclusive": "undecidable and found so",
        "": "NOT AS EXPECTED",
    }
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    return ", ".join(
        [
            count(len(outcomes), "check"),
            *(f"{went[key]} {word}" for key, word in words.items() if went[key]),
            count(sum(report.evaluations for report in reports), "evaluation"),
            duration(sum(report.seconds for report in reports)),
        ]
    )


def to_json(outcomes: Sequence[Outcome], left: Sequence[str]) -> str:
    """Strict JSON, ``{"schema": 1, "checks": [...], "left": [...], "ok": ...}``, with what was ``left`` unmade.

    A check not as expected has a ``problem`` too.
    """
    keys = (
        "name", "expected", "verdict", "oracles", "evaluations", "seconds", "seed", "leaves", "diagnoses", "blame",
        "reasons", "unseen", "problem",
    )  # fmt: skip
    whole = [outcome.to_dict() for outcome in outcomes]
    checks = [{key: check[key] for key in keys if key in check} for check in whole]
    ok = not left and all(outcome.as_expected for outcome in outcomes)
    run = {"schema": SCHEMA, "checks": checks, "left": [*left], "ok": ok}
    return json.dumps(strict(run), indent=2, allow_nan=False) + "\n"


def to_html(outcomes: Sequence[Outcome], left: Sequence[str], title: str) -> str:
    """One page with the table and every report."""
    told = summary(outcomes) + (f", interrupted with {count(len(left), 'check')} left" if left else "")
    return html.page([outcome.to_dict() for outcome in outcomes], title, told)
