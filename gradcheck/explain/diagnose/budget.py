"""How long a diagnosis may take: people wait for it."""

from __future__ import annotations

import math
import time

SECONDS, CALLS = 2.0, 30.0
"""A diagnosis takes no longer than this, or than so many calls of f where those are longer."""


class Budget:
    """The seconds left, and what was not tried for want of them.

    Attributes
    ----------
    seconds
        In all.
    untried
        Names of the hypotheses that were not looked at, or not to their end.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self.seconds = seconds
        self.untried: list[str] = []
        self._ends = time.perf_counter() + seconds

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return time.perf_counter() > self._ends

    def gives_up(self, name: str) -> None:
        """Note that this hypothesis was not looked at to its end."""
        if (words := name.replace("_", " ")) not in self.untried:
            self.untried.append(words)


def budget_of(call: float, asked: float | None = None) -> Budget:
    """The budget where one call of f takes ``call`` seconds, and ``asked`` seconds are allowed, if anybody says."""
    return Budget(max(SECONDS, CALLS * call) if asked is None else asked)
