"""Trying many formulas on a few projections of one leaf before the leaves are computed."""

from __future__ import annotations

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.circuit import Circuit
from gradcheck.explain.diagnose.segments import Segment
from gradcheck.explain.diagnose.subject import norm

Candidate = tuple[str, Floats, str]
"""Words for a formula, its values, and the kind of mistake that it would be."""


def probe_leaf(circuit: Circuit, below: frozenset[int]) -> int | None:
    """The smallest wrong leaf with enough entries to test on before the large ones are computed."""
    wrong = [n for n in below if n in circuit.subjects]
    ample = [n for n in wrong if circuit.subjects[n].entries > 2] or wrong
    return min(ample, key=lambda n: circuit.subjects[n].entries, default=None)


def promising(
    segment: Segment, probe: int, candidates: list[Candidate], replaced: bool = True
) -> list[Candidate]:
    """Those of which a multiple, in place of the derivative, makes the error in projections of one leaf.

    Of several that are multiples of one another there, the first. Without ``replaced``, on top of the derivative.
    """
    circuit, cotangent = segment.circuit, segment.circuit.cotangents[segment.end]
    rows = circuit.projected(segment.start, probe)
    if rows is None or not candidates:
        return candidates
    carried = (rows * cotangent).reshape(len(rows), -1)
    weights = circuit.projections(probe).reshape(len(rows), -1)
    error = weights @ circuit.subjects[probe].error.ravel()
    target = error + (carried @ segment.derivative.ravel() if replaced else 0.0)
    shapes = carried @ np.stack([formula.ravel() for _, formula, _ in candidates]).T
    square = np.sum(shapes * shapes, axis=0)
    factor = np.divide(target @ shapes, square, out=np.zeros_like(square), where=square > 0)
    gaps = np.linalg.norm(target[:, None] - factor * shapes, axis=0)
    fitting = np.flatnonzero((gaps <= 1e-3 * norm(error) + 1e-9 * norm(target)) & (square > 0))
    made = np.round(shapes / np.where(shapes[:1] == 0, 1.0, shapes[:1]), 9)
    distinct = {tuple(made[:, i]): i for i in fitting[::-1]}
    return [candidates[i] for i in sorted(distinct.values())]
