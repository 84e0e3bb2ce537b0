"""How a command ends."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol


class Misuse(Exception):
    """A command line that asks for nothing that can be done; the words say what to type instead."""


class Status(IntEnum):
    """What the command returns to the shell."""

    RIGHT = 0
    WRONG = 1
    MISUSE = 2
    UNDECIDED = 3
    INTERRUPTED = 130
    UNHEARD = 141
    """Whoever read what was printed has gone, as ``head`` does; what a shell says of SIGPIPE."""


SAID = (
    "Exit status: 0 all is right, or as its case expects; 1 something is not; 2 the command line asks for what cannot "
    "be done; 3 nothing is wrong, but not all could be decided; 130 interrupted (Ctrl-C); 141 who read the output has "
    "gone."
)
"""The same in words."""


class Ended(Protocol):
    """What an outcome says of itself."""

    @property
    def as_expected(self) -> bool: ...

    @property
    def verdict(self) -> str: ...


def status_of(outcomes: Sequence[Ended]) -> Status:
    """The status for these outcomes together."""
    strange = [outcome for outcome in outcomes if not outcome.as_expected]
    if not strange:
        return Status.RIGHT
    undecided = all(outcome.verdict == "inconclusive" for outcome in strange)
    return Status.UNDECIDED if undecided else Status.WRONG
