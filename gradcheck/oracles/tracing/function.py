"""NumPy's functions on traced arrays: autograd's primitive of the same name where it can be trusted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps
from autograd.numpy import numpy_wrapper
from autograd.tracer import isbox, notrace_primitives

from gradcheck.oracles.tracing.array import Traced, dispatch, plain, wrap
from gradcheck.oracles.tracing.refusal import refuse
from gradcheck.oracles.tracing.tape import Step, rules
from gradcheck.oracles.tracing.ufunc import into

handlers: dict[Any, Callable[..., Any]] = {}
"""NumPy function -> this package's own way to call it, with traced arguments as they come."""


def handles(*names: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a way to call these NumPy functions."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        handlers.update(dict.fromkeys(names, handler))
        return handler

    return register


def there(*names: str) -> tuple[Any, ...]:
    """The functions of NumPy by these names that this version of it has."""
    return tuple(getattr(np, name) for name in names if hasattr(np, name))


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``Traced.__array_function__`` does."""
    if "out" in kwargs:
        options = dict(kwargs)
        out = options.pop("out")
        result = call_function(function, args, options)
        return result if out is None else into(out, result)
    if (handler := handlers.get(function)) is not None:
        return handler(*args, **kwargs)
    return through(function, args, kwargs)


def through(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call autograd's primitive for ``function``, or the function itself where nothing depends on a leaf.

    Where autograd knows none, NumPy's own Python code is traced.
    """
    sources = tuple(arg for arg in args if type(arg) is Traced)
    if not _depends([*args, *kwargs.values()]):
        return wrap(function(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()}), sources)
    primitive = primitives().get(function)
    if primitive is None:
        code = dispatch["code"](function)
        if code is None:
            refuse(f"{_name(function)} has no derivative rule")
        return code(*args, **kwargs)
    if any(holds_traced(value) for value in kwargs.values()):
        args, kwargs = _positional(function, args, kwargs)
    boxes = [_stacked(plain(arg)) if type(arg) in (list, tuple) else plain(arg) for arg in args]
    return wrap(primitive(*boxes, **{k: plain(v) for k, v in kwargs.items()}), sources)


def holds_traced(value: Any) -> bool:
    """Whether ``value`` is traced, or a list with traced items."""
    if type(value) is Traced:
        return True
    return type(value) in (list, tuple) and any(holds_traced(item) for item in value)


def _depends(value: Any) -> bool:
    """Whether ``value`` depends on a leaf, or a list with items that do."""
    if type(value) in (list, tuple):
        return any(_depends(item) for item in value)
    return value.depends if type(value) is Traced else isbox(value)


def _stacked(boxes: Any) -> Any:
    # autograd looks for its boxes among the arguments, not inside lists of numbers
    return anp.array(list(boxes)) if _has_box(boxes) else boxes


def _has_box(value: Any) -> bool:
    return isbox(value) or (type(value) in (list, tuple) and any(_has_box(item) for item in value))


def _positional(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The same call with traced keyword arguments by position, where autograd looks for them."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        refuse(f"{_name(function)} with a traced keyword argument cannot be traced")
    if any(holds_traced(value) for value in bound.kwargs.values()):
        refuse(f"{_name(function)} with a traced keyword argument cannot be traced")
    return bound.args, bound.kwargs


def _name(function: Any) -> str:
    module = getattr(function, "__module__", "") or ""
    return f"{module.replace('numpy', 'np', 1)}.{getattr(function, '__name__', function)}"


@cache
def primitives() -> dict[Any, Any]:
    """NumPy function -> autograd's primitive of the same name that has a derivative rule."""
    table = {}
    for theirs, plain_module in ((numpy_wrapper, np), (anp.linalg, np.linalg), (anp.fft, np.fft)):
        for name in dir(plain_module):
            primitive = getattr(theirs, f"_primitive_{name}", getattr(theirs, name, None))
            known = primitive in rules or primitive in primitive_vjps if callable(primitive) else False
            if known or (callable(primitive) and primitive in notrace_primitives[Step]):
                table[getattr(plain_module, name)] = primitive
    table[np.where] = anp._original_where  # autograd.numpy.where makes lists of plain numbers
    return table


dispatch["function"] = call_function
