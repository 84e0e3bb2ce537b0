"""Writing a value as NumPy: what is to stand for an expression, of the expression itself and what is in sight."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.patch import bare
from gradcheck.explain.blame.sight import PRODUCTS, TANGENTS, Candidate, Site

_EQUAL = 1e-7
"""Relative distance of a text's value from the one that it is taken for; the edit is proved afterwards."""
_NOTHING = 1e-12
"""How many times what stands there is nothing but its rounding."""
_SHOWN = 40
"""Entries of a value that are compared."""
_SIGHT, _MULTIPLIED = 450, 150
"""Candidates that are multiplied with each other, the first ones; matrix products among them."""
_FACTORS, _JOINED, _ALIKE = 30, 80, 14
"""Candidates that are multiplied as matrices, with each other and with the expression; that replace it two by two."""
_TELLING = 3
"""Entries that do not fit by accident."""
_CONSTANTS = (1, 2, 3, 4)
_SCALARS = 40
"""Numbers in sight of which two are multiplied."""
_LOOKED_AT = 60
"""Products that are a multiple of the target: of data whose rows are equal nearly all are, and tell nothing."""

_SCALED: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("{}", lambda s: s),
    ("1 / {}", lambda s: 1.0 / s),
    ("2 * {}", lambda s: 2.0 * s),
    ("2 / {}", lambda s: 2.0 / s),
    ("0.5 * {}", lambda s: 0.5 * s),
)
"""What one makes of a scalar in sight."""


def texts(site: Site, sight: Sequence[Candidate]) -> Iterator[str]:
    """Texts that are worth what the site wants at each visit; the likeliest first."""
    pairs = list(zip(site.target, site.now, strict=True))
    try:
        [np.broadcast_shapes(np.shape(then), np.shape(old)) for then, old in pairs]
    except ValueError:
        return
    wide = _with_products(sight, np.shape(site.target[0]))
    with np.errstate(all="ignore"):
        factor = [np.asarray(then / old) for then, old in pairs]
        over = [np.asarray(old / then) for then, old in pairs]
        gap = [np.asarray(then - old) for then, old in pairs]
        both = [np.asarray(then + old) for then, old in pairs]
        product = [np.asarray(then * old) for then, old in pairs]
    view = View.of(site.target, wide)
    if view is None:
        return
    text = site.text
    yield from map(_as_float, view.numbers(site.target))
    if all(np.abs(then).max(initial=0.0) <= _NOTHING * np.abs(old).max(initial=0.0) for then, old in pairs):
        yield f"np.zeros_like({bare(text)})"
        return
    if view.tells(factor):
        own = (text, *view.named(site.now))

        def telling(more: str) -> bool:
            # what is divided by itself is nothing where it is zero
            return " / " not in more or not any(name in more for name in own)

        yield from (_times(text, more) for more in filter(telling, view.products(factor)))
        yield from (_divided(text, more) for more in filter(telling, view.products(over)))
    else:
        yield from (_times(text, more) for more in view.factors(site.target, site.now))
    yield from (_plus(text, more) for more in view.products(gap) if more != f"-{text}")
    yield from view.products(site.target)
    yield from _combined(pairs, text, sight)
    alike = [one for one in sight if np.shape(one.values[0]) == np.shape(site.target[0])]
    alike.sort(key=lambda each: len(each.text))
    for one in alike[:_ALIKE] if len(pairs) == 1 else ():
        yield from _combined([(site.target[0], one.values[0])], one.text, alike[:_ALIKE])
    yield from (f"{more} - {text}" for more in view.products(both))
    yield from (f"{more} / {text}" for more in view.products(product))
    for one in alike[:_ALIKE] if len(pairs) == 1 else ():
        rest = [np.asarray(site.target[0] - one.values[0])]
        yield from (_plus(one.text, more) for more in view.products(rest) if more != f"-{one.text}")


def texts_of(target: Sequence[Any], sight: Sequence[Candidate]) -> Iterator[str]:
    """Texts that are worth a target, of what is in sight alone: up to three things multiplied."""
    shape = np.shape(target[0])
    view = View.of(target, _with_products(sight, shape))
    if view is None:
        return
    yield from view.products(target)
    alike = sorted(
        (one for one in sight if np.shape(one.values[0]) == shape), key=lambda each: len(each.text)
    )
    for one in alike[:_ALIKE]:
        with np.errstate(all="ignore"):
            factor = [np.asarray(then / old) for then, old in zip(target, one.values, strict=False)]
        if len(one.values) == len(target):
            yield from (_times(one.text, more) for more in view.products(factor))


def _as_float(text: str) -> str:
    """What stands for a value by itself: a whole number would be of another dtype."""
    return f"{text}.0" if text.removeprefix("-").isdigit() else text


def _plus(text: str, more: str) -> str:
    return f"{text} - {more[1:]}" if more[0] == "-" else f"{text} + {more}"


def _divided(text: str, more: str) -> str:
    return f"{text} / ({more})" if " " in more else f"{text} / {more}"


def _times(text: str, more: str) -> str:
    if text == "1":
        return more
    return f"{text} / {more[4:]}" if more.startswith("1 / ") and " " not in more[4:] else f"{text} * {more}"


def _combined(pairs: list[tuple[Any, Any]], text: str, sight: Sequence[Candidate]) -> Iterator[str]:
    """The expression with one other thing in sight."""
    if not np.ndim(pairs[0][1]):
        return
    near = [
        one
        for one in sorted(sight, key=lambda each: len(each.text))[:_JOINED]
        if one.text != text and np.ndim(one.values[0])
    ]
    with np.errstate(all="ignore"):
        yield from _tangents(pairs, text, [one for one in near if _is_alike(one, pairs)])
        for one in near:
            for form, made in PRODUCTS:
                if shape_of(made, pairs[0][1], one.values[0]) == np.shape(pairs[0][0]) and all(
                    _is(made, old, other, then) for (then, old), other in zip(pairs, one.values, strict=True)
                ):
                    yield form.format(e=text, s=one.text)


def _is_alike(one: Candidate, pairs: list[tuple[Any, Any]]) -> bool:
    return all(
        np.shape(value) == np.shape(old) == np.shape(then)
        for value, (then, old) in zip(one.values, pairs, strict=True)
    )


def _tangents(pairs: list[tuple[Any, Any]], text: str, alike: list[Candidate]) -> Iterator[str]:
    """The same with things of its own shape, all of them at once."""
    if not alike:
        return
    every = [np.stack(column) for column in zip(*(one.values for one in alike), strict=True)]
    for form, made in TANGENTS:
        same = np.ones(len(alike), dtype=bool)
        for (then, old), others in zip(pairs, every, strict=True):
            off = np.abs(made(old, others) - then).reshape(len(alike), -1).max(axis=1, initial=0.0)
            same &= off <= _EQUAL * np.abs(then).max(initial=0.0)
        yield from (form.format(e=text, s=alike[number].text) for number in np.flatnonzero(same))


def _is(made: Any, old: Any, other: Any, then: Any) -> bool:
    try:
        value = made(old, other)
    except Exception:  # of an index that is no place
        return False
    size = np.abs(then).max(initial=0.0)
    return np.shape(value) == np.shape(then) and bool((np.abs(value - then) <= _EQUAL * size).all())


def shape_of(made: Callable[[Any, Any], Any], one: Any, other: Any) -> tuple[int, ...] | None:
    """The shape of what is made of two values; None where they do not suit each other."""
    return _shape_of(made, np.shape(one), np.shape(other), np.asarray(other).dtype)


@lru_cache(maxsize=1 << 12)
def _shape_of(made: Any, one: tuple[int, ...], other: tuple[int, ...], kind: Any) -> tuple[int, ...] | None:
    try:
        found: tuple[int, ...] = np.shape(made(np.zeros(one), np.zeros(other, kind)))
    except Exception:  # of whatever kind: most do not suit each other
        return None
    return found


@dataclass(frozen=True, eq=False)
class View:
    """What is in sight as rows of entries, in the shapes of what is to be written at each visit.

    The ``sample`` is of entries of which it is known what they are to be.
    """

    shapes: tuple[tuple[int, ...], ...]
    sample: NDArray[np.int_]
    names: list[str]
    rows: Floats
    scalars: list[tuple[str, float]]

    @staticmethod
    def of(target: Sequence[Any], sight: Sequence[Candidate]) -> View | None:
        """What fits a target at all visits; None where it has no entries."""
        shapes = tuple(map(np.shape, target))
        flat = _row(target, shapes)
        known = np.flatnonzero(np.isfinite(flat)) if flat is not None else np.empty(0, dtype=int)
        if not known.size:
            return None
        sample = np.random.default_rng(0).permutation(known)[:_SHOWN]
        names: list[str] = []
        rows: list[Floats] = []
        scalars: list[tuple[str, float]] = []
        for one in sight:
            first = one.values[0]
            if _is_number(one):
                number = float(np.ravel(first)[0])
                scalars += [(one.text, number)] if number not in (0.0, 1.0, -1.0) else []
                if shapes[0]:
                    continue
            if len(names) < _SIGHT and (row := _row(one.values, shapes)) is not None and row[sample].any():
                names.append(one.text)
                rows.append(row[sample])
        return View(shapes, sample, names, np.stack(rows) if rows else np.empty((0, len(sample))), scalars)

    def factors(self, target: Sequence[Any], now: Sequence[Any]) -> Iterator[str]:
        """Texts that make ``target`` of what is there now, which may be zero in places."""
        flat, row = self._shown(target), self._shown(now)
        if flat is not None and row is not None and row.any():
            factor = float(flat @ row) / float(row @ row)
            if (np.abs(factor * row - flat) <= _EQUAL * np.abs(flat).max()).all():
                yield from _constants(factor, self.scalars)
            yield from self._matching(flat, self._with(row[None]), lambda i, _: self.names[i])

    def named(self, values: Sequence[Any]) -> list[str]:
        """What is worth the same, or a multiple of it."""
        shown, (rows, _) = self._shown(values), self._own
        if shown is None or not len(rows):
            return []
        cosine = np.abs(rows @ shown) / np.sqrt((rows**2).sum(axis=1) * (shown @ shown))
        return [self.names[number] for number in np.flatnonzero(cosine > 1.0 - 1e-12)]

    def tells(self, target: Sequence[Any]) -> bool:
        """Whether a target is finite where it is looked at."""
        return self._shown(target) is not None

    def _shown(self, values: Sequence[Any]) -> Floats | None:
        """The entries that are looked at; None where they say nothing."""
        flat = _row(values, self.shapes)
        shown = None if flat is None else flat[self.sample]
        return shown if shown is not None and shown.any() and np.isfinite(shown).all() else None

    def numbers(self, target: Sequence[Any]) -> Iterator[str]:
        """Texts of the number that a target is in every entry, if it is one."""
        goal = self._shown(target)
        if goal is not None and (np.abs(goal - goal[0]) <= _EQUAL * np.abs(goal[0])).all():
            yield from _constants(float(goal[0]), self.scalars)

    def products(self, target: Sequence[Any]) -> Iterator[str]:
        """Texts that are worth ``target``: a constant times one or two candidates, or one over another."""
        goal, names = self._shown(target), self.names
        if goal is None:
            return
        yield from self.numbers(target)
        yield from self._matching(goal, self._alone, lambda i, _: names[i])
        yield from self._chosen(goal)
        yield from self._matching(
            goal, self._times, lambda i, j: f"{names[i]} * {names[j]}" if i <= j else ""
        )
        yield from self._matching(
            goal, self._over, lambda i, j: "" if self._is_multiple(i, j) else f"{names[i]} / {names[j]}"
        )

    def _is_multiple(self, one: int, other: int) -> bool:
        """Whether the quotient of two things is a number, which is none where they are zero."""
        rows, _ = self._own
        return bool(
            np.abs(rows[one] @ rows[other])
            >= (1.0 - 1e-12) * np.sqrt(np.prod((rows[[one, other]] ** 2).sum(1)))
        )

    def _chosen(self, goal: Floats) -> Iterator[str]:
        """One number where a mask is set, another elsewhere: the slopes of what has a corner."""
        values = np.unique(np.round(goal / np.abs(goal).max(), 9))
        if len(values) != 2 or not values.all():
            return
        upper = (goal > goal.mean()).astype(np.float64)
        for mask in upper, 1.0 - upper:
            high, low = goal[mask > 0][0], goal[mask == 0][0]
            for number in np.flatnonzero((self.rows == mask).all(axis=1)):
                for one, other in zip(
                    _constants(float(high), self.scalars), _constants(float(low), self.scalars), strict=False
                ):
                    yield f"np.where({bare(self.names[number])}, {one}, {other})"

    @cached_property
    def _alone(self) -> Pairs:
        return self._with(np.ones((1, len(self.sample))))

    @cached_property
    def _times(self) -> Pairs:
        return self._with(self.rows)

    @cached_property
    def _over(self) -> Pairs:
        with np.errstate(all="ignore"):
            over = 1.0 / self.rows
        over[~np.isfinite(over).all(axis=1)] = 0.0
        return self._with(over)

    def _with(self, other: Floats) -> Pairs:
        other, units = _scaled_to_one(other)
        sizes = np.sqrt((self._own[0] ** 2) @ (other**2).T)
        with np.errstate(all="ignore"):
            return other, units, np.where(sizes > 0.0, 1.0 / sizes, 0.0)

    @cached_property
    def _own(self) -> tuple[Floats, Floats]:
        return _scaled_to_one(self.rows)

    def _matching(self, goal: Floats, pairs: Pairs, named: Callable[[int, int], str]) -> Iterator[str]:
        """Texts for the products of two rows that are a multiple of the goal."""
        (rows, units), (other, units_of_other, over_size) = self._own, pairs
        unit = np.abs(goal).max(initial=0.0)
        if not unit or not len(rows):
            return
        goal = goal / unit
        length = np.sqrt(goal @ goal)
        cosine = np.abs((rows * (goal / length)) @ other.T * over_size)
        looked_at, found = 0, cosine > 1.0 - 1e-12
        if goal.size < _TELLING:
            # of so few entries that all are a multiple, those tell something that are one of few
            factors = cosine * over_size * length * unit / np.outer(units, units_of_other)
            found &= sum(np.abs(factors - known) <= _EQUAL for known in (1.0, 2.0, 0.5)) > 0
        for i, j in np.argwhere(found):
            row, text = rows[i] * other[j], named(i, j)
            factor = float(goal @ row) / float(row @ row)
            if text and (np.abs(factor * row - goal) <= _EQUAL).all():
                if (looked_at := looked_at + 1) > _LOOKED_AT:
                    return
                whole = factor * float(unit / units[i] / units_of_other[j])
                yield from (_scaled(one, text) for one in _constants(whole, self.scalars))


Pairs = tuple[Floats, Floats, Floats]
"""Rows to be multiplied with, their units, and one over the size of each product."""


def _scaled_to_one(rows: Floats) -> tuple[Floats, Floats]:
    """Rows whose largest entry is one, and what it was; so that no square of it is lost."""
    units = np.abs(rows).max(axis=1, initial=0.0)
    units = np.where(units > 0.0, units, 1.0)
    return rows / units[:, None], units


def _row(values: Sequence[Any], shapes: tuple[tuple[int, ...], ...]) -> Floats | None:
    try:
        each = [
            np.ravel(value if np.shape(value) == shape else np.broadcast_to(value, shape))
            for value, shape in zip(values, shapes, strict=True)
        ]
    except ValueError:
        return None
    return np.concatenate(each, dtype=np.float64)


def _scaled(factor: str, product: str) -> str:
    return {"1": product, "-1": f"-{product}"}.get(factor, f"{factor} * {product}")


def _with_products(sight: Sequence[Candidate], shape: tuple[int, ...]) -> Sequence[Candidate]:
    """What is in sight, the shortest first, and after it the matrix products that have the given shape."""
    plain = sorted(sight, key=lambda each: len(each.text))
    products = sorted(_matrix_products(plain, shape), key=lambda each: len(each.text))[:_MULTIPLIED]
    numbers: list[Candidate] = []
    others: list[Candidate] = []
    for one in plain:
        (numbers if _is_number(one) else others).append(one)
    return (*numbers, *others[: _SIGHT - len(products)], *products)


def _is_number(one: Candidate) -> bool:
    """Whether it is the same number at all visits."""
    first = one.values[0]
    return np.size(first) == 1 and all(np.array_equal(value, first) for value in one.values)


def _matrix_products(sight: Sequence[Candidate], shape: tuple[int, ...]) -> Iterator[Candidate]:
    """The matrix products of the shorter texts in sight that have the given shape."""
    uniform = [one for one in sight if np.ndim(one.values[0]) and len({*map(np.shape, one.values)}) == 1]
    arrays = sorted(uniform, key=lambda each: len(each.text))[:_FACTORS]
    builds = [(one, np.shape(one.values[0])) for one in arrays]
    for one, build in builds:
        for other, build_of_other in builds:
            for form, product in _products(build, build_of_other, shape):
                value = tuple(map(product, one.values, other.values))
                yield Candidate(form.format(one.text, other.text), value)


@lru_cache(maxsize=1 << 12)
def _products(
    one: tuple[int, ...], other: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[tuple[str, Callable[[Any, Any], Any]], ...]:
    """The forms by which arrays of two shapes make one of the third."""
    return tuple(
        (form, product)
        for form, product in _FORMS
        # what is thrown away may be large
        if (product is not np.outer or shape == (math.prod(one), math.prod(other)))
        and _shape_of(product, one, other, np.dtype(float)) == shape
    )


_FORMS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("({} @ {})", lambda a, b: a @ b),
    ("({}.T @ {})", lambda a, b: a.T @ b),
    ("({} @ {}.T)", lambda a, b: a @ b.T),
    ("np.outer({}, {})", np.outer),
)


def _of_two(sizes: Floats) -> Iterator[tuple[str, Floats]]:
    yield "{} * {}", np.triu(np.outer(sizes, sizes))
    yield "{} / {}", sizes[:, None] / sizes[None, :]


def _constants(value: float, scalars: list[tuple[str, float]]) -> Iterator[str]:
    """A number as one writes it: of what is in sight, for a size is not the same everywhere; small, or one over it."""
    sign, size = "-" if value < 0 else "", abs(value)

    def same(known: float) -> bool:
        return abs(size - abs(known)) <= _EQUAL * size

    if same(1.0):
        yield f"{sign}1"
        return
    sized = [
        f"{'-' if known * value < 0 else ''}{form.format(text)}"
        for form, of in _SCALED
        for text, known in scalars
        if same(of(known))
    ]
    yield from sized
    yield from (f"{sign}{known}" for known in _CONSTANTS if same(known))
    # a length or a parameter that is there, rather than one over the number that it is here
    plain = _CONSTANTS if not sized else (2,)
    for form, sizes in _of_two(np.array([abs(known) for _, known in scalars[:_SCALARS]])):
        for i, j in np.argwhere(np.abs(sizes - size) <= _EQUAL * size):
            (one, first), (other, second) = scalars[i], scalars[j]
            if i != j:
                yield f"{'-' if first * second * value < 0 else ''}{form.format(one, other)}"
    part = next((known for known in plain if same(1 / known)), None)
    if part is not None:
        yield f"{sign}{1 / part!r}" if part in (2, 4, 8) else f"{sign}1 / {part}"
