"""Writing a value as NumPy: the product of what is in sight that is worth it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.blame.experiments import Candidate

_EQUAL = 1e-7
"""Relative distance of a product from the value that it is taken for; the edit is proved afterwards."""
_SHOWN = 400
"""Entries of a value that are compared."""
_SIGHT = 240
"""Candidates that are multiplied with each other, the shortest texts first."""
_FACTORS = 30
"""Candidates that are multiplied as matrices."""
_PRODUCTS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("({} @ {})", lambda a, b: a @ b),
    ("({}.T @ {})", lambda a, b: a.T @ b),
    ("({} @ {}.T)", lambda a, b: a @ b.T),
    ("np.outer({}, {})", np.outer),
)
_SCALED: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("{}", lambda s: s),
    ("1 / {}", lambda s: 1.0 / s),
    ("2 * {}", lambda s: 2.0 * s),
    ("2 / {}", lambda s: 2.0 / s),
    ("0.5 * {}", lambda s: 0.5 * s),
)
"""What one makes of a scalar in sight."""
_TELLING = 3
"""Entries that do not fit by accident."""
_CONSTANTS = (1, 2, 3, 4, 6, 8, 10)
_LOOKED_AT = 300
"""Products that are a multiple of the target: of data whose rows are equal nearly all are, and tell nothing."""


def products(target: Floats, sight: tuple[Candidate, ...]) -> Iterator[str]:
    """Texts that are worth ``target``: a constant times one or two candidates, or one over another."""
    shape, flat = np.shape(target), np.ravel(target)
    if flat.size == 0 or not np.any(flat):
        return
    sample = np.random.default_rng(0).permutation(flat.size)[:_SHOWN]
    goal = flat[sample]
    texts, rows, scalars = _rows(sight, shape, sample)
    if np.allclose(goal, goal[0], rtol=_EQUAL, atol=0.0):
        yield from _constants(float(goal[0]), scalars)
    if not texts:
        return
    matrix, looked_at = np.stack(rows), 0
    for i, text in enumerate(texts):
        with np.errstate(all="ignore"):
            candidates = (
                (f"{text}", matrix[i : i + 1], [""]),
                ("{0} * {1}", matrix[i] * matrix[i:], texts[i:]),
                ("{0} / {1}", matrix[i] / matrix, texts),
            )
            for form, values, others in candidates:
                for place in _matching(values, goal):
                    if (looked_at := looked_at + 1) > _LOOKED_AT:
                        return
                    if form == "{0} / {1}" and others[place] == text:
                        continue
                    product = form.format(text, others[place])
                    factor = float(goal @ values[place] / (values[place] @ values[place]))
                    yield from (_scaled(one, product) for one in _constants(factor, scalars))


def _scaled(factor: str, product: str) -> str:
    return {"1": product, "-1": f"-{product}"}.get(factor, f"{factor} * {product}")


def with_products(sight: tuple[Candidate, ...], shape: tuple[int, ...]) -> tuple[Candidate, ...]:
    """What is in sight, and the matrix products of its shorter texts that have the given shape."""
    arrays = [one for one in sight if np.ndim(one.values[-1]) and len(one.values) == 1][:_FACTORS]
    made = []
    for one in arrays:
        for other in arrays:
            for form, product in _PRODUCTS:
                if product is np.outer and shape != (np.size(one.values[-1]), np.size(other.values[-1])):
                    continue  # what is thrown away may be large
                try:
                    value = product(one.values[-1], other.values[-1])
                except ValueError:
                    continue
                if np.shape(value) == shape:
                    made.append(Candidate(form.format(one.text, other.text), (value,)))
    return (*sight, *made)


def _rows(
    sight: tuple[Candidate, ...], shape: tuple[int, ...], sample: Any
) -> tuple[list[str], list[Floats], list[tuple[str, float]]]:
    texts: list[str] = []
    rows: list[Floats] = []
    scalars: list[tuple[str, float]] = []
    for one in sight:
        value = np.asarray(one.values[-1], dtype=np.float64)
        if value.size == 1:
            if value.flat[0] not in (0.0, 1.0, -1.0):
                scalars.append((one.text, float(value.flat[0])))
            if shape != ():
                continue
        try:
            row = np.broadcast_to(value, shape).ravel()[sample]
        except ValueError:
            continue
        if np.any(row) and len(texts) < _SIGHT:
            texts.append(one.text)
            rows.append(row)
    return texts, rows, scalars


def _matching(values: Floats, goal: Floats) -> Iterator[int]:
    """Rows that are a multiple of the goal; of so few entries that all are, those that are one of few."""
    if goal.size < _TELLING:
        with np.errstate(all="ignore"):
            factor = np.abs(goal[0] / values[:, 0])
        simple = np.any(np.abs(factor[:, None] - np.array([1.0, 2.0, 0.5])) <= _EQUAL, axis=1)
        values = np.where(simple[:, None], values, 0.0)
    size = np.sqrt(np.sum(values * values, axis=1)) * float(np.sqrt(goal @ goal))
    with np.errstate(all="ignore"):
        cosine = (values @ goal) / size
    for place in np.flatnonzero(np.abs(cosine) > 1.0 - 1e-9):
        row = values[place]
        factor = float(goal @ row / (row @ row))
        if np.all(np.abs(factor * row - goal) <= _EQUAL * np.max(np.abs(goal))):
            yield int(place)


def _constants(value: float, scalars: list[tuple[str, float]]) -> Iterator[str]:
    """A number as one writes it: of what is in sight, for a size is not the same everywhere; small, or one over it."""
    sign, size = "-" if value < 0 else "", abs(value)

    def same(known: float) -> bool:
        return abs(size - abs(known)) <= _EQUAL * size

    if same(1.0):
        yield f"{sign}1"
        return
    for form, of in _SCALED:
        yield from (
            f"{'-' if known * value < 0 else ''}{form.format(text)}"
            for text, known in scalars
            if same(of(known))
        )
    yield from (f"{sign}{known}" for known in _CONSTANTS if same(known))
    part = next((known for known in _CONSTANTS if same(1 / known)), None)
    if part is not None:
        yield f"{sign}{1 / part!r}" if part in (2, 4, 8) else f"{sign}1 / {part}"
