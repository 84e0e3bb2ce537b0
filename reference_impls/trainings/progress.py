"""How far a training has come: a bar on a terminal, by rich, and now and then a line anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[str], None]

LINES = 10
"""Lines in all where there is no bar."""


def silent(text: str) -> None:
    """Tell nobody."""
    del text


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Within the block call what this gives after each of ``total`` steps, with a few words on it.

    All goes to standard error: standard output is for figures.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ModuleNotFoundError:
        yield _lines(label, total)
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(label, total)
        return
    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total, told="")
        yield lambda text: bar.update(task, advance=1, told=text)


def _lines(label: str, total: int) -> Advance:
    done = 0

    def advance(text: str) -> None:
        nonlocal done
        done += 1
        if done * LINES // total > (done - 1) * LINES // total:  # a tenth more than before
            print(f"{label}  {done}/{total}  {text}", file=sys.stderr, flush=True)

    return advance
