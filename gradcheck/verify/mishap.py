"""The traceback of what was raised, without the frames that are ours or the import system's."""

from __future__ import annotations

from pathlib import Path
from traceback import StackSummary, TracebackException

_OURS = str(Path(__file__).parents[1])


def traceback(error: BaseException) -> str:
    """As Python prints it, the user's own frames alone; of a fault that is not the user's all frames."""
    told = TracebackException.from_exception(error)
    if own := [frame for frame in told.stack if not _foreign(frame.filename)]:
        told.stack = StackSummary.from_list(own)
    elif isinstance(
        error, SyntaxError | TypeError | ValueError
    ):  # it names the line, or the argument, itself
        return "".join(told.format_exception_only()).rstrip()
    return "".join(told.format()).rstrip()


def _foreign(filename: str) -> bool:
    return _OURS in map(str, Path(filename).parents) or "importlib" in filename
