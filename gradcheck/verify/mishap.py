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
    elif isinstance(error, TypeError | ValueError) and _is_raised(told):  # its words name the argument
        return ""
    return "".join(told.format()).rstrip()


def _is_raised(told: TracebackException) -> bool:
    """Whether a statement of ours raised it: what Python or NumPy raises in our code is a fault of ours."""
    return bool(told.stack) and (told.stack[-1].line or "").startswith("raise ")


def _foreign(filename: str) -> bool:
    return _OURS in map(str, Path(filename).parents) or "importlib" in filename
