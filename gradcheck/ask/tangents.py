"""Pushing tangents forward: a JVP as the gradient claim that the judge understands.

For a fixed covector ``u`` the numbers ``<u, jvp(d_j)>`` are what ``<u, F>`` should change by along ``d_j``: the
claimed gradient in the coordinates ``s`` of ``x + sum_j s_j d_j``. A small point is spanned by its unit
vectors, so that the coordinates are the entries themselves; of a large one each leaf is spanned by a few
random directions, so that the number of tangents does not grow with the entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask import precision, trees
from gradcheck.ask.calls import Counted, NotNumeric, flat
from gradcheck.ask.draws import signs
from gradcheck.ask.point import Point, Slot, describe, step_scale
from gradcheck.ask.random_rounding import met
from gradcheck.ask.reading import Reading, changed, lent
from gradcheck.ask.trees import Floats
from gradcheck.findings import Diagnosis

ENTRY_BY_ENTRY = 48
DIRECTIONS_PER_LEAF = 4
_CROOKED = 1e-4
"""Share of its terms by which a sum over tangents may differ from the answer for their sum, rounding apart."""


def tangent(where: Point, v: Floats) -> Any:
    """``v`` as the checked arguments: of one, its tree; of several, a tuple of theirs. Zeros beside the leaves."""
    pieces = {slot.keys: v[slot.start : slot.stop].reshape(slot.shape) for slot in where.slots}
    slots = {slot.keys: slot for slot in where.slots}

    def take(path: trees.Path, leaf: Any) -> Any:
        if path not in pieces:
            return np.zeros_like(leaf) if isinstance(leaf, np.ndarray) else 0.0
        slot, piece = slots[path], pieces[path]
        return float(piece) if slot.scalar is float else piece.astype(slot.dtype)[() if slot.scalar else ...]

    made = tuple(trees.map_leaves(take, where.args[number], (number,)) for number in where.argnums)
    return made[0] if len(made) == 1 else made


@dataclass(frozen=True)
class Push:
    """A JVP asked at ``args``, what it answers contracted with the covector ``u`` of the output."""

    where: Point
    jvp: Counted
    args: tuple[Any, ...]
    u: Floats
    output: Any

    def along(self, bases: Sequence[Floats]) -> Reading:
        """The reading along directions of each leaf, one row each, as flat vectors of the leaf."""
        where, label = self.where, self.jvp.label
        wanted = [(path, np.shape(leaf)) for path, leaf in trees.leaves(self.output)]
        raw: list[Floats] = []
        problems: list[Diagnosis] = []
        conduct: list[Diagnosis | None] = []
        lends: list[Diagnosis | None] = []
        dtype = "float64"
        for slot, basis in zip(where.slots, bases, strict=True):
            numbers = np.zeros(len(basis))
            for index, direction in enumerate(basis):
                v = np.zeros(where.x.size)
                v[slot.start : slot.stop] = direction
                given, kept = tangent(where, v), tangent(where, v)
                result = self.jvp(met(given), *self.args)
                problem = misshapen(result, wanted, label)
                if problem is not None:
                    return Reading((None,) * len(where.slots), ("none",) * len(where.slots), (problem,))
                numbers[index] = float(self.u @ flat(result, label))
                dtype = _lowest(dtype, result)
                if index == 0:
                    conduct.append(changed(given, kept, label, "tangents"))
                    lends.append(lent(result, self.args, where, label))
            if not (problems or np.isfinite(numbers).all()):
                problems.append(_not_finite(slot, numbers, label))
            raw.append(numbers)
        return Reading(
            tuple(raw), (dtype,) * len(raw), tuple(problems), tuple(_first(conduct)), tuple(_first(lends))
        )

    def not_linear(self, gradient: Floats) -> Diagnosis | None:
        """The diagnosis of a JVP that is right at unit tangents alone, by its square or absolute value, say."""
        label = self.jvp.label
        mixed = -signs(np.random.default_rng(1), self.where.x.size)
        result = self.jvp(tangent(self.where, mixed), *self.args)
        pushed = flat(result, label)
        came, wanted = float(self.u @ pushed), float(gradient @ mixed)
        unit = max(precision.shown(pushed), precision.of(_lowest("float64", result)))
        terms = max(float(np.abs(gradient) @ np.abs(mixed)), float(np.abs(self.u) @ np.abs(pushed)))
        if abs(came - wanted) <= max(_CROOKED, 2.0**6 * unit) * terms + precision.underflow(unit):
            return None
        message = (
            f"{label} is not linear in its tangents: for a mixture of the unit tangents it returned {came:.6g} "
            f"(weighted by the covector) where their own answers add up to {wanted:.6g}. Look for a square, an "
            "absolute value or a condition on the tangents"
        )
        return Diagnosis("other", "", message, {"returned": came, "wanted": wanted})


def _first(told: Sequence[Diagnosis | None]) -> list[Diagnosis]:
    return [one for one in told if one is not None][:1]


def columns(push: Push) -> Reading:
    """The reading at all unit tangents."""
    slots = push.where.slots
    reading = push.along([np.eye(slot.size) for slot in slots])
    raw = tuple(
        None if numbers is None else numbers.reshape(slot.shape)
        for slot, numbers in zip(slots, reading.raw, strict=True)
    )
    if reading.problems:
        return replace(reading, raw=raw)
    crooked = push.not_linear(reading.flat)
    return replace(reading, raw=raw, conduct=(*reading.conduct, *_first([crooked])))


def misshapen(result: Any, wanted: list[tuple[trees.Path, tuple[int, ...]]], label: str) -> Diagnosis | None:
    """The diagnosis of a tangent of the output that has not the output's tree and shapes."""
    try:
        flat(result, label)
    except NotNumeric as problem:
        return Diagnosis("shape", "", str(problem))
    came = [(path, np.shape(leaf)) for path, leaf in trees.leaves(result)]
    if came == wanted:
        return None
    message = (
        f"{label} returned {describe(result)}; wanted the tree and shapes of f's output, "
        f"{', '.join(str(shape) for _, shape in wanted)}: a JVP is the output's rate of change"
    )
    return Diagnosis("shape", "", message, {"returned": describe(result)})


def _lowest(dtype: str, result: Any) -> str:
    found = [
        dtype,
        *(str(leaf.dtype) for _, leaf in trees.leaves(result) if isinstance(leaf, np.ndarray | np.generic)),
    ]
    return next((name for name in ("float16", "float32") if name in found), dtype)


def _not_finite(slot: Slot, numbers: Floats, label: str) -> Diagnosis:
    value = float(numbers[~np.isfinite(numbers)][0])
    return Diagnosis(
        "nonfinite",
        slot.path,
        f"{label} is {value} for a tangent in {slot.path}, where f is finite",
        {"value": value},
    )


@dataclass(frozen=True)
class Span:
    """A point seen through a few random directions in each leaf.

    ``point`` is the origin of the coordinates, one argument of at most `DIRECTIONS_PER_LEAF` entries for each
    leaf; ``bases`` their directions, one row each, as flat vectors of the leaf.
    """

    where: Point
    point: Point
    bases: tuple[Floats, ...]

    def arguments(self, coordinates: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of f at some coordinates: NumPy calls alone, so that it can be traced."""
        pieces = {
            slot.keys: np.reshape(self.where.x[slot.start : slot.stop] + np.dot(s, basis), slot.shape)
            for slot, s, basis in zip(self.where.slots, coordinates, self.bases, strict=True)
        }
        return tuple(
            trees.map_leaves(lambda path, leaf: pieces.get(path, leaf), arg, (number,))
            for number, arg in enumerate(self.where.args)
        )


def spanned(where: Point, generator: np.random.Generator) -> Span:
    """Random directions of each entry's own scale, `DIRECTIONS_PER_LEAF` a leaf, as a tangent of its dtype has them."""
    scale = step_scale(where.x, where.slots)
    double = np.dtype(np.float64)
    bases, slots, start = [], [], 0
    for number, slot in enumerate(where.slots):
        count = min(DIRECTIONS_PER_LEAF, slot.size)
        part = scale[slot.start : slot.stop]
        drawn = np.array([part * signs(generator, slot.size) for _ in range(count)])
        bases.append(drawn.reshape(count, slot.size).astype(slot.dtype).astype(double))
        slots.append(Slot(slot.path, number, (number,), (count,), double, start, start + count, None))
        start += count
    names = tuple(slot.path for slot in slots)
    origin = tuple(np.zeros(slot.shape) for slot in slots)
    point = Point(origin, tuple(range(len(slots))), names, tuple(slots), np.zeros(start))
    return Span(where, point, tuple(bases))
