"""The tape run again with random rounding: how far autograd's answer may be off.

Each result, each constant that a sum of products takes and each contribution to an adjoint is multiplied by ``1 + u
U(-2, 2)``, u = 2^-53, the unit roundoff of the trace. The answers of a few replays spread as its rounding does (Monte
Carlo arithmetic; see `gradcheck.ask.random_rounding`). The user's function is not called: choices are those of the
tape, so that no replay is at another piece of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.ask.random_rounding import Noise
from gradcheck.oracles.tracing.tape import Floats, Step, Trace, collector_paused, sweep

_UNIT = 2.0**-53

_EXACT = frozenset((
    "maximum", "minimum", "fmax", "fmin", "max", "min", "amax", "amin", "absolute", "abs", "fabs", "negative", "sign",
    "where", "_original_where", "reshape", "ravel", "transpose", "squeeze", "expand_dims", "__getitem__", "take", "put",
    "gather", "relaid", "concatenate", "concatenate_args", "stack", "sort", "partition", "clip", "copysign", "roll",
    "broadcast_to", "swapaxes", "moveaxis", "rollaxis", "flip", "flipud", "fliplr", "diag", "diagonal", "tril", "triu",
    "rot90", "repeat", "tile", "pad", "real", "imag", "conj", "array_from_args", "array_from_scalar_or_array",
    "atleast_1d", "atleast_2d", "atleast_3d", "astype", "real_if_close", "make_sequence",
))  # fmt: skip
"""Primitives that round nothing; rules that compare (``x == max``) must see equals."""

_TERMWISE = frozenset((
    "add", "subtract", "multiply", "divide", "true_divide", "power", "exp", "exp2", "expm1", "log", "log2", "log10",
    "log1p", "sqrt", "square", "reciprocal", "tanh", "sinh", "cosh", "sin", "cos", "tan", "arctan", "arctan2", "arcsin",
    "arccos", "arcsinh", "arccosh", "arctanh", "diff", "logaddexp", "logaddexp2", "sinc", "cbrt", "hypot", "mod",
    "remainder",
))  # fmt: skip
"""Primitives whose rounding is that of their result; any other adds up terms of its own, whose rounding is theirs."""


def rolled_outputs(trace: Trace, generator: np.random.Generator) -> Floats:
    """The outputs of one replay, flat; raises as `rolled_pullbacks` does."""
    noise = Noise(generator, _UNIT)
    with np.errstate(all="ignore"), collector_paused():
        steps = _forward(trace.steps, lambda value: _rolled(value, noise))
    values = [
        plain if node is None else steps[node].value
        for node, plain in zip(trace.output_nodes, trace.outputs, strict=True)
    ]
    return np.concatenate([np.asarray(value, dtype=np.float64).ravel() for value in values])


class OtherPiece(Exception):
    """The replay took another turn than the tape (a tie, a sign): what it came to is no rounding."""


def _signs(*operands: Any) -> Any:
    return np.sign(operands[0]) if len(operands) == 1 else np.sign(np.subtract(*operands[:2]))


_CHOICES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("absolute", "abs", "fabs", "sign", "maximum", "minimum", "fmax", "fmin"), _signs),
    **dict.fromkeys(("max", "amax"), lambda x, axis=None, *_: x == np.max(x, axis=axis, keepdims=True)),
    **dict.fromkeys(("min", "amin"), lambda x, axis=None, *_: x == np.min(x, axis=axis, keepdims=True)),
    **dict.fromkeys(("sort", "partition"), lambda x, *_: np.argsort(x, axis=-1, kind="stable")),
    "clip": lambda x, low=None, high=None, *_: [np.sign(x - end) for end in (low, high) if end is not None],
}
"""Which piece of itself a primitive is at, as a function of its arguments."""


_SMALLEST, _LAST_BIT = (float(one) for one in (np.finfo(float).tiny, np.finfo(float).smallest_subnormal))


def rolled_pullbacks(
    trace: Trace, covectors: Sequence[Sequence[Any]], generator: np.random.Generator
) -> list[tuple[Floats, ...]]:
    """`Trace.pullback` of several covectors in one replay: for each, one float64 array for each path.

    Raises
    ------
    OtherPiece
        The replay is at another piece of the function.
    Exception
        Whatever a primitive or its rule raises on values that differ in their last digits.
    """
    noise = Noise(generator, _UNIT)

    def roll(value: Any) -> Any:
        return _rolled(value, noise)

    def roll_back(value: Any) -> Any:
        # what has come out below the smallest number is 0, whatever it is multiplied with further on
        rolled = roll(value)
        if type(value) is np.ndarray and np.any(lost := np.abs(value) < _SMALLEST):
            return rolled + lost * generator.choice((-_LAST_BIT, _LAST_BIT))
        return rolled

    with np.errstate(all="ignore"), collector_paused():
        steps = _forward(trace.steps, roll)
        return [_swept(trace, steps, cotangents, roll_back) for cotangents in covectors]


def _swept(
    trace: Trace, steps: Sequence[Step], cotangents: Sequence[Any], roll: Callable[[Any], Any]
) -> tuple[Floats, ...]:
    starts = [np.asarray(g, dtype=np.float64) for g in cotangents]
    grads = sweep(steps, trace.output_nodes, starts, {}, roll)
    return tuple(
        np.zeros(np.shape(steps[node].value))
        if grads[node] is None
        else np.real(grads[node]).astype(np.float64)
        for node in trace.leaf_nodes
    )


def _rolled(value: Any, noise: Noise) -> Any:
    kind = type(value)
    if kind is not np.ndarray:
        if not isinstance(value, np.ndarray | np.floating | float | np.complexfloating):
            return value
        value = np.asarray(value)
    if value.dtype.kind not in "fc" or value.size == 0:
        return value if kind is np.ndarray else value[()]
    return noise.on(value)[()]


def _forward(steps: Sequence[Step], roll: Callable[[Any], Any]) -> list[Step]:
    tape: list[Step] = []
    made: list[Step] = []
    for step in steps:
        if step.fun is None:
            made.append(Step.new_root(step.value, tape))
            continue
        name = getattr(step.fun, "__name__", "")
        raw = getattr(step.fun, "fun", step.fun)  # autograd's primitive without its layers: all values are plain
        parents = tuple(made[parent.index] for parent in step.parents)
        args = list(step.args)
        for argnum, parent in zip(step.argnums, parents, strict=True):
            args[argnum] = parent.value
        if name in _CHOICES and not np.array_equal(_CHOICES[name](*args), _CHOICES[name](*step.args)):
            raise OtherPiece(name)
        if name in _EXACT:
            value = raw(*args, **step.kwargs)
        elif name in _TERMWISE:
            value = roll(raw(*args, **step.kwargs))
        else:
            args = [roll(arg) for arg in args]
            value = _each(roll, raw(*args, **step.kwargs))
        made.append(Step(value, step.fun, tuple(args), step.kwargs, step.argnums, parents))
    tape.clear()
    return made


def _each(roll: Callable[[Any], Any], value: Any) -> Any:
    if not isinstance(value, tuple):
        return roll(value)
    items = [roll(item) for item in value]
    return (
        type(value)(*items)
        if hasattr(value, "_fields") or hasattr(value, "n_sequence_fields")
        else tuple(items)
    )
