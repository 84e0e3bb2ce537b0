"""``gradcheck verify``: run the cases of modules, packages and files."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing, nullcontext

from gradcheck.ask import ambient
from gradcheck.commands.grammar import WHERE
from gradcheck.commands.showing import aside, concluded, to_stderr, writable
from gradcheck.commands.status import Misuse, Status
from gradcheck.verify import jobs, table
from gradcheck.verify.collect import Broken, Found, collect
from gradcheck.verify.outcome import Outcome
from gradcheck.verify.progress import watched
from gradcheck.verify.select import matcher


def run(options: Namespace) -> int:
    """Find the cases, run them, and show what came."""
    writable(options)
    if options.list and (options.fix or options.diff):
        raise Misuse(
            "--list runs no case, so that there is nothing to mend: leave it out, or --fix and --diff"
        )
    with nullcontext() if options.seed is None else ambient.given(seed=options.seed):
        with to_stderr() if options.list else aside(options):
            chosen = found_in(options.targets or ["reference_impls"], options.keyword)
        return _listed(chosen) if options.list else _verified(chosen, options)


def found_in(targets: Sequence[str], keyword: str = "") -> list[Found]:
    """The cases of the targets whose names match.

    Raises
    ------
    Misuse
        A target is none, the keyword cannot be read, or there is no such case.
    """
    try:
        matches, found = matcher(keyword), collect(targets)
    except ValueError as error:
        raise Misuse(error) from error
    chosen = [case for case in found if isinstance(case, Broken) or matches(case.name)]
    if not chosen:
        among = f" matches -k {keyword!r}" if found else f": a case is a gradcheck.Case {WHERE}"
        raise Misuse(f"no case in {', '.join(targets)}{among}")
    return chosen


def ran(chosen: Sequence[Found], processes: int = 1) -> jobs.Running:
    """The outcomes as they are had, with a bar on a terminal."""
    processes = processes or _processors()
    several = min(processes, len(chosen)) > 1
    if several and not hasattr(os, "fork"):
        raise Misuse("--jobs needs a system that can copy a process, and this one cannot: leave it out")
    done = jobs.at_once(chosen, processes) if several else jobs.in_turn(chosen)
    with closing(done):
        yield from watched(done, [case.name for case in chosen])


def _processors() -> int:
    """How many this process may use, where the system says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _listed(chosen: Sequence[Found]) -> int:
    broken = [case for case in chosen if isinstance(case, Broken)]
    for case in chosen:
        if not isinstance(case, Broken):
            print(case.name)
    for case in broken:
        print(f"gradcheck: {case.problem}", file=sys.stderr)
    return Status.WRONG if broken else Status.RIGHT


def _verified(chosen: Sequence[Found], options: Namespace) -> int:
    done: dict[int, Outcome] = {}
    try:
        with aside(options), closing(ran(chosen, options.jobs)) as running:
            for number, outcome in running:
                done[number] = outcome
    except KeyboardInterrupt:
        return _interrupted(chosen, done, options)
    return _concluded(done, options)


def _concluded(done: dict[int, Outcome], options: Namespace, left: Sequence[str] = ()) -> int:
    outcomes = [done[number] for number in sorted(done)]
    return concluded(outcomes, options, lambda width: table.draw(width, outcomes), left)


def _interrupted(chosen: Sequence[Found], done: dict[int, Outcome], options: Namespace) -> int:
    """Show what was done until then; nothing is mended by half."""
    options.fix = options.diff = False
    left = [case.name for number, case in enumerate(chosen) if number not in done]
    if done or options.format == "json" or options.json or options.html:
        _concluded(done, options, left)
    first = f"; the first that was not is {left[0]}" if left else ""
    print(f"gradcheck: interrupted, {len(done)} of {len(chosen)} checks done{first}", file=sys.stderr)
    return Status.INTERRUPTED
