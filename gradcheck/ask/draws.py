"""Random magnitudes and signs, as directions and covectors are made of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.trees import Floats

BOLDEST = 1.5  # the largest magnitude drawn

_HALF, _BLOCK = 2**15, 2**14
_MAGNITUDES = np.concatenate([np.linspace(-BOLDEST, -0.5, _HALF), np.linspace(0.5, BOLDEST, _HALF)])


def blocks(start: int, stop: int) -> Iterator[slice]:
    """A range in pieces that stay in the cache: of many entries it is memory that takes the time."""
    return (slice(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK))


def signs(generator: np.random.Generator, size: int) -> Floats:
    """Random signs times magnitudes in [0.5, 1.5]: two random bytes an entry, a tenth of the cost of a normal."""
    # 2^15 magnitudes: two opposite errors of one share cancel once in 2^16 directions, not once in two
    drawn = np.frombuffer(generator.bytes(2 * size), dtype=np.uint16)
    found = np.empty(size)
    for part in blocks(0, size):  # take makes wide indices of narrow ones: few at a time
        _MAGNITUDES.take(drawn[part], out=found[part], mode="wrap")
    return found
