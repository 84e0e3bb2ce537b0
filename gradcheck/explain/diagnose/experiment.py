"""Comparing the effect of an altered derivative with the claim, leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit, Effect
from gradcheck.explain.diagnose.guess import Guess
from gradcheck.explain.diagnose.subject import Subject, norm

# A right leaf that an alteration would have changed speaks against it, but a slip in writing down one leaf's
# gradient, its neighbours' right, is common enough.
AGAINST = 2.0


@dataclass(frozen=True)
class Alteration:
    """What an alteration explains: ``leaves`` exactly; ``against``: right leaves that it would have changed."""

    leaves: tuple[int, ...]
    against: tuple[int, ...]
    coefficient: float = 1.0

    def guess(
        self, kind: str, cost: float, says: str, remedy: str, figures: dict[str, Any], key: Any
    ) -> Guess:
        """A guess for the leaves explained, dearer where other leaves speak against it."""
        penalty = AGAINST * bool(self.against)
        return Guess(kind, self.leaves, cost + penalty, says, remedy, figures, key)


def explains(circuit: Circuit, effect: Effect) -> Alteration | None:
    """Which wrong leaves are truth plus ``effect``; None where there is no such leaf."""
    fitting, against = [], []
    for number, change in effect.items():
        subject = circuit.subjects.get(number)
        if subject is not None:
            if subject.explained_by(subject.truth + change):
                fitting.append(number)
        elif _noticeable(circuit, number, change):
            against.append(number)
    return Alteration(tuple(fitting), tuple(against)) if fitting else None


def _noticeable(circuit: Circuit, number: int, change: Floats) -> bool:
    leaf = circuit.evidence.leaves[number]
    if leaf.claimed is None or leaf.claimed.shape != leaf.truth.shape:
        return False  # a leaf of the wrong shape says nothing for or against
    return norm(change) > 1e-6 * norm(circuit.truth[number]) + norm(leaf.bound)


def fitted(
    circuit: Circuit, fixed: Effect | None, shapes: list[Effect], bare: int = 2
) -> Iterator[tuple[Alteration, Floats]]:
    """Coefficients c for which wrong leaves are truth + fixed + sum of c times shapes, with what they explain.

    First one set of coefficients for all wrong leaves, else one for each leaf by itself. Fewer than ``bare``
    entries beyond the coefficients prove nothing.
    """
    reached = sorted(set(shapes[0]) & set(circuit.subjects))
    reached = [n for n in reached if any(np.any(shape.get(n, 0.0)) for shape in shapes)]
    groups = [reached] + ([[n] for n in reached] if len(reached) > 1 else [])
    for numbers in groups:
        coefficients = _solve(circuit, fixed, shapes, numbers, bare)
        if coefficients is None:
            continue
        effect = {n: _combined(fixed, shapes, coefficients, n) for n in shapes[0]}
        result = explains(circuit, effect)
        if result is not None and set(numbers) <= set(result.leaves):
            yield Alteration(tuple(numbers), result.against, float(coefficients[0])), coefficients
            if numbers is groups[0]:
                return


def _combined(fixed: Effect | None, shapes: list[Effect], coefficients: Floats, number: int) -> Floats:
    total = sum(c * shape[number] for c, shape in zip(coefficients, shapes, strict=True))
    return np.asarray(total if fixed is None else total + fixed[number])


def _solve(
    circuit: Circuit, fixed: Effect | None, shapes: list[Effect], numbers: list[int], bare: int
) -> Floats | None:
    targets, columns = [], []
    for number in numbers:
        subject = circuit.subjects[number]
        target = subject.error if fixed is None else subject.error - fixed[number]
        weight = max(norm(target[subject.known]), 1e-300)
        targets.append(target[subject.known] / weight)
        columns.append(np.stack([shape[number][subject.known] / weight for shape in shapes]))
    if not targets:
        return None
    matrix, target = np.concatenate(columns, axis=1).T, np.concatenate(targets)
    if np.count_nonzero(np.any(matrix != 0, axis=1)) < matrix.shape[1] + bare or not np.all(
        np.isfinite(matrix)
    ):
        return None
    if matrix.shape[1] == 1:
        square = float(np.sum(matrix * matrix))
        return np.array([float(np.sum(matrix[:, 0] * target)) / square]) if square > 0 else None
    lengths = np.linalg.norm(matrix, axis=0)
    if np.any(lengths == 0.0):
        return None
    solution, _, rank, _ = np.linalg.lstsq(matrix / lengths, target, rcond=1e-10)
    if rank < matrix.shape[1] or norm(matrix @ (solution / lengths) - target) > 0.01 * norm(target):
        return None
    return np.asarray(solution / lengths)


def evidence_figures(circuit: Circuit, node: int, subject: Subject | None = None) -> dict[str, Any]:
    """Which step of the computation it is."""
    step = circuit.nodes[node]
    return {"operation": step.name, "step": node, "shape": list(np.shape(step.value))}
