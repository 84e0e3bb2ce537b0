"""Which functions a function names, and which data, found without calling it."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from itertools import islice
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from gradcheck.ask.whose import is_librarys

_ITEMS = 32
"""Of a list of layers or the like so many are looked into."""

_INSIDE = 3
"""How many steps from a value that is named to what is looked into: an object's list's items."""


class _Met(NamedTuple):
    """A function, the object whose method it is, and what it finds in closures and in globals, by name."""

    plain: FunctionType
    owner: Any
    closed: dict[str, Any]
    shared: dict[str, Any]


def callees(function: Callable[..., Any], depth: int, given: tuple[Any, ...] = ()) -> Iterator[FunctionType]:
    """The function itself and those that it names, and they, the nearest first; none of a numerical library's.

    Those that it is ``given`` as arguments are among them.
    """
    return (plain for plain, *_ in _walked(function, depth, given))


def _walked(function: Callable[..., Any], depth: int, given: tuple[Any, ...] = ()) -> Iterator[_Met]:
    """These functions, each with what it finds."""
    seen: set[FunctionType] = set()
    level: list[Any] = [function]
    for further in reversed(range(depth)):
        below: list[Any] = []
        for one in level:
            plain, owner = _plain(one)
            if plain is None or plain in seen or is_librarys(plain.__module__ or ""):
                continue
            seen.add(plain)
            met = _Met(plain, owner, _closed_over(plain), _global(plain))
            yield met
            if further:
                below += _named(met, given)
        level, given = below, ()


_AROUND = {partial: "func", np.vectorize: "pyfunc", type(lru_cache(len)): "__wrapped__"}
"""Of what is made around a function the attribute that holds it."""


def _plain(one: Any) -> tuple[FunctionType | None, Any]:
    """The function that a call of ``one`` runs, and the object whose method it is, None without one."""
    if type(one) is FunctionType:
        return one, None
    while type(one) in _AROUND:
        one = getattr(one, _AROUND[type(one)])
    if isinstance(one, MethodType):
        owner, one = one.__self__, one.__func__
        return (one if isinstance(one, FunctionType) else None), owner
    if isinstance(one, FunctionType):
        return one, None
    called = inspect.getattr_static(type(one), "__call__", None)
    return (called, one) if isinstance(called, FunctionType) else (None, None)


def values_named(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function finds in globals and closures, by name."""
    plain, _ = _plain(function)
    return {} if plain is None else _global(plain) | _closed_over(plain)


def values_bound(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function has bound in globals, by name: ``global dW``."""
    plain, _ = _plain(function)
    if plain is None:
        return {}
    space = plain.__globals__
    return {name: space[name] for name in _with(plain.__code__, "STORE_GLOBAL") if name in space}


def values_given(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function is given before it is called: defaults, arguments of a partial one, the object that it is of."""
    plain, owner = _plain(function)
    held = {} if plain is None or owner is None else {_first(plain): owner}
    return _defaults(function) | held | _bound(function)


def values_reached(function: Callable[..., Any], depth: int) -> Iterator[tuple[str, Any]]:
    """What a function and those that it names find outside their arguments, by name, its own first.

    Of a module it is what they name of it.
    """
    yield from (values_named(function) | values_bound(function) | values_given(function)).items()
    for plain, owner, closed, shared in _walked(function, depth):
        found = shared | closed | values_bound(plain) | _defaults(plain) | vars(plain)
        yield from found.items()
        for module in filter(_is_open, found.values()):
            if isinstance(module, ModuleType):
                yield from _attributes(module, _words(plain.__code__))
        yield _first(plain), owner


def data_named(
    function: Callable[..., Any], depth: int, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a function and those that it names find outside their arguments, by name, in two parts.

    First what belongs to this one call of them: bound to it, its defaults, in closures, and in the objects that they
    name or are ``given`` (what they write there apart); then what is in globals and in modules.
    """
    own, common = _defaults(function) | _bound(function), dict[str, Any]()
    for plain, owner, closed, shared in _walked(function, depth):
        own |= closed
        common |= shared
        named = {**given, **shared, **closed, _first(plain): owner}
        holders = [(name, one) for name, one in named.items() if _is_open(one)]
        words = (
            [word for word in _words(plain.__code__) if word not in _written(plain.__code__)]
            if holders
            else []
        )
        for name, one in holders:
            place = common if isinstance(one, ModuleType) else own
            place |= _held(name, one, words, _INSIDE)
    return own, common


def _bound(function: Callable[..., Any]) -> dict[str, Any]:
    """The arguments that a partial function has already."""
    plain, owner = _plain(function)
    if plain is None or not isinstance(function, partial):
        return {}
    names = plain.__code__.co_varnames[owner is not None :]
    return {**dict(zip(names, function.args, strict=False)), **function.keywords}


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    plain, _ = _plain(function)
    if plain is None:
        return {}
    if not plain.__defaults__:
        return plain.__kwdefaults__ or {}
    names, values = plain.__code__.co_varnames[: plain.__code__.co_argcount], plain.__defaults__
    return dict(zip(names[len(names) - len(values) :], values, strict=True)) | (plain.__kwdefaults__ or {})


def _held(name: str, one: Any, words: Sequence[str], depth: int) -> dict[str, Any]:
    """What an object holds under these names, and what that holds."""
    found: dict[str, Any] = {}
    for word, value in _attributes(one, words) if depth and _is_open(one) else ():
        found[f"{name}.{word}"] = value
        found |= _held(f"{name}.{word}", value, words, depth - 1)
    return found


def _first(function: FunctionType) -> str:
    return next(iter(function.__code__.co_varnames), "")


def _closed_over(function: FunctionType) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not function.__closure__:
        return found
    for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # bound later than now
            continue
    return found


def _global(function: FunctionType) -> dict[str, Any]:
    space = function.__globals__
    return {name: space[name] for name in globals_of(function.__code__) if name in space}


def _named(met: _Met, given: tuple[Any, ...]) -> Iterator[Any]:
    """What a function names that can be called, methods of the objects that it names and is ``given`` included."""
    words = _words(met.plain.__code__)
    values = (*met.shared.values(), *met.closed.values(), *_defaults(met.plain).values())
    for one in _within((met.owner, *given, *values), words, _INSIDE):
        if type(one) is FunctionType:
            yield one
        elif type(one) not in _CLOSED and type(one) is not ModuleType:
            if callable(one):
                yield one
            yield from (MethodType(method, one) for method in _methods(one, words))


def _methods(one: Any, words: Sequence[str]) -> Iterator[FunctionType]:
    """What the class of an object, or a class, and those that it inherits from have of these names.

    Of one name it is several, for one may call the next.
    """
    kind = one if isinstance(one, type) else type(one)
    if is_librarys(kind.__module__ or ""):
        return
    spaces = [vars(base) for base in kind.__mro__]
    for name in words:
        for space in spaces:
            if name not in space:
                continue
            method = space[name]
            if isinstance(method, property):
                method = method.fget
            elif isinstance(method, staticmethod | classmethod):
                method = method.__func__
            if isinstance(method, FunctionType):
                yield method


def _within(values: Any, words: Sequence[str], depth: int) -> Iterator[Any]:
    """The values, what their containers hold, and what attributes of these names are of the user's objects."""
    for one in values:
        yield one
        if not depth or type(one) in _CLOSED:
            continue
        if isinstance(one, list | tuple | dict):
            items = one.values() if isinstance(one, dict) else one
            yield from _within(islice(items, _ITEMS), words, depth - 1)
        elif _is_open(one):
            yield from _within([value for _, value in _attributes(one, words)], words, depth - 1)


_CLOSED = frozenset(
    {FunctionType, type(len), type(np.where), np.ufunc, np.ndarray, type(None), bool, int, float, str}
)
"""The commonest kinds of what has no attributes, no methods and, but for functions, no code of the user's."""


def _is_open(one: Any) -> bool:
    """Whether it is an object or a module of the user's, which may hold what is of interest."""
    if type(one) in _CLOSED or isinstance(one, type):
        return False
    return not is_librarys(one.__name__ if isinstance(one, ModuleType) else type(one).__module__ or "")


def _attributes(one: Any, words: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What an object or module of the user's holds under these names."""
    spaces = [space for space in map(_space, (one, *type(one).__mro__[:-1])) if space]
    for word in words:
        holder = next((space for space in spaces if word in space), None)
        if holder is not None:
            yield word, holder[word]


def _space(one: Any) -> Mapping[str, Any]:
    space: Mapping[str, Any] = {}
    with suppress(Exception):  # no dict, or one that is not handed out
        space = vars(one)
    return space


@lru_cache(maxsize=1024)
def _words(code: CodeType) -> tuple[str, ...]:
    """Names of globals and attributes, those in functions and comprehensions inside it included."""
    inner = (word for one in code.co_consts if isinstance(one, CodeType) for word in _words(one))
    return tuple(dict.fromkeys([*code.co_names, *inner]))


@lru_cache(maxsize=1024)
def globals_of(code: CodeType) -> tuple[str, ...]:
    """Names that are looked up in globals and builtins, in functions inside it, too."""
    return _with(code, "LOAD_GLOBAL", "LOAD_NAME")


@lru_cache(maxsize=1024)
def _written(code: CodeType) -> tuple[str, ...]:
    """Attributes that are bound anew."""
    return _with(code, "STORE_ATTR")


def _with(code: CodeType, *names: str) -> tuple[str, ...]:
    own = [one.argval for one in dis.get_instructions(code) if one.opname in names]
    inner = [word for one in code.co_consts if isinstance(one, CodeType) for word in _with(one, *names)]
    return tuple(dict.fromkeys([*own, *inner]))
