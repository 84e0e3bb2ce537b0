"""Plain text in columns and paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import fill, indent, wrap

WIDTH = 100

_width = ContextVar("width", default=WIDTH)


@contextmanager
def within(width: int) -> Iterator[None]:
    """In the block, lines end at ``width``, or at `WIDTH` where that is less."""
    token = _width.set(min(width, WIDTH))
    try:
        yield
    finally:
        _width.reset(token)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns below their header; a column with nothing below it is left out.

    Columns for which a line has no room stand below the others, beside the first column once more; remarks, which
    are columns without a header, are broken into lines before that.
    """
    header = rows[0]
    kept = [i for i in range(len(header)) if any(row[i] for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in kept}
    least = {i: min(widths[i], widths[i] if header[i] else _REMARK) for i in kept}
    lines: list[str] = []
    for block in _blocks(kept, least):
        # the first block shows every row, those below it the rows that have something there
        told = [row for row in rows if not lines or any(row[i] for i in block[1:])]
        lines += [line for row in told for line in _row(row, block, widths)]
    return lines


_REMARK = 24
"""Letters of a remark that stand in a line at the least."""


def _blocks(kept: Sequence[int], widths: Mapping[int, int]) -> list[list[int]]:
    """The columns that stand beside each other, as many as there is room for."""
    blocks = [[*kept[:1]]]
    for column in kept[1:]:
        taken = sum(widths[i] + 2 for i in blocks[-1])
        if taken + 2 + widths[column] > _width.get() and len(blocks[-1]) > 1:
            blocks.append([*kept[:1]])
        blocks[-1].append(column)
    return blocks


def _row(row: Sequence[str], block: Sequence[int], widths: Mapping[int, int]) -> list[str]:
    before = "  " + "".join(row[i].ljust(widths[i] + 2) for i in block[:-1])
    room = max(_REMARK, _width.get() - len(before))
    first, *rest = wrap(row[block[-1]], room, break_on_hyphens=False, break_long_words=False) or [""]
    return [(before + first).rstrip(), *(" " * len(before) + line for line in rest)]


def paragraph(words: str, first: str = "", later: str = "") -> str:
    """Lines no longer than there is room for, whatever line breaks ``words`` came with."""
    return fill(
        words,
        _width.get(),
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def item(words: str) -> str:
    """A paragraph as an item of a list."""
    return paragraph(words, first="  - ", later="    ")


INSET = 2
"""How far `inset` moves a block."""


def inset(block: str) -> str:
    """A block of lines moved to the right, as it is otherwise."""
    return indent(block, " " * INSET)
