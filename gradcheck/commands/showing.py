"""What becomes of outcomes: printed in a format, written to files, mended in the sources."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
    redirect_stdout,
    suppress,
)
from functools import partial
from importlib import import_module

from gradcheck.commands.status import Misuse, status_of
from gradcheck.report.views import html
from gradcheck.report.views.figures import count
from gradcheck.verify import fix, outcome
from gradcheck.verify.outcome import Outcome
from gradcheck.verify.screen import width


def aside(options: Namespace) -> AbstractContextManager[object]:
    """Within the block, what the user's own code prints goes to stderr where stdout is for programs to read."""
    return nullcontext() if options.format == "text" else to_stderr()


@contextmanager
def to_stderr() -> Iterator[None]:
    """Within the block all that is printed goes to stderr: by Python, by compiled code, by a child of the process."""
    with redirect_stdout(sys.stderr), ExitStack() as after:
        # where nobody reads stdout, it is closed, and whatever is opened first has got its number
        if sys.__stdout__ is not None:
            _flush()
            with suppress(OSError):  # closed since, or no number is left
                stderr = 2
                if sys.__stderr__ is None:
                    stderr = os.open(os.devnull, os.O_WRONLY)
                    after.callback(os.close, stderr)
                stdout = os.dup(1)
                after.callback(os.close, stdout)
                after.callback(os.dup2, stdout, 1)
                after.callback(_flush)
                os.dup2(stderr, 1)
        yield


def _flush() -> None:
    """Print what waits to be printed, where it was meant to go."""
    if sys.__stdout__ is not None:
        sys.__stdout__.flush()
    # a Python may come without ctypes, and a library of C without a name is not to be had everywhere
    with suppress(ImportError, OSError, TypeError, AttributeError):
        import_module("ctypes").CDLL(None).fflush(None)


def writable(options: Namespace) -> None:
    """Refuse files that could not be written, before anything has run.

    Raises
    ------
    Misuse
        There is no such folder, a folder stands there, or there is nothing to draw HTML with.
    """
    if options.html:
        try:
            html.ready()
        except ImportError as error:
            raise Misuse(error) from error
    for file in (options.json, options.html):
        if file and not file.absolute().parent.is_dir():
            raise Misuse(f"there is no folder {file.parent} to write {file.name} into")
        if file and file.is_dir():
            raise Misuse(f"{file} is a folder: name a file in it")


def concluded(
    outcomes: Sequence[Outcome], options: Namespace, draw: Callable[[int], None], left: Sequence[str] = ()
) -> int:
    """Show the outcomes as the options say, mend what they say, and return the status; ``left`` were not made."""
    mended, left_out = fix.fixes(outcomes, options.began) if options.fix or options.diff else ([], [])
    again = bool(options.fix and mended)
    # what is checked again is shown again; a reader of JSON wants one document
    if not (again and options.format == "json"):
        _shown(outcomes, options, draw, left)
    _written(outcomes, options, left)
    told = sys.stderr if options.format == "json" else sys.stdout
    if mended and options.format == "text":
        print()
    for each in mended:
        print(each.diff(), end="", file=told)
    for line in left_out:
        print(f"gradcheck: not mended: {line}", file=sys.stderr)
    if not again:
        return status_of(outcomes)
    _mend(mended)
    if options.format == "text":
        print(f"\nWritten to {', '.join(each.name for each in mended)}, and checked again:\n")
    return _again(options)


def _mend(files: Sequence[fix.Fixed]) -> None:
    """Write the repairs.

    Raises
    ------
    Misuse
        Some files cannot be written; the others are.
    """
    refused: list[str] = []
    for each in files:
        try:
            each.write()
        except OSError as error:
            refused.append(f"{each.path} cannot be written: {error.strerror}")
    if refused:
        done = len(files) - len(refused)
        raise Misuse("; ".join(refused) + (f"; {count(done, 'other file')} mended" if done else ""))


def _shown(
    outcomes: Sequence[Outcome], options: Namespace, draw: Callable[[int], None], left: Sequence[str]
) -> None:
    if options.format == "text":
        if outcomes:
            draw(width())
    elif options.format == "json":
        with aside(options):  # what a pass did not see is looked for only now, by calls of f
            told = outcome.to_json(outcomes, left)
        print(told, end="")
    else:
        for line in fix.located(outcomes, options.format):
            print(line)


def _written(outcomes: Sequence[Outcome], options: Namespace, left: Sequence[str]) -> None:
    page = partial(outcome.to_html, title=f"gradcheck {options.command}")
    for file, view in ((options.json, outcome.to_json), (options.html, page)):
        if file:
            with aside(options):
                told = view(outcomes, left)
            try:
                file.write_text(told, encoding="utf-8")
            except OSError as error:
                raise Misuse(f"{file} cannot be written: {error.strerror}") from error


def _again(options: Namespace) -> int:
    """Check the files as they are now, in a process that has not read them before."""
    sys.stdout.flush()
    typed = [word for word in options.typed if word != "--fix"]
    return subprocess.run([sys.executable, "-m", "gradcheck", *typed], check=False).returncode
