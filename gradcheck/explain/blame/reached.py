"""Which of the user's own functions run when f or the claim is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from gradcheck.ask.whose import is_librarys, is_standard
from gradcheck.explain.blame.written import Written, written


def reached(run: Callable[[], Any]) -> tuple[Written, ...]:
    """The functions with a text of their own that ``run()`` calls, in the order of their first call.

    Only for a process of our own: the profiling hook is taken for the length of the call.
    """
    codes: dict[int, CodeType] = {}

    def called(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and _is_users(frame):
            codes.setdefault(id(frame.f_code), frame.f_code)

    sys.setprofile(called)
    try:
        with suppress(Exception):  # what ran before it raised was reached
            run()
    finally:
        sys.setprofile(None)
    functions = _functions(codes)
    found = [written(code, functions[number]) for number, code in codes.items() if number in functions]
    return tuple(one for one in found if one is not None)


def _is_users(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return not (is_librarys(module) or is_standard(module) or frame.f_code.co_filename.startswith("<frozen"))


def _functions(codes: Mapping[int, CodeType]) -> dict[int, tuple[FunctionType, ...]]:
    """Every function by the code that it runs; none for what a call makes anew, which is edited where it is made.

    Codes go by their identities: those of two copies of a file, or of a cell that ran twice, are equal.
    """
    found: dict[int, list[FunctionType]] = {}
    # one walk over all there is, for all codes together
    for one in gc.get_referrers(*codes.values()) if codes else ():
        if type(one) is FunctionType and id(one.__code__) in codes:
            found.setdefault(id(one.__code__), []).append(one)
    # a trace makes copies that call something else than NumPy: the user's own come first
    return {number: tuple(sorted(some, key=_calls_no_numpy)) for number, some in found.items()}


def _calls_no_numpy(function: FunctionType) -> bool:
    return not any(value is np for value in function.__globals__.values())
