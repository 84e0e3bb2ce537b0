"""A wrong leaf as the hypotheses see it: truth beside claim, and what counts as agreement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask.trees import Floats
from gradcheck.explain.evidence import Evidence, LeafEvidence

Mask = NDArray[np.bool_]

# Rounding between two ways to compute the same prediction: a few hundred roundings of either precision,
# because sums are taken in another order and factors cancel. Relative to the entry, then to the leaf.
ROUNDING = {"float64": (1e-7, 1e-11), "float32": (1e-3, 1e-5), "float16": (3e-2, 1e-2)}
# A hypothesis must account for the error, not merely be as close to the claim as the truth is.
UNEXPLAINED = 0.01


@dataclass(frozen=True)
class Subject:
    """One wrong leaf with claim and truth of one shape; entries whose truth is unknown are NaN in ``truth``.

    ``slack`` is a relative error that a prediction may leave: a second, small mistake beside the one in question.
    """

    evidence: Evidence
    number: int
    leaf: LeafEvidence
    claimed: Floats
    slack: float = 0.0

    @property
    def truth(self) -> Floats:
        """The derivative, NaN where it was not located."""
        return self.leaf.truth

    @cached_property
    def known(self) -> Mask:
        """Where both truth and claim are numbers."""
        return np.isfinite(self.truth) & np.isfinite(self.claimed)

    @cached_property
    def entries(self) -> int:
        """How many entries can be compared."""
        return int(np.count_nonzero(self.known))

    @cached_property
    def error(self) -> Floats:
        """Claim minus truth, 0 where the truth is unknown."""
        return np.where(self.known, self.claimed - np.where(self.known, self.truth, 0.0), 0.0)

    @cached_property
    def scale(self) -> float:
        """The largest entry of the truth."""
        return float(np.max(np.abs(self.truth), where=self.known, initial=0.0))

    @cached_property
    def rounding(self) -> tuple[float, float]:
        """Relative margin of an entry, and of the whole leaf."""
        return ROUNDING.get(self.leaf.dtype, ROUNDING["float64"])

    @cached_property
    def wrong(self) -> Mask:
        """Entries whose error is more than bound and rounding."""
        entry, leaf = self.rounding
        size = np.abs(self.error)
        truth = np.where(self.known, np.abs(self.truth), 0.0)
        allowed = np.where(self.known, self.leaf.bound, 0.0) + 1e-2 * entry * truth
        # an entry of nearly 0 is all rounding beside a gross error, yet may be the one that is wrong
        floor = min(1e-2 * leaf * self.scale, 1e-6 * float(np.max(size, initial=0.0)))
        wrong = self.known & (size > allowed + floor)
        # the judge, who knows the claim's own rounding, may see what these margins hide
        return wrong if np.any(wrong) else self.known & (size > self.leaf.bound)

    def explained_by(self, predicted: Floats, gain: float = 1.0) -> bool:
        """Whether ``predicted``, made from the truth, is the claim.

        ``gain`` is how much the prediction enlarges the bound of the truth.
        """
        known = self.known & np.isfinite(predicted)
        if np.count_nonzero(known) < max(1, self.entries // 2):
            return False
        residual = np.abs(predicted - self.claimed)[known]
        entry, leaf = self.rounding
        size = np.maximum(np.abs(self.claimed), np.abs(predicted))[known]
        allowed = 3.0 * gain * self.leaf.bound[known] + max(entry, self.slack) * size
        allowed += max(leaf, self.slack) * max(self.scale, float(np.max(size, initial=0.0)))
        if not np.all(residual <= allowed):
            return False
        return bool(norm(residual) <= UNEXPLAINED * norm(self.error[known]))


def norm(array: Floats) -> float:
    """Euclidean norm that neither overflows nor underflows."""
    peak = float(np.max(np.abs(array), initial=0.0))
    return peak * float(np.linalg.norm(np.ravel(array) / peak)) if 0.0 < peak < np.inf else peak


def subjects(evidence: Evidence, slack: float = 0.0) -> Iterator[Subject]:
    """The wrong leaves whose claim has the right shape and is finite."""
    for number, leaf in enumerate(evidence.leaves):
        claimed = leaf.claimed
        if leaf.wrong and claimed is not None and claimed.shape == leaf.truth.shape:
            subject = Subject(evidence, number, leaf, claimed, slack)
            if subject.entries and np.all(np.isfinite(claimed)):
                yield subject
