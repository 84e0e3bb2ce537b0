"""What an explanation adds to what was seen of a failed check, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.findings import Diagnosis


@dataclass(frozen=True)
class Located:
    """The truth beside the claim, entry by entry of the point; NaN where it was not located.

    ``bound`` is the truth's own radius, as it is printed; ``allowed`` what a right claim may be off by.
    """

    truth: Floats
    bound: Floats
    allowed: Floats
    wrong: np.ndarray


@dataclass(frozen=True)
class Compared:
    """The entries of one wrong leaf, flat: claim, truth, its radius and what is wrong, and how they are indexed."""

    claim: Floats
    truth: Floats
    bound: Floats
    wrong: np.ndarray
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Explanation:
    """Why a check failed.

    Attributes
    ----------
    diagnoses
        What is wrong, likeliest first.
    located
        Where: None if nothing more is known than that it failed.
    dense
        For a dense Jacobian the comparison of each leaf in the Jacobian's own entries; None for a leaf that is right.
    notes
        What became of the explanation itself.
    """

    diagnoses: tuple[Diagnosis, ...] = ()
    located: Located | None = None
    dense: tuple[Compared | None, ...] | None = None
    notes: tuple[str, ...] = ()
