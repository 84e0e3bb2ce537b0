"""Derivatives of f as its code has them at a tie: of ``maximum(a, b)`` with a = b by one of its operands alone.

Where several of them tie at once (a dead column of weights before a relu), what every framework returns is none of
Clarke's subgradients, for no point beside has all of them on one side; it is the derivative of the program with each
tie resolved in one way (Bolte and Pauwels, Conservative set valued fields, 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.oracles.autodiff import flat, laid_out
from gradcheck.oracles.tracing import Trace, Untraceable
from gradcheck.oracles.tracing.moves import sum_to
from gradcheck.oracles.tracing.tape import Override, Pull, Step

_LARGER = {np.maximum: 1.0, np.fmax: 1.0, np.minimum: -1.0, np.fmin: -1.0}
"""Functions of two operands, and the sign of the difference at which the first is taken."""

_SIZES = (np.abs, np.fabs)

_WAYS: tuple[Callable[[int, bool], float], ...] = (
    lambda operand, varies: float(not varies),
    lambda operand, varies: float(varies),
    lambda operand, varies: float(operand == 0),
    lambda operand, varies: float(operand == 1),
)
"""Which operand a tie goes to: what is constant, what varies, the first, the second."""


def as_written(tape: Trace, u: Floats) -> tuple[Floats, ...]:
    """The pullbacks of ``u``: by the tape (of a sort by the order that it made), and by each way to resolve ties."""
    tied = [step for step in tape.steps if _is_tied(step)]
    ways = [{}, *(_resolved(tied, way) for way in _WAYS if tied)]
    try:
        return tuple(flat(tape.backward(laid_out(tape, u), way)) for way in ways)
    except Untraceable:
        return ()


def _is_tied(step: Step) -> bool:
    function = getattr(step.fun, "fun", step.fun)
    if function in _LARGER:
        return bool(np.any(np.equal(*step.args[:2])))
    return function in _SIZES and bool(np.any(np.asarray(step.args[0]) == 0.0))


def _resolved(tied: list[Step], way: Callable[[int, bool], float]) -> Override:
    pulls: dict[tuple[int, int], Pull] = {}
    for step in tied:
        for position, operand in enumerate(step.argnums):
            # an operand that is no parent does not vary; where both do, the first goes before the second
            varies = len(step.argnums) == 1 or operand == 0
            pulls[step.index, position] = partial(_pulled, step, operand, way(operand, varies))
    return pulls


def _pulled(step: Step, operand: int, share: float, g: Any) -> Any:
    """The cotangent of one operand, of which ties have this share."""
    function = getattr(step.fun, "fun", step.fun)
    own = step.args[operand]
    if function in _SIZES:
        return sum_to(g * np.where(np.asarray(own) == 0.0, share, np.sign(own)), own)
    apart = _LARGER[function] * (np.asarray(own) - step.args[1 - operand])
    return sum_to(g * np.where(apart == 0.0, share, apart > 0.0), own)
