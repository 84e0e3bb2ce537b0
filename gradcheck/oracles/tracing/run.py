"""Running a function on traced arguments: its value, its pullback, its second derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval, isbox, new_box, trace_stack

from gradcheck.ask import trees
from gradcheck.oracles.tracing import numpy_calls, numpys_code  # noqa: F401  (they register NumPy's functions)
from gradcheck.oracles.tracing.array import Constant, Traced
from gradcheck.oracles.tracing.moves import laid_out
from gradcheck.oracles.tracing.rebind import rebind
from gradcheck.oracles.tracing.refusal import Journal, explain, journal, refuse
from gradcheck.oracles.tracing.tape import Floats, Step, Trace, collector_paused, sweep

_autograd = RLock()  # autograd counts its nested traces in one global


def trace(f: Callable[..., Any], args: Sequence[Any], paths: Sequence[trees.Path]) -> Trace:
    """Evaluate ``f(*args)`` once and record how it depends on some of its leaves.

    Parameters
    ----------
    f
        Written with plain NumPy (or autograd.numpy); returns an array, a number or a tree of them.
    args
        Arrays, numbers and nested lists, tuples, dicts of them. They are never changed; floats are taken as
        float64. Read-only float64 arrays are not copied.
    paths
        ``(argnum, key, ...)`` of the floating-point leaves to differentiate with respect to.

    Raises
    ------
    Untraceable
        When autograd does not apply, with the reason and the line of ``f`` that it came from.
    """
    with _recording() as (book, level):
        values = [_float64(_at(args, path)) for path in paths]
        result, leaves = _run(f, args, dict(zip(paths, values, strict=True)), level)
        _honour(book)
        boxes = [_output(leaf) for _, leaf in trees.leaves(result)]
        ends = [box._node if _is_at(box, level) else None for box in boxes]
        outputs = [np.asarray(getval(box), dtype=np.float64) for box in boxes]
        return Trace(leaves, ends, outputs)


def hessian_vector(
    f: Callable[..., Any], args: Sequence[Any], paths: Sequence[trees.Path], tangents: Sequence[Any]
) -> tuple[Floats, ...]:
    """The Hessian of a scalar ``f`` times ``tangents``, by a trace of a trace.

    ``tangents`` has one array for each path; so has the result.

    Raises
    ------
    Untraceable
        As `trace`, and when a rule cannot be differentiated once more.
    """
    with _recording() as (_, outer):
        tape: list[Step] = []
        values = [_float64(_at(args, path)) for path in paths]
        roots = [Step.new_root(value, tape) for value in values]
        points = [new_box(value, outer, root) for value, root in zip(values, roots, strict=True)]
        slope = _slope_along(f, args, dict(zip(paths, points, strict=True)), tangents)
        if not _is_at(slope, outer):
            return tuple(np.zeros(np.shape(value)) for value in values)
        grads = sweep(tape, [slope._node.index], [np.float64(1.0)], {})
    return tuple(
        np.zeros(np.shape(value)) if grad is None else np.array(grad, dtype=np.float64)
        for value, grad in zip(values, grads, strict=False)
    )


def _slope_along(
    f: Callable[..., Any], args: Sequence[Any], points: dict[trees.Path, Any], tangents: Sequence[Any]
) -> Any:
    """<grad f, tangents>, as a function of ``points``, which are autograd's boxes."""
    with _recording() as (book, level):
        result, leaves = _run(f, args, points, level)
        _honour(book)
        (box,) = (_output(leaf) for _, leaf in trees.leaves(result))
        if np.size(getval(box)) != 1:
            refuse("a Hessian is that of one number, and the function returned more")
        if not _is_at(box, level):
            return 0.0
        tape = leaves[0].tape
        grads = sweep(tape, [box._node.index], [np.ones(np.shape(getval(box)))], {})
        pairs = zip(grads[: len(leaves)], tangents, strict=True)
        return sum(anp.sum(grad * np.asarray(v)) for grad, v in pairs if grad is not None)


def _run(
    f: Callable[..., Any], args: Sequence[Any], values: dict[trees.Path, Any], level: int
) -> tuple[Any, list[Step]]:
    """``f`` on traced arguments, the leaves at these paths differentiated at these values."""
    rebound, rebinding = rebind(f)
    tape: list[Step] = []
    leaves = {path: Step.new_root(value, tape) for path, value in values.items()}

    def wrapped(path: trees.Path, leaf: Any) -> Any:
        if path in leaves:
            box = new_box(values[path], level, leaves[path])
            return box if rebinding.needs_boxes else Traced(box)
        # a function that calls autograd itself is given autograd's own boxes, and its data as they are
        return leaf if rebinding.needs_boxes else _data(leaf)

    arguments = trees.map_leaves(wrapped, tuple(args))
    result = (f if rebinding.needs_boxes else rebound)(*arguments)
    rebinding.write_back()
    return result, list(leaves.values())


@contextmanager
def _recording() -> Iterator[tuple[Journal, int]]:
    """One level of autograd's nesting; whatever goes wrong inside becomes `Untraceable`."""
    book = Journal()
    token = journal.set(book)
    with _autograd:
        level = trace_stack.top + 1
        trace_stack.top = level
        try:
            with np.errstate(all="ignore"), collector_paused():
                yield book, level
        except Exception as error:
            raise explain(book.refusals[0] if book.refusals else error) from error
        finally:
            trace_stack.top = level - 1
            journal.reset(token)


def _honour(book: Journal) -> None:
    # the function may have caught what was raised; its result is then not to be trusted
    if book.refusals:
        raise book.refusals[0]


def _is_at(box: Any, level: int) -> bool:
    return bool(isbox(box) and box._trace == level)


def _at(args: Sequence[Any], path: trees.Path) -> Any:
    leaf: Any = args
    for key in path:
        leaf = leaf[key]
    return leaf


def _data(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        if leaf.dtype.kind not in "fc":
            constant = np.array(leaf).view(Constant)
            constant.flags.writeable = False
            return constant
        data = Traced(_float64(leaf))
        data.storage.captured = True
        return data
    return np.float64(leaf) if isinstance(leaf, np.floating) else leaf


def _float64(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return np.float64(leaf)
    if type(leaf) not in (np.ndarray, Constant):
        refuse(f"an array of type {type(leaf).__name__} cannot be traced")
    kind = np.complex128 if leaf.dtype.kind == "c" else np.float64
    if leaf.dtype == kind and not leaf.flags.writeable:
        return leaf.view(np.ndarray)
    strides = tuple(step // leaf.itemsize * np.dtype(kind).itemsize for step in leaf.strides)
    return laid_out(leaf.astype(kind, copy=False), strides)


def _output(leaf: Any) -> Any:
    box = leaf.box if type(leaf) is Traced else leaf
    value = getval(box)
    if not isinstance(value, np.ndarray | np.generic | float | int):
        refuse(f"the function returned {type(value).__name__}, not an array")
    if np.asarray(value).dtype.kind not in "fiub":
        refuse(f"the function returned an array of {np.asarray(value).dtype}")
    return box
