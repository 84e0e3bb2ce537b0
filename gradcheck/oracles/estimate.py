"""The answer of an oracle: a derivative that knows its own error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A derivative at 0 with a bound on its own error.

    Attributes
    ----------
    value
        The estimate. At a kink the middle of the two one-sided slopes; NaN where phi is not finite at 0.
    error
        Bound on ``|value - exact|``, in the units of ``value``. At a kink it reaches over both slopes; infinite
        where there is no derivative at all (a jump, a vertical tangent, phi not finite).
    smooth
        False where a kink or a jump lies at 0 or within what was probed.
    left, right
        One-sided slopes at a kink or a jump at 0, else None. Infinite on the side that a jump tears off, and where
        phi is vertical.
    evaluations
        Calls of phi, those found in a memo not counted.
    noise
        What one value of phi is off by, in phi's units, as measured at the step that counts; 0 where not measured.
    step
        The step that counts, the longest where it is a window of them; 0 where there is no such step.
    """

    value: float
    error: float
    smooth: bool = True
    left: float | None = None
    right: float | None = None
    evaluations: int = 0
    noise: float = 0.0
    step: float = 0.0
