"""How far a run of many cases is, on a terminal alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gradcheck.verify.jobs import Numbered


def watched(done: Iterable[Numbered], names: Sequence[str]) -> Iterator[Numbered]:
    """What is done, while a bar on stderr says how much is, how long the rest will take, and which is at work.

    Where stderr is no terminal, or rich is not installed, nothing is drawn; on a terminal nothing is left of it.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield from done
        return
    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    console = Console(stderr=True)
    waiting = dict.fromkeys(range(len(names)))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, redirect_stdout=False
    ) as progress:
        task = progress.add_task(names[0] if names else "", total=len(names))
        for number, outcome in done:
            del waiting[number]
            progress.update(task, advance=1, description=names[next(iter(waiting), number)])
            yield number, outcome
