"""Shapes as people write them: ``"n d"``, ``"3 4*h"``, ``"... d"``, ``"int n < v"``, ``"bool n"``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

__tracebackhide__ = True  # pytest shows the line where it was asked for

_TYPE = re.compile(r"(u?int|float|complex|bool)\d*$")
_FACTOR = re.compile(r"(?:(\d+)\s*\*?\s*)?([A-Za-z_]\w*)$")


ANY = "..."
"""Stands for any number of axes, the same wherever it is written; their dimensions are ``...1``, ``...2`` and so on."""


@dataclass(frozen=True)
class Axis:
    """``factor`` times the dimension ``name``; a length of its own where there is no name."""

    factor: int
    name: str = ""

    def length(self, dims: Mapping[str, int]) -> int:
        """How long it is."""
        return self.factor * (dims[self.name] if self.name else 1)


@dataclass(frozen=True)
class Shape:
    """What an argument is: the kind of its entries ("float", "int", "bool"), its axes, what its indices lie below."""

    kind: str
    axes: tuple[Axis, ...]
    below: Axis | None = None

    def lengths(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        """The shape for these dimensions."""
        several = tuple(length for name, length in dims.items() if name.startswith(ANY))
        parts = (several if axis.name == ANY else (axis.length(dims),) for axis in self.axes)
        return tuple(length for part in parts for length in part)


def shape_of(argument: str, text: str) -> Shape:
    """The shape that ``text`` says.

    Raises
    ------
    ValueError
        It says none.
    """
    words = text.replace(",", " ").split()
    kind = words.pop(0) if words and words[0] in ("float", "int", "bool") else "float"
    below = None
    if "<" in words:
        at = words.index("<")
        if kind != "int" or len(words) != at + 2:
            raise ValueError(
                f"shapes[{argument!r}] = {text!r}: '<' stands before the one number that indices lie below, as in "
                "'int n < v'"
            )
        below = _axis(argument, text, words[at + 1])
        words = words[:at]
    if kind == "int" and below is None:
        raise ValueError(
            f"shapes[{argument!r}] = {text!r}: say what the indices lie below, as in 'int n < v'"
        )
    if words.count(ANY) > 1:
        raise ValueError(f"shapes[{argument!r}] = {text!r}: '...' stands for all axes but the others, once")
    axes = (Axis(1, ANY) if word == ANY else _axis(argument, text, word) for word in words)
    return Shape(kind, tuple(axes), below)


def _axis(argument: str, text: str, word: str) -> Axis:
    if word.isdigit():
        return Axis(int(word))
    found = _FACTOR.match(word)
    if found is None or _TYPE.match(word):
        raise ValueError(
            f"shapes[{argument!r}] = {text!r}: {word!r} is no axis; write names and numbers, as in 'n d', '3 4*h', "
            "'... d', 'int n < v', 'bool n'"
        )
    return Axis(int(found[1] or 1), found[2])


def names(shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """The dimensions that are named, in the order of their first use."""
    return tuple(dict.fromkeys(_named(shapes)))


def counted(named: Iterable[str], several: int) -> tuple[str, ...]:
    """The dimensions, with so many in the place of `ANY`."""
    parts = ([f"{ANY}{number + 1}" for number in range(several)] if name == ANY else [name] for name in named)
    return tuple(name for part in parts for name in part)


def _named(shapes: Mapping[str, Shape]) -> Iterator[str]:
    for shape in shapes.values():
        for axis in (*shape.axes, *((shape.below,) if shape.below else ())):
            if axis.name:
                yield axis.name
