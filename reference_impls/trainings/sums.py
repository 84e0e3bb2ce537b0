"""A text whose best possible loss is known: sums of numbers below 50, in words.

``forty-two plus nine is fifty-one.`` Both numbers are drawn evenly and decide the rest of the line, so no model can
know one of ``n`` lines better than ``log n``, and one that comes near that has learned to spell and to add.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BELOW = 50
# fmt: off
SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
# fmt: on

END = "."
"""Ends each line, and stands before the first character of one."""

Ids = NDArray[np.int_]


def in_words(number: int) -> str:
    """A number from 0 to 99: ``ninety-eight``."""
    if number < 20:
        return SMALL[number]
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{SMALL[ones]}" if ones else "")


def line(a: int, b: int) -> str:
    """One line of the text."""
    return f"{in_words(a)} plus {in_words(b)} is {in_words(a + b)}{END}"


def known(of_line: str) -> int:
    """How many of a line's characters are the question, which tells the others."""
    return of_line.index(" is ") + len(" is ")


LINES = [line(a, b) for a in range(BELOW) for b in range(BELOW)]
"""Every line, in the order of ``BELOW a + b``."""

LONGEST = max(map(len, LINES))
"""Characters of the longest line."""

ALPHABET = sorted(set("".join(LINES)))


def least(lines: Sequence[str]) -> float:
    """The least mean loss a character, in nats, of a model that is shown these lines, one as often as another.

    The best that it can do is to give each of ``n`` lines the probability ``1 / n``: ``log n`` nats a line.
    """
    return float(np.log(len(lines)) / np.mean([len(each) for each in lines]))


def encoded(lines: list[str]) -> tuple[Ids, Ids]:
    """What a model reads and what it should say, (time, lines) each: the same, one character apart.

    Lines of different length are filled up: with the first character to read, with -1 to say.
    """
    number = {character: place for place, character in enumerate(ALPHABET)}
    said = np.full((max(map(len, lines)), len(lines)), -1)
    for column, each in enumerate(lines):
        said[: len(each), column] = [number[character] for character in each]
    read = np.vstack([np.full(len(lines), number[END]), np.maximum(said[:-1], 0)])
    return read, said
