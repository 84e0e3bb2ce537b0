"""Random rounding: NumPy code run with each result's last digits drawn anew, in that result's own dtype.

The size of a rounding error is not known, but it can be measured by making others like it (Monte Carlo arithmetic:
Parker 1997; Vignes' CESTAC; Denis, de Oliveira Castro and Petit, "Verificarlo", ARITH 2016). A `Rolled` array is an
ndarray in all it does; only what a ufunc or a sum of products returns is multiplied by ``1 + u U(-2, 2)``, u the unit
roundoff of the result. Code that computes in float32 on its way is met there as it is.

Copies, comparisons, minima, absolute values and their like round nothing and are left alone: rules that compare
(``x == max``) must see equals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import numpy as np

from gradcheck.ask import precision, trees

AMPLITUDE = 2.0
"""In unit roundoffs. Rounding errs by at most one; what the sampling of a few runs misses is made up for by two."""

_EXACT = frozenset({
    np.absolute, np.fabs, np.negative, np.positive, np.sign, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign,
    np.floor, np.ceil, np.trunc, np.rint, np.conjugate, np.frexp, np.modf, np.ldexp, np.spacing, np.nextafter,
})  # fmt: skip
_ROUNDING_ONCE = frozenset({
    np.add, np.subtract, np.multiply, np.divide, np.power, np.square, np.sqrt, np.exp, np.log, np.tanh, np.sin, np.cos,
    np.reciprocal, np.expm1, np.log1p, np.logaddexp,
})  # fmt: skip
"""The commonest of those that round their result and nothing else: they are met without further questions."""
_SINKING = frozenset({np.multiply, np.divide, np.power, np.square, np.exp, np.exp2, np.reciprocal})
"""Those whose results may lie below the smallest normal number, where digits go, though no operand is 0."""
_CHOOSING = frozenset({np.absolute, np.fabs, np.sign, np.maximum, np.minimum, np.fmax, np.fmin})
_CONTRACTIONS = frozenset({
    np.dot, np.vdot, np.inner, np.outer, np.tensordot, np.einsum, np.cross, np.kron, np.convolve, np.correlate, np.cov,
    np.cumsum, np.cumprod, np.interp, np.bincount,
})  # fmt: skip
_CONTRACTING_MODULES = ("numpy.linalg", "numpy.fft")
"""What adds up products inside compiled code, where no ufunc is seen: its terms are drawn anew instead."""

_POOL = 2**18
"""Random numbers that are drawn once, to be read from one random place after another: drawing them anew costs more than
the arithmetic that they are for."""


class Noise:
    """Factors ``1 + unit U(-AMPLITUDE, AMPLITUDE)``, as many as are asked for."""

    __slots__ = ("_generator", "_pool", "_reach", "_used")

    def __init__(self, generator: np.random.Generator, unit: float) -> None:
        self._generator, self._reach = generator, AMPLITUDE * unit
        self._pool = _factors(self._reach)
        self._used = int(generator.integers(_POOL))

    def on(self, array: Any) -> Any:
        """The array, each entry times a factor of its own; in double precision where it has less."""
        size = array.size
        if size > _POOL // 2:
            return array * (1.0 + self._generator.uniform(-self._reach, self._reach, array.shape))
        start = self._used
        if start + size > _POOL:
            start = int(self._generator.integers(_POOL - size))
        self._used = start + size
        return array * self._pool[start : start + size].reshape(array.shape)


@lru_cache(maxsize=8)
def _factors(reach: float) -> Any:
    factors = 1.0 + np.random.default_rng(0).uniform(-reach, reach, _POOL)
    factors.flags.writeable = False
    return factors


_running: ContextVar[Run | None] = ContextVar("random rounding", default=None)


class Run:
    """One run: where its numbers come from, and the choices made on its way.

    Unit roundoffs are those of the arrays' own dtypes, within ``least`` and ``most``. ``choices`` is what comparisons
    and searches returned. A run that chose otherwise was at another piece of the function, and how far it came out is
    no rounding. ``seen`` makes of the user's function, or layer, one whose data (closures, globals) is met as well.
    With ``sinks`` what underflows is drawn anew, too: what has come out as 0 is no 0 to what it is multiplied with.
    """

    def __init__(
        self,
        generator: np.random.Generator | None,
        least: float,
        most: float,
        seen: Callable[[Any], Any] = lambda users: users,
        sinks: bool = False,
    ) -> None:
        self.generator, self.sinks = generator, sinks
        self.least, self.most = least, most
        self._noises: dict[np.dtype[Any], Noise] = {}
        self.seen = seen
        self.choices: list[bytes] = []

    def roll(self, value: Any) -> Any:
        """``value`` with its rounding drawn anew; the value itself in a run without a generator."""
        plain = np.asarray(value)
        dtype = plain.dtype
        if self.generator is None or dtype.kind not in "fc" or plain.size == 0:
            return value
        noise = self._noises.get(dtype)
        if noise is None:
            unit = min(max(precision.of(plain.real.dtype), self.least), self.most)
            noise = self._noises[dtype] = Noise(self.generator, unit)
        return noise.on(plain).astype(dtype, copy=False)[()]

    def lifted(self, operands: Sequence[Any], result: Any, where: Any) -> Any:
        """What an operation in `_SINKING` made of operands, as far from 0 as it may have been where it sank.

        By its last bit; by the smallest normal number where an operand has overflowed. On its side of 0, for a root of
        what is no less than 0 is to have one.
        """
        plain = np.asarray(result)
        if self.generator is None or plain.dtype.kind != "f":
            return result
        normal = precision.underflow(precision.of(plain.dtype))
        sunk = (np.abs(plain) < normal) & where
        if not sunk.any():
            return result
        over = np.zeros((), bool)
        for operand in map(np.asarray, operands):  # 0 times anything is 0, and so is exp(-inf)
            sunk = sunk & (operand != 0) & (operand != -np.inf)
            over = over | np.isinf(operand)
        last = np.where(over, normal, np.finfo(plain.dtype).smallest_subnormal)
        drawn = sunk * self.generator.integers(0, 2, plain.shape) * last
        return np.copysign(np.abs(plain) + drawn, plain).astype(plain.dtype)

    def roll_terms(self, operands: list[Any]) -> list[Any]:
        """The operands of a sum of products, each entry drawn anew in the dtype that the sum is taken in.

        A float32 array in a double product keeps its own digits: they are data, and rounded nothing here.
        """
        arrays = [operand for operand in operands if isinstance(operand, np.ndarray)]
        if self.generator is None or not arrays:
            return operands
        common = np.result_type(*arrays)
        return [
            self.roll(operand.astype(common))
            if isinstance(operand, np.ndarray) and operand.dtype.kind in "fc"
            else operand
            for operand in operands
        ]

    def shuffled(self, terms: Any, axis: Any) -> Any:
        """The terms of a sum along ``axis`` in another order.

        A small term that is added to a large partial sum is rounded to the sum's digits, which ulps of the term do
        not change: only in another order is that rounding another.
        """
        if self.generator is None or not isinstance(axis, int | None) or terms.ndim == 0:
            return terms
        if axis is None:
            return self.generator.permutation(terms.ravel()).reshape(terms.shape)
        return terms.take(self.generator.permutation(terms.shape[axis]), axis)

    def reordered(self, a: Any, b: Any) -> tuple[Any, Any]:
        """The factors of a matrix product with the terms of its sums in another order."""
        if self.generator is None or not a.ndim or not b.ndim:
            return a, b
        order = self.generator.permutation(a.shape[-1])
        return a.take(order, -1), b.take(order, max(b.ndim - 2, 0))


class Rolled(np.ndarray[Any, Any]):
    """An array whose arithmetic is rounded at random while a `Run` is on; an ordinary array otherwise."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        run = _running.get()
        operands, where = [_base(operand) for operand in inputs], options.get("where", True)
        sinks = run is not None and run.sinks and method == "__call__" and ufunc in _SINKING
        if run is not None and out is None and method == "__call__" and ufunc in _ROUNDING_ONCE:
            result = ufunc(*operands, **options)
            return _dressed(_met(run, run.lifted(operands, result, where) if sinks else result))
        exact = _is_exact(ufunc)
        if run is not None and (method == "reduce" or ufunc is np.matmul) and not exact:
            operands = run.roll_terms(operands)
            if ufunc is np.matmul:
                operands[:2] = run.reordered(*operands[:2])
            elif ufunc is np.add:
                operands[0] = run.shuffled(operands[0], options.get("axis", 0))
        if run is not None and method == "at" and len(operands) == 3 and not exact:
            operands[2] = run.roll(operands[2])
        given = operands
        if out is not None:
            options["out"] = tuple(_base(target) for target in out)
            if sinks:  # the result may lie where one of them did
                given = [np.array(operand) for operand in operands]
        result = getattr(ufunc, method)(*operands, **options)
        if run is None or result is None:
            return _dressed(result) if out is None else out[0] if len(out) == 1 else out
        if ufunc in _CHOOSING and method == "__call__":
            _note(run, np.sign(operands[0] if len(operands) == 1 else np.subtract(*operands)).astype(np.int8))
        if ufunc.__name__ == "clip":
            for end in operands[1:]:
                _note(run, np.sign(np.subtract(operands[0], end)).astype(np.int8))
        if not exact:
            _note(run, result)
            if out is not None:
                for target in options["out"]:
                    target[...] = run.roll(run.lifted(given, target, where) if sinks else target)
                return out[0] if len(out) == 1 else out
            result = _each(run.roll, run.lifted(given, result, where) if sinks else result)
        return out[0] if out is not None and len(out) == 1 else _dressed(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        run = _running.get()
        contracts = function in _CONTRACTIONS or function.__module__ in _CONTRACTING_MODULES
        if not contracts or run is None:
            result = super().__array_function__(function, types, args, kwargs)
            if run is not None:
                _note(run, result)
            return _dressed(result)
        if function is np.dot and len(args) == 3:
            args, kwargs = args[:2], {**kwargs, "out": args[2]}
        rolled = run.roll_terms([trees.map_leaves(lambda _, leaf: _base(leaf), arg) for arg in args])
        plain = {key: _base(value) for key, value in kwargs.items()}
        result = _each(run.roll, function(*rolled, **plain))
        if plain.get("out") is None:
            return _dressed(result)
        plain["out"][...] = result
        return kwargs["out"]

    def __getitem__(self, index: Any) -> Any:
        """A single entry stays an array, of no axes: a NumPy scalar would be met no more."""
        return _dressed(super().__getitem__(index))

    def dot(self, other: Any, out: Any = None) -> Any:
        """As np.dot, which is met here."""
        return np.dot(self, other) if out is None else np.dot(self, other, out)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """A cast to fewer digits rounds."""
        run, result = _running.get(), super().astype(dtype, *args, **kwargs)
        return (
            result if run is None or result.itemsize >= self.itemsize else _dressed(run.roll(_base(result)))
        )


def _is_exact(ufunc: Any) -> bool:
    return ufunc in _EXACT or ufunc.__name__ == "clip"  # which has no public name


def _base(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Rolled) else value


def _met(run: Run, result: Any) -> Any:
    if result.dtype.kind in "bi":
        _note(run, result)
    return run.roll(result)


def _each(change: Callable[[Any], Any], result: Any) -> Any:
    return tuple(map(change, result)) if type(result) is tuple else change(result)


def _dressed(result: Any) -> Any:
    if type(result) is np.ndarray and result.dtype.kind in "fc":
        return result.view(Rolled)
    return np.array(result).view(Rolled) if isinstance(result, np.inexact) else result


def _in_place(name: str) -> Callable[[Rolled, Any], Any]:
    mine, plain = getattr(np.ndarray, f"__i{name}__"), getattr(np.ndarray, f"__{name}__")

    def operator(self: Rolled, other: Any) -> Any:
        # what stands for a NumPy scalar is immutable: ``s += 1`` makes a new one
        return mine(self, other) if self.ndim else plain(self, other)

    return operator


def _choosing(name: str) -> Callable[..., Any]:
    plain = getattr(np.ndarray, name)

    def method(self: Rolled, *args: Any, **kwargs: Any) -> Any:
        result = plain(_base(self), *map(_base, args), **kwargs)
        if (run := _running.get()) is not None:
            _note(run, result)
        return result

    return method


# the methods of arrays choose without asking anybody
for _name in ("argmax", "argmin", "argsort", "argpartition", "nonzero", "searchsorted"):
    setattr(Rolled, _name, _choosing(_name))

for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Rolled, f"__i{_name}__", _in_place(_name))


def _note(run: Run, result: Any) -> None:
    if isinstance(result, tuple):  # np.nonzero
        for item in result:
            _note(run, item)
    elif isinstance(result, np.ndarray | np.generic) and result.dtype.kind in "bi":
        run.choices.append(np.asarray(result).tobytes())


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes a plain array of what it is given, made to leave a `Rolled` one what it is."""

    def made(a: Any, *args: Any, **kwargs: Any) -> Any:
        result = function(a, *args, **kwargs)
        items = a if isinstance(a, list | tuple) else (a,)
        return _dressed(result) if any(isinstance(item, Rolled) for item in items) else result

    return made


def _scratch(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes an array to be filled, made to make a `Rolled` one."""
    return lambda *args, **kwargs: _dressed(function(*args, **kwargs))


KEPT: dict[Any, Callable[..., Any]] = {
    **{
        function: _kept(function)
        for function in (np.array, np.asarray, np.ascontiguousarray, np.asfortranarray)
    },
    **{function: _scratch(function) for function in (np.zeros, np.ones, np.empty, np.full)},
}
"""What the functions that would lose sight of an array are replaced by in a run."""


def rolled(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments as a run meets them, their values as they are: the point is exact, and ties in it stay ties."""
    return tuple(
        trees.map_leaves(
            lambda _, leaf: (
                leaf.view(Rolled) if type(leaf) is np.ndarray and leaf.dtype.kind in "fc" else leaf
            ),
            arg,
        )
        for arg in args
    )


def through(users: Any) -> Any:
    """The user's function, or layer, as the run that is on sees it."""
    run = _running.get()
    return users if run is None else run.seen(users)


def met(tree: Any) -> Any:
    """What a claim is given beside its arguments (a cotangent, tangents), as the run that is on sees it."""
    return tree if _running.get() is None else rolled((tree,))[0]


@contextmanager
def running(run: Run) -> Iterator[None]:
    """The run is on while this lasts."""
    token = _running.set(run)
    try:
        yield
    finally:
        _running.reset(token)
