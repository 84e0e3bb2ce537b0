"""Stand-ins for what NumPy's protocols do not reach: np.zeros, np.array, np.vectorize, math, float.

``np.zeros(n)`` has no argument that could be asked, so it makes a plain array, which cannot hold traced values.
A function that is traced is therefore run with its *names* bound to these stand-ins (see `rebind`); the
modules themselves are never touched. Each stand-in does what the original does where nothing is traced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcheck.oracles.tracing.array import Traced
from gradcheck.oracles.tracing.function import call_function, holds_traced
from gradcheck.oracles.tracing.numpy_calls.creation import fresh
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.numpy_calls.moving import moved
from gradcheck.oracles.tracing.refusal import refuse

by_object: dict[int, Any] = {}
"""id of an original -> its stand-in. The originals live in modules, as long as the process."""


def stands_for(*originals: Any) -> Callable[[Any], Any]:
    """Register a stand-in."""

    def register(standin: Any) -> Any:
        by_object.update({id(original): standin for original in originals})
        return standin

    return register


class Front:
    """A NumPy function or ufunc that also takes lists of traced numbers, which dispatch does not look into."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the original; see to traced numbers in lists first."""
        if not any(type(arg) in (list, tuple) and holds_traced(arg) for arg in args):
            return self.original(*args, **kwargs)
        if isinstance(self.original, np.ufunc):
            return self.original(*[as_array(a) if isinstance(a, list | tuple) else a for a in args], **kwargs)
        return call_function(self.original, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


def front(original: Any) -> Any:
    """The `Front` of a NumPy function, one for each."""
    if id(original) not in by_object:
        by_object[id(original)] = Front(original)
    return by_object[id(original)]


def _maker(original: Any) -> None:
    def make(*args: Any, **kwargs: Any) -> Any:
        return fresh(_as_float64(original(*args, **kwargs)))

    stands_for(original)(make)


def _as_float64(array: Any) -> Any:
    return array.astype(np.float64) if array.dtype.kind == "f" and array.dtype != np.float64 else array


for _made in (np.zeros, np.ones, np.empty, np.eye, np.identity):
    _maker(_made)


@stands_for(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, **kwargs: Any) -> Any:
    if not holds_traced(fill_value):
        return fresh(_as_float64(np.full(shape, fill_value, dtype, **kwargs)))
    return np.broadcast_to(fill_value, shape).copy()


def _like(original: Any) -> None:
    def make(a: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(as_array(a) if holds_traced(a) else a, *args, **kwargs)
        return result if type(result) is Traced else fresh(_as_float64(np.asarray(result)))

    stands_for(original)(make)


for _likened in (np.zeros_like, np.ones_like, np.empty_like, np.full_like):
    _like(_likened)


@stands_for(np.array)
def _array(value: Any, dtype: Any = None, *, copy: Any = True, ndmin: int = 0, **kwargs: Any) -> Any:
    if not holds_traced(value):
        made = np.array(value, dtype, copy=copy, ndmin=ndmin, **kwargs)
        return fresh(_as_float64(made)) if made.dtype.kind == "f" else made
    result = as_array(value)
    if dtype is not None and np.dtype(dtype).kind not in "fO":
        return result.astype(dtype)
    if result is value or result.is_scalar:
        result = result.copy()
    return np.reshape(result, (1,) * (ndmin - result.ndim) + result.shape)


@stands_for(
    np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.asarray_chkfinite, np.require
)
def _asarray(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    if not holds_traced(value):
        return np.asarray(value, dtype)
    result = as_array(value)
    return result if dtype is None or np.dtype(dtype).kind == "f" else result.astype(dtype)


class _FloatType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, float)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, float)

    def __eq__(cls, other: object) -> bool:
        return other is float or other is cls

    def __hash__(cls) -> int:
        return hash(float)


@stands_for(float)
class Float(metaclass=_FloatType):
    """``float``, to which a traced number is a float already."""

    dtype = np.dtype(np.float64)

    def __new__(cls, value: Any = 0.0) -> Any:
        """``float(value)``."""
        if type(value) is not Traced:
            return float(value)
        if value.size != 1:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        return value.reshape(())[()] if value.size == 1 else value.item()


@stands_for(np.vectorize)
class Vectorize:
    """``np.vectorize``: a Python function called entry by entry."""

    def __init__(self, pyfunc: Any, otypes: Any = None, doc: Any = None, *args: Any, **kwargs: Any) -> None:
        self.pyfunc = pyfunc
        self.original = np.vectorize(pyfunc, otypes, doc, *args, **kwargs)
        self.is_plain = self.original.signature is None and not self.original.excluded

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function on each entry of the broadcast arguments."""
        if not any(holds_traced(arg) for arg in args):
            return self.original(*args, **kwargs)
        if not self.is_plain or kwargs:
            refuse("np.vectorize with a signature, excluded or keyword arguments cannot be traced")
        arrays = np.broadcast_arrays(*[as_array(arg) for arg in args])
        flat = [np.ravel(array) for array in arrays]
        results = [self.pyfunc(*entry) for entry in zip(*flat, strict=True)]
        if not results:
            return np.zeros(arrays[0].shape)
        if isinstance(results[0], tuple):
            return tuple(np.reshape(as_array(list(r)), arrays[0].shape) for r in zip(*results, strict=True))
        return np.reshape(as_array(results), arrays[0].shape)


@stands_for(np.fromiter)
def _fromiter(items: Any, dtype: Any, count: int = -1) -> Any:
    return _array(list(items), dtype)


@stands_for(np.ndenumerate)
def _ndenumerate(array: Any) -> Iterator[Any]:
    if type(array) is not Traced:
        return np.ndenumerate(array)
    return ((index, array[index]) for index in np.ndindex(array.shape))


@stands_for(np.lib.stride_tricks.as_strided)
def _as_strided(x: Any, shape: Any = None, strides: Any = None, **kwargs: Any) -> Any:
    if type(x) is not Traced:
        return np.lib.stride_tricks.as_strided(x, shape, strides, **kwargs)
    value = x.plain_value
    shape, strides = tuple(shape or value.shape), tuple(strides or value.strides)
    reach = sum((n - 1) * s for n, s in zip(shape, strides, strict=True)) + value.itemsize
    if not value.flags.c_contiguous or reach > value.nbytes or any(s < 0 for s in strides):
        refuse("as_strided over memory that is not a contiguous array's own cannot be traced")
    # positions are as wide as a float64, so the same strides walk over them
    return moved(x, lambda a: np.lib.stride_tricks.as_strided(a, shape, strides, **kwargs))


def _scalar(original: Any, traced: Callable[..., Any]) -> None:
    def function(*args: Any) -> Any:
        return traced(*args) if any(type(arg) is Traced for arg in args) else original(*args)

    stands_for(original)(function)


for _name in (
    "cbrt", "copysign", "cos", "cosh", "degrees", "exp", "exp2", "expm1", "fabs", "fmod", "hypot", "isfinite", "isinf",
    "isnan", "ldexp", "log10", "log1p", "log2", "radians", "sin", "sinh", "sqrt", "tan", "tanh",
):  # fmt: skip
    _scalar(getattr(math, _name), getattr(np, _name))
for _name, _twin in {
    "pow": np.power, "atan": np.arctan, "asin": np.arcsin, "acos": np.arccos, "atan2": np.arctan2,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
}.items():  # fmt: skip
    _scalar(getattr(math, _name), _twin)
_scalar(math.log, lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base))
_scalar(math.floor, lambda x: int(np.floor(x.plain_value)))
_scalar(math.ceil, lambda x: int(np.ceil(x.plain_value)))


@stands_for(math.fsum)
def _fsum(items: Any) -> Any:
    items = list(items)
    return sum(items) if holds_traced(items) else math.fsum(items)


def _special(name: str) -> Callable[..., Any]:
    """A function of scipy.special on a traced number."""

    def function(x: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(x)

    return function


for _name, _other in {"erf": "erf", "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln"}.items():
    _scalar(getattr(math, _name), _special(_other))


def is_numpy_function(value: Any) -> bool:
    """Whether ``value`` is a ufunc or a function that NumPy dispatches."""
    return isinstance(value, np.ufunc) or hasattr(value, "_implementation")
