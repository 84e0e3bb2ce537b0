"""Running a function on traced arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np
from autograd.tracer import getval, isbox, new_box, trace_stack

from gradcheck import trees
from gradcheck.oracles.tracing import numpy_calls  # noqa: F401  (registers NumPy's functions)
from gradcheck.oracles.tracing.array import Constant, Traced
from gradcheck.oracles.tracing.refusal import Journal, Untraceable, explain, journal, refuse
from gradcheck.oracles.tracing.rebind import rebind
from gradcheck.oracles.tracing.tape import Step, Trace

_autograd = RLock()  # autograd counts its nested traces in one global


def trace(f: Callable[..., Any], args: Sequence[Any], paths: Sequence[trees.Path]) -> Trace:
    """Evaluate ``f(*args)`` once and record how it depends on some of its leaves.

    Parameters
    ----------
    f
        Written with plain NumPy (or autograd.numpy); returns an array, a number or a tree of them.
    args
        Arrays, numbers and nested lists, tuples, dicts of them. They are never changed; floats are taken as
        float64.
    paths
        ``(argnum, key, ...)`` of the floating-point leaves to differentiate with respect to.

    Raises
    ------
    Untraceable
        When autograd does not apply, with the reason and the line of ``f`` that it came from.
    """
    book = Journal()
    token = journal.set(book)
    tape: list[Step] = []
    try:
        with _autograd, _new_level() as level, np.errstate(all="ignore"):
            leaves: dict[trees.Path, Step] = {}
            rebound, rebinding = rebind(f)
            traced = _bare if rebinding.needs_boxes else Traced
            wrapped = trees.map_leaves(_wrapper(set(paths), leaves, level, tape, traced), tuple(args))
            result = (f if rebinding.needs_boxes else rebound)(*wrapped)
            rebinding.write_back()
            if book.refusals:
                raise book.refusals[0]
            return _finish(result, [leaves[path] for path in paths], level, book)
    except Exception as error:
        raise explain(book.refusals[0] if book.refusals else error) from error
    finally:
        journal.reset(token)


def _bare(box: Any) -> Any:
    # a function that calls autograd itself is given autograd's own boxes
    return box


@contextmanager
def _new_level() -> Iterator[int]:
    trace_stack.top += 1
    try:
        yield trace_stack.top
    finally:
        trace_stack.top -= 1


def _wrapper(
    paths: set[trees.Path], leaves: dict[trees.Path, Step], level: int, tape: list[Step],
    traced: Callable[[Any], Any],
) -> Callable[[trees.Path, Any], Any]:
    def wrap_leaf(path: trees.Path, leaf: Any) -> Any:
        if path not in paths:
            return _wrap_data(leaf) if traced is Traced else leaf
        value = _float64(leaf)
        leaves[path] = Step.new_root(value, tape)
        return traced(new_box(value, level, leaves[path]))

    return wrap_leaf


def _wrap_data(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        if leaf.dtype.kind not in "fc":
            copy = np.array(leaf).view(Constant)
            copy.flags.writeable = False
            return copy
        data = Traced(_float64(leaf))
        data.storage.captured = True
        return data
    return np.float64(leaf) if isinstance(leaf, np.floating) else leaf


def _float64(leaf: Any) -> Any:
    if isbox(leaf):  # a trace of a trace
        return leaf
    if not isinstance(leaf, np.ndarray):
        return np.float64(leaf)
    if type(leaf) not in (np.ndarray, Constant):
        refuse(f"an array of type {type(leaf).__name__} cannot be traced")
    kind = np.complex128 if leaf.dtype.kind == "c" else np.float64
    if leaf.dtype == kind and not leaf.flags.writeable:
        return leaf.view(np.ndarray)
    return np.array(leaf, dtype=kind)


def _finish(result: Any, leaves: list[Step], level: int, book: Journal) -> Trace:
    boxes = [_output(leaf) for _, leaf in trees.leaves(result)]
    ends = [box._node if isbox(box) and box._trace == level else None for box in boxes]
    outputs = [np.asarray(getval(box), dtype=np.float64) for box in boxes]
    values = iter(outputs)
    structure = trees.map_leaves(lambda path, leaf: next(values), result)
    return Trace(leaves, ends, outputs, structure, tuple(book.branches))


def _output(leaf: Any) -> Any:
    box = leaf.box if type(leaf) is Traced else leaf
    value = getval(box)
    if not isinstance(value, np.ndarray | np.generic | float | int):
        refuse(f"the function returned {type(value).__name__}, not an array")
    if np.asarray(value).dtype.kind not in "fiub":
        refuse(f"the function returned an array of {np.asarray(value).dtype}")
    return box


__all__ = ["Trace", "Untraceable", "trace"]
