"""The traceback of what was raised, without the frames that are ours or the import system's."""

from __future__ import annotations

from pathlib import Path
from traceback import StackSummary, TracebackException

_OURS = str(Path(__file__).parents[1])


def traceback(error: BaseException) -> str:
    """As Python prints it, the user's own frames alone; nothing where an argument is refused, else all frames."""
    told = TracebackException.from_exception(error)
    if own := [frame for frame in told.stack if not _foreign(frame.filename)]:
        told.stack = StackSummary.from_list(own)
    elif isinstance(error, SyntaxError):  # it names the file and the line itself
        return "".join(told.format_exception_only()).rstrip()
    elif isinstance(error, TypeError | ValueError):  # its words name the argument
        return ""
    return "".join(told.format()).rstrip()


def _foreign(filename: str) -> bool:
    return _OURS in map(str, Path(filename).parents) or "importlib" in filename
