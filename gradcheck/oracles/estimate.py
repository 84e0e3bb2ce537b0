"""The answer of an oracle: a derivative that knows its own error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    samples
        Values t -> phi(t) that were looked at.
    """

    value: float
    error: float
    smooth: bool = True
    left: float | None = None
    right: float | None = None
    evaluations: int = 0
    noise: float = 0.0
    step: float = 0.0
    samples: Mapping[float, float] = field(default_factory=dict, repr=False, compare=False)

    def plot(self) -> Figure:
        """Draw error against step: the differences, their noise floor, the step that counts, the bound.

        Returns
        -------
        matplotlib.figure.Figure
            Made without pyplot, whose state stays as it is.

        Raises
        ------
        ImportError
            matplotlib is not installed (``pip install "gradcheck[plot]"``).
        ValueError
            phi has no derivative here.
        """
        from gradcheck.plotting import of_estimate

        return of_estimate(self)
