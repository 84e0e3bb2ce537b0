"""``gradcheck explain``: a word of a report, or a line of a source."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from gradcheck.ask.point import argument_names
from gradcheck.checks import check_grad, check_vjp
from gradcheck.commands.given import SHAPES, bound, chosen, given, pairs
from gradcheck.commands.meanings import MISTAKES, UNSEEN, Meaning
from gradcheck.commands.named import named
from gradcheck.commands.status import Misuse, Status, status_of
from gradcheck.commands.verify import found_in, ran
from gradcheck.report.report import Report
from gradcheck.report.views.layout import columns, inset, paragraph, within
from gradcheck.verify.outcome import Outcome
from gradcheck.verify.screen import width

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?::\d+)?:?$")


def run(options: Namespace) -> int:
    """Explain the subject."""
    with within(width()):
        if options.derive:
            print(_derived(options), end="")
            return Status.RIGHT
        if options.subject is None:
            print(_words())
            return Status.RIGHT
        if place := _PLACE.match(options.subject):
            return _of_line(place["file"], int(place["line"]), options.targets)
        print(_of_word(options.subject))
    return Status.RIGHT


def _derived(options: Namespace) -> str:
    """The backward pass of a function: its gradient, or what pulls a cotangent back where it returns an array."""
    if options.subject is None or (options.at is None and options.shapes is None):
        raise Misuse(
            "--derive needs a function and where to look at it: "
            "gradcheck explain --derive net.py:loss --shapes 'W=d h, X=n d'"
        )
    f = named("F", options.subject, {})
    if not callable(f):
        raise Misuse(f"F is {options.subject!r}, which is no function but a {type(f).__name__}")
    args, _ = bound(f, given(options)[0])
    argnums = chosen(options.argnums, argument_names(f, len(args)))
    try:
        check = check_grad if np.ndim(f(*args)) == 0 else check_vjp
        report = check(f, lambda *_: None, *args, argnums=argnums, seed=options.seed, raise_on_failure=False)
        return report.right_backward()
    except Exception as error:
        raise Misuse(f"{options.subject}: {error}") from error


def _words() -> str:
    tables = [
        "\n".join([title, *columns([("word", ""), *((word, one.what) for word, one in known.items())])])
        for title, known in (("Mistakes", MISTAKES), ("What a pass does not see", UNSEEN))
    ]
    return "\n\n".join(
        [*tables, paragraph("gradcheck explain WORD says more, gradcheck explain FILE:LINE what of a line.")]
    )


def _of_word(subject: str) -> str:
    # reports for people have the words without underscores
    word = subject.strip().lower().replace(" ", "_").replace("-", "_")
    meanings = [table[word] for table in (MISTAKES, UNSEEN) if word in table]
    if not meanings:
        known = [*UNSEEN, *MISTAKES]
        near = get_close_matches(word, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "gradcheck explain without a word lists them"
        raise Misuse(f"{subject!r} is neither a word of a report nor FILE:LINE; {hint}")
    return "\n\n".join(block for meaning in meanings for block in _blocks(word, meaning))


def _blocks(word: str, meaning: Meaning) -> Iterator[str]:
    yield paragraph(f"{word.replace('_', ' ')}: {meaning.what}")
    if example := meaning.example:
        names = ", ".join(pairs("--shapes", example.shapes, SHAPES))
        lines = (f"def f({names}):", f"    return {example.f}")
        yield inset("\n".join([*lines, "", f"wrong: {example.wrong}", f"right: {example.right}"]))
    yield paragraph(f"What to do: {meaning.do}")


def _of_line(file: str, line: int, targets: Sequence[str]) -> int:
    path = Path(file)
    if not path.is_file():
        raise Misuse(f"there is no file {file}")
    count = len(path.read_bytes().splitlines())
    if not 1 <= line <= count:
        raise Misuse(f"{file} has {count} lines, and no line {line}")
    cases = found_in(targets or [file])
    outcomes = [outcome for _, outcome in sorted(ran(cases), key=lambda one: one[0])]
    speaking = [each for each in outcomes if each.report is not None and _speaks(each.report, path, line)]
    for outcome in speaking:
        print(f"{outcome.name}\n\n{inset(str(outcome.report))}\n")
    broken = [each for each in outcomes if each.report is None]
    for outcome in broken:
        print(paragraph(f"{outcome.name}: {outcome.problem}"))
    if not speaking:
        print(paragraph(_silence(outcomes, file, line)))
    return status_of([*speaking, *broken])


def _speaks(report: Report, path: Path, line: int) -> bool:
    """Whether the report blames an expression in the line, or says that a pass did not see a branch in it."""
    blamed = [(one.file, one.line, one.end_line) for one in report.blame]
    unseen = [(one.file, one.line, one.line) for one in report.unseen if not one.seen_to]
    return any(
        first <= line <= last and Path(file).is_file() and path.samefile(file)
        for file, first, last in blamed + unseen
    )


def _silence(outcomes: Sequence[Outcome], file: str, line: int) -> str:
    elsewhere = sum(bool(outcome.problem) for outcome in outcomes)
    other = f"; {elsewhere} did not end as expected, for other reasons" if elsewhere else ""
    return f"Of the {len(outcomes)} checks none has anything to say of {file}:{line}{other}."
