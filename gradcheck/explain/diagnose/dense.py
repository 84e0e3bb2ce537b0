"""A Jacobian's claim seen whole, where the check compared one combination of its rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.evidence import Evidence, LeafEvidence

# Rows cost a pullback each; beyond this the combination must do.
ROWS, ENTRIES = 256, 200_000


def whole(evidence: Evidence) -> Evidence:
    """The same evidence with the rows of the Jacobian side by side: output shape + leaf shape.

    Unchanged where the check is of another kind, f was not traced, or the Jacobian is large.
    """
    rows = evidence.output.size
    size = rows * sum(leaf.truth.size for leaf in evidence.leaves)
    known = evidence.pullback is not None and evidence.claim is not None and evidence.cotangent is not None
    if evidence.check not in ("jacobian", "hessian") or not known or not 1 < rows <= ROWS or size > ENTRIES:
        return evidence
    assert evidence.pullback is not None and evidence.claim is not None
    claimed, truth = [], []
    for unit in np.eye(rows):
        claimed.append(evidence.claim(unit.reshape(evidence.output.shape)))
        truth.append(evidence.pullback(unit.reshape(evidence.output.shape)))
    leaves = []
    for number, leaf in enumerate(evidence.leaves):
        pieces = [piece for row in claimed if (piece := row[number]) is not None]
        if len(pieces) < rows or any(np.shape(piece) != leaf.truth.shape for piece in pieces):
            return evidence
        shape = evidence.output.shape + leaf.truth.shape
        right = np.stack([row[number] for row in truth])
        leaves.append(_leaf(leaf, np.stack(pieces).reshape(shape), right.reshape(shape)))
    return replace(evidence, leaves=tuple(leaves), tape=None)


def _leaf(leaf: LeafEvidence, claimed: Floats, truth: Floats) -> LeafEvidence:
    single = leaf.dtype != "float64"
    bound = (1e-4 if single else 1e-9) * np.abs(truth) + (1e-6 if single else 1e-13) * np.max(
        np.abs(truth), initial=0.0
    )
    return replace(leaf, claimed=claimed, truth=truth, bound=bound)
