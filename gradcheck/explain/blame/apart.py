"""Work done in a child process: the user's objects, files and network are out of its reach, and it always ends."""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_OUTSIDE = ("socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.remove",
            "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
            "os.kill", "shutil.", "sqlite3.", "smtplib.", "ftplib.", "urllib.")  # fmt: skip
"""Audit events (PEP 578) of acts that would be seen outside the process."""

_ALIVE = b"!"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class TooLong(BaseException):
    """What was tried took longer than it may; no ``except Exception`` of the user's catches it."""


ENDED = TooLong, SystemExit, Exception
"""What ends a call that is tried: it may leave the program where a shape is another one."""


def possible() -> bool:
    """Whether this system can copy a process."""
    return hasattr(os, "fork")


Alive = Callable[[], None]
"""Tells that what might hang in a copy of a process, for want of a thread that was not copied, did not."""


def apart(work: Callable[[Alive], Any], start: float, seconds: float) -> Any:
    """What ``work(alive)`` returns, run in a copy of this process; None if nothing came.

    The copy is ended where it has not called ``alive()`` within ``start`` seconds, and after ``seconds`` in all. It
    writes no file, opens no connection and starts no process; its output is discarded. What it returns must be
    picklable.
    """
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of threads in the parent: where one is missed, ``alive`` is not called
        child = os.fork()
    if child == 0:
        _work(work, read, write)
    os.close(write)
    try:
        return _received(read, time.monotonic() + start, time.monotonic() + seconds)
    finally:
        os.close(read)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _received(read: int, first: float, last: float) -> Any:
    received = b""
    while (left := (last if received else first) - time.monotonic()) > 0:
        if not select.select([read], [], [], left)[0]:
            return None
        if not (piece := os.read(read, 1 << 16)):
            break
        received += piece
    try:
        return pickle.loads(received.removeprefix(_ALIVE))
    except Exception:  # it was ended half-way, or never got to the end
        return None


def _work(work: Callable[[Alive], Any], read: int, write: int) -> None:
    """The child's whole life."""
    try:
        sys.settrace(None)
        sys.setprofile(None)
        os.close(read)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        sys.dont_write_bytecode = True
        sys.addaudithook(_kept_inside)
        signal.signal(signal.SIGPROF, _late)
        signal.signal(signal.SIGALRM, _late)
        result = pickle.dumps(work(lambda: _say(write, _ALIVE)))
        _say(write, result)
    except BaseException:  # the parent sees that nothing came
        pass
    finally:
        os._exit(0)


def _say(write: int, message: bytes) -> None:
    while message:
        message = message[os.write(write, message) :]


def _kept_inside(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        _, mode, flags = args
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & _WRITES)
        if not writes:
            return
    elif not event.startswith(_OUTSIDE):
        return
    raise PermissionError(f"{event} is not allowed while repairs are tried")


_WAITING = 10.0
"""How many times as long as it may work it may last, on a machine that has other things to do."""


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in what works more than ``seconds`` inside, or comes to no end; only in what runs `apart`."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, _WAITING * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _late(number: int, frame: FrameType | None) -> None:
    raise TooLong
