"""Of every process that runs tests: its matrix products take one core, for the other cores run tests of their own.

A finalizer that is called at a full stack raises RecursionError wherever the stack happens to be full, and pytest
cannot tell of it, for nothing can be called there. It is shown at the end, with the stack that it met.
"""

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when NumPy is first imported, which is later

_met: list[tuple[str, list[object]]] = []


@pytest.hookimpl(trylast=True)  # after pytest has set a hook of its own
def pytest_configure() -> None:
    """Keep what met a full stack; all else goes on to pytest, which makes a failure of it."""
    told = sys.unraisablehook

    def unraisable(what) -> None:
        if what.exc_type is not RecursionError:
            told(what)
            return
        frame, codes = sys._getframe(), []  # nothing may be called that is written in Python
        while frame is not None:
            codes.append(frame.f_code)
            frame = frame.f_back
        _met.append((os.environ.get("PYTEST_CURRENT_TEST", ""), codes))

    sys.unraisablehook = unraisable


def pytest_sessionfinish() -> None:
    """Show the stacks, the innermost calls of each."""
    for test, codes in _met:
        inner = "\n  ".join(map(str, codes[:20]))
        print(f"{test}: a finalizer met a full stack of {len(codes)} calls\n  {inner}", file=sys.__stderr__)
