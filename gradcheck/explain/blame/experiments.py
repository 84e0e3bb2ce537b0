"""Factors, terms and operands that an expression may lack, tried as numbers before they are written down.

What a claim needs and does not have stands, as a rule, somewhere else in it or in f (Barr et al., "The plastic surgery
hypothesis", 2014). With the values of all expressions at hand a candidate costs one call of the claim, no compilation.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gradcheck.explain.blame.apart import TooLong, no_longer_than
from gradcheck.explain.blame.edits import ADDED, Edit, operand
from gradcheck.explain.blame.needed import Needed
from gradcheck.explain.blame.probes import Probe
from gradcheck.explain.blame.slopes import slopes
from gradcheck.explain.blame.watch import Change, Node, Observer, is_float
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

    def at(self, visit: int) -> Any:
        """Its value beside the given visit of another expression."""
        return self.values[visit if len(self.values) > 1 else 0]


_FORMS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("{}", lambda s: s),
    ("(1 - {})", lambda s: 1.0 - s),
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
    ("{}.size", lambda s: float(s.size) if np.ndim(s) > 1 else None),
)
"""What a backward pass makes of the values it has."""
_SIZES = frozenset({"len({})", "{}.shape[-1]", "{}.size"})

_WAYS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} * {s}", lambda e, s: e * s),
    ("{e} / {s}", lambda e, s: e / s),
    ("{e} + {s}", lambda e, s: e + s),
    ("{e} - {s}", lambda e, s: e - s),
    ("{s} - {e}", lambda e, s: s - e),
    ("{s} / {e}", lambda e, s: s / e),
    ("{s}", lambda e, s: s),
)
_PRODUCTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} @ {s}", lambda e, s: e @ s),
    ("{s} @ {e}", lambda e, s: s @ e),
    ("{e} @ {s}.T", lambda e, s: e @ s.T),
    ("{s}.T @ {e}", lambda e, s: s.T @ e),
)


_TANGENTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("{e} - {s} * ({e} * {s}).sum(-1, keepdims=True)", lambda e, s: e - s * (e * s).sum(-1, keepdims=True)),
    ("{e} - {s} * ({e} * {s}).mean(-1, keepdims=True)", lambda e, s: e - s * (e * s).mean(-1, keepdims=True)),
    ("{e} - {s} * ({e} * {s}).mean(0)", lambda e, s: e - s * (e * s).mean(0)),
    ("{e} - ({e} * {s}).sum(-1, keepdims=True)", lambda e, s: e - (e * s).sum(-1, keepdims=True)),
    (
        "{s} * ({e} - ({e} * {s}).sum(-1, keepdims=True))",
        lambda e, s: s * (e - (e * s).sum(-1, keepdims=True)),
    ),
    ("{e} - {s} * {e}.sum(-1, keepdims=True)", lambda e, s: e - s * e.sum(-1, keepdims=True)),
)
"""What a norm, a standard deviation or a softmax takes out of the adjoint that goes through it."""

_VARIABLES = (ast.Name, ast.Attribute, ast.Subscript, ast.arg)


def candidates(
    function: Written,
    of_f: tuple[Written, ...],
    held: Mapping[Node, list[Any]],
    data: frozenset[str],
    patience: float,
) -> tuple[Candidate, ...]:
    """What is in sight of a function: its expressions, what is often made of its variables, what f makes of them.

    No value comes twice: of several texts those come first that are made of ``data``, the arguments that are not
    checked, for the number of examples is theirs and not a weight's; then the short ones.
    """
    found: dict[tuple[str, bytes], Candidate] = {}
    inside = set(ast.walk(function.node))
    own: list[tuple[ast.AST, str, list[Any]]] = [
        (node, node.arg if isinstance(node, ast.arg) else operand(function.source, node), values)
        for node, values in held.items()
        if node in inside and _fits(values)
    ]
    own += [
        (node, f"{node.arg}[{key!r}]", [part])
        for node, values in held.items()
        if isinstance(node, ast.arg) and node in inside and len(values) == 1
        for key, part in _parts(values[0])
        if _fits([part])
    ]
    for node, text, values in sorted(own, key=lambda each: (each[1] not in data, len(each[1]))):
        for form, made in _FORMS if isinstance(node, _VARIABLES) else _FORMS[:1]:
            try:
                new = tuple(made(value) for value in values)
                if any(value is None or _says_nothing(value) for value in new):
                    continue
            except Exception:  # of a form that does not suit the value
                continue
            # two sizes that are equal here need not be so elsewhere
            kind = form if form in _SIZES else ""
            found.setdefault((kind, _key(new)), Candidate(form.format(text), new))
    named = (
        (getattr(node, "arg", getattr(node, "id", None)), values[-1])
        for node, values in held.items()
        if node in inside
    )
    variables = {name: value for name, value in named if name is not None}
    for one in _borrowed(function, of_f, variables, patience):
        found.setdefault(("", _key(one.values)), one)
    return tuple(found.values())


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


def _borrowed(
    function: Written, of_f: tuple[Written, ...], variables: dict[str, Any], patience: float
) -> Iterator[Candidate]:
    """The expressions of f that can be had from the variables of the claim, and their local derivatives."""
    space = function.functions[0].__globals__
    for one in of_f:
        for node in ast.walk(one.node):
            if not isinstance(node, ast.BinOp | ast.Call | ast.UnaryOp | ast.Compare | ast.Subscript):
                continue
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            if not names & variables.keys() or not all(name in variables or name in space for name in names):
                continue
            text = operand(one.source, node)
            logistic = f"1 / (1 + np.exp(-{text}))"
            for form in (text, *slopes(node), logistic, f"{logistic} * (1 - {logistic})"):
                try:
                    with no_longer_than(patience):
                        value = eval(form, {**space, "np": np}, dict(variables))
                except (Exception, TooLong):  # what the names mean in f they do not mean here
                    continue
                if _fits([value]) and not _says_nothing(value):
                    yield Candidate(form if form.isidentifier() or form == text else f"({form})", (value,))


def _fits(values: list[Any]) -> bool:
    numbers = all(is_float(value) or type(value) in (int, float) or _is_mask(value) for value in values)
    return numbers and sum(np.size(value) for value in values) <= LARGEST


def _says_nothing(value: Any) -> bool:
    """Whether it is not finite, or a mask that masks nothing or all."""
    array = np.asarray(value)
    return not np.isfinite(array).all() or (array.dtype.kind == "b" and bool(array.all() or not array.any()))


def _is_mask(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "bi"


@dataclass(frozen=True)
class Trial:
    """How an experiment is made: on whom, for which leaves, where, and how long each and all may take."""

    observer: Observer
    left: frozenset[int]
    probe: Probe
    patience: float
    late: Callable[[], bool]
    solved: Callable[[ast.expr], Needed | None]

    def worth(self, node: ast.expr, held: list[Any]) -> Callable[[Change], bool]:
        """Whether a change of an expression mends: told by its value alone where it is known which ones do."""
        one = self.solved(node) if len(held) == 1 else None
        if one is None or one.slope is None:
            return partial(self.mends, node)
        before = one.levels(held[0])

        def better(change: Change) -> bool:
            after = one.levels(change(0, held[0]))
            return after > before and all(map(operator.ge, after, before))

        return better

    def mends(self, node: ast.expr, change: Change) -> bool:
        """Whether some of the leaves come right, and no other wrong, with the expression changed."""
        try:
            with no_longer_than(self.patience), self.observer.altering(node, change):
                wrong = self.probe.wrong()
        except TooLong:
            return False
        return bool(self.left - wrong) and wrong <= self.left


def experiments(
    trial: Trial,
    held: dict[Node, list[Any]],
    sight: tuple[Candidate, ...],
    places: list[tuple[ast.expr, str]],
) -> Iterator[Edit]:
    """Edits that make some of the leaves right at the first probe, place by place."""
    for node, text in places:
        values = held[node]
        if not all(is_float(value) for value in values):
            continue
        mends = trial.worth(node, values)
        for candidate in sight:
            if trial.late():
                return
            if len(candidate.values) not in (1, len(values)) or candidate.text == text:
                continue
            alike = np.ndim(values[0]) and np.shape(candidate.at(0)) == np.shape(values[0])
            for form, made in (*_WAYS, *(_TANGENTS if alike else ()), *_PRODUCTS):
                sample = _sample(made, values[0], candidate.at(0), (form, made) in _PRODUCTS)
                if sample and mends(partial(_combined, made, candidate)):
                    yield Edit(ADDED, "times", node, form.format(e=text, s=candidate.text))


def _combined(made: Callable[[Any, Any], Any], candidate: Candidate, visit: int, value: Any) -> Any:
    return made(value, candidate.at(visit))


def _sample(made: Callable[[Any, Any], Any], value: Any, other: Any, product: bool) -> bool:
    """Whether the combination of the first visits can stand where the value did."""
    if product and (np.ndim(value) == 0 or np.ndim(other) == 0):
        return False
    try:
        shape = np.shape(made(value, other))
    except Exception:
        return False
    # where a number stood, there may be an array
    return product or shape == np.shape(value) or np.ndim(value) == 0
