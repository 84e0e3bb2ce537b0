"""Saying no: why a function cannot be traced, in words that point at the user's own line."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import CodeType, FrameType, TracebackType
from typing import NoReturn

import autograd
import numpy as np

from gradcheck.ask.source import line_of

_MACHINERY = tuple(os.path.dirname(os.path.abspath(path)) + os.sep for path in (
    __file__, np.__file__, autograd.__file__
))  # fmt: skip


# a loop that fills and reads an array of n entries keeps n copies of it: this allows n = 8000
_COPIES = 512_000_000


class Untraceable(Exception):
    """autograd does not apply; ``reason`` says why, in words for the user."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Journal:
    """What happened while a function was traced: what was refused, and the bytes that were copied."""

    refusals: list[Untraceable] = field(default_factory=list)
    copied: int = 0


journal: ContextVar[Journal | None] = ContextVar("journal", default=None)


def refuse(reason: str) -> NoReturn:
    """Raise `Untraceable`, and remember it: user code may swallow the exception, the trace may not."""
    refusal = Untraceable(reason + _place(sys._getframe(1)))
    if (book := journal.get()) is not None:
        book.refusals.append(refusal)
    raise refusal


def spend(size: int) -> None:
    """Account for a copy that the tape keeps, in bytes; refuse before memory runs out."""
    if (book := journal.get()) is not None:
        book.copied += size
        if book.copied > _COPIES:
            refuse("an array is written and read in turn so often that its copies would fill the memory")


def explain(error: Exception) -> Untraceable:
    """An exception that escaped from a traced function, as a refusal in words."""
    if isinstance(error, Untraceable):
        return error
    what = str(error).split("\n")[0] or type(error).__name__
    if isinstance(error, NotImplementedError):
        reason = f"autograd cannot differentiate this: {what}"
    else:
        reason = f"tracing stopped with {type(error).__name__}: {what}"
    return Untraceable(reason + _place_of(error.__traceback__))


def _place(frame: FrameType | None) -> str:
    while frame is not None and frame.f_code.co_filename.startswith(_MACHINERY):
        frame = frame.f_back
    return "" if frame is None else _words(frame.f_code, frame.f_lineno, frame.f_lasti)


def _place_of(traceback: TracebackType | None) -> str:
    place = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(_MACHINERY):
            place = _words(code, traceback.tb_lineno, traceback.tb_lasti)
        traceback = traceback.tb_next
    return place


def _words(code: CodeType, line: int, instruction: int) -> str:
    text = _expression(code, line, instruction)
    return f" (line {line} of {code.co_name}{f': {text}' if text else ''})"


def _expression(code: CodeType, line: int, instruction: int) -> str:
    """The source of the very expression that was being evaluated, or its whole line."""
    source = line_of(code.co_filename, line)
    positions = list(code.co_positions())
    first, last, start, end = positions[instruction // 2] if instruction >= 0 else (None,) * 4
    if first == last == line and start is not None and end is not None:
        return source.encode()[start:end].decode(errors="replace").strip()
    return source.strip()
