"""NumPy's functions that are written in Python: their own code is traced, as the user's is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gradcheck.oracles.tracing import standins
from gradcheck.oracles.tracing.array import dispatch
from gradcheck.oracles.tracing.function import handles, holds_traced
from gradcheck.oracles.tracing.numpy_calls.creation import fresh
from gradcheck.oracles.tracing.numpy_calls.joining import as_array
from gradcheck.oracles.tracing.rebind import Names, Rebinding


class _Converter:
    """What NumPy makes arrays with of the arguments that it is given."""

    def __init__(self, *arrays: Any) -> None:
        self.arrays = tuple(as_array(array) for array in arrays)

    def __getitem__(self, number: int) -> Any:
        return self.arrays[number]

    def as_arrays(self, **ignored: Any) -> tuple[Any, ...]:
        """The arguments as arrays."""
        return self.arrays

    def result_type(self, **ignored: Any) -> np.dtype[Any]:
        """The type of what is traced."""
        return np.dtype(np.float64)

    def wrap(self, result: Any, **ignored: Any) -> Any:
        """A result as the arguments were."""
        return result


def _broadcast(*arrays: Any) -> Any:
    if any(map(holds_traced, arrays)):
        arrays = tuple(np.empty(np.shape(array)) for array in arrays)
    return np.broadcast(*arrays)


def _divided(total: Any, count: Any, out: None = None) -> Any:
    return total / count


_ABSENT = object()


def _used_by(function: Any, name: str) -> int:
    """The id of what the code of a function of NumPy's calls so; of nothing at all in a NumPy that does not."""
    code = getattr(function, "_implementation", None)
    return id(getattr(code, "__globals__", {}).get(name, _ABSENT))


_INSTEAD: dict[int, Any] = {
    id(np.arange): lambda *args, **kwargs: fresh(np.arange(*args, **kwargs)),
    id(np.broadcast): _broadcast,
    _used_by(np.block, "_concatenate"): standins.front(np.concatenate),
    _used_by(np.insert, "_array_converter"): _Converter,
    _used_by(np.quantile, "_lerp"): lambda a, b, t, out=None: a + (b - a) * t,
    _used_by(np.nanmean, "_divide_by_count"): _divided,
}
"""id of what NumPy's own code uses, and traced values do not pass through -> what stands for it there."""


class _Inside(Rebinding):
    """The names of NumPy's own code: its helpers bound anew, what it dispatches asked as the user asks it."""

    def _make(self, value: Any) -> Any:
        standin = _INSTEAD.get(id(value), standins.by_object.get(id(value)))
        if standin is not None:
            return standin
        if standins.is_numpy_function(value):
            return standins.front(value)
        if isinstance(value, ModuleType):
            return Names(value, self) if value.__name__.startswith("numpy") else value
        is_numpys = isinstance(value, FunctionType) and value.__module__.startswith("numpy")
        return self._rebound(value) if is_numpys else value


_inside = _Inside()


@cache
def _code(function: Any) -> Callable[..., Any] | None:
    """The Python code of a function of NumPy's, with its names bound anew; None where it is compiled."""
    code = getattr(function, "_implementation", None)
    return _inside(code) if isinstance(code, FunctionType) else None


def _by_its_code(function: Any) -> None:
    handles(function)(lambda *args, **kwargs: _code(function)(*args, **kwargs))  # type: ignore[misc]


class _Joiner:
    """np.r_ or np.c_."""

    def __init__(self, original: Any) -> None:
        self.original, self.code = original, _inside(type(original).__getitem__)

    def __getitem__(self, key: Any) -> Any:
        return self.code(self.original, key) if holds_traced(key) else self.original[key]


standins.by_object.update({id(joiner): _Joiner(joiner) for joiner in (np.r_, np.c_)})
dispatch["code"] = _code

# where autograd's rule serves some of the forms only
for _function in (
    np.atleast_1d, np.atleast_2d, np.atleast_3d, np.cross, np.diag, np.diff, np.full_like, np.gradient, np.kron,
    np.linalg.norm, np.linspace, np.nan_to_num, np.outer, np.pad, np.real_if_close,
):  # fmt: skip
    _by_its_code(_function)
