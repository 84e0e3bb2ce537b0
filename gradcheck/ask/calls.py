"""Calling what the user wrote: counted, on copies, with exceptions kept and traces of writing looked for."""

from __future__ import annotations

import random
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.point import describe
from gradcheck.ask.random_rounding import through
from gradcheck.ask.trees import Floats


class Raised(Exception):
    """The user's function raised; ``__cause__`` is what it raised."""


class NotNumeric(Exception):
    """The user's function returned something that is no tree of real arrays."""


class Nothing(NotNumeric):
    """The user's function returned None."""


class Counted:
    """A user's function under the name a report calls it by; counts its calls, and how long the last one took."""

    __slots__ = ("calls", "function", "label", "seconds")

    def __init__(self, function: Callable[..., Any], label: str) -> None:
        self.function = function
        self.label = label
        self.calls = 0
        self.seconds = 0.0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        start = time.perf_counter()
        try:
            return through(self.function)(*args)
        except Exception as error:
            raise Raised(
                f"{self.label} raised {type(error).__name__}{_words(error)}{_where(error)}"
            ) from error
        finally:
            self.seconds = time.perf_counter() - start


def _words(error: Exception) -> str:
    try:
        return f": {error}"
    except Exception:  # an exception that cannot even be shown
        return ""


def _where(error: Exception) -> str:
    frames = list(traceback.walk_tb(error.__traceback__))  # without their text, which is looked for in files
    if not frames:
        return ""
    code, line = frames[-1][0].f_code, frames[-1][1]
    return f" (in {code.co_name}, {code.co_filename.rsplit('/', 1)[-1]}:{line})"


_undisturbed = Lock()
_inside = 0
_restore = ExitStack()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Leave no trace: random state, NumPy's error state and warnings are as before when this ends.

    Warnings are filtered for the whole process: of checks in several threads the first one in silences them, the last
    one out restores them.
    """
    global _inside, _restore
    legacy = np.random.get_state()  # noqa: NPY002 - the caller's global state, saved to be restored
    standard = random.getstate()
    with _undisturbed:
        if _inside == 0:
            _restore = ExitStack()
            _restore.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        with _undisturbed:
            _inside -= 1
            if _inside == 0:
                _restore.close()
        np.random.set_state(legacy)  # noqa: NPY002
        random.setstate(standard)


def flat(result: Any, label: str) -> Floats:
    """All entries of a tree of real arrays as one float64 vector.

    Raises
    ------
    NotNumeric
        A leaf is None, complex, or holds objects.
    """
    if isinstance(result, float):
        return np.array([result])
    try:
        return _flat(result, label)
    except trees.Endless:
        raise NotNumeric(f"{label} returned a {type(result).__name__} that contains itself") from None


def _flat(result: Any, label: str) -> Floats:
    pieces = [real(leaf, trees.name(label, path)) for path, leaf in trees.leaves(result)]
    if len(pieces) == 1:
        return pieces[0].ravel()
    return np.concatenate([piece.ravel() for piece in pieces]) if pieces else np.empty(0)


def real(leaf: Any, label: str) -> Floats:
    """One leaf as a float64 array of its own shape (a copy, never the user's memory)."""
    try:
        value = np.asarray(leaf)
        if value.dtype.kind not in "fiub":
            raise TypeError
        return value.astype(np.float64)
    except Exception:  # arrays of other libraries raise what they like when asked for their numbers
        kind = Nothing if leaf is None else NotNumeric
        raise kind(
            f"{label} returned {describe(leaf)} where real numbers are needed{_remedy(leaf)}"
        ) from None


def _remedy(leaf: Any) -> str:
    if hasattr(leaf, "detach"):
        return " (return it detached: .detach().numpy())"
    if isinstance(leaf, complex) or getattr(getattr(leaf, "dtype", None), "kind", "") == "c":
        return " (complex numbers are not supported: return real and imaginary part)"
    return ""


def written(before: tuple[Any, ...], after: tuple[Any, ...], names: tuple[str, ...]) -> str | None:
    """The first array of ``after`` that is no longer what it was in ``before``; None where all are."""
    for name, old, new in zip(names, before, after, strict=True):
        was, now = dict(trees.leaves(old)), dict(trees.leaves(new))
        for path in {**was, **now}:
            if path not in was or path not in now or not _unchanged(was[path], now[path]):
                return trees.name(name, path)
    return None


def _unchanged(was: Any, now: Any) -> bool:
    if isinstance(was, np.ndarray):
        return isinstance(now, np.ndarray) and identical(was, now)
    if isinstance(was, float | int | str | np.generic):
        return was is now or bool(was == now) or (was != was and now != now)
    return was is now


def identical(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same entries, NaN counting as itself."""
    if a is b:
        return True
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    same = bool(np.logical_and.reduce(a == b, axis=None))  # less of a detour than np.all
    return same or (a.dtype.kind == "f" and bool(np.array_equal(a, b, equal_nan=True)))
