"""Which instruction of a function came after which, while it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Protocol

Moves = set[tuple[int, int]]
"""Which instruction came after which, by number; -1 before the first."""

Ran = dict[CodeType, Moves]
"""Of each function that is followed the moves that were made."""


class Way(Protocol):
    """A way through a function: a move from one of its sources to one of its targets leads into it."""

    @property
    def sources(self) -> frozenset[int]:
        """Where it is come from."""

    @property
    def targets(self) -> frozenset[int]:
        """Where it begins."""


_Ways = Callable[[CodeType], Iterable[Way]]
"""The ways of a function that are looked for; one without any is not followed."""


@contextmanager
def moves_made(ran: Ran, ways: _Ways) -> Iterator[None]:
    """Within it the moves of this thread's calls are noted, as long as a function has ``ways`` left to be found."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tool = None if monitoring is None else _taken(monitoring)
    with _traced(ran, ways) if tool is None else _monitored(monitoring, tool, ran, ways):
        yield


class _Followed:
    """A function that is followed: the moves that it made, and the ways that none of them led into."""

    __slots__ = ("code", "left", "moves")

    def __init__(self, code: CodeType, moves: Moves, ways: Iterable[Way]) -> None:
        self.code, self.moves, self.left = code, moves, [*ways]
        for move in moves:
            self._leave(*move)

    def note(self, before: int, now: int) -> None:
        """One move more."""
        if (before, now) not in self.moves:
            self.moves.add((before, now))
            self._leave(before, now)

    def _leave(self, before: int, now: int) -> None:
        self.left = [way for way in self.left if now not in way.targets or before not in way.sources]


def _following(ran: Ran, ways: _Ways) -> Callable[[CodeType], _Followed]:
    """What is known of a function; from its first call on in ``ran``, if it has ways."""
    known: dict[int, _Followed] = {}  # by id: a code's own hash is made of all its constants, each time

    def of(code: CodeType) -> _Followed:
        one = known.get(id(code))
        if one is None:
            one = known[id(code)] = _Followed(code, ran.get(code, set()), ways(code))
            if one.left:
                ran[code] = one.moves
        return one

    return of


def _taken(monitoring: Any) -> int | None:
    """The number of a tool that is ours from now on; None where others have all."""
    with _taking:
        for one in _TOOLS:
            if monitoring.get_tool(one) is None:
                monitoring.use_tool_id(one, "gradcheck")
                return one
    return None


_taking = threading.Lock()
_TOOLS = (3, 4, 5, 2, 1, 0)
"""Of `sys.monitoring`, those first that no debugger, coverage tool or profiler is expected at."""


@contextmanager
def _monitored(monitoring: Any, tool: int, ran: Ran, ways: _Ways) -> Iterator[None]:
    """By `sys.monitoring`, which leaves the caller's own tracing alone, and misses no first call of a function."""
    here = threading.get_ident()
    events, last = monitoring.events, dict[int, int]()
    of = _following(ran, ways)
    followed: set[CodeType] = set()

    def started(code: CodeType, _: int) -> Any:
        if threading.get_ident() != here:
            return None
        one = of(code)
        if not one.left:  # what is disabled may stay so for the next one who looks
            return None if one.moves else monitoring.DISABLE
        last[id(sys._getframe(1))] = -1
        if code not in followed:
            followed.add(code)
            monitoring.set_local_events(tool, code, events.INSTRUCTION)
        return None

    def step(code: CodeType, offset: int) -> Any:
        if threading.get_ident() != here:
            return
        frame, now, one = id(sys._getframe(1)), offset // 2, of(code)
        one.note(last.get(frame, -1), now)
        last[frame] = now
        if not one.left:  # each further one would cost as much, and tell nothing
            followed.discard(code)
            monitoring.set_local_events(tool, code, events.NO_EVENTS)

    monitoring.register_callback(tool, events.PY_START, started)
    monitoring.register_callback(tool, events.INSTRUCTION, step)
    monitoring.set_events(tool, events.PY_START)
    try:
        yield
    finally:
        monitoring.set_events(tool, events.NO_EVENTS)
        for code in followed:
            monitoring.set_local_events(tool, code, events.NO_EVENTS)
        monitoring.register_callback(tool, events.PY_START, None)
        monitoring.register_callback(tool, events.INSTRUCTION, None)
        monitoring.free_tool_id(tool)


@contextmanager
def _traced(ran: Ran, ways: _Ways) -> Iterator[None]:
    """By `sys.settrace`; the caller's own tracing waits."""
    of = _following(ran, ways)

    def called(frame: FrameType, event: str, _: Any) -> Any:
        one, before = of(frame.f_code), -1
        if not one.left:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            if event != "opcode":
                return step
            now = frame.f_lasti // 2
            one.note(before, now)
            before = now
            if not one.left:  # each further opcode would cost as much, and tell nothing
                frame.f_trace_opcodes = False
                return None
            return step

        return step

    callers = sys.gettrace()
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(callers)
