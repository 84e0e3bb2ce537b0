"""The third voice: the complex step along a direction that differences have judged, heard where they agree.

Squire and Trapp (SIAM Review 40, 1998): ``Im phi(ih) / h`` with h = 1e-60 is the derivative without cancellation
where phi is analytic in what it does, and a wrong number without warning where it takes abs, compares, casts to real
or conjugates. So it confirms, and never accuses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.ask import trees
from gradcheck.ask.point import Point
from gradcheck.ask.trees import Floats
from gradcheck.findings import OracleUse
from gradcheck.oracles.ball import Ball, Relation, related

# Im phi(ih)/h is wrong by h**2 phi'''/6. At 1e-60 that vanishes for every scale down to 1e-50, and the imaginary parts
# stay 250 decades above the smallest number.
STEP = 0.7e-60


def third_voice(function: Callable[..., Any], where: Point, u: Floats, v: Floats, slope: Ball) -> OracleUse:
    """Whether the complex step along ``v`` meets ``slope``, what differences say there; one evaluation of f."""
    try:
        y = _flat(function(*_placed(where, where.x + 1j * STEP * v)))
    except Exception as error:
        return OracleUse(
            "complex_step", False, f"f takes no complex argument ({type(error).__name__}: {error})"
        )
    if not np.iscomplexobj(y) or y.shape != u.shape:
        return OracleUse("complex_step", False, "f drops the imaginary part of its argument")
    if related(abs(float(u @ y.imag) / STEP - float(slope.value)), float(slope.radius)) is Relation.AGREE:
        return OracleUse("complex_step", True)
    return OracleUse("complex_step", False, "differences contradict it: f is not analytic in what it does")


def _placed(where: Point, x: np.ndarray) -> tuple[Any, ...]:
    pieces = {
        slot.keys: complex(x[slot.start]) if slot.scalar else x[slot.start : slot.stop].reshape(slot.shape)
        for slot in where.slots
    }
    return tuple(
        trees.map_leaves(lambda path, leaf: pieces.get(path, leaf), arg, (number,))
        for number, arg in enumerate(where.args)
    )


def _flat(result: Any) -> np.ndarray:
    return np.concatenate([np.asarray(leaf).ravel() for _, leaf in trees.leaves(result)])
