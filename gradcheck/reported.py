"""The report of one point: explained where it failed, passed over where the user allows the deviation."""

from __future__ import annotations

import numpy as np

from gradcheck.findings import SLIGHT, Verdict
from gradcheck.judge.examine import Examined
from gradcheck.judge.reasons import Reason
from gradcheck.report.report import Report
from gradcheck.report.summary import excused, report_of
from gradcheck.report.views.figures import upwards


def reported(seen: Examined, generator: np.random.Generator) -> Report:
    """The report of one point, with an explanation where it failed."""
    if seen.verdict is not Verdict.FAIL or seen.pairing is None:
        return report_of(seen)
    # half of the library, which a pass does not need
    from gradcheck.explain.allowance import deviations, within
    from gradcheck.explain.failure import explain
    from gradcheck.explain.iteration import stopping

    explained = explain(seen, generator)
    report = report_of(seen, explained)
    found = deviations(seen, explained)
    if found is None:
        return report
    allow = seen.task.options.allow
    allowed = None if allow is None else within(seen, found, allow)
    if allowed is not None:
        return excused(seen, found, allowed)
    size = max(found.values())
    if size > SLIGHT:
        return report
    where = stopping(seen.task.f.function)
    reason = Reason.STOPS_EARLY if where else Reason.SLIGHT
    return report.noting(reason.told(size=upwards(size), where=where).words)
