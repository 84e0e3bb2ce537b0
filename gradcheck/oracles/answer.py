"""A gradient that can be asked again: what autograd and the claim hand over, so that their rounding can be measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradcheck.ask.trees import Floats


@dataclass(frozen=True)
class Answer:
    """A gradient that can be asked again.

    Attributes
    ----------
    value
        The gradient, shape (P,).
    unit
        Unit roundoff of the arithmetic that it was computed in.
    at
        The gradient at another point; None where it cannot be had.
    rolled
        The gradients of so many runs with random rounding at the same point, one a run that stayed on the same piece of
        the function; empty where the code could not be met.
    nudged
        The gradients with all that they are computed from beside the point (data, covector) moved by an ulp.
    whole
        Whether random rounding meets every step, so that nothing is left for moved inputs to show.
    off
        Share by which f's value differs where it was computed for the answer.
    spread
        Largest deviation seen between calls with the same arguments, shape (P,) or 0.
    """

    value: Floats
    unit: float
    at: Callable[[Floats], Floats | None]
    rolled: Callable[[int], list[Floats]]
    nudged: Callable[[int], list[Floats]] = lambda count: []
    whole: bool = False
    off: float = 0.0
    spread: Floats | float = 0.0
