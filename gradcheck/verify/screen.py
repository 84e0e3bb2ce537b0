"""A terminal, or a log: how wide it is, and words on it, in colour where rich is installed and somebody sees them."""

from __future__ import annotations

import os
import shutil
import sys

Words = str | tuple[str, str]
"""Words, or words with the style that they are drawn in: ``("fail", "bold red")``."""

_LOG = 120
"""Letters in a line where nobody says how many: enough for the table."""


def width() -> int:
    """As COLUMNS says, as the terminal is, or wide enough for the table."""
    asked = os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty()
    return shutil.get_terminal_size((_LOG, 24)).columns if asked else _LOG


def show(*line: Words) -> None:
    """Print a line, or a block of lines."""
    print(_painted(line))


def bare(words: Words) -> str:
    """The words without their style."""
    return words if isinstance(words, str) else words[0]


def _painted(line: tuple[Words, ...]) -> str:
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        return "".join(map(bare, line))
    console = Console()
    # drawn aside and printed as all else is: to a reader that has gone rich would end the process
    with console.capture() as drawn:
        console.print(Text.assemble(*line), soft_wrap=True, end="")
    return drawn.get()
