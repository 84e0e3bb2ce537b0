"""Data that functions hold, closed over, global, or of their object: nothing that is tried may write into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.task import Task
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.written import Written

Arrays = tuple[np.ndarray[Any, Any], ...]


def held_by(functions: Iterable[Written], task: Task) -> Arrays:
    """The arrays that functions, f and the claim hold."""
    return tuple({id(one): one for one in _arrays(functions, task)}.values())


@contextmanager
def holding(arrays: Arrays, others: Arrays) -> Iterator[None]:
    """Let arrays have other entries while this lasts; only in a process of our own."""
    before = [(one, one.copy(), one.flags.writeable) for one in arrays]
    for one, other in zip(arrays, others, strict=True):
        one.flags.writeable = True
        one[...] = other
    try:
        yield
    finally:
        for one, old, writeable in before:
            one[...] = old
            one.flags.writeable = writeable


def protect(arrays: Arrays, probe: Probe) -> None:
    """Let what functions hold be read only, where the claim, as it is now, writes nothing there.

    Only in a process of our own. An edit by which a result starts as such an array would change what f computes, and
    with it what is right.
    """
    before = probe.answer()
    held = [one for one in arrays if one.flags.writeable]
    for array in held:
        array.flags.writeable = False
    now = probe.answer()
    if before is not None and (now is None or not np.array_equal(now.flat, before.flat, equal_nan=True)):
        for array in held:
            array.flags.writeable = True


def _arrays(functions: Iterable[Written], task: Task) -> Iterator[np.ndarray[Any, Any]]:
    for value in _held(functions, task):
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, dict | list | tuple):
            with suppress(trees.Endless):
                yield from (leaf for _, leaf in trees.leaves(value) if isinstance(leaf, np.ndarray))


def _held(functions: Iterable[Written], task: Task) -> Iterator[Any]:
    for function in (function for one in functions for function in one.functions):
        for cell in function.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not filled yet
                continue
        yield from (function.__globals__.get(name) for name in function.__code__.co_names)
    for callee in (task.f.function, task.claim.function):
        yield from getattr(getattr(callee, "__self__", None), "__dict__", {}).values()
