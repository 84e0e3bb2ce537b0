"""Timing in interleaved rounds, so that a slow moment of the machine falls on every rival alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

Call = Callable[[], Any]
Clock = Callable[[], float]


def interleave(
    calls: Mapping[str, Call], rounds: int, seconds: float, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds a call takes, ``rounds`` samples for each of ``calls``, taken in turn.

    A sample is the mean over as many calls as fill ``seconds``. Each round starts with another rival, so that
    none always follows the same one's traces in the caches. With one thread `time.process_time` is the ``clock``
    for which other work on the same machine does not count.
    """
    repeats = {name: _repeats(call, seconds, clock) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    gc.disable()
    try:
        for start in range(rounds):
            for name in names[start % len(names) :] + names[: start % len(names)]:
                samples[name].append(_sample(calls[name], repeats[name], clock))
    finally:
        gc.enable()
    return samples


def milliseconds(calls: Mapping[str, Call], rounds: int, seconds: float) -> dict[str, float]:
    """What each call takes on one thread: the processor's time, the median over the rounds of `interleave`."""
    samples = interleave(calls, rounds, seconds, time.process_time)
    return {name: 1e3 * median(data) for name, data in samples.items()}


def _repeats(call: Call, seconds: float, clock: Clock) -> int:
    call()  # compiles, allocates, fills caches
    once = _sample(call, 1, clock)
    if once < seconds:
        once = min(once, *(_sample(call, 1, clock) for _ in range(3)))
    return max(1, round(seconds / once))


def _sample(call: Call, repeats: int, clock: Clock) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats
