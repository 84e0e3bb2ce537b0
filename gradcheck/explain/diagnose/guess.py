"""A guess at a mistake, and the scale on which guesses are compared."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# How surprising a mistake is, about in bits: what people do most, and what leaves nothing to be fitted, comes
# first; what merely describes the error comes last. Gaps leave room for what a file knows better.
CERTAIN = 0.0  # the claim is no gradient at all: shape, NaN
COMMON = 1.0  # nothing fitted: zero, sign, transpose, one entry of many
RECOGNISED = 2.0  # one number fitted, and it equals something in sight
EXACT = 4.0  # a formula of the computation, altered in one place
FITTED = 5.0  # one number fitted that equals nothing in sight, many entries agreeing on it
PATTERN = 8.0  # where the error lives, whatever its value
REMAINDER = 30.0  # none of all this

MISSING, WRONG = "missing_activation_derivative", "wrong_activation_derivative"


@dataclass(frozen=True)
class Guess:
    """A mistake that explains the claim of one or more leaves.

    Attributes
    ----------
    kind
        One of `gradcheck.findings.KINDS`.
    leaves
        Numbers of the leaves that it explains.
    cost
        The scale above; the less likely beforehand, the higher.
    says
        A clause with ``{leaves}``, ``{is}``, ``{has}``, ``{differs}`` where leaves are to be named.
    remedy
        What to try, a sentence or "".
    figures
        Evidence as data.
    key
        Guesses of several leaves with equal kind and key are one mistake.
    """

    kind: str
    leaves: tuple[int, ...]
    cost: float
    says: str
    remedy: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    key: Hashable = None

    def approximate(self) -> Guess:
        """The same as the greater of two mistakes, the lesser of which is not known."""
        says = f"{self.says}; a smaller error remains beside it"
        return replace(self, says=says, cost=self.cost + 1.5, key=(self.key, "approximate"))

    def joined(self, other: Guess) -> Guess:
        """Both as one mistake in more leaves; in the same ones, the likelier way to tell it."""
        leaves = tuple(dict.fromkeys(self.leaves + other.leaves))
        if leaves == self.leaves:
            return min(self, other, key=lambda guess: (guess.leaves != leaves, guess.cost))
        return replace(self, leaves=leaves, cost=max(self.cost, other.cost))


def thin(cost: float, entries: int, fitted: int) -> float:
    """``cost`` with a surcharge where few entries bear out what was fitted to them."""
    surplus = entries - fitted
    return cost + (0.0 if surplus > 2 else (4.0, 2.0, 1.0)[max(surplus, 0)])
