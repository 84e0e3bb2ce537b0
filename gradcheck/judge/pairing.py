"""A claim paired with a covector: one real function of one flat vector, and the gradient claimed for it.

Every check comes down to this. Fix ``u`` on the outputs; then ``<u, F(x)>`` is a scalar function of the flat
point ``x`` in R^P, the claim says what its gradient is, and a direction ``v`` turns both into the numbers
``<u, claimed(v)>`` and ``phi'(0)`` with ``phi(t) = <u, F(x + t v)>`` that the judge compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradcheck.ask.point import Slot
from gradcheck.ask.trees import Floats
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.ball import length

if TYPE_CHECKING:
    from concurrent.futures import Executor

_STAIRS = 8.0
"""Of double's last digit, the height of stairs that are known to be there and are still to be measured."""

_ROUNDINGS = 8.0
"""Evaluations of f are taken to be right to so many roundings until measured otherwise."""


class Workers:
    """An executor that evaluates f, until it shows that it cannot; then this process goes on alone."""

    __slots__ = ("executor", "remark")

    def __init__(self, executor: Executor) -> None:
        self.executor: Executor | None = executor
        self.remark = ""

    def evaluate(self, value: Callable[[Floats], float], points: list[Floats]) -> list[float] | None:
        """``value`` at each point; None where the executor is of no use (f cannot be pickled, say)."""
        if self.executor is None:
            return None
        try:
            return list(self.executor.map(value, points))
        except Exception as error:
            self.executor = None
            self.remark = (
                f"the executor could not evaluate f ({type(error).__name__}: {error}); this process did. Processes "
                "need an f that can be pickled: a function of a module, not a lambda or a closure"
            )
            return None


@dataclass(frozen=True)
class Pairing:
    """``<u, F>`` and its claimed gradient.

    Attributes
    ----------
    x
        The point, shape (P,).
    claim
        The claimed gradient of ``<u, F>``, and how it is asked again.
    slots
        The leaves, as ranges of the P entries.
    value
        ``<u, F(x)>``; NaN where f raises or is not finite.
    base
        ``value(x)``, known already.
    magnitude
        ``sum |u_i F_i|``: what the rounding of f is relative to.
    precision
        Unit roundoff that f's values show.
    precise
        Whether f was seen to compute in double precision all the way, so that a claim which does not has lost digits.
    grid
        Spacing of the numbers that they are, in units of ``value``; 0 in double precision.
    arguments
        The distance of neighbouring numbers that f takes each entry for, shape (P,); None where it takes it as it is.
    spread
        What two calls with the same arguments differ by.
    scale
        Natural length of a step in each entry, shape (P,).
    count
        Told how many evaluations of f were made (the workers of an executor cannot count for us).
    workers
        Where independent evaluations go.
    pieces
        Derivatives of f as its code has them at ties (`gradcheck.oracles.ties`), shape (P,) each.
    """

    x: Floats
    claim: Answer
    slots: tuple[Slot, ...]
    value: Callable[[Floats], float]
    base: float
    magnitude: float
    precision: float
    precise: bool
    grid: float
    spread: float
    scale: Floats
    count: Callable[[int], None]
    arguments: Floats | None = None
    workers: Workers | None = None
    pieces: Callable[[], Sequence[Floats]] = tuple

    @property
    def unit(self) -> float:
        """Unit roundoff of the coarser of f and claim: what the check as a whole can tell."""
        return max(self.precision, self.claim.unit)

    @property
    def noise(self) -> float:
        """What one evaluation may be off by, before it is measured."""
        return _ROUNDINGS * self.precision * self.magnitude + 4.0 * self.spread

    @property
    def contribution(self) -> Floats:
        """What a step of each entry's own size changes in f, by the claim."""
        found: Floats = np.abs(self.claim.value)
        found *= self.scale
        return found

    @property
    def natural_share(self) -> float:
        """What a step of an entry's own size changes in f by rounding alone: 2^13 roundoffs (1e-12 in double)."""
        return 2.0**13 * self.claim.unit * self.magnitude

    @property
    def natural(self) -> Floats:
        """Slopes below this are all rounding, by what a step of the entry's own size changes."""
        return self.natural_share / self.scale

    def span(self, v: Floats) -> float:
        """The size of the claim along ``v`` without luck of the signs, ``sqrt(sum (g_i v_i)^2)``."""
        return length(self.claim.value * v)


class Line:
    """``phi(t) = <u, F(x + t v)>``, each value computed once."""

    __slots__ = ("_buffer", "direction", "pairing", "samples")

    def __init__(self, pairing: Pairing, direction: Floats) -> None:
        self.pairing = pairing
        self.direction = direction
        self.samples: dict[float, float] = {0.0: pairing.base}
        self._buffer: Floats | None = None

    def __call__(self, t: float) -> float:
        """Phi at ``t``."""
        known = self.samples.get(t)
        if known is None:
            self.pairing.count(1)
            known = self.samples[t] = self.pairing.value(self._point(t))
        return known

    def ask(self, steps: Iterable[float]) -> list[float]:
        """Phi at several steps, by the executor's workers where there is one."""
        steps = list(steps)
        missing = [t for t in steps if t not in self.samples]
        workers = self.pairing.workers
        if workers is not None and len(missing) > 1:
            values = workers.evaluate(
                self.pairing.value, [self.pairing.x + t * self.direction for t in missing]
            )
            if values is not None:
                self.pairing.count(len(missing))
                self.samples.update(zip(missing, values, strict=True))
        return [self(t) for t in steps]

    def central(self, *steps: float) -> list[float]:
        """Central differences of phi at 0 over each of ``steps``."""
        values = self.ask([signed for step in steps for signed in (step, -step)])
        return [
            (ahead - behind) / (2.0 * step)
            for step, ahead, behind in zip(steps, values[::2], values[1::2], strict=True)
        ]

    @property
    def grid(self) -> float:
        """The spacing of phi's values, or the height of its stairs, by the claim, where f rounds its arguments."""
        pairing = self.pairing
        if pairing.arguments is None:
            return pairing.grid
        stairs = length(np.where(self.direction == 0.0, 0.0, pairing.claim.value * pairing.arguments))
        return max(pairing.grid, stairs, _STAIRS * math.ulp(pairing.base))

    def bend(self, step: float) -> float:
        """The change of slope across 0 over a step: in proportion to it by curvature, the same at a kink."""
        ahead, behind = self.ask((step, -step))
        return abs(ahead + behind - 2.0 * self(0.0)) / step

    def noise(self, step: float) -> float:
        """Rounding of f in a central difference over ``step``, before it is measured."""
        return self.pairing.noise / step

    def _point(self, t: float) -> Floats:
        # one buffer per line: a fresh array of 8 MB costs more than filling it
        if self._buffer is None:
            self._buffer = np.empty_like(self.pairing.x)
        np.multiply(self.direction, t, out=self._buffer)
        self._buffer += self.pairing.x
        return self._buffer
