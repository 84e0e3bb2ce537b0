"""Numbers in sight: the sizes and constants that a stray factor may be, and its recognition."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, combinations

import numpy as np

from gradcheck.ask.trees import Floats, leaves, name
from gradcheck.explain.evidence import Evidence


class Sort(IntEnum):
    """What a number stands for; of several that are multiplied, what the greatest stands for."""

    NUMBER = 0
    CONSTANT = 1
    VALUE = 2
    ANGLE = 3
    SIZE = 4


@dataclass(frozen=True)
class Quantity:
    """A number with its meaning; ``weight`` is how far-fetched it is."""

    value: float
    meaning: str
    weight: float
    sort: Sort = Sort.NUMBER


CONSTANTS = (
    Quantity(2.0, "2", 0.0),
    Quantity(3.0, "3", 0.6),
    Quantity(4.0, "4", 0.8),
    Quantity(math.pi, "pi", 1.5, Sort.CONSTANT),
    Quantity(math.log(2.0), "ln 2", 1.5, Sort.CONSTANT),
    Quantity(math.log(10.0), "ln 10", 1.5, Sort.CONSTANT),
    Quantity(math.sqrt(2.0), "sqrt(2)", 1.6, Sort.CONSTANT),
    Quantity(math.sqrt(2.0 * math.pi), "sqrt(2 pi)", 1.8, Sort.CONSTANT),
    Quantity(math.sqrt(math.pi), "sqrt(pi)", 1.9, Sort.CONSTANT),
    Quantity(math.pi / 180.0, "(pi / 180)", 1.4, Sort.ANGLE),
    Quantity(math.e, "e", 1.8, Sort.CONSTANT),
    Quantity(8.0, "8", 2.0),
    Quantity(5.0, "5", 2.2),
    Quantity(10.0, "10", 1.8),
    Quantity(1.5, "3/2", 1.4),
)


def arrays(evidence: Evidence) -> Iterator[tuple[str, Floats]]:
    """Every numeric array or number among the arguments of f, and of those that it finds elsewhere, by name."""
    for root, argument in chain(evidence.arguments, evidence.surroundings):
        for path, leaf in leaves(argument):
            array = np.asarray(leaf)
            if array.dtype.kind in "fiub":
                yield name(root, path), array


def batch_sizes(evidence: Evidence) -> set[int]:
    """Axis lengths that two of the arrays which are no parameters share, f's own output among them.

    Without a second array to share with, the first axis of the first such array of two or more axes.
    """
    checked = {leaf.path for leaf in evidence.leaves}
    data = [array for path, array in arrays(evidence) if path not in checked and array.ndim > 0]
    if evidence.output.ndim:
        data.append(evidence.output)
    shared = Counter(length for array in data for length in set(array.shape) if length > 1)
    both = {length for length, times in shared.items() if times > 1}
    return both or {array.shape[0] for array in data[:1] if array.ndim > 1}


def _sizes(evidence: Evidence) -> Iterator[Quantity]:
    for length in batch_sizes(evidence):
        yield Quantity(length, "the batch size", 0.3, Sort.SIZE)
    if evidence.output.ndim:
        yield Quantity(evidence.output.shape[-1], "the number of outputs", 0.7, Sort.SIZE)
        yield Quantity(evidence.output.size, "the size of f's result", 0.9, Sort.SIZE)
    yield from _outputs(evidence)
    for path, array in arrays(evidence):
        for axis, length in enumerate(array.shape):
            yield Quantity(length, f"the length of axis {axis} of {path}", 1.0, Sort.SIZE)
        yield Quantity(array.size, f"the number of entries of {path}", 1.1, Sort.SIZE)
        if array.size == 1 and array.dtype.kind in "fi":
            yield Quantity(abs(float(array.reshape(()))), path, 0.9, Sort.VALUE)
    norm = float(np.sqrt(sum(np.sum(leaf.truth**2) for leaf in evidence.leaves)))
    yield Quantity(norm, "the norm of the gradient", 1.6, Sort.VALUE)


def _outputs(evidence: Evidence) -> Iterator[Quantity]:
    """The last axis of the last array that is no parameter: a loss's target has an entry for each output."""
    checked = {leaf.path for leaf in evidence.leaves}
    targets = [(path, array) for path, array in arrays(evidence) if path not in checked and array.ndim > 0]
    for path, array in targets[-1:]:
        if array.shape[-1] not in batch_sizes(evidence):
            meaning = f"the number of outputs (axis {array.ndim - 1} of {path})"
            yield Quantity(array.shape[-1], meaning, 0.7, Sort.SIZE)


def quantities(evidence: Evidence) -> tuple[Quantity, ...]:
    """What a factor may be, likeliest first; of equal numbers with equal meaning one."""
    found = [q for q in (*CONSTANTS, *_sizes(evidence)) if math.isfinite(q.value) and q.value > 0]
    unique: dict[float, Quantity] = {}
    for quantity in sorted(found, key=lambda q: q.weight):
        if quantity.value != 1.0:
            unique.setdefault(quantity.value, quantity)
    return tuple(unique.values())


def _forms(known: tuple[Quantity, ...]) -> Iterator[Quantity]:
    for q in known:
        v, m, w, s = q.value, q.meaning, q.weight, q.sort
        yield q
        yield Quantity(1 / v, _inverse(m), w + 0.1, s)
        yield Quantity(math.sqrt(v), f"the square root of {m}", w + 1.0, s)
        yield Quantity(1 / math.sqrt(v), f"1 / the square root of {m}", w + 1.0, s)
        yield Quantity(v * v, f"the square of {m}", w + 1.2, s)
        yield Quantity(1 / (v * v), f"1 / the square of {m}", w + 1.3, s)
        if v > 2 and v == round(v):
            yield Quantity(v / (v - 1), f"n / (n - 1), n = {v:.0f} being {m}", w + 1.0, s)
            yield Quantity((v - 1) / v, f"(n - 1) / n, n = {v:.0f} being {m}", w + 1.0, s)
    for p, q in combinations(known[:24], 2):
        weight, sort = p.weight + q.weight + 1.0, max(p.sort, q.sort)
        yield Quantity(p.value * q.value, f"{p.meaning} times {q.meaning}", weight, sort)
        yield Quantity(p.value / q.value, f"{p.meaning} / {q.meaning}", weight + 0.1, sort)
        yield Quantity(q.value / p.value, f"{q.meaning} / {p.meaning}", weight + 0.1, sort)
        yield Quantity(1 / (p.value * q.value), f"1 / ({p.meaning} times {q.meaning})", weight + 0.2, sort)


def _inverse(meaning: str) -> str:
    above, stroke, below = meaning.partition("/")
    return f"{below}/{above}" if stroke and (above + below).isdigit() else f"1 / {meaning}"


def named(evidence: Evidence) -> tuple[Quantity, ...]:
    """Everything that a factor is compared with: the quantities, their inverses, roots, products and ratios."""
    return tuple(_forms(quantities(evidence)))


def recognise(
    factor: float, evidence: Evidence, relative: float = 1e-6, known: tuple[Quantity, ...] | None = None
) -> Quantity | None:
    """The likeliest thing in sight that ``|factor|`` equals within ``relative``; None where nothing does.

    Nor is any told where one as likely would be met by chance: of so many numbers one lies that near to any.
    ``known`` is `named` of the evidence, for who asks often.
    """
    size = abs(factor)
    known = named(evidence) if known is None else known
    fitting = [q for q in known if abs(q.value - size) <= relative * size]
    best = min(fitting, key=lambda q: q.weight, default=None)
    if best is None or relative * sum(q.weight <= best.weight for q in known) > _BY_CHANCE:
        return None
    return best


_BY_CHANCE = 0.02
"""Probability, at most, that a number that means nothing would be given a meaning: the numbers in sight are spread
over about two powers of e, so that this many times the width of the match meet it."""


def meanings(factor: float, evidence: Evidence, relative: float = 1e-6) -> list[str]:
    """All simple things in sight that ``|factor|`` or its inverse equals, likeliest first, at most three."""
    size = abs(factor)
    found: list[str] = []
    for q in sorted((*CONSTANTS, *_sizes(evidence)), key=lambda q: q.weight):
        for value, meaning in ((q.value, q.meaning), (1 / q.value if q.value else 0.0, _inverse(q.meaning))):
            if abs(value - size) <= relative * size and meaning not in found:
                found.append(meaning)
    return found[:3]
