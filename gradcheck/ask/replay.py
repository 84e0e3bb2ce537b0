"""One check of a test by its number: whose turn it is, and the command that makes it alone once more."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Turns:
    """The checks that a test makes itself, numbered from 1 as they begin, and which of them are to be made.

    Those of its fixtures have the number 0 and are always made: which test sets up a shared fixture depends on what
    else is run.

    Attributes
    ----------
    only
        The numbers that are asked for; empty for all. A check that hands back its report is always made, for the test
        goes by what it says.
    heard
        Reports with their numbers, of what is asked for.
    caught
        Numbers of checks that raised: where the test went on, it needs them to.
    """

    only: Collection[int] = ()
    heard: list[tuple[int, Any]] = field(default_factory=list)
    caught: list[int] = field(default_factory=list)
    _last: int = 0
    _raises: bool = True
    _counts: bool = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Within the block the test itself runs, for the first time or once more."""
        self._last, self._counts = 0, True
        self.caught.clear()
        try:
            yield
        finally:
            self._last, self._counts = 0, False

    def begin(self, raises: bool) -> bool:
        """Whether the check that begins is to be made; a `gradcheck.ask.ambient.Turn`."""
        self._last, self._raises = self._last + self._counts, raises
        return not raises or self._asked

    def hear(self, report: Any) -> None:
        """Note what came of it; a `gradcheck.ask.ambient.Listener`."""
        if self._asked:
            self.heard.append((self._last, report))
        if self._raises and not report.ok:
            self.caught.append(self._last)

    @property
    def _asked(self) -> bool:
        return not (self.only and self._counts) or self._last in self.only

    def needed(self, number: int) -> list[int]:
        """The check and those before it without which the test would not come to it; none where all are made."""
        return [*(one for one in self.caught if 0 < one < number), number] if number else []


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
