"""What surrounds a check: the options it takes when it is given none, and who wants to hear how it went.

The pytest plugin and ``gradcheck verify`` set both; a check reads `default` and ends in `announce`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Listener = Callable[[Any], None]

_given: list[dict[str, Any]] = [{"seed": 0, "strict": False, "rtol": None}]
_listeners: list[Listener] = []


def default(option: str) -> Any:
    """What a check takes that was not told this option: seed 0, not strict, no rtol unless `given` says otherwise."""
    return _given[-1][option]


@contextmanager
def given(**options: Any) -> Iterator[None]:
    """Within the block, checks that are not told otherwise take these options: ``seed``, ``strict``, ``rtol``."""
    _given.append(_given[-1] | options)
    try:
        yield
    finally:
        _given.pop()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within the block, ``listener(report)`` is called at the end of every check of this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def announce(report: Any) -> None:
    """Hand a report to everyone who listens."""
    for listener in tuple(_listeners):
        listener(report)
