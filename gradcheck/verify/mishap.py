"""The traceback of what a user's code raised, without the frames that are ours or the import system's."""

from __future__ import annotations

from pathlib import Path
from traceback import StackSummary, TracebackException

_OURS = str(Path(__file__).parents[1])


def traceback(error: BaseException) -> str:
    """As Python prints it, the user's own frames alone."""
    told = TracebackException.from_exception(error)
    told.stack = StackSummary.from_list([frame for frame in told.stack if not _foreign(frame.filename)])
    return "".join(told.format()).rstrip()


def _foreign(filename: str) -> bool:
    return _OURS in map(str, Path(filename).parents) or "importlib" in filename
