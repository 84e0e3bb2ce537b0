"""Samples of the batch, or steps of a sequence, left out of the gradient, or one taken for all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.explain.diagnose.circuit import Circuit, Effect
from gradcheck.explain.diagnose.experiment import evidence_figures, explains, fitted
from gradcheck.explain.diagnose.guess import EXACT, FITTED, Guess
from gradcheck.explain.diagnose.subject import norm

LONGEST = 4096


def samples(circuit: Circuit) -> Iterator[Guess]:
    """At the last steps that still know their samples: one slice dropped, or all but one."""
    for index in _last_with_axes(circuit):
        cotangent = np.asarray(circuit.cotangents[index])
        for axis, length in enumerate(cotangent.shape):
            if not 2 <= length <= LONGEST or circuit.spent:
                continue
            dropped = _dropped(circuit, index, axis)
            if dropped is not None:
                yield from _tell(circuit, index, axis, dropped, only=False)
            for kept in (0, length - 1):
                yield from _tell(circuit, index, axis, kept, only=True)


def _last_with_axes(circuit: Circuit) -> list[int]:
    """Arrays whose consumers are all smaller: what a loss averages over, step by step."""
    found = []
    for index in range(len(circuit.nodes)):
        value = circuit.array(index)
        if (
            value is None
            or value.ndim == 0
            or index in circuit.leaf_nodes
            or not (circuit.below[index] & set(circuit.subjects))
        ):
            continue
        sizes = [np.size(circuit.nodes[c].value) for c, _ in circuit.consumers[index]]
        if all(size < value.size for size in sizes):
            found.append(index)
    return found[-3:]


def _dropped(circuit: Circuit, index: int, axis: int) -> int | None:
    """The slice whose loss comes nearest to the error, by projections of one leaf."""
    number = min(circuit.below[index] & set(circuit.subjects), key=lambda n: -circuit.subjects[n].entries)
    rows = circuit.projected(index, number)
    if rows is None:
        return None
    cotangent = np.asarray(circuit.cotangents[index])
    others = tuple(a + 1 for a in range(cotangent.ndim) if a != axis)
    parts = np.sum(rows * cotangent, axis=others)
    weights = circuit.projections(number).reshape(len(rows), -1)
    error = weights @ circuit.subjects[number].error.ravel()
    gaps = np.linalg.norm(parts + error[:, None], axis=0)
    best = int(np.argmin(gaps))
    return best if gaps[best] <= 1e-3 * norm(error) else None


def _tell(circuit: Circuit, index: int, axis: int, place: int, only: bool) -> Iterator[Guess]:
    cotangent = np.asarray(circuit.cotangents[index])
    part = np.zeros_like(cotangent)
    where = tuple(place if a == axis else slice(None) for a in range(cotangent.ndim))
    part[where] = cotangent[where]
    effect = circuit.effect(index, part)
    figures = {**evidence_figures(circuit, index), "axis": axis, "slice": place}
    length = cotangent.shape[axis]
    remedy = "The gradient of a loss over samples or steps sums over all of them."
    if not only:
        result = explains(circuit, {n: -change for n, change in effect.items()})
        if result is not None:
            says = (
                f"{{leaves}} {{is}} as if sample {place} of {length} (axis {axis} of "
                f"{circuit.called(index)}) were left out"
            )
            yield result.guess("missing_term", EXACT, says, remedy, figures, (index, axis, place))
        return
    rest: Effect = {n: -circuit.truth[n] for n in effect}
    for found, _ in fitted(circuit, rest, [effect], bare=1):
        if abs(found.coefficient - round(found.coefficient)) < 1e-6 and found.coefficient:
            says = (
                f"{{leaves}} {{is}} as if sample {place} alone, of {length} (axis {axis} of "
                f"{circuit.called(index)}), made the loss"
            )
            yield found.guess("missing_term", FITTED, says, remedy, figures, (index, axis, place, "only"))
