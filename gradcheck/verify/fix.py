"""Proved repairs of cases that failed unexpectedly, as lines for other tools, as a diff, and written into the files."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from gradcheck.ask.source import lines_in, unified_diff
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
        """Put the repairs into the file, all or nothing.

        Python may tell a file that was saved a moment before from it by nothing: what it compiled is held against the
        source by its length and the second it was written in.

        Raises
        ------
        OSError
            It cannot be written, and is as it was.
        """
        target = self.path.resolve()
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        was = target.stat()
        try:
            handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".gradcheck.")
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror} in {target.parent}") from error
        try:
            with open(handle, "wb") as new:
                new.write(self.after)
            shutil.copymode(target, beside)
            with suppress(OSError, AttributeError):  # it stays its owner's, where the system has owners
                os.chown(beside, was.st_uid, was.st_gid)
            Path(beside).replace(target)
        finally:
            Path(beside).unlink(missing_ok=True)
        Path(cache_from_source(str(self.path))).unlink(missing_ok=True)

    @property
    def name(self) -> str:
        """Its path from where the command runs."""
        here = Path.cwd()
        return str(self.path.relative_to(here) if self.path.is_relative_to(here) else self.path)

    def diff(self) -> str:
        """What changed, as a unified diff."""
        old, new = ("", "") if Path(self.name).is_absolute() else ("a/", "b/")
        before, after = (text.decode(self.encoding) for text in (self.before, self.after))
        return unified_diff(before, after, f"{old}{self.name}", f"{new}{self.name}")


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


def fixes(outcomes: Iterable[Outcome], since: float) -> tuple[list[Fixed], list[str]]:
    """Every file with all proved repairs in it that may be written; of the others where they belong, and why not.

    What was saved ``since`` (a time in seconds as of `time.time`) may be another text than was checked.
    """
    proved = [
        blame
        for outcome in failures(outcomes)
        if outcome.verdict == Verdict.FAIL
        for blame in _blamed(outcome)
        if blame.proved and blame.repair is not None
    ]
    by_file: dict[Path, list[Blame]] = defaultdict(list)
    for blame in dict.fromkeys(proved):
        by_file[Path(blame.file).resolve()].append(blame)
    fixed: list[Fixed] = []
    left: list[str] = []
    for repairs in by_file.values():
        text = _text_of(Path(repairs[0].file))
        chosen: list[Blame] = []
        for repair in repairs:
            if why := _obstacle(repair, text, chosen, since):
                left.append(f"{repair.file}:{repair.line}: {' '.join(repair.expression.split())} {why}")
            else:
                chosen.append(repair)
        if text is not None and chosen:
            fixed.append(text.with_repairs(chosen))
    return fixed, left


def _obstacle(repair: Blame, text: _Text | None, chosen: Sequence[Blame], since: float) -> str:
    """Why a repair may not be written; nothing where it may."""
    if text is None:
        return "is in no file that can be read"
    if is_installed(str(text.path.absolute())):
        return "belongs to a package that is installed"
    if text.saved > since or not text.still_says(repair):
        return "has changed since it was checked"
    if not text.can_hold(repair.repair or ""):
        return f"is in a file whose encoding, {text.encoding}, cannot hold the repair"
    if any(_overlap(repair, other) for other in chosen):
        return "overlaps with another repair: check again"
    return ""


@dataclass(frozen=True)
class _Text:
    """A file as it is now, its lines in UTF-8, by which a repair's columns count."""

    path: Path
    encoding: str
    raw: bytes
    lines: tuple[bytes, ...]
    saved: float

    def still_says(self, repair: Blame) -> bool:
        """Whether the expression that was searched is in its place."""
        part = list(self.lines[repair.line - 1 : repair.end_line])
        if len(part) < repair.end_line - repair.line + 1:
            return False
        part[-1] = part[-1][: repair.end_column]
        part[0] = part[0][repair.column :]
        return _bare(b"".join(part).decode()) == _bare(repair.expression)

    def can_hold(self, repair: str) -> bool:
        """Whether the encoding has all of its letters."""
        try:
            repair.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True

    def with_repairs(self, repairs: Sequence[Blame]) -> Fixed:
        """The file with these in it, which lie apart."""
        lines = list(self.lines)
        end = lines[0][len(lines[0].rstrip(b"\r\n")) :] or b"\n"
        # from the end, so that the places before stay what they are
        for repair in sorted(repairs, key=lambda blame: (blame.line, blame.column), reverse=True):
            first, last = repair.line - 1, repair.end_line - 1
            new = end.join((repair.repair or "").encode().splitlines())
            whole = lines[first][: repair.column] + new + lines[last][repair.end_column :]
            whole = whole if new or whole.strip() else b""
            lines[first : last + 1] = [whole, *[b""] * (last - first)]
        return Fixed(self.path, self.encoding, self.raw, b"".join(lines).decode().encode(self.encoding))


def _text_of(path: Path) -> _Text | None:
    try:
        saved, raw = path.stat().st_mtime, path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        lines = tuple(line.encode() for line in lines_in(raw.decode(encoding)))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    return _Text(path, encoding, raw, lines, saved)


def _bare(text: str) -> str:
    return "".join(text.split())


def _overlap(one: Blame, other: Blame) -> bool:
    starts = max((one.line, one.column), (other.line, other.column))
    return starts < min((one.end_line, one.end_column), (other.end_line, other.end_column))
