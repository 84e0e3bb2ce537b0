"""Proved repairs of cases that failed unexpectedly, as lines for other tools, as a diff, and written into the files."""

from __future__ import annotations

import difflib
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from gradcheck.ask.whose import is_installed
from gradcheck.findings import Blame, Verdict
from gradcheck.report.views import text
from gradcheck.report.views.source import columns, in_one_line
from gradcheck.verify.outcome import Outcome


@dataclass(frozen=True)
class Fixed:
    """A file before and after its repairs."""

    path: Path
    encoding: str
    before: bytes
    after: bytes

    def write(self) -> None:
        """Put the repairs into the file; Python may tell a file that was saved a moment before from it by nothing.

        What it compiled is held against the source by its length and the second it was written in.
        """
        self.path.write_bytes(self.after)
        Path(cache_from_source(str(self.path))).unlink(missing_ok=True)

    def diff(self) -> str:
        """What changed, as a unified diff by paths from where the command runs."""
        name = self.path.relative_to(Path.cwd()) if self.path.is_relative_to(Path.cwd()) else self.path
        before, after = _lines(self.before.decode(self.encoding)), _lines(self.after.decode(self.encoding))
        old, new = ("", "") if name.is_absolute() else ("a/", "b/")
        return "".join(difflib.unified_diff(before, after, f"{old}{name}", f"{new}{name}"))


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes that nobody expected; what is wrong on purpose is left alone."""
    return [outcome for outcome in outcomes if not outcome.as_expected]


def located(outcomes: Iterable[Outcome], form: str) -> Iterator[str]:
    """A line for each expression to blame, else for each failure: ``concise``, or a command of ``github``'s."""
    for outcome in failures(outcomes):
        name = " ".join(outcome.name.split())
        blamed = _blamed(outcome)
        for blame in blamed:
            yield _line(f"{in_one_line(blame)} ({name})", blame, form)
        if not blamed:
            line = " ".join(f"{name}: {_gist(outcome)}".split())
            yield f"::error::{_escaped(line)}" if form == "github" else line


def _gist(outcome: Outcome) -> str:
    if outcome.report is None or outcome.expected != Verdict.PASS:
        return outcome.problem
    return text.gist(outcome.report)


def _line(said: str, blame: Blame, form: str) -> str:
    start, end = columns(blame)
    if form == "github":
        # https://docs.github.com/actions/reference/workflow-commands-for-github-actions
        file = _escaped(blame.file).replace(":", "%3A").replace(",", "%2C")
        place = f"file={file},line={blame.line},endLine={blame.end_line},col={start},endColumn={end}"
        return f"::error {place}::{_escaped(said)}"
    return f"{blame.file}:{blame.line}:{start}: {said}"


def _escaped(said: str) -> str:
    return said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _blamed(outcome: Outcome) -> Sequence[Blame]:
    """The expressions that nobody meant to be wrong: a specimen that fails otherwise than it should stays wrong."""
    return () if outcome.report is None or outcome.expected == Verdict.FAIL else outcome.report.blame


def fixes(outcomes: Iterable[Outcome]) -> list[Fixed]:
    """Every file with all proved repairs in it; of two that overlap the first."""
    proved = [
        blame
        for outcome in failures(outcomes)
        if outcome.verdict == Verdict.FAIL
        for blame in _blamed(outcome)
        if blame.proved and blame.repair is not None and _may_be_written(blame)
    ]
    return [_fixed(Path(file), [blame for blame in proved if blame.file == file]) for file in _unique(proved)]


def _may_be_written(blame: Blame) -> bool:
    """Whether the file is the user's own, and still says what was searched."""
    path = Path(blame.file)
    if not path.is_file() or is_installed(str(path.absolute())):
        return False
    before = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(before).readline)
    lines = [line.encode() for line in _lines(before.decode(encoding))]
    part = lines[blame.line - 1 : blame.end_line]
    if len(part) < blame.end_line - blame.line + 1:
        return False
    part[-1] = part[-1][: blame.end_column]
    part[0] = part[0][blame.column :]
    return _bare(b"".join(part).decode()) == _bare(blame.expression)


def _bare(text: str) -> str:
    return "".join(text.split())


def _unique(proved: Sequence[Blame]) -> list[str]:
    return list(dict.fromkeys(blame.file for blame in proved))


def _fixed(path: Path, repairs: Sequence[Blame]) -> Fixed:
    before = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(before).readline)
    lines = [line.encode() for line in _lines(before.decode(encoding))]
    chosen: list[Blame] = []
    for repair in repairs:
        if not any(_overlap(repair, other) for other in chosen):
            chosen.append(repair)
    # from the end, so that the places before stay what they are
    for repair in sorted(chosen, key=lambda blame: (blame.line, blame.column), reverse=True):
        first, last = repair.line - 1, repair.end_line - 1
        new = (repair.repair or "").encode()
        whole = lines[first][: repair.column] + new + lines[last][repair.end_column :]
        whole = whole if new or whole.strip() else b""
        lines[first : last + 1] = [whole, *[b""] * (last - first)]
    return Fixed(path, encoding, before, b"".join(lines).decode().encode(encoding))


def _overlap(one: Blame, other: Blame) -> bool:
    starts = max((one.line, one.column), (other.line, other.column))
    return starts < min((one.end_line, one.end_column), (other.end_line, other.end_column))


def _lines(source: str) -> list[str]:
    """Lines as Python counts them, their ends as they are."""
    return io.StringIO(source, newline="").readlines()
