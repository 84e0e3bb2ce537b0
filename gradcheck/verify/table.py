"""Draw what ``gradcheck verify`` found on a terminal: the table, the specimens caught, what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from gradcheck.findings import Leaf, Verdict
from gradcheck.report.report import Report
from gradcheck.report.views import text
from gradcheck.report.views.figures import duration, figure, index, upwards
from gradcheck.report.views.layout import INSET, inset, item, paragraph, within
from gradcheck.verify.outcome import Outcome, summary

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


def draw(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print everything a reader of ``gradcheck verify`` wants, the most urgent last."""
    with within(console.width):
        _draw(console, outcomes)


def _draw(console: Console, outcomes: Sequence[Outcome]) -> None:
    console.print(_overview(console, outcomes))
    if caught := [outcome for outcome in outcomes if outcome.as_expected and outcome.expected != "pass"]:
        console.print(Text("\nWrong on purpose, and what was found", "bold"))
        for outcome in caught:
            console.print(Text(_specimen(outcome)), soft_wrap=True)
    for outcome in outcomes:
        if outcome.problem:
            console.print(_trouble(outcome, console.width), soft_wrap=True)
    console.print(Text(f"\n{paragraph(summary(outcomes))}"))


def _overview(console: Console, outcomes: Sequence[Outcome]) -> Table:
    """The table with as many columns as there is room for."""
    kept: set[str] = set()
    for heading in _BY_WEIGHT:
        if _breadth(console, _table(outcomes, {*kept, heading})) <= console.width:
            kept.add(heading)
    return _table(outcomes, kept)


def _breadth(console: Console, table: Table) -> int:
    """How wide the table would be if nothing stood in its way."""
    return Measurement.get(console, console.options.update_width(10_000), table).maximum


def _table(outcomes: Sequence[Outcome], kept: Collection[str]) -> Table:
    columns = [column for column in _COLUMNS if column.heading in kept]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("check", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=True)
    for group, members in groupby(outcomes, key=_group):
        if group:
            table.add_row(Text(group, "bold"))
        for outcome in members:
            name = outcome.name[len(group) :].replace("/", "  ", 1)
            told = [] if outcome.report is None else [column.says(outcome.report) for column in columns]
            table.add_row(Text(name), _verdict(outcome), *told)
    return table


def _group(outcome: Outcome) -> str:
    """The part of the name before its last slash."""
    return outcome.name.rpartition("/")[0]


def _verdict(outcome: Outcome) -> Text:
    if outcome.problem:
        return Text(f"{outcome.verdict}, unexpected", f"bold {COLOURS[outcome.verdict]}")
    if outcome.expected == Verdict.PASS:
        return Text(outcome.verdict, COLOURS["pass"])
    return Text(f"{outcome.verdict}, expected", COLOURS["pass"])


def _specimen(outcome: Outcome) -> str:
    assert outcome.report is not None  # an outcome without a report has a problem
    report = outcome.report
    wrong = [leaf for leaf in text.worst_first(report.leaves) if leaf.verdict is Verdict.FAIL]
    # the likeliest mistake is enough here; the JSON and HTML files have them all
    found = [text.named(each.kind, each.message, each.certainty) for each in report.diagnoses[:1]]
    return "\n".join([outcome.name, *map(_error, wrong), *map(item, [*found, *report.reasons])])


def _error(leaf: Leaf) -> str:
    if leaf.max_rel_error is None:
        return f"  {leaf.path}: wrong"
    where = f", worst entry {index(leaf.worst_index)}" if leaf.worst_index else ""
    return paragraph(
        f"{leaf.path}: relative error up to {figure(leaf.max_rel_error)}{where}", first="  ", later="    "
    )


def _trouble(outcome: Outcome, width: int) -> Text:
    with within(width - INSET):
        told = inset(str(outcome.report) if outcome.report is not None else outcome.traceback)
    return Text.assemble((paragraph(outcome.problem, f"\n{outcome.name}: "), "bold red"), "\n", told)
