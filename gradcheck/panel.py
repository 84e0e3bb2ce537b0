"""The third voice: the complex step along one direction, heard where it agrees with differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck import trees
from gradcheck.arguments import Point
from gradcheck.directions import signs
from gradcheck.evidence import Floats
from gradcheck.findings import OracleUse
from gradcheck.oracles.complex_step import NotAnalytic, complex_step
from gradcheck.oracles.derivative import derivative
from gradcheck.pairing import Line, Pairing


def third_voice(
    function: Callable[..., Any], where: Point, u: Floats, pairing: Pairing, generator: np.random.Generator
) -> OracleUse:
    """Ask the complex step whether the claim is right along a random direction.

    It is no judge of its own: abs, comparisons and casts make it wrong in silence, so that it counts only where
    it meets differences within both bounds, and then it says nothing that they contradict.
    """
    v = pairing.scale * signs(generator, pairing.x.size)
    line = Line(pairing, v)

    def phi(z: Any) -> Any:
        if not np.iscomplexobj(z):
            return line(float(z))
        pairing.count(1)
        return u @ _flat(function(*_placed(where, pairing.x + complex(z) * v)))

    span = float(np.linalg.norm(pairing.claimed * v))
    try:
        reference = derivative(line, samples=line.samples, tolerance=1e-9 * span)
        estimate = complex_step(phi, reference=reference)
    except NotAnalytic as refusal:
        return OracleUse("complex_step", False, str(refusal))
    claimed = float(pairing.claimed @ v)
    allowance = estimate.error + 8.0 * pairing.unit * float(np.abs(pairing.claimed * v).sum())
    if abs(claimed - estimate.value) <= allowance:
        return OracleUse("complex_step", True, f"agrees within {max(allowance, 1e-300) / (span or 1.0):.1g}")
    return OracleUse(
        "complex_step",
        True,
        f"says {estimate.value:.9g} where the claim is {claimed:.9g} along a random direction",
    )


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
    pieces = [np.asarray(leaf).ravel() for _, leaf in trees.leaves(result)]
    return np.concatenate(pieces)
