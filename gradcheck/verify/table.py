"""Draw what ``gradcheck verify`` found on a terminal: the table, the specimens caught, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gradcheck.findings import Leaf, Verdict
from gradcheck.report.views import text
from gradcheck.report.views.figures import duration, figure, index, upwards
from gradcheck.report.views.layout import inset, item, paragraph
from gradcheck.verify.collect import Found
from gradcheck.verify.outcome import Outcome, run, summary

COLOURS = {"pass": "green", "fail": "red", "inconclusive": "yellow", "error": "magenta"}


def with_progress(found: Sequence[Found]) -> Iterator[Outcome]:
    """Run every case, with a bar on stderr that names the one at work."""
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(found))
        for case in found:
            progress.update(task, description=case.name)
            yield run(case)
            progress.advance(task)
        progress.update(task, description="")


def draw(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print everything a reader of ``gradcheck verify`` wants, the most urgent last."""
    console.print(_overview(outcomes))
    if caught := [outcome for outcome in outcomes if outcome.as_expected and outcome.expected != "pass"]:
        console.print(Text("\nWrong on purpose, and what was found", "bold"))
        for outcome in caught:
            console.print(Text(_specimen(outcome)))
    for outcome in outcomes:
        if outcome.problem:
            console.print(_trouble(outcome))
    console.print(Text(f"\n{summary(outcomes)}"))


def _overview(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("check", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("oracles")
    for heading in ("resolution", "evaluations", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group, members in groupby(outcomes, key=_group):
        if group:
            table.add_row(Text(group, "bold"))
        for outcome in members:
            table.add_row(Text(outcome.name[len(group) :].replace("/", "  ", 1)), *_cells(outcome))
    return table


def _group(outcome: Outcome) -> str:
    """The part of the name before its last slash."""
    return outcome.name.rpartition("/")[0]


def _cells(outcome: Outcome) -> tuple[RenderableType, ...]:
    verdict, report = _verdict(outcome), outcome.report
    if report is None:
        return (verdict,)
    resolved = text.resolution(leaf.resolution for leaf in report.leaves)
    return (
        verdict,
        ", ".join(oracle.name for oracle in report.oracles if oracle.used),
        "" if resolved is None else upwards(resolved),
        str(report.evaluations),
        duration(report.seconds),
    )


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
    return f"  {leaf.path}: relative error up to {figure(leaf.max_rel_error)}{where}"


def _trouble(outcome: Outcome) -> Text:
    told = inset(str(outcome.report) if outcome.report is not None else outcome.traceback)
    return Text.assemble((paragraph(outcome.problem, f"\n{outcome.name}: "), "bold red"), "\n", told)
