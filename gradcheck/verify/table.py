"""Draw what ``gradcheck verify`` found on a terminal: the table, the specimens caught, what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap

from gradcheck.findings import Leaf, Verdict
from gradcheck.report.report import Report
from gradcheck.report.views import text
from gradcheck.report.views.figures import duration, figure, index, upwards
from gradcheck.report.views.layout import INSET, inset, item, paragraph, within
from gradcheck.verify.outcome import Outcome, summary
from gradcheck.verify.screen import Words, bare, show

COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow", "error": "magenta"}


@dataclass(frozen=True)
class _Column:
    """What a column says of a check that came to a report."""

    heading: str
    says: Callable[[Report], str]
    right: bool = True


def _oracles(report: Report) -> str:
    return ", ".join(oracle.name for oracle in report.oracles if oracle.used)


def _resolution(report: Report) -> str:
    resolved = text.resolution(leaf.resolution for leaf in report.leaves)
    return "" if resolved is None else upwards(resolved)


_COLUMNS = (
    _Column("oracles", _oracles, right=False),
    _Column("resolution", _resolution),
    _Column("evaluations", lambda report: str(report.evaluations)),
    _Column("time", lambda report: duration(report.seconds)),
)

_BY_WEIGHT = ("resolution", "time", "evaluations", "oracles")
"""Where there is no room for all columns: the one to keep first."""


def draw(width: int, outcomes: Sequence[Outcome]) -> None:
    """Print everything a reader of ``gradcheck verify`` wants, the most urgent last, in lines of this width."""
    with within(width):
        for line in _overview(width, outcomes):
            show(*line)
        if caught := [outcome for outcome in outcomes if outcome.as_expected and outcome.expected != "pass"]:
            show(("\nWrong on purpose, and what was found", "bold"))
            for outcome in caught:
                show(_specimen(outcome))
        for outcome in outcomes:
            if outcome.problem:
                show(*_trouble(outcome, width))
        show(f"\n{paragraph(summary(outcomes))}")


_Row = Sequence[Words]
"""A name, a verdict, and what the columns say; of a group its name alone."""

_GAP = 2
"""Blanks between two columns."""


def _overview(width: int, outcomes: Sequence[Outcome]) -> Iterator[_Row]:
    """The lines of the table, with as many columns as there is room for; a name that is too long is broken."""
    room = width + _GAP  # what keeps the last column apart from the next is not drawn
    kept: set[str] = set()
    for heading in _BY_WEIGHT:
        if sum(_widths(_rows(outcomes, {*kept, heading}))) <= room:
            kept.add(heading)
    rows = _rows(outcomes, kept)
    widths = _widths(rows)
    widths[0] = min(widths[0], max(_NAME, room - sum(widths[1:])))
    right = [False, False, *(column.right for column in _COLUMNS if column.heading in kept)]
    for words, *cells in rows:
        name, *rest = wrap(bare(words), widths[0] - _GAP, subsequent_indent=4 * " ") or [""]
        yield _line([name if isinstance(words, str) else (name, words[1]), *cells], widths, right)
        yield from ([more] for more in rest)


def _line(row: _Row, widths: Sequence[int], right: Sequence[bool]) -> _Row:
    """The cells with the blanks between them."""
    line: list[Words] = []
    for words, width, shifted in zip(row, widths, right, strict=False):
        free, gap = " " * (width - _GAP - len(bare(words))), " " * _GAP
        line += [free, words, gap] if shifted else [words, free, gap]
    while line and not bare(line[-1]).strip():
        line.pop()
    return line


_NAME = 12
"""Letters of a name that stand in a line at the least."""


def _widths(rows: Sequence[_Row]) -> list[int]:
    """How wide each column is, with what keeps it apart from the next."""
    columns = [[bare(row[number]) for row in rows if number < len(row)] for number in range(len(rows[0]))]
    return [max(map(len, column)) + _GAP for column in columns]


def _rows(outcomes: Sequence[Outcome], kept: Collection[str]) -> list[_Row]:
    columns = [column for column in _COLUMNS if column.heading in kept]
    rows: list[_Row] = [
        [(heading, "bold") for heading in ("check", "verdict", *(c.heading for c in columns))]
    ]
    for group, members in groupby(outcomes, key=_group):
        if group:
            rows.append([(group, "bold")])
        for outcome in members:
            name = outcome.name[len(group) :].replace("/", "  ", 1)
            told = [] if outcome.report is None else [column.says(outcome.report) for column in columns]
            rows.append([name, _verdict(outcome), *told])
    return rows


def _group(outcome: Outcome) -> str:
    """The part of the name before its last slash."""
    return outcome.name.rpartition("/")[0]


def _verdict(outcome: Outcome) -> Words:
    if outcome.problem:
        return f"{outcome.verdict}, unexpected", f"bold {COLOURS[outcome.verdict]}"
    if outcome.expected == Verdict.PASS:
        return outcome.verdict, COLOURS["pass"]
    return f"{outcome.verdict}, expected", COLOURS["pass"]


def _specimen(outcome: Outcome) -> str:
    assert outcome.report is not None  # an outcome without a report has a problem
    report = outcome.report
    wrong = [leaf for leaf in text.worst_first(report.leaves) if leaf.verdict is Verdict.FAIL]
    # the likeliest mistake is enough here; the JSON and HTML files have them all
    found = [text.named(each) for each in report.diagnoses[:1]]
    return "\n".join([outcome.name, *map(_error, wrong), *map(item, [*found, *report.reasons])])


def _error(leaf: Leaf) -> str:
    if leaf.max_rel_error is None:
        return f"  {leaf.path}: wrong"
    where = f", worst entry {index(leaf.worst_index)}" if leaf.worst_index else ""
    return paragraph(
        f"{leaf.path}: relative error up to {figure(leaf.max_rel_error)}{where}", first="  ", later="    "
    )


def _trouble(outcome: Outcome, width: int) -> tuple[Words, ...]:
    with within(width - INSET):
        told = inset(str(outcome.report) if outcome.report is not None else outcome.traceback)
    return (paragraph(outcome.problem, f"\n{outcome.name}: "), "bold red"), *(["\n", told] if told else [])
