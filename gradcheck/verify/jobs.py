"""Run cases one after the other, or several at once in copies of this process."""

from __future__ import annotations

import signal
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import active_children, get_context

from gradcheck.verify.collect import Found
from gradcheck.verify.outcome import Outcome, run

Numbered = tuple[int, Outcome]
"""An outcome with the place of its case among those that were given."""

Running = Generator[Numbered, None, None]
"""Outcomes as they are had; to close it ends what is still at work."""

_cases: Sequence[Found] = ()
"""Of a copy of the process: what it was copied with. Cases hold functions that no pickle would carry."""


def in_turn(found: Sequence[Found]) -> Running:
    """Run every case in this process, in order."""
    for number, case in enumerate(found):
        yield number, run(case)


def at_once(found: Sequence[Found], jobs: int) -> Running:
    """Run every case in one of ``jobs`` copies of this process; outcomes come as they are had.

    The copies are ended when the iterator is closed, whatever they are doing.
    """
    before = {child.pid for child in active_children()}
    pool = ProcessPoolExecutor(
        min(jobs, len(found)), get_context("fork"), initializer=_begin, initargs=(found,)
    )
    try:
        futures = {pool.submit(_run, number): number for number in range(len(found))}
        for future in as_completed(futures):
            number = futures[future]
            try:
                yield number, future.result()
            except BrokenProcessPool:
                yield number, _lost(found[number])
    finally:
        for child in active_children():
            if child.pid not in before:
                child.terminate()
        # and waited for: Python at its end would wake a thread of the pool that is about to close what it is woken by
        pool.shutdown(cancel_futures=True)


def _begin(found: Sequence[Found]) -> None:
    global _cases
    _cases = found
    # Ctrl-C reaches every process of a terminal; only the first of them has something to say of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(number: int) -> Outcome:
    outcome = run(_cases[number])
    if outcome.report is None or not outcome.as_expected:
        return outcome
    # to travel, a failure is searched for the expression to blame; one that was expected need not be
    return replace(outcome, report=outcome.report.settled())


def _lost(case: Found) -> Outcome:
    problem = "a process that ran checks ended before this one was done: a crash, or no memory; try --jobs 1"
    return Outcome(case.name, getattr(case, "expect", "pass"), None, problem)
