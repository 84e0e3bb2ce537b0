"""Which instruction of a function came after which, while it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

Moves = set[tuple[int, int]]
"""Which instruction came after which, by number; -1 before the first."""

Ran = dict[CodeType, Moves]
"""Of each function that is followed the moves that were made."""

_Wanted = Callable[[CodeType, Moves], bool]
"""Whether a function that has made these moves is worth following."""


@contextmanager
def moves_made(ran: Ran, wanted: _Wanted) -> Iterator[None]:
    """Within it the moves of this thread's calls are noted, as long as they are ``wanted``."""
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tool = None if monitoring is None else _taken(monitoring)
    with _traced(ran, wanted) if tool is None else _monitored(monitoring, tool, ran, wanted):
        yield


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
def _monitored(monitoring: Any, tool: int, ran: Ran, wanted: _Wanted) -> Iterator[None]:
    """By `sys.monitoring`, which leaves the caller's own tracing alone, and misses no first call of a function."""
    here = threading.get_ident()
    events, last = monitoring.events, dict[int, int]()
    followed: set[CodeType] = set()

    def started(code: CodeType, _: int) -> Any:
        if threading.get_ident() != here:
            return None
        moves = ran.get(code, set())
        if not wanted(code, moves):  # what is disabled may stay so for the next one who looks
            return None if moves else monitoring.DISABLE
        ran[code] = moves
        last[id(sys._getframe(1))] = -1
        if code not in followed:
            followed.add(code)
            monitoring.set_local_events(tool, code, events.INSTRUCTION)
        return None

    def step(code: CodeType, offset: int) -> Any:
        frame, now = id(sys._getframe(1)), offset // 2
        moves = ran.get(code)
        if moves is None or threading.get_ident() != here:
            return
        move = last.get(frame, -1), now
        last[frame] = now
        if move not in moves:
            moves.add(move)
            if not wanted(code, moves):  # each further one would cost as much, and tell nothing
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
def _traced(ran: Ran, wanted: _Wanted) -> Iterator[None]:
    """By `sys.settrace`; the caller's own tracing waits."""

    def called(frame: FrameType, event: str, _: Any) -> Any:
        code, before = frame.f_code, -1
        if not wanted(code, ran.get(code, set())):
            return None
        moves = ran.setdefault(code, set())
        frame.f_trace_opcodes, frame.f_trace_lines = True, False

        def step(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            if event != "opcode":
                return step
            move = before, frame.f_lasti // 2
            before = move[1]
            if move not in moves:
                moves.add(move)
                if not wanted(code, moves):  # each further opcode would cost as much, and tell nothing
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
