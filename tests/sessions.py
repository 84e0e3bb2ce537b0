"""A session of pytest in a process of its own, which starts as a copy of this one: nothing is imported twice.

Of plugins it has ours, and those that a test names: what else is installed costs a second, and is none of its business.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest


@dataclass(frozen=True)
class Session:
    """What a session ended with, and all that it printed."""

    status: int
    printed: str


def session(folder: Path, *options: str) -> Session:
    """Run pytest in ``folder`` with these options."""
    arguments = ["-p", "no:cacheprovider", "-p", "gradcheck.pytest_plugin", *options]
    output = folder / "printed"
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: of this process none holds a lock
        child = os.fork()
    if child == 0:
        _end_with(folder, output, arguments)
    _, status = os.waitpid(child, 0)
    return Session(os.waitstatus_to_exitcode(status), output.read_text(encoding="utf-8"))


def _end_with(folder: Path, output: Path, arguments: list[str]) -> NoReturn:
    status = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        with output.open("w", encoding="utf-8") as printed:
            for stream in (1, 2):
                os.dup2(printed.fileno(), stream)
            sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = printed  # type: ignore[misc]
            os.chdir(folder)
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            for name in ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
                os.environ.pop(name, None)
            status = int(pytest.main(arguments))
    finally:
        os._exit(status)
