"""What surrounds a check: the seed it takes when it is given none, and who wants to hear how it went.

The pytest plugin and ``gradcheck verify`` set both; a check reads `default_seed` and ends in `announce`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Listener = Callable[[Any], None]

_seeds: list[int] = [0]
_strict: list[bool] = [False]
_listeners: list[Listener] = []


def default_seed() -> int:
    """The seed of a check that was given none: 0 unless `seeded` says otherwise."""
    return _seeds[-1]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the block, checks that are given no seed take ``seed``."""
    _seeds.append(seed)
    try:
        yield
    finally:
        _seeds.pop()


def default_strict() -> bool:
    """Whether a check that was not told is strict: no, unless `strictly` says otherwise."""
    return _strict[-1]


@contextmanager
def strictly(strict: bool) -> Iterator[None]:
    """Within the block, checks that are not told are strict or not, as this says."""
    _strict.append(strict)
    try:
        yield
    finally:
        _strict.pop()


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
