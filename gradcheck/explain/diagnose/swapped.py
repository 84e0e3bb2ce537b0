"""Leaves that carry one another's gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import COMMON, Guess
from gradcheck.explain.diagnose.subject import norm
from gradcheck.explain.evidence import Evidence


def swapped_leaves(evidence: Evidence) -> Iterator[Guess]:
    """The claim of one leaf is the truth of another, both ways or one way, also where shapes give it away."""
    leaves = evidence.leaves
    wrong = [i for i, leaf in enumerate(leaves) if leaf.wrong and leaf.claimed is not None]
    told: set[int] = set()
    for i in wrong:
        for j, other in enumerate(leaves):
            if i == j or i in told or not _is(evidence, leaves[i].claimed, j, i):
                continue
            back = j in wrong and _is(evidence, other.claimed, i, j)
            told |= {i, j} if back else {i}
            yield _guess(evidence, i, j, back)


def _is(evidence: Evidence, claimed: Floats | None, truth_of: int, claim_of: int) -> bool:
    target = evidence.leaves[truth_of]
    if claimed is None or claimed.shape != target.truth.shape or not np.all(np.isfinite(claimed)):
        return False
    own = evidence.leaves[claim_of].truth
    known = np.isfinite(target.truth)
    if not np.any(target.truth[known]) or (
        own.shape == target.truth.shape and own.size == 1 == len(evidence.leaves)
    ):
        return False
    close = np.abs(claimed - target.truth)[known]
    scale = float(np.max(np.abs(target.truth[known])))
    return bool(
        np.all(close <= 3 * target.bound[known] + 1e-7 * np.abs(target.truth[known]) + 1e-11 * scale)
        and (own.shape != target.truth.shape or norm(close) <= 0.01 * norm((own - target.truth)[known]))
    )


def _guess(evidence: Evidence, i: int, j: int, back: bool) -> Guess:
    mine, other = evidence.leaves[i].path, evidence.leaves[j].path
    if back:
        says = f"{mine} and {other} carry each other's gradient"
        remedy = f"Exchange {mine} and {other} in what the claim returns."
        return Guess("swapped_leaves", (i, j), COMMON - 1.5, says, remedy, {"leaves": [mine, other]}, (i, j))
    says = f"{mine} carries the gradient of {other}"
    remedy = "Check the order of what the claim returns."
    return Guess("swapped_leaves", (i,), COMMON + 0.5, says, remedy, {"leaves": [mine, other]}, (i, j))
