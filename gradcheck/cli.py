"""The command ``gradcheck``."""

from __future__ import annotations

import errno
import os
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from io import StringIO, TextIOWrapper
from pathlib import Path

from gradcheck.commands.grammar import grammar
from gradcheck.commands.status import Misuse, Status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status, a `gradcheck.commands.status.Status`."""
    _with_streams()
    typed = [*(sys.argv[1:] if arguments is None else arguments)]
    parser = grammar()
    options = parser.parse_args(typed)
    options.typed, options.began = typed, time.time()
    # source and names hold letters that a terminal's encoding may not have
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(options)
    except Misuse as error:
        parser.exit(Status.MISUSE, f"gradcheck: {error}\n")
    except KeyboardInterrupt:
        print("gradcheck: interrupted", file=sys.stderr)
        return Status.INTERRUPTED
    except BrokenPipeError:
        _say_no_more()
        return Status.UNHEARD
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _say_no_more()
        parser.exit(Status.MISUSE, f"gradcheck: what it prints cannot be written: {error.strerror}\n")


def _with_streams() -> None:
    """Where stdout or stderr is closed Python has none: what is printed there goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, StringIO())  # no file: it would get the number that was closed


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def _say_no_more() -> None:
    # the interpreter flushes once more when it ends, and must find somewhere to flush to
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(options: Namespace) -> int:
    from gradcheck.verify.importing import importable

    with importable(Path.cwd()):
        status: int = import_module(f"gradcheck.commands.{options.command}").run(options)
    sys.stdout.flush()  # here a reader that has gone can still be told from a failure
    return status
