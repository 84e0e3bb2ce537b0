"""An expression to blame as people know it from compilers: its line, underlined, and the line as it should be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import ndiff
from textwrap import wrap

from gradcheck.findings import Blame
from gradcheck.report.views.layout import paragraph


def pointed(blame: Blame) -> str:
    """The place, the source with the expression underlined, what is wrong, and the edit that mends it."""
    head = f"{place(blame)}  in {blame.function}"
    block = [head, *(f"    {line}" for line in underlined(blame)), paragraph(blame.message, "    ", "    ")]
    return "\n".join([*block, *changed(blame)])


def place(blame: Blame) -> str:
    """``file:line:column``, the file by its path from where the command runs, the column from 1, as editors have it."""
    try:
        here = os.path.join(os.getcwd(), "")
    except OSError:  # the folder is gone
        here = ""
    return f"{blame.file.removeprefix(here)}:{blame.line}:{columns(blame)[0]}"


def columns(blame: Blame) -> tuple[int, int]:
    """Where the expression begins in its first line, and where it has ended in its last; letters, from 1."""
    lines = _own(blame)
    if not lines:
        return blame.column + 1, blame.end_column + 1
    before = lines[0].encode()[: blame.column].decode()
    return len(before) + 1, len(lines[-1].encode()[: blame.end_column].decode()) + 1


def in_one_line(blame: Blame) -> str:
    """The message for who sees no underlined source: "its place" is nobody's where the expression is not named."""
    message = " ".join(blame.message.split())
    if blame.message.startswith(f"{blame.expression} is "):
        return message
    return f"`{_short(blame.expression)}`: {message}"


def _short(expression: str) -> str:
    whole = " ".join(expression.split())
    return whole if len(whole) <= _LONG else f"{wrap(whole, _LONG - 4)[0]} ..."


_LONG = 60
"""Letters of an expression beside its message."""


def underlined(blame: Blame) -> list[str]:
    """The lines of the expression, the first of them with its part underlined."""
    lines = _own(blame)
    if not lines:
        return []
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    start, end = columns(blame)
    end = end if len(lines) == 1 else len(lines[0]) + 1
    mark = " " * (start - 1 - margin) + "^" * max(1, end - start)
    return [lines[0][margin:], mark, *(line[margin:] for line in lines[1:])]


def changed(blame: Blame) -> list[str]:
    """The lines as they are and as the repair would have them, as a diff has it; nothing without a proof."""
    lines = _own(blame)
    if blame.repair is None or not blame.proved or not lines:
        return []
    start, end = columns(blame)
    new = f"{lines[0][: start - 1]}{blame.repair}{lines[-1][end - 1 :]}".split("\n")
    new = [line for line in new if blame.repair or line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    old = [line[margin:] for line in lines]
    return [
        _SIGNS[line[:2]] + line[2:]
        for line in ndiff(old, [line[margin:] for line in new])
        if line[:2] in _SIGNS
    ]


_SIGNS = {"  ": "    ", "- ": "  - ", "+ ": "  + "}
"""How a line is marked that stays, goes, comes."""


def spans(blame: Blame) -> Iterator[tuple[int, str, str, str]]:
    """Each line shown, with its number: what stands before the expression, of it, and after it."""
    for number, line in blame.lines:
        inside = blame.line <= number <= blame.end_line
        raw = line.encode()
        start = blame.column if number == blame.line else len(raw) - len(raw.lstrip()) if inside else len(raw)
        end = blame.end_column if number == blame.end_line else len(raw)
        yield (
            number,
            raw[:start].decode(),
            raw[start:end].decode() if inside else "",
            raw[end:].decode() if inside else "",
        )


def _own(blame: Blame) -> list[str]:
    return [line for number, line in blame.lines if blame.line <= number <= blame.end_line]
