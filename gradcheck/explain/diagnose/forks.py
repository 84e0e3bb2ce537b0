"""A value used in several places, its paths weighted wrongly: one half of a product rule for both."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit, Edge, Effect
from gradcheck.explain.diagnose.experiment import Alteration, evidence_figures, fitted
from gradcheck.explain.diagnose.guess import EXACT, Guess


def forks(circuit: Circuit, effects: dict[Edge, Effect]) -> Iterator[Guess]:
    """A value used in several places, its paths weighted wrongly: one half of a product rule for both."""
    for node, edges in enumerate(circuit.consumers):
        if not 2 <= len(edges) <= 6 or circuit.spent or not (circuit.below[node] & set(circuit.subjects)):
            continue
        known = [edge for edge in edges if circuit.cotangents[edge[0]] is not None]
        shapes = [effects[e] if e in effects else circuit.effect(node, circuit.carried(*e)) for e in known]
        for result, coefficients in fitted(circuit, None, shapes, bare=2):
            weights = 1.0 + coefficients
            easy = np.all(np.abs(2 * weights - np.round(2 * weights)) < 1e-6)
            if not easy or np.all(np.abs(weights - weights[0]) < 1e-6):
                continue
            yield _fork(circuit, node, known, weights, result)


def _fork(circuit: Circuit, node: int, edges: list[Edge], weights: Floats, result: Alteration) -> Guess:
    rounded = [float(np.round(w, 6)) + 0.0 for w in weights]
    listed = ", ".join(f"{circuit.path(e)} {w:g} times" for e, w in zip(edges, rounded, strict=True))
    says = f"{{leaves}} {{is}} as if the uses of {circuit.called(node)} were weighted wrongly: {listed}"
    kind = "sign" if set(rounded) <= {1.0, -1.0} else "missing_term" if 0.0 in rounded else "scale"
    figures = {**evidence_figures(circuit, node), "weights": rounded}
    remedy = "A value that is used in several places gets one term from each."
    return result.guess(kind, EXACT + 0.5 * len(edges), says, remedy, figures, (node, tuple(rounded)))
