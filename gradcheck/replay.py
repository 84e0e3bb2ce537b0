"""One check of a test by its number: whose turn it is, and the command that makes it alone once more."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Turns:
    """The checks of one run of one test, numbered from 1 as they begin, and which of them are to be made.

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
    last: int = 0
    heard: list[tuple[int, Any]] = field(default_factory=list)
    caught: list[int] = field(default_factory=list)
    _raises: bool = True

    def again(self) -> None:
        """Count from 1: the test begins."""
        self.last = 0
        self.heard.clear()
        self.caught.clear()

    def begin(self, raises: bool) -> bool:
        """Whether the check that begins is to be made; a `gradcheck.ask.ambient.Turn`."""
        self.last, self._raises = self.last + 1, raises
        return not raises or self._asked

    def hear(self, report: Any) -> None:
        """Note what came of it; a `gradcheck.ask.ambient.Listener`."""
        if self._asked:
            self.heard.append((self.last, report))
        if self._raises and not report.ok:
            self.caught.append(self.last)

    @property
    def _asked(self) -> bool:
        return not self.only or self.last in self.only

    def needed(self, number: int) -> list[int]:
        """The check and those before it without which the test would not come to it."""
        return [*(one for one in self.caught if one < number), number]


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
