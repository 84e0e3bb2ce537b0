"""Random magnitudes and signs, as directions and covectors are made of them."""

from __future__ import annotations

import numpy as np

from gradcheck.ask.trees import Floats

BOLDEST = 1.5  # the largest magnitude drawn

_HALF = 2**15
_MAGNITUDES = np.concatenate([np.linspace(-BOLDEST, -0.5, _HALF), np.linspace(0.5, BOLDEST, _HALF)])


def signs(generator: np.random.Generator, size: int) -> Floats:
    """Random signs times magnitudes in [0.5, 1.5]: two random bytes an entry, a tenth of the cost of a normal."""
    # 2^15 magnitudes: two opposite errors of one share cancel once in 2^16 directions, not once in two
    return _MAGNITUDES.take(np.frombuffer(generator.bytes(2 * size), dtype=np.uint16))
