"""A claim paired with a covector: one real function of one flat vector, and the gradient claimed for it.

Every check comes down to this. Fix ``u`` on the outputs; then ``<u, F(x)>`` is a scalar function of the flat
point ``x`` in R^P, the claim says what its gradient is, and a direction ``v`` turns both into the numbers
``<u, claimed(v)>`` and ``phi'(0)`` with ``phi(t) = <u, F(x + t v)>`` that the judge compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from gradcheck.ask.point import Slot
from gradcheck.ask.trees import Floats


@dataclass(frozen=True)
class Traced:
    """Autograd's answer: the gradient of ``<u, F>`` (P,), at the point and, on request, at another one."""

    gradient: Floats
    faithful: bool  # the traced value of F equals the plain one
    at: Callable[[Floats], Floats | None]


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
    x, claimed
        The point and the claimed gradient, shape (P,).
    slots
        The leaves, as ranges of the P entries.
    value
        ``<u, F(x)>``; NaN where f raises or is not finite.
    claim_at
        The claimed gradient at another point, None where it cannot be had.
    base
        ``value(x)``, known already.
    magnitude
        ``sum |u_i F_i|``: what the rounding of f is relative to.
    precision
        Unit roundoff of f's arithmetic: 2^-53, or 2^-24 where f insists on float32.
    unit
        Unit roundoff of the claim's arithmetic: 2^-53 for float64, 2^-24 for float32.
    scale
        Natural length of a step in each entry, shape (P,).
    count
        Told how many evaluations of f were made (the workers of an executor cannot count for us).
    workers
        Where independent evaluations go.
    """

    x: Floats
    claimed: Floats
    slots: tuple[Slot, ...]
    value: Callable[[Floats], float]
    claim_at: Callable[[Floats], Floats | None]
    base: float
    magnitude: float
    precision: float
    unit: float
    scale: Floats
    count: Callable[[int], None]
    workers: Workers | None = None


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

    def _point(self, t: float) -> Floats:
        # one buffer per line: a fresh array of 8 MB costs more than filling it
        if self._buffer is None:
            self._buffer = np.empty_like(self.pairing.x)
        np.multiply(self.direction, t, out=self._buffer)
        self._buffer += self.pairing.x
        return self._buffer


def step_scale(x: Floats, slots: tuple[Slot, ...]) -> Floats:
    """How far each entry may be expected to move: its own size; where it is 0, a tenth of its leaf's rms or 1."""
    scale = np.abs(x)
    for slot in slots:
        part = scale[slot.start : slot.stop]
        if part.size and not part.all():
            typical = float(np.sqrt(np.mean(np.square(part / (part.max() or 1.0))))) * float(part.max())
            part[part == 0.0] = 0.1 * typical if typical > 0.0 else 1.0
    return scale
