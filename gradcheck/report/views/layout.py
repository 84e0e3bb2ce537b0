"""Plain text in columns and paragraphs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill, indent

WIDTH = 100


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns below their header; a column with nothing below it is left out."""
    kept = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in kept}
    return ["  " + "  ".join(row[i].ljust(widths[i]) for i in kept).rstrip() for row in rows]


def paragraph(words: str, first: str = "", later: str = "") -> str:
    """Lines of at most `WIDTH`, whatever line breaks ``words`` came with."""
    return fill(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def item(words: str) -> str:
    """A paragraph as an item of a list."""
    return paragraph(words, first="  - ", later="    ")


def inset(block: str) -> str:
    """A block of lines moved to the right, as it is otherwise."""
    return indent(block, "  ")
