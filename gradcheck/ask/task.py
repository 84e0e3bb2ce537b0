"""What is to be checked, as data: f, the claim, the point and the options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.ask.calls import Counted
from gradcheck.ask.options import Options
from gradcheck.ask.point import Point
from gradcheck.ask.reading import Reading
from gradcheck.ask.trees import Floats

Through = Callable[[Counted], Callable[..., Any]]

_STREAM = 0x67726164
"""Sets the check's random numbers apart from the user's: data drawn from the same seed must not be the covector."""


def generator_of(options: Options) -> np.random.Generator:
    """The check's own random numbers, by its seed."""
    return np.random.default_rng([options.seed, _STREAM])


@dataclass(frozen=True)
class Task:
    """What is to be checked.

    Attributes
    ----------
    f
        ``f(*args)`` -> a number, an array or a tree of them.
    ask
        ``ask(args, u, output)``: the claim's pullback of the covector ``u`` (flat), as a reading.
    scalar
        Whether f must return one number.
    through
        Makes of f the function that the claim is about: its gradient, for claims about second derivatives.
    differentiated
        The function whose gradient ``f`` is.
    remarks
        What the report should say beside its findings.
    subject, unchecked, none_came, layer
        Of a layer: what was taken for what; the arrays that f depends on and that no gradient came for; whether none
        came at all; itself.
    given
        The point as the user knows it, where it is seen through coordinates of its own.
    times
        How often f and claim are asked the same: once where they were seen to answer alike beside this point.
    """

    kind: str
    f: Counted
    claim: Counted
    ask: Callable[[Point, tuple[Any, ...], Floats, Any], Reading]
    where: Point
    options: Options
    scalar: bool
    through: Through | None = None
    given: Point | None = None
    remarks: tuple[str, ...] = ()
    subject: str = ""
    unchecked: tuple[str, ...] = ()
    none_came: bool = False
    layer: Any = None
    differentiated: Counted | None = None
    times: int = 2

    def derived(self) -> Task:
        """The task about the function that ``through`` makes of f."""
        if self.through is None:
            return self
        derived = Counted(self.through(self.f), self.f.label)
        twice = self.f if self.kind in ("hessian", "hvp") else None
        return replace(self, f=derived, through=None, differentiated=twice)
