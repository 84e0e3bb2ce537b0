"""Which side of its branches a function takes: one call of it, on arrays that note where they are compared."""

from __future__ import annotations

import ast
import math
import os
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Thread
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.precision import DOUBLE
from gradcheck.ask.random_rounding import Run, running
from gradcheck.ask.source import line_of, lines_of
from gradcheck.ask.whose import is_users
from gradcheck.findings import Blind, Branch, Unseen
from gradcheck.oracles.tracing.rebind import Meeting
from gradcheck.unseen.lines import never_run, only_complains, sides
from gradcheck.unseen.moves import Ran, moves_made

_Place = tuple[str, int, str, int]
"""File, line, what stands there, and which instruction that is; -1 where all of a line are one choice."""


@dataclass
class Book:
    """What one call showed: of each choice how many entries went one way, of how many; which index arrays it used."""

    choices: dict[_Place, list[int]] = field(default_factory=dict)
    indices: dict[_Place, bool] = field(default_factory=dict)
    products: set[_Place] = field(default_factory=set)
    ran: Ran = field(default_factory=dict)
    made: list[ref[np.ndarray]] = field(default_factory=list)

    def chose(self, what: str, taken: Any) -> None:
        """Note a choice: the entries of ``taken`` that are true went one way."""
        place = _here(what)
        if place is None:
            return
        counts = self.choices.setdefault(place, [0, 0])
        mask = np.asarray(taken)
        counts[0] += int(np.count_nonzero(mask))
        counts[1] += mask.size

    def indexed(self, index: np.ndarray) -> None:
        """Note an index array: whether one of its indices comes twice."""
        place = _here("index")
        if place is not None:
            self.indices[place] = self.indices.get(place, False) or len(np.unique(index)) < index.size


_book: ContextVar[Book | None] = ContextVar("book", default=None)


def _here(what: str) -> _Place | None:
    """Where the user's code stands that led here; None where a function of a library does, unless it is to choose."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    called = None
    while frame is not None and frame.f_code.co_filename.startswith(_NUMPY):
        called, frame = frame.f_code.co_name.strip("_"), frame.f_back
    if frame is None or not is_users(frame.f_code) or called not in (None, *CHOOSING):
        return None
    return frame.f_code.co_filename, frame.f_lineno, what, -1 if what in _BY_MASK else frame.f_lasti


_NUMPY = os.path.dirname(np.__file__) + os.sep
_BY_MASK = ("mask", "where")
"""Choices by what was compared before: where one takes a mask and another of the line its opposite, both sides ran."""


_COMPARISONS = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<="}
_SIGNS = ("absolute", "fabs", "sign", "heaviside")
_LARGEST: dict[str, np.ufunc] = {
    "maximum": np.greater,
    "fmax": np.greater,
    "minimum": np.less,
    "fmin": np.less,
}
CHOOSING = frozenset(
    {*_COMPARISONS, *_SIGNS, *_LARGEST, "abs", "copysign", "where", "clip", "take", "select", "piecewise"}
)
"""Names of NumPy's functions in whose calls something is noted."""

_PRODUCTS = (np.dot, np.inner, np.outer, np.vdot, np.tensordot, np.einsum)
_ORDERS = (np.argsort, np.argpartition, np.lexsort, np.nonzero, np.flatnonzero, np.unique)


class Watched(np.ndarray):
    """An array that notes where it is compared, clipped, masked and indexed; all that is made of it does, too.

    ``distinct`` says that its entries are indices of which none can come twice: those of an order. ``squared`` is what
    it is the square of: the root of that is an absolute value. ``chosen`` says that some choice made its entries, which
    told itself what it saw: two that are equal may be so by it. ``fixed`` says that they are data, which never move.
    """

    distinct = False
    chosen = False
    fixed = False
    squared: np.ndarray | None = None

    def __array_finalize__(self, source: Any) -> None:
        if (book := _book.get()) is not None:
            book.made.append(ref(self))
        for name in ("distinct", "chosen", "fixed"):
            if getattr(source, name, False):
                setattr(self, name, True)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        plain = [_plain(one) for one in inputs]
        out, chosen = keywords.get("out", ()), ufunc.__name__ in _CHOICES or _is_chosen(inputs)
        compared = plain
        if out:
            keywords["out"] = tuple(map(_plain, out))
            if ufunc.__name__ in _NOTED:  # what it is written into may be what was compared
                compared = [np.array(one) for one in plain]
        result = getattr(ufunc, method)(*plain, **keywords)
        if ufunc in _FACTORS:
            if any(map(_holds_integers, inputs)) and (book := _book.get()) is not None:
                _noted_product(book)
        elif ufunc.__name__ in _NOTED and (book := _book.get()) is not None and method == "__call__":
            with suppress(TypeError, IndexError, ValueError):  # a comparison of other things than numbers
                _noted(book, ufunc.__name__, inputs, compared, result)
        elif method == "at" and (book := _book.get()) is not None:
            _noted_key(book, inputs[1])
        if out:
            for one in out:
                _written(one, chosen)
            return out[0] if len(out) == 1 else out
        if type(result) is tuple:
            return tuple(_made(one, chosen) for one in result)
        result = _made(result, chosen)
        if (
            method == "__call__"
            and ufunc in _SQUARES
            and type(result) is Watched
            and _is_square(ufunc, inputs)
        ):
            result.squared = plain[0]
        return result

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        book = _book.get()
        if book is not None:
            with suppress(TypeError, IndexError, ValueError):  # it will be refused
                _noted_call(book, function, args, keywords)
        result = super().__array_function__(function, types, args, keywords)
        if function in _WRITING:
            _written(args[0], _is_chosen((*args, *keywords.values())))
        orders = function in _ORDERS or (function is np.where and len(args) == 1)
        result = _in_order(result) if orders else _made(result, function is np.where or _is_chosen(args))
        if type(result) is Watched and not all(map(_is_fixed, args)):
            result.fixed = False
        return result

    def argsort(self, *args: Any, **keywords: Any) -> Any:
        """As of any array."""
        return _in_order(super().argsort(*args, **keywords))

    def argpartition(self, *args: Any, **keywords: Any) -> Any:
        """As of any array."""
        return _in_order(super().argpartition(*args, **keywords))

    def dot(self, *args: Any, **keywords: Any) -> Any:
        """As of any array."""
        return np.dot(self, *args, **keywords)

    def nonzero(self) -> Any:
        """As of any array."""
        return _in_order(super().nonzero())

    def __getitem__(self, key: Any) -> Any:
        if _is_one(key):
            return super().__getitem__(key)
        book = _book.get()
        if book is not None:
            _noted_key(book, key)
        return super().__getitem__(_plain_key(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        if _is_one(key):
            super().__setitem__(key, _plain(value))
            if type(value) in (int, float):  # of a loop that goes over entries and cuts some off
                self.chosen = True
            return
        book = _book.get()
        if book is not None:
            _noted_key(book, key)
        super().__setitem__(_plain_key(key), _plain(value))
        _written(self, self.chosen or _is_mask(key) or _is_chosen((value,)))


def _is_one(key: Any) -> bool:
    """Whether a key is plain integers, as in a loop over entries, which would take many times as long otherwise."""
    return type(key) is int or (type(key) is tuple and all([type(one) is int for one in key]))


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if type(value) is Watched else value


def _plain_key(key: Any) -> Any:
    return tuple(map(_plain, key)) if isinstance(key, tuple) else _plain(key)


def _watched(value: Any) -> Any:
    return value.view(Watched) if type(value) is np.ndarray else value


def _made(value: Any, chosen: bool) -> Any:
    value = _watched(value)
    if chosen and type(value) is Watched:
        value.chosen = True
    return value


def _written(value: Any, chosen: bool) -> None:
    """Note what an array holds now, and what it is a view of."""
    if type(value) is Watched:
        value.chosen, value.fixed, value.squared = chosen, False, None
        if chosen and type(value.base) is Watched:
            value.base.chosen = True


def _is_chosen(values: Any) -> bool:
    """Whether one of these, or of what lists among them hold, was made by a choice."""
    return any(
        _is_chosen(one) if isinstance(one, list | tuple) else type(one) is Watched and one.chosen
        for one in values
    )


def _is_mask(key: Any) -> bool:
    keys = key if isinstance(key, tuple) else (key,)
    return any(isinstance(one, np.ndarray) and one.dtype.kind == "b" for one in keys)


def _in_order(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_in_order, result))
    result = _watched(result)
    if isinstance(result, Watched):
        result.distinct = True
    return result


def _noted_call(book: Book, function: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> None:
    """Of a function that NumPy does not make of its ufuncs before our eyes."""
    if function is np.where and len(args) == 3:
        book.chose("where", _plain(args[0]))
    elif function is np.take:
        _noted_key(book, args[1])
    elif function is np.bincount:
        _noted_key(book, args[0])
    elif function in _PRODUCTS:
        if any(map(_holds_integers, args)):
            _noted_product(book)
    elif function is np.clip:
        _noted_clip(book, _plain(args[0]), *_limits(*args, **keywords))
    elif function is np.linalg.norm and _order(*args, **keywords) in _BENT:
        _noted_sign(book, "norm", _plain(args[0]))


_SQUARES = frozenset({np.square, np.multiply, np.power})
_FACTORS = frozenset({np.multiply, np.divide, np.matmul})
_CHOICES = frozenset({*_COMPARISONS, *_SIGNS, *_LARGEST, "copysign", "clip"})
_NOTED = _CHOICES | {"sqrt", "power"}
"""Names of the ufuncs in whose calls something may be noted."""
_WRITING = (np.copyto, np.place, np.putmask)


def _noted(book: Book, name: str, given: Sequence[Any], plain: Sequence[Any], result: Any) -> None:
    inputs = [np.asarray(one) for one in plain]
    if name in _COMPARISONS:
        seen = _are_apart(*inputs)
        if seen.any() and (_is_chosen(given) or all(map(_is_fixed, given))):
            # what was made equal, as a relu's own output and 0, or is so for good is no tie of the point
            seen = _are_finite(*inputs)
        book.chose(_COMPARISONS[name], np.asarray(result)[seen])
    elif name in _LARGEST:
        book.chose(name, _LARGEST[name](*inputs)[_are_apart(*inputs)])
    elif name in _SIGNS:
        _noted_sign(book, name, inputs[0])
    elif name == "copysign":
        _noted_sign(book, name, inputs[1])
    elif _is_root(name, inputs) and (of := getattr(given[0], "squared", None)) is not None:
        _noted_sign(book, "root of a square", of)
    elif name == "clip":
        _noted_clip(book, *inputs)


def _are_apart(one: np.ndarray, other: np.ndarray) -> Any:
    """Where one of two sides is seen: not of what is equal, nor of what is beyond all bounds."""
    return (one != other) & _are_finite(one, other)


def _are_finite(one: np.ndarray, other: np.ndarray) -> Any:
    """Where a comparison has a side: not beyond all bounds."""
    return ~np.isinf(one) & ~np.isinf(other)


def _is_fixed(value: Any) -> bool:
    """Whether no entry of it moves: data, whole numbers, numbers of the program's own."""
    return type(value) is not Watched or value.fixed or value.dtype.kind in "biu"


def _noted_product(book: Book) -> None:
    if (place := _here("integers")) is not None:
        book.products.add(place)


def _noted_sign(book: Book, name: str, value: Any) -> None:
    value = np.asarray(value)
    book.chose(name, np.greater(value, 0)[value != 0])


def _noted_clip(book: Book, value: Any, low: Any, high: Any) -> None:
    for what, bound, beyond in (("below", low, np.less), ("above", high, np.greater)):
        if np.asarray(bound).dtype.kind in "fiu" and np.isfinite(bound).any():
            book.chose(f"clip from {what}", beyond(value, _plain(bound)))


def _limits(x: Any, a_min: Any = None, a_max: Any = None, *_: Any, **named: Any) -> tuple[Any, Any]:
    return named.get("min", a_min), named.get("max", a_max)


def _is_square(ufunc: np.ufunc, inputs: Sequence[Any]) -> bool:
    times_itself = ufunc is np.multiply and inputs[0] is inputs[1]
    return (
        ufunc is np.square
        or times_itself
        or (ufunc is np.power and np.ndim(inputs[1]) == 0 and inputs[1] == 2)
    )


def _is_root(name: str, inputs: Sequence[Any]) -> bool:
    return name == "sqrt" or (name == "power" and inputs[1].ndim == 0 and inputs[1] == 0.5)


def _order(x: Any, ord: Any = None, *_: Any, **__: Any) -> Any:
    return ord


_BENT = (1, -1, np.inf, -np.inf)
"""Orders of norms that are made of absolute values."""


def _greater(*args: Any, **keywords: Any) -> Any:
    _noted_largest("max", () if keywords else args, 1.0)
    return max(*args, **keywords)


def _less(*args: Any, **keywords: Any) -> Any:
    _noted_largest("min", () if keywords else args, -1.0)
    return min(*args, **keywords)


def _size(value: Any) -> Any:
    if _is_number(value) and (book := _book.get()) is not None:
        _noted_sign(book, "abs", value)
    return abs(value)


_SCRATCH = (np.zeros, np.empty)
_MAKERS = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, *_SCRATCH)
"""Which lose sight of what they are given, or make what is filled with it."""


def _watching(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **keywords: Any) -> Any:
        result = function(*args, **keywords)
        filled = function in _SCRATCH and result.dtype.kind == "f"
        if not filled and not _holds_watched(args[:1]):
            return result
        result = _made(result, _is_chosen(args[:1]))
        if type(result) is Watched:
            result.fixed = any(type(one) is Watched and one.fixed for one in args[:1])
        return result

    return made


_INSTEAD: dict[Any, Callable[..., Any]] = {
    max: _greater, min: _less, abs: _size, math.fabs: _size, **{made: _watching(made) for made in _MAKERS},
}  # fmt: skip
"""Python's own functions of numbers that choose, made to note it; NumPy's that make arrays, made to watch them."""


def _holds_watched(value: Any) -> bool:
    """Whether it is watched, or a list of such or of their entries; numbers of Python's are the program's own."""
    if isinstance(value, list | tuple):
        return any(map(_holds_watched, value))
    return isinstance(value, Watched | np.floating)


def _noted_largest(name: str, args: Sequence[Any], sign: float) -> None:
    """Whether it is the first of several numbers, which the others are bounds of or stand beside."""
    book = _book.get()
    if (
        book is not None
        and len(args) > 1
        and any(map(_is_number, args))
        and all(np.asarray(one).dtype.kind in "fiub" and np.ndim(one) == 0 for one in args)
    ):
        first, *others = (sign * float(one) for one in args)
        if first != max(others) and math.isfinite(first) and math.isfinite(max(others)):
            book.chose(name, first > max(others))


def _is_number(value: Any) -> bool:
    return isinstance(value, float | np.floating)


def _holds_integers(value: Any) -> bool:
    """Whether it holds integers of several sizes: those of one are a mask or signs, or a multiple of them."""
    if type(value) is not Watched or value.dtype.kind not in "iu":
        return False
    sizes = np.abs(_plain(value))
    sizes = sizes[sizes != 0]
    return bool(sizes.size and (sizes != sizes[0]).any())


def _noted_key(book: Book, key: Any) -> None:
    arrays = [
        one
        for one in (key if isinstance(key, tuple) else (key,))
        if isinstance(one, np.ndarray) and one.size > 1
    ]
    for one in arrays:
        if one.dtype.kind == "b":
            book.chose("mask", _plain(one))
    indices = [one for one in arrays if one.dtype.kind in "iu"]
    if not any(map(_is_order, indices)):  # p[np.arange(n), labels] takes each row once
        for one in indices:
            book.indexed(_plain(one))


def _is_order(index: np.ndarray) -> bool:
    """Whether no index can come twice: they are an order of entries, or a range that the function itself makes."""
    if isinstance(index, Watched):
        return index.distinct
    steps = np.diff(index.ravel())
    return bool(steps[0] and (steps == steps[0]).all())


@dataclass(frozen=True)
class Call:
    """A call to be looked at: whose it is, on watched arrays, on plain ones, and whether the lines are followed."""

    whose: str
    call: Callable[[], Any]
    plain: Callable[[], Any]
    whole: bool


def books(calls: Sequence[Call]) -> dict[str, Book]:
    """The books of calls, with the lines that ran where they are followed.

    The user's names are seen through copies, so that nothing of ours stays in their objects; where something does all
    the same, the function is called once more on plain arrays. What the call raises ends it: the book holds what was
    seen before.
    """
    names = Meeting(_watched, _INSTEAD)
    found = {one.whose: _book_of(one, names) for one in calls}
    names.write_back()
    for one in calls:
        if any(array() is not None for array in found[one.whose].made):
            with suppress(Exception):
                one.plain()
    return found


def _book_of(call: Call, names: Meeting) -> Book:
    book = Book()

    def seen(function: Callable[..., Any]) -> Callable[..., Any]:
        bound = names(function)

        def called(*args: Any) -> Any:
            with _following(book.ran, call.whole):
                return bound(*args)

        return called

    def watch() -> None:
        _book.set(book)
        with suppress(Exception), running(Run(None, DOUBLE, DOUBLE, seen)):
            call.call()

    if call.whole and sys.gettrace() is not None:
        # a coverage tool or debugger has the tracing of this thread, and would lose count
        thread = Thread(target=copy_context().run, args=(watch,))
        thread.start()
        thread.join()
    else:
        copy_context().run(watch)
    return book


def _following(ran: Ran, whole: bool) -> AbstractContextManager[None]:
    return moves_made(ran, sides) if whole else nullcontext()


def watched(args: tuple[Any, ...], checked: Container[trees.Path]) -> tuple[Any, ...]:
    """The arguments with every array watched, those that are not ``checked`` as data."""

    def seen(path: trees.Path, leaf: Any) -> Any:
        leaf = _watched(leaf)
        if type(leaf) is Watched and path not in checked:
            leaf.fixed = True
        return leaf

    return tuple(trees.map_leaves(seen, arg, (number,)) for number, arg in enumerate(args))


def shares(book: Book, whose: str) -> Iterator[Branch]:
    """Each choice, and the share of entries that went its first way."""
    for (file, line, what, _), (taken, of) in book.choices.items():
        if of:
            yield Branch(whose, file, line, what, _text(file, line), taken / of)


def one_sided(book: Book, whose: str) -> Iterator[Unseen]:
    """The choices that went one way in every entry, the branches that never ran, the index arrays without repeats."""
    sided = {place: counts[0] > 0 for place, counts in book.choices.items() if counts[0] in (0, counts[1])}
    chosen = {(file, line) for file, line, what, _ in sided if what not in _COMPARISONS.values()}
    guards = {file: _guards("".join(lines_of(file))) for file, *_ in sided}
    for place, taken in sided.items():
        file, line, what, _ = place
        compares = what in _COMPARISONS.values()
        if book.choices[place][1] and not (compares and ((file, line) in chosen or line in guards[file])):
            side = _SIDES[what][0 if taken else 1]
            message = f"line {line}: {_within(file, line)}{side} was never seen"
            yield Unseen(Blind.BRANCH, whose, message, file, line)
    for (file, line, *_), repeats in book.indices.items():
        if not repeats:
            hidden = "adding up where one does was not seen"
            message = f"line {line}: {_within(file, line)}no index comes twice: {hidden}"
            yield Unseen(Blind.INDEX, whose, message, file, line)
    for file, line, *_ in book.products:
        message = (
            f"line {line}: {_within(file, line)}integers are multiplied, which are not checked: pass floats"
        )
        yield Unseen(Blind.INTEGERS, whose, message, file, line)
    for file, line, told in never_run(book.ran):
        yield Unseen(Blind.BRANCH, whose, f"line {line}: {told}", file, line)


@lru_cache(maxsize=64)
def _guards(text: str) -> frozenset[int]:
    """Lines of conditions under which a function only complains: an assertion, a check of its arguments."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return frozenset()
    tests = [
        node.test
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) or (isinstance(node, ast.If) and only_complains(node.body))
    ]
    return frozenset(
        line for test in tests for line in range(test.lineno, (test.end_lineno or test.lineno) + 1)
    )


def _within(file: str, line: int) -> str:
    text = _text(file, line)
    return f"in `{text}` " if text else ""


def _text(file: str, line: int) -> str:
    return line_of(file, line).strip()


_FALSE = ("the side where the comparison is false", "the side where it is true")
_HALVES = ("the negative side", "the positive side")
_OPERANDS = ("its second operand", "its first operand")
_SIDES = {
    **dict.fromkeys(_COMPARISONS.values(), _FALSE),
    **dict.fromkeys((*_LARGEST, "max", "min"), _OPERANDS),
    **dict.fromkeys((*_SIGNS, "copysign", "abs", "norm", "root of a square"), _HALVES),
    "where": ("the second choice", "the first choice"),
    "mask": ("what the mask leaves out", "what the mask takes"),
    "clip from below": ("what is not cut off below", "what is cut off below"),
    "clip from above": ("what is not cut off above", "what is cut off above"),
}
"""Of each kind of choice what was not seen where it always went one way, and where it never did."""
