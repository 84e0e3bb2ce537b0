"""What surrounds a check: the options it takes when it is given none, whose turn it is, who wants to hear how it went.

The pytest plugin and ``gradcheck verify`` set them; a check reads `default`, asks `turn` and ends in `announce`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Turn = Callable[[bool], Any]
"""Told whether a check raises where it fails, gives what its report is announced with, None where it is left out."""

Listener = Callable[[Any, Any], None]
"""Takes the report of a check, and what its `Turn` gave it."""

_given: list[dict[str, Any]] = [{"seed": 0, "strict": False, "rtol": None, "budget": None, "turn": None}]
_listeners: list[Listener] = []


def default(option: str) -> Any:
    """What a check takes that was not told this option, unless `given` says otherwise: seed 0, not strict, no rtol.

    ``budget`` is how many seconds a failure may take to be explained; None for as many as are worth while.
    """
    return _given[-1][option]


@contextmanager
def given(**options: Any) -> Iterator[None]:
    """Within the block, checks that are not told otherwise take these options; ``turn`` is a `Turn`."""
    _given.append(_given[-1] | options)
    try:
        yield
    finally:
        _given.pop()


def turn(raises: bool) -> Any:
    """What the check that begins is announced with, None where it is not to be made; every check asks once."""
    asked: Turn | None = default("turn")
    return () if asked is None else asked(raises)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within the block, ``listener(report, turn)`` is called at the end of every check of this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def is_heard() -> bool:
    """Whether anyone listens, and so whether all that a report may be asked for is due at its end."""
    return bool(_listeners)


def announce(report: Any, turn: Any) -> None:
    """Hand a report, and what its check was given as it began, to everyone who listens."""
    for listener in tuple(_listeners):
        listener(report, turn)
