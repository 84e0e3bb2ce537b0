"""Comparing the effect of an altered derivative with the claim, leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit, Effect
from gradcheck.explain.diagnose.guess import Guess
from gradcheck.explain.diagnose.subject import norm

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
    circuit: Circuit, effect: Effect, fixed: Effect | None = None, bare: int = 0
) -> Iterator[Alteration]:
    """Factors with which wrong leaves are truth + fixed + factor times effect, with what each explains.

    First one factor for all wrong leaves, else one for each leaf by itself. Fewer entries than ``bare`` beside the
    one that gives the factor prove nothing.
    """
    reached = [n for n in sorted(set(effect) & set(circuit.subjects)) if np.any(effect[n])]
    for numbers in [reached] + ([[n] for n in reached] if len(reached) > 1 else []):
        factor = _factor(circuit, effect, fixed, numbers, bare)
        if factor is None:
            continue
        result = explains(
            circuit, {n: factor * part + (fixed[n] if fixed else 0.0) for n, part in effect.items()}
        )
        if result is not None and set(numbers) <= set(result.leaves):
            yield Alteration(tuple(numbers), result.against, factor)
            if numbers is reached:
                return


def _factor(
    circuit: Circuit, effect: Effect, fixed: Effect | None, numbers: list[int], bare: int
) -> float | None:
    """The factor of least squares, each leaf in the measure of what is to be explained of it."""
    targets, shapes = [np.empty(0)], [np.empty(0)]
    for number in numbers:
        subject = circuit.subjects[number]
        target = (subject.error if fixed is None else subject.error - fixed[number])[subject.known]
        weight = max(norm(target), 1e-300)
        targets.append(target / weight)
        shapes.append(effect[number][subject.known] / weight)
    target, shape = np.concatenate(targets), np.concatenate(shapes)
    if np.count_nonzero(shape) < 1 + bare or not np.all(np.isfinite(shape)):
        return None
    square = float(shape @ shape)
    return float(shape @ target) / square if square > 0 else None


def evidence_figures(circuit: Circuit, node: int) -> dict[str, Any]:
    """Which step of the computation it is."""
    step = circuit.nodes[node]
    return {"operation": step.name, "step": node, "shape": list(np.shape(step.value))}
