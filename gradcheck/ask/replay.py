"""One check of a test by its number: whose turn it is, and the command that makes it alone once more."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, repeat
from threading import get_ident
from typing import Any


@dataclass(frozen=True)
class Begun:
    """A check that is being made: its number, and whether it raises where it does not pass."""

    number: int
    raises: bool


@dataclass(frozen=True)
class Heard:
    """A check that has been made: its number, its report, and which had raised by then, also inside of it."""

    number: int
    report: Any
    caught: tuple[int, ...]


@dataclass
class Turns:
    """The checks that a test makes itself, numbered from 1 as they begin, and which of them are to be made.

    Those of its fixtures have the number 0 and are always made: which test sets up a shared fixture depends on what
    else is run. Of checks in several threads nobody knows which begins first the next time.

    Attributes
    ----------
    only
        The numbers that are asked for; empty for all. A check that hands back its report is always made, for the test
        goes by what it says.
    heard
        What came of checks, of those that are asked for.
    caught
        Numbers of checks that raised: where the test went on, it needs them to.
    """

    only: Collection[int] = ()
    heard: list[Heard] = field(default_factory=list)
    caught: list[int] = field(default_factory=list)
    _counts: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: repeat(0))
    _threads: set[int] = field(default_factory=set)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Within the block the test itself runs, for the first time or once more."""
        self._numbers, self._counts = count(1), True
        self.caught.clear()
        self._threads.clear()
        try:
            yield
        finally:
            self._numbers, self._counts = repeat(0), False

    def begin(self, raises: bool) -> Begun | None:
        """The check that begins, None where it is not to be made; a `gradcheck.ask.ambient.Turn`."""
        one = Begun(next(self._numbers), raises)
        self._threads.add(get_ident())
        return None if raises and not self._is_asked_for(one.number) else one

    def hear(self, report: Any, one: Begun) -> None:
        """Note what came of it; a `gradcheck.ask.ambient.Listener`."""
        if self._is_asked_for(one.number):
            self.heard.append(Heard(one.number, report, tuple(self.caught)))
        if one.raises and not report.ok:
            self.caught.append(one.number)

    def _is_asked_for(self, number: int) -> bool:
        return not (self.only and self._counts) or number in self.only

    def asked_again(self, one: Heard) -> list[int]:
        """The check and those without which the test would not come to its end; none where all are to be made."""
        if not one.number or len(self._threads) > 1:
            return []
        return sorted({*filter(None, one.caught), one.number})


def numbers(text: str) -> list[int]:
    """``"2"`` or ``"1,4"`` as numbers.

    Raises
    ------
    ValueError
        It is none.
    """
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) for word in words):
        raise ValueError(f"{text!r} is no number of a check, nor several as in 1,4; they count from 1")
    return [int(word) for word in words]


def command(test: str, options: Sequence[str]) -> str:
    """The line for a shell that runs a test with these options."""
    plain = not set(test) & set('"$`\\!')
    return " ".join(["pytest", f'"{test}"' if plain else shlex.quote(test), *map(shlex.quote, options)])
