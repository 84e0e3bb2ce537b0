"""The relative errors of an array as a heat map: the geometry of a drawing, in pixels and cells."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_DECADES = (1e-6, 1e-4, 1e-2, 0.1, 1.0)
"""Relative errors at which the colour changes."""

_UNKNOWN, _RIGHT, _NOT_FINITE = -1, 0, len(_DECADES) + 2

_NAMES = {
    _UNKNOWN: "not looked at",
    _RIGHT: "right",
    1: "below 1e-6",
    2: "from 1e-6",
    3: "from 1e-4",
    4: "from 0.01",
    5: "from 0.1",
    6: "1 and more",
    _NOT_FINITE: "not finite",
}
"""What the legend calls each level."""

_WIDTH, _LARGEST, _SMALLEST = 312, 26, 13
"""Pixels of a whole map, which a phone has, and of a cell."""

_APART = (44, 15)
"""Pixels between two labels of columns, of rows."""


@dataclass(frozen=True)
class Tick:
    """A label of a row or column: the middle of its cell in pixels, and the index that it starts at."""

    at: float
    index: int


@dataclass(frozen=True)
class Spot:
    """One of the worst entries: its cell with the level of its colour, and which of the leaf's entries it is."""

    row: int
    column: int
    level: int
    entry: int


@dataclass(frozen=True)
class Heat:
    """A heat map: ``levels`` has for each colour the path of its cells, in cells; all else is in pixels."""

    cell: int
    width: int
    height: int
    levels: tuple[tuple[int, str], ...]
    legend: tuple[tuple[int, str], ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    spots: tuple[Spot, ...]
    caption: str


def heat(leaf: Mapping[str, Any]) -> Heat | None:
    """The heat map of a leaf in plain data; None where it has no errors to show."""
    found = leaf["errors"]
    if found is None:
        return None
    cells = [[_level(error) for error in row] for row in found["errors"]]
    down, across = len(cells), len(cells[0])
    cell = max(_SMALLEST, min(_LARGEST, _WIDTH // across))
    levels = sorted({level for row in cells for level in row})
    return Heat(
        cell,
        cell * across,
        cell * down,
        tuple((level, _path(cells, level)) for level in levels),
        tuple((level, _NAMES[level]) for level in levels),
        _ticks(down, found["block"][0], cell, _APART[1]) if len(found["shape"]) > 1 else (),
        _ticks(across, found["block"][1], cell, _APART[0]),
        _spots(leaf["entries"], found),
        caption(found["shape"], found["block"]),
    )


def _level(error: float | None) -> int:
    if error is None:
        return _UNKNOWN
    if error == 0.0:
        return _RIGHT
    return 1 + bisect_right(_DECADES, error) if math.isfinite(error) else _NOT_FINITE


def _path(cells: Sequence[Sequence[int]], level: int) -> str:
    """The cells of one level as strokes, a run of neighbours in one go: a rectangle each would be most of the page."""
    strokes = []
    for row, line in enumerate(cells):
        column = 0
        for same, run in groupby(line):
            length = len(list(run))
            if same == level:
                strokes.append(f"M{column} {row}.5h{length}")
            column += length
    return "".join(strokes)


def _ticks(count: int, block: int, cell: int, apart: int) -> tuple[Tick, ...]:
    stride = math.ceil(apart / cell)
    return tuple(Tick(cell * (place + 0.5), place * block) for place in range(0, count, stride))


def _spots(entries: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> tuple[Spot, ...]:
    spots: dict[tuple[int, int], Spot] = {}
    for number, entry in enumerate(entries):
        row, column = place(entry["index"], found["shape"])
        cell = row // found["block"][0], column // found["block"][1]
        error = found["errors"][cell[0]][cell[1]]
        if cell not in spots and error:
            spots[cell] = Spot(*cell, _level(error), number)
    return tuple(spots.values())


def place(index: Sequence[int], shape: Sequence[int]) -> tuple[int, int]:
    """The row and the column of an entry, before entries are joined to cells."""
    first, sizes = (1, shape[1:]) if len(index) > 1 else (0, shape)
    column = 0
    for i, size in zip(index[first:], sizes, strict=True):
        column = column * size + i
    return index[0] if first else 0, column


def caption(shape: Sequence[int], block: Sequence[int]) -> str:
    """What goes across and down in a map."""
    axes = len(shape)
    across = {1: "entries", 2: "columns"}.get(axes, "all other axes, the last one fastest,")
    down = {1: "", 2: "rows down, "}.get(axes, "first axis down, ")
    tall, wide = block
    if tall == wide == 1:
        return f"{down}{across} across"
    entries = str(wide) if axes == 1 else f"{tall} by {wide}"
    return f"{down}{across} across; each cell is the worst of {entries} entries"
