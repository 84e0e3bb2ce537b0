"""Directions in which a check looks, made so that no entry hides behind another.

A direction is ``v_i = sign_i * m_i * w_i`` with random signs and magnitudes ``m_i`` in [0.5, 1.5]. With the
weight ``w_i = 1 / |g_i|`` every entry contributes alike to ``<g, v>``, and with a further ``1 / sqrt(n)`` for a
leaf of n entries every leaf does. Rounding of f drowns contributions far below the largest, so entries are
sorted into groups by ``p_i = |g_i| * scale_i``, what a step of their own size changes in f, each group
spanning at most `GROUP_SPAN`; each has a direction of its own.

Random magnitudes, not signs alone: an error vector e is missed only if ``|<e, v>|`` is within the tolerance
tau, and with the density of m_i bounded by 1 the probability of that is at most ``2 tau / max_i |e_i w_i|`` a
direction, where pure signs would let two opposite errors cancel half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.ask.draws import BOLDEST, blocks, signs
from gradcheck.ask.point import Slot
from gradcheck.ask.trees import Floats

GROUP_SPAN = 1e4
"""Within a group the smallest contribution is at least 1e-4 of the largest: at a step of 8^-5 of the entries'
scale, f's own rounding 1e-16 / 8^-5 is then below 1e-7 of what the smallest contributes."""


def groups(size_of: Floats, floor: float, span: float = GROUP_SPAN) -> Iterator[np.ndarray]:
    """Masks (or one full slice) of entries whose contributions span at most ``span``, largest first.

    Contributions at or below ``floor`` are left out.
    """
    left = size_of > floor
    while left.any():
        top = float(size_of.max(where=left, initial=0.0))
        mask = left & (size_of >= top / span)
        yield mask
        left &= ~mask


def equilibrated(
    generator: np.random.Generator, gradient: Floats, scale: Floats, mask: np.ndarray, slots: tuple[Slot, ...]
) -> Floats:
    """A direction in which every entry of ``mask``, and every leaf, has the same share; zero elsewhere.

    Scaled so that at t = 1 the boldest entry moves by its own ``scale``.
    """
    # in place: at a million entries every temporary costs as much as f
    v = np.abs(gradient)
    np.divide(1.0, v, out=v, where=mask)
    if not mask.all():
        v[~mask] = 0.0
    for slot in slots:
        count = int(np.count_nonzero(mask[slot.start : slot.stop]))
        if count > 1:
            v[slot.start : slot.stop] /= np.sqrt(count)
    boldest = max(float(np.max(v[part] / scale[part])) for part in blocks(0, v.size))
    v *= signs(generator, v.size)
    v *= 1.0 / (BOLDEST * boldest)
    return v
