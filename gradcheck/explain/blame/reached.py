"""Which of the user's own functions run when f or the claim is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from types import CodeType, FrameType, FunctionType
from typing import Any

from gradcheck.explain.blame.written import Written, written

_LIBRARIES = frozenset(
    {
        "numpy",
        "scipy",
        "autograd",
        "gradcheck",
        "torch",
        "jax",
        "jaxlib",
        "numba",
        "pytest",
        "_pytest",
        "sympy",
    }
)


def reached(run: Callable[[], Any]) -> tuple[Written, ...]:
    """The functions with a text of their own that ``run()`` calls, in the order of their first call.

    Only for a process of our own: the profiling hook is taken for the length of the call.
    """
    codes: dict[CodeType, None] = {}

    def called(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and _is_users(frame):
            codes.setdefault(frame.f_code)

    sys.setprofile(called)
    try:
        with suppress(Exception):  # what ran before it raised was reached
            run()
    finally:
        sys.setprofile(None)
    found = [written(code, functions) for code in codes if (functions := _functions(code))]
    return tuple(one for one in found if one is not None)


def _is_users(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if module in _LIBRARIES or (module in sys.stdlib_module_names and module != "__main__"):
        return False
    return not frame.f_code.co_filename.startswith("<frozen")


def _functions(code: CodeType) -> tuple[FunctionType, ...]:
    """Every function that runs this code; none for what a call makes anew, which is edited where it is made."""
    return tuple(
        one for one in gc.get_referrers(code) if isinstance(one, FunctionType) and one.__code__ is code
    )
