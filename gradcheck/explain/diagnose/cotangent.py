"""A pullback that does not use its cotangent as a linear map must."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import COMMON, PATTERN, RECOGNISED, Guess
from gradcheck.explain.evidence import Evidence


def cotangent(evidence: Evidence) -> Iterator[Guess]:
    """The claim is the same for twice the cotangent, or grows with its square."""
    if evidence.cotangent is None or evidence.claim is None:
        return
    wrong = [
        i
        for i, leaf in enumerate(evidence.leaves)
        if leaf.wrong and _finite(leaf.claimed) and np.any(leaf.claimed)
    ]
    if not wrong:
        return
    doubled = evidence.claim(2.0 * evidence.cotangent)
    for ratio, clause, kind, cost in _BEHAVIOURS:
        numbers = tuple(i for i in wrong if _times(evidence.leaves[i].claimed, doubled[i], ratio))
        if numbers:
            yield Guess(
                kind, numbers, cost, clause, _REMEDY, {"grows_by": ratio, "cotangent_doubled": True}, clause
            )
            yield Guess("other", numbers, PATTERN - 0.5, clause, _REMEDY, {"grows_by": ratio}, clause)


_REMEDY = "A pullback is linear in the cotangent (grad_output): every path carries it exactly once."
_BEHAVIOURS = (
    (
        1.0,
        "{leaves} {is} the same for a cotangent twice as large: the cotangent is ignored",
        "scale",
        COMMON - 0.6,
    ),
    (
        4.0,
        "{leaves} {is} 4 times as large for a cotangent twice as large: the cotangent is used twice",
        "scale",
        RECOGNISED,
    ),
)


def _finite(claimed: Floats | None) -> bool:
    return claimed is not None and bool(np.all(np.isfinite(claimed)))


def _times(claimed: Floats | None, doubled: Floats | None, ratio: float) -> bool:
    if claimed is None or doubled is None or np.shape(doubled) != claimed.shape:
        return False
    return bool(np.allclose(doubled, ratio * claimed, rtol=1e-6, atol=1e-12 * np.max(np.abs(claimed))))
