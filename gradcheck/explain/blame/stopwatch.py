"""The time that a search may take, measured in work rather than by the clock on the wall."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

WAITING = 3.0
"""How many times the seconds given may pass."""
MORE = 0.1
"""Share of the seconds for a last look round."""
_TICK = 0.05
"""Seconds that the stopwatch does not tell apart."""


def stopwatch() -> Callable[[], float]:
    """The seconds since now that this thread worked: what is found does not hang on what else the machine does.

    Where it waits for others, a share of the time that passes.
    """
    worked, passed = time.thread_time(), time.perf_counter()
    asked = seconds = 0.0

    def clock() -> float:
        nonlocal asked, seconds
        now = time.perf_counter() - passed
        if now - asked > _TICK:
            asked, seconds = now, max(time.thread_time() - worked, now / WAITING)
        return seconds

    return clock


@dataclass(eq=False)
class Allowance:
    """So many seconds of work from now on."""

    seconds: float
    clock: Callable[[], float] = field(default_factory=stopwatch)
    _share: float = 1.0

    @property
    def left(self) -> float:
        """The seconds that are not used up."""
        return self.seconds - self.clock()

    def late(self) -> bool:
        """Whether they are used up."""
        return self.past(self._share)

    def past(self, share: float) -> bool:
        """Whether that share of them is used up."""
        return self.clock() > share * self.seconds

    def hurry(self, share: float) -> None:
        """Let no more than that share of them be used; where it is used already, a little more."""
        if self._share == 1.0:
            self._share = max(share, self.clock() / self.seconds + MORE if self.seconds else share)

    def relax(self) -> None:
        """Let all of them be used again."""
        self._share = 1.0
