"""The point of a check from the words of a command line: read from a file, or drawn by shapes."""

from __future__ import annotations

import inspect
import re
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gradcheck.commands.status import Misuse
from gradcheck.dimensions.drawing import lengths_of, point_of
from gradcheck.dimensions.shape import names, shape_of
from gradcheck.report.views.figures import shape

_NEXT = re.compile(r",\s*(?=[^\s,=]+\s*=)")
"""A comma before the next name; those within a shape stand between its axes."""


SHAPES = "NAME=AXES, with commas between, as in 'W=d h, X=n d'"
_SIZES = "NAME=LENGTH, with commas between, as in 'n=8, d=2'"


def pairs(option: str, text: str, wanted: str) -> dict[str, str]:
    """``"W=d h, X=n, d"`` as ``{"W": "d h", "X": "n, d"}``; ``wanted`` says what to write.

    Raises
    ------
    Misuse
        There is no ``=`` in it, a name is none, or one comes twice.
    """
    found: dict[str, str] = {}
    for part in _NEXT.split(text):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (equals and name.isidentifier()):
            raise Misuse(f"{option} holds {part!r}; write {wanted}")
        if name in found:
            raise Misuse(f"{option} gives {name} twice")
        found[name] = value
    return found


def given(options: Namespace) -> tuple[dict[str, Any], str]:
    """The arguments by name, and a line that says what they are.

    Raises
    ------
    Misuse
        The file or the shapes are none.
    """
    if options.at is not None:
        if options.size is not None or options.dtype is not None:
            other = "--size" if options.size is not None else "--dtype"
            raise Misuse(f"{other} is for --shapes; --at has arrays of its own")
        arguments = _read(options.at)
        return arguments, f"at {options.at}: {_described(arguments)}"
    return _drawn(options)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise Misuse(f"--at names {file}, and there is no such file")
    try:
        with np.load(file, allow_pickle=False) as loaded:
            # a number comes back as an array without axes; to a function they are not the same
            arguments = {name: _number_or_array(file, loaded, name) for name in loaded.files}
    except (ValueError, OSError, EOFError, BadZipFile, AttributeError, TypeError) as error:
        raise Misuse(
            f"--at names {file}, which is no file of arrays by name; write one with "
            f"numpy.savez({file.with_suffix('.npz').name!r}, W=W, X=X)"
        ) from error
    if not arguments:
        raise Misuse(f"--at names {file}, which holds no arrays")
    return arguments


def _number_or_array(file: Path, loaded: Any, name: str) -> Any:
    try:
        return loaded[name][()]
    except ValueError as error:
        raise Misuse(
            f"--at names {file}, whose array {name} holds Python objects, which are not read: write it as numbers, "
            f"{name}=np.asarray({name}, float)"
        ) from error


def _drawn(options: Namespace) -> tuple[dict[str, Any], str]:
    generator = np.random.default_rng(options.seed)
    try:
        shapes = {
            name: shape_of(name, text) for name, text in pairs("--shapes", options.shapes, SHAPES).items()
        }
        lengths = lengths_of(shapes, _sizes(options.size, names(shapes)), generator)
        arguments = point_of(shapes, lengths, generator, options.dtype or "float64")
    except (ValueError, MemoryError) as error:
        raise Misuse(f"--shapes: {error}") from error
    said = "".join(f"{name} = {length}, " for name, length in lengths.items())
    return arguments, f"at random ({said}seed {options.seed}): {_described(arguments)}"


def _sizes(text: str | None, known: tuple[str, ...]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name, length in ({} if text is None else pairs("--size", text, _SIZES)).items():
        if name not in known:
            raise Misuse(
                f"--size gives {name}, which --shapes does not name; it names {', '.join(known) or 'none'}"
            )
        if not length.isdecimal():
            raise Misuse(f"--size gives {name}={length}; a length is a whole number, as in 'n=8, d=2'")
        sizes[name] = int(length)
    return sizes


def _described(arguments: Mapping[str, Any]) -> str:
    kinds = {name: np.asarray(value) for name, value in arguments.items()}
    return ", ".join(f"{name} {value.dtype} {shape(value.shape)}" for name, value in kinds.items())


def bound(f: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The arguments in the order of ``f``, which may leave out those with a default; last those it takes by name alone.

    The names of these come beside them; `placed` makes a function of positions of it.

    Raises
    ------
    Misuse
        ``f`` takes no argument of such a name, or also another.
    """
    try:
        parameters = [*inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):  # of a builtin or a ufunc nobody knows the names
        return tuple(arguments.values()), ()
    by_place = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    by_name = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    named = tuple(one.name for one in by_name if one.name in arguments)
    rest = {name: value for name, value in arguments.items() if name not in named}
    unnamed = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    free = unnamed or (bool(rest) and all(re.fullmatch(r"arr_\d+", name) for name in rest))
    takes = f"{getattr(f, '__name__', 'it')}{_listed(by_place, by_name)}"
    if not free and (strange := [name for name in rest if name not in {one.name for one in by_place}]):
        raise Misuse(f"the point gives {strange[0]}, and {takes} takes no argument of this name")
    for one in [*(() if free else by_place), *by_name]:
        if one.default is one.empty and one.name not in arguments:
            raise Misuse(f"the point gives no {one.name}, which {takes} needs")
    last = max((number for number, one in enumerate(by_place) if one.name in rest), default=-1)
    known = [rest.get(one.name, one.default) for one in by_place[: last + 1]]
    return (*(rest.values() if free else known), *(arguments[name] for name in named)), named


def _listed(by_place: Sequence[inspect.Parameter], by_name: Sequence[inspect.Parameter]) -> str:
    star = ["*"] if by_name else []
    return f"({', '.join([*(one.name for one in by_place), *star, *(one.name for one in by_name)])})"


def chosen(text: str | None, known: Sequence[str]) -> int | tuple[int, ...] | None:
    """The arguments that ``--argnums`` names, by their positions."""
    if text is None:
        return None
    numbers: list[int] = []
    for word in filter(None, re.split(r"[,\s]+", text)):
        number = int(word) if word.isdecimal() else known.index(word) if word in known else len(known)
        if number >= len(known):
            raise Misuse(
                f"--argnums names {word}, which is no argument of F at this point: {', '.join(known)}"
            )
        numbers.append(number)
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def placed(
    function: Callable[..., Any], named: Sequence[str], names: Sequence[str] = ()
) -> Callable[..., Any]:
    """``function``, which takes ``named`` by name alone, as one that takes them last; its arguments are ``names``."""
    if not named:
        return function

    @wraps(function)
    def call(*given: Any) -> Any:
        first = len(given) - len(named)
        return function(*given[:first], **dict(zip(named, given[first:], strict=True)))

    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    call.__signature__ = inspect.Signature(parameters) if names else None  # type: ignore[attr-defined]
    return call
