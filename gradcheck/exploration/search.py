"""Points drawn, looked at, and made simpler while they fail."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.ask.point import NoEntries
from gradcheck.dimensions.shape import shape_of
from gradcheck.exploration.asked import Asked
from gradcheck.exploration.domain import undefined
from gradcheck.exploration.empties import of_nothing, without_entries
from gradcheck.exploration.example import check_of, example
from gradcheck.exploration.found import Exploration
from gradcheck.exploration.simpler import simpler
from gradcheck.findings import Verdict
from gradcheck.report.report import Report
from gradcheck.verify.case import CHECKS

if TYPE_CHECKING:
    from gradcheck.strategies import At


class _Wrong(Exception):
    """The point that was drawn fails."""


class Search:
    """One exploration under way."""

    def __init__(self, asked: Asked, seconds: float) -> None:
        self.asked = asked
        self.start, self.seconds = time.perf_counter(), seconds
        self.until = self.start + seconds
        self.covered: Counter[str] = Counter()
        self.outcomes: dict[str, tuple[str, Report | None]] = {}
        self.tried = self.undecided = self.skipped = 0
        self.why = "no point was tried"
        self.smallest: tuple[At, str, Report | None] | None = None

    def run(self, drawn: Any, most: int, seed: int) -> None:
        """Look at points drawn from this strategy."""
        import hypothesis

        settings = hypothesis.settings(
            max_examples=most,
            deadline=None,
            database=None,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
        )

        @hypothesis.seed(seed)
        @settings
        @hypothesis.given(drawn)
        def look(at: At) -> None:
            problem, report = self._outcome(at)
            if problem:
                self.smallest = (at, problem, report)
                raise _Wrong

        with suppress(_Wrong, _OutOfTime), _leaving_nothing():
            look()
        while self._simplified():
            continue

    def _simplified(self) -> bool:
        """Whether a point that is simpler in one thing fails as well: it is the smallest then.

        A long axis, and numbers that come from a seed, are drawn in ways of their own, which shrinking does not leave.
        """
        if self.smallest is None:
            return False
        for at in simpler(self.smallest[0], self.asked.shapes):
            problem, report = self._outcome(at)
            if problem:
                self.smallest = (at, problem, report)
                return True
        return False

    def _outcome(self, at: At) -> tuple[str, Report | None]:
        key = _key(at)
        late = time.perf_counter() > self.until
        if late and self.smallest is None:
            raise _OutOfTime
        if key in self.outcomes:
            return self.outcomes[key]
        if late:
            return "", None  # no time to look: as good as right, and the smallest stays
        self.tried += 1
        self.covered.update(_aspects(at, self.asked.shapes))
        before = self.smallest
        self.outcomes[key] = self._looked(at)
        if before is None and self.outcomes[key][0]:
            self.until = time.perf_counter() + self.seconds
        return self.outcomes[key]

    def _looked(self, at: At) -> tuple[str, Report | None]:
        from gradcheck.strategies import taking

        asked, args = self.asked, list(at.args.values())
        why = undefined(asked.f, at.args, asked.shapes)
        if why:
            self.skipped, self.why = self.skipped + 1, why
            return "", None
        pair = (asked.f, asked.claim)
        if at.layout != "C":
            pair = taking(asked.f, at.layout, len(args)), taking(asked.claim, at.layout, len(args))
        given = (pair,) if asked.kind == "layer" else pair
        try:
            report = CHECKS[asked.kind](*given, *args, **asked.options, raise_on_failure=False)
        except NoEntries:
            return of_nothing(asked, args), None
        if report.verdict is Verdict.INCONCLUSIVE:
            self.undecided += 1
            if 0 in at.dims.values():  # what f returns may have no entries where its arguments have
                return of_nothing(asked, args), None
        return (_said(at), report) if report.verdict is Verdict.FAIL else ("", None)

    def found(self) -> Exploration:
        """All that was found."""
        verdict, report, problem, shown = Verdict.PASS, None, "", ""
        if self.smallest is not None:
            at, problem, report = self.smallest
            failing = without_entries(self.asked, at) if report is None else check_of(self.asked, at)
            verdict, shown = Verdict.FAIL, example(at, failing)
        elif self.tried <= self.undecided + self.skipped:
            verdict, problem = Verdict.INCONCLUSIVE, self.why
        return Exploration(
            verdict,
            report,
            problem,
            shown,
            dict(self.covered),
            self.tried,
            self.undecided,
            self.skipped,
            time.perf_counter() - self.start,
        )


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Hypothesis makes a directory where it runs; where there was none, it is gone with the exploration."""
    from hypothesis import configuration

    place: Any = configuration.storage_directory(intent_to_write=False)
    home = getattr(place, "home_directory", place)  # the place itself in older versions
    if home.exists():
        yield
        return
    with TemporaryDirectory() as directory:
        configuration.set_hypothesis_home_dir(directory)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(home)


class _OutOfTime(BaseException):
    """Nothing failed in the time there is; not to be caught by who generates the points."""


def _key(at: At) -> str:
    values = [value.tobytes() if isinstance(value, np.ndarray) else value for value in at.args.values()]
    return repr((at.dims, at.dtype, at.layout, values))


def _aspects(at: At, shapes: Mapping[str, Any]) -> set[str]:
    short = {f"axis {name} of length {length}" for name, length in at.dims.items() if length <= 2}
    equal = {
        f"axes {one} and {two} equal"
        for one, a in at.dims.items()
        for two, b in at.dims.items()
        if one < two and a == b
    }
    long = {f"axis {name} long" for name, length in at.dims.items() if length > 8}
    kinds = {f"values: {at.values}", f"memory: {at.layout}", at.dtype}
    if any(isinstance(text, str) and shape_of(name, text).kind == "int" for name, text in shapes.items()):
        kinds.add(f"indices: {at.index}")
    return {*short, *equal, *long, *kinds}


def _said(at: At) -> str:
    dims = ", ".join(f"{name} = {length}" for name, length in at.dims.items())
    other = [
        part for part, plain in ((at.dtype, "float64"), (f"{at.layout} arrays", "C arrays")) if part != plain
    ]
    return ", ".join([dims or "no axes", *other])
