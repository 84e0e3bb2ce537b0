"""What is in sight of an expression that lacks something: other expressions, and what is often made of them.

What a claim needs and does not have stands, as a rule, somewhere else in it or in f (Barr et al., "The plastic surgery
hypothesis", 2014).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from gradcheck.explain.blame.apart import TooLong, no_longer_than
from gradcheck.explain.blame.edits import constants, operand
from gradcheck.explain.blame.flow import loop_variables
from gradcheck.explain.blame.slopes import slopes
from gradcheck.explain.blame.watch import is_float
from gradcheck.explain.blame.written import Written

_PARTS = 12
"""Of a cache so many entries are looked at."""
LARGEST = 1 << 16
"""Values of more entries are no candidates: keeping all of them would cost more than they are worth."""


@dataclass(frozen=True)
class Candidate:
    """An expression in sight and its value at each visit."""

    text: str
    values: tuple[Any, ...]


_FORMS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("{}", lambda s: s),
    ("(1 - {})", lambda s: 1.0 - s),
    ("(1 + {})", lambda s: 1.0 + s if np.ndim(s) == 0 else None),
    ("({0} * (1 - {0}))", lambda s: s * (1.0 - s)),
    ("(1 - {} ** 2)", lambda s: 1.0 - s**2),
    ("{} ** 2", lambda s: s**2),
    ("{} ** 3", lambda s: s**3),
    ("({} > 0)", lambda s: s > 0.0),
    ("np.exp({})", np.exp),
    ("np.exp(-{})", lambda s: np.exp(-s)),
    ("np.log({})", np.log),
    ("np.sin({})", np.sin),
    ("np.cos({})", np.cos),
    ("np.sign({})", np.sign),
    ("np.sqrt({})", np.sqrt),
    ("{}.sum(0)", lambda s: s.sum(0)),
    ("{}[:, 0]", lambda s: s[:, 0] if np.ndim(s) == 2 and s.shape[1] == 1 else None),
    ("{}.sum(axis=-1)", lambda s: s.sum(-1) if np.ndim(s) > 1 else None),
    ("{}.mean(-1, keepdims=True)", lambda s: s.mean(-1, keepdims=True)),
    ("{}.sum(-1, keepdims=True)", lambda s: s.sum(-1, keepdims=True)),
    ("{}.T", lambda s: s.T if np.ndim(s) > 1 else None),
    ("len({})", lambda s: float(len(s)) if np.ndim(s) else None),
    ("{}.shape[-1]", lambda s: float(s.shape[-1]) if np.ndim(s) > 1 else None),
    ("1 / (1 + np.exp(-{}))", lambda s: 1.0 / (1.0 + np.exp(-s))),
    ("np.tanh({})", np.tanh),
    ("{0} / np.linalg.norm({0})", lambda s: s / np.linalg.norm(s) if np.ndim(s) == 1 else None),
    (
        "{0} / np.linalg.norm({0}, axis=-1, keepdims=True)",
        lambda s: s / np.linalg.norm(s, axis=-1, keepdims=True) if np.ndim(s) > 1 else None,
    ),
    (
        "(np.diag({0}) - np.outer({0}, {0}))",
        lambda s: np.diag(s) - np.outer(s, s) if np.ndim(s) == 1 and s.size**2 <= LARGEST else None,
    ),
    ("np.eye(len({}))", lambda s: np.eye(len(s)) if np.ndim(s) == 2 and len(s) == s.shape[1] else None),
    ("{}.size", lambda s: float(s.size) if np.ndim(s) > 1 else None),
)
"""What a backward pass makes of the values it has."""
_PLAIN = re.compile(r"[\w.]+(\[.*\]|\([\w., ]*\))?")
"""A name, a part of what has one, or a call with names."""
_NUMBERED = re.compile(r"\w+\[\d+\]")
_SIZES = frozenset({"len({})", "{}.shape[-1]", "{}.size"})

PRODUCTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} @ {s}", lambda e, s: e @ s),
    ("{s} @ {e}", lambda e, s: s @ e),
    ("{e} @ {s}.T", lambda e, s: e @ s.T),
    ("{s}.T @ {e}", lambda e, s: s.T @ e),
    ("{e} - np.eye({e}.shape[-1])[{s}]", lambda e, s: e - np.eye(e.shape[-1])[s]),
)


TANGENTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} - {s} * ({e} * {s}).sum(-1, keepdims=True)", lambda e, s: e - s * (e * s).sum(-1, keepdims=True)),
    ("{e} - {s} * ({e} * {s}).mean(-1, keepdims=True)", lambda e, s: e - s * (e * s).mean(-1, keepdims=True)),
    ("{e} - {s} * ({e} * {s}).mean(0)", lambda e, s: e - s * (e * s).mean(-e.ndim, keepdims=True)),
    ("{e} - ({e} * {s}).sum(-1, keepdims=True)", lambda e, s: e - (e * s).sum(-1, keepdims=True)),
    (
        "{s} * ({e} - ({e} * {s}).sum(-1, keepdims=True))",
        lambda e, s: s * (e - (e * s).sum(-1, keepdims=True)),
    ),
    ("{e} - {s} * {e}.sum(-1, keepdims=True)", lambda e, s: e - s * e.sum(-1, keepdims=True)),
    (
        "({e} - {e}.mean(-1, keepdims=True) - {s} * ({e} * {s}).mean(-1, keepdims=True))",
        lambda e, s: e - e.mean(-1, keepdims=True) - s * (e * s).mean(-1, keepdims=True),
    ),
    (
        "({e} - {e}.mean(0) - {s} * ({e} * {s}).mean(0))",
        lambda e, s: e - e.mean(0) - s * (e * s).mean(-e.ndim, keepdims=True),
    ),
)
"""What a norm, a standard deviation or a softmax takes out of an adjoint on its way; of many ``s`` at once."""

Scope = Mapping[str, Any]
"""The variables at a visit."""


@dataclass(frozen=True, eq=False)
class Site:
    """A place where something is to be written: the ``text`` of what may be part of it, its value ``now``, the target.

    ``own`` are values of expressions that stand in the same function, by their texts. All by visit.
    """

    function: Written
    text: str
    now: tuple[Any, ...]
    target: tuple[Any, ...]
    scopes: tuple[Scope, ...]
    own: Mapping[str, tuple[Any, ...]]


def in_sight(
    site: Site, of_f: tuple[Written, ...], data: frozenset[str], patience: float
) -> tuple[Candidate, ...]:
    """What is in sight: variables, what is often made of them, other expressions of the function, those of f.

    No value comes twice: of several texts those come first that are made of ``data``, the arguments that are not
    checked, for the number of examples is theirs and not a weight's; then the short ones.
    """
    found: dict[tuple[str, bytes], Candidate] = {}
    space, shape = dict(site.function.functions[0].__globals__), np.shape(site.target[0])
    texts = *_variables(site), *constants(site.function, of_f)
    variables = {text: _values(text, site, space) for text in texts}
    known = [(text, values, True) for text, values in variables.items() if values is not None]
    nodes = ast.walk(site.function.node)
    computed = {one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    known += [(text, values, bool(_PLAIN.fullmatch(text))) for text, values in site.own.items()]

    def unlikely(text: str) -> tuple[bool, bool, int]:
        # one of a list by its number is rather the last one, or the one at which a loop is
        return text not in data, bool(_NUMBERED.fullmatch(text)) and text not in site.own, len(text)

    for text, values, plain in sorted(known, key=lambda each: unlikely(each[0])):
        if not _fits(list(values)):
            continue
        for form, made in _FORMS if plain else _FORMS[:1]:
            try:
                first = made(values[0])
                if form != "{}" and not _suits(first, shape):
                    continue
                new = (first, *map(made, values[1:]))
                if _say_nothing(new):
                    continue
            except Exception:  # of a form that does not suit the value
                continue
            # two sizes that are equal here need not be so elsewhere: of what is given, for the rest has the same
            named = (form == "{}" and type(new[0]) is int) or (form in _SIZES and text not in computed)
            own = form.format(text) if named else form if form in _SIZES else ""
            found.setdefault((own, _key(new)), Candidate(form.format(text), new))
    of_f_space = {**space, "np": np}
    for text in dict.fromkeys(_borrowed(of_f, {*site.scopes[0], *space})):
        try:
            with no_longer_than(patience):
                borrowed = _values(text, site, of_f_space)
        except TooLong:
            continue
        if borrowed is not None and _fits(list(borrowed)) and not _say_nothing(borrowed):
            found.setdefault(("", _key(borrowed)), Candidate(text, borrowed))
    return tuple(found.values())


@lru_cache(maxsize=1 << 14)
def _compiled(text: str) -> CodeType:
    return compile(text, "<sight>", "eval")


def _values(text: str, site: Site, space: dict[str, Any]) -> tuple[Any, ...] | None:
    """What a text is worth in each of the scopes; None where it means nothing in one of them."""
    try:
        code = _compiled(text)
        return tuple(eval(code, space, dict(scope)) for scope in site.scopes)
    except Exception:  # what the names mean elsewhere they do not mean here
        return None


def _variables(site: Site) -> Iterator[str]:
    """Texts of the variables that there are at all visits, and of the parts of what holds several."""
    scope, last = site.scopes[0], site.scopes[-1]
    looped = loop_variables(site.function.node)
    counters = [
        name
        for name, value in scope.items()
        if type(value) is type(last.get(name)) is int and (last[name] != value or name in looped)
    ]
    for name, value in scope.items():
        if name.isidentifier():
            yield name
        for key, _ in _parts(value):
            yield f"{name}[{key!r}]"
        if isinstance(value, dict | list) or (isinstance(value, np.ndarray) and value.ndim > 0):
            for counter in counters:
                yield from (f"{name}[{counter}]", f"{name}[{counter} + 1]")
                if min(one.get(counter, 0) for one in site.scopes) > 0:  # before the first there is none
                    yield f"{name}[{counter} - 1]"
        if isinstance(value, np.ndarray):
            # an entry, or a row of the last axes, at the place where the loops are
            for count in range(2, min(value.ndim, len(counters)) + 1):
                yield f"{name}[{', '.join(counters[:count])}]"
        if name == "self":
            yield from (f"self.{attribute}" for attribute in vars(value))


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """What a cache holds, by its keys."""
    if isinstance(value, dict):
        yield from list(value.items())[:_PARTS]
    elif isinstance(value, tuple | list):
        yield from enumerate(value[:_PARTS])


def _key(values: tuple[Any, ...]) -> bytes:
    return b"".join(
        np.asarray(value, dtype=np.float64).tobytes() + str(np.shape(value)).encode() for value in values
    )


def _borrowed(of_f: tuple[Written, ...], names: set[str]) -> Iterator[str]:
    """The expressions of f that mean something where there are these names, and their local derivatives."""
    for one in of_f:
        for node in ast.walk(one.node):
            if not isinstance(node, ast.BinOp | ast.Call | ast.UnaryOp | ast.Compare | ast.Subscript):
                continue
            if not {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} <= names:
                continue
            text = operand(one.source, node)
            if (
                text.startswith("(-")
                and isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Mult | ast.Div)
            ):
                text = f"({text[2:]}"  # what a loss takes the negative of
            logistic = f"1 / (1 + np.exp(-{text}))"
            for form in (text, *slopes(node), logistic, f"{logistic} * (1 - {logistic})"):
                yield form if form.isidentifier() or form == text else f"({form})"


def _fits(values: list[Any]) -> bool:
    numbers = all(is_float(value) or type(value) in (int, float) or _is_mask(value) for value in values)
    return numbers and sum(np.size(value) for value in values) <= LARGEST


def _suits(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether it can be multiplied with what has that shape, entry by entry, and have it still."""
    own = np.shape(value)
    return value is not None and len(own) <= len(shape) and all(map(_is_along, own[::-1], shape[::-1]))


def _is_along(own: int, other: int) -> bool:
    return own in (1, other)


def _say_nothing(values: tuple[Any, ...]) -> bool:
    """Whether one of the values is not finite, or they are masks that mask nothing or all."""
    arrays = list(map(np.asarray, values))
    if not all(np.isfinite(array).all() for array in arrays):
        return True
    return arrays[0].dtype.kind == "b" and len({bool(entry) for array in arrays for entry in array.flat}) == 1


def _is_mask(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "bi"
