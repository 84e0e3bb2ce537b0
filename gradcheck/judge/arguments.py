"""The numbers that f makes of its arguments at first: cast to single or half, or parsed from so many decimals.

Such an f has values of double precision and stands still under short steps. It takes no notice of its arguments being
rounded beforehand, which tells how coarse it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from gradcheck.ask import precision
from gradcheck.ask.draws import signs
from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Pairing
from gradcheck.oracles.ball import length

_NOTHING = 1e-12
"""Share of an entry by which a step is far too short for single precision, and shows in double."""

_ODD = 0.1
"""Share of its size by which an entry is moved lest it be a round number, or all stand on the same stairs."""

_SHOWS, _TINY = 2.0**6, 5e-324
"""In last digits of f, what rounding its arguments would move it by at least where it took notice of that."""

_COARSEST = 2.0 ** -min(precision.FORMATS)
"""The unit roundoff of the coarsest numbers that are to stand for others; an f that makes stairs of coarser ones means
them."""

_MOST_DECIMALS, _MOST_LEAVES = 9, 16


def spacing_of_arguments(
    f: Callable[[Floats], Floats | None], y: Floats, pairing: Pairing, unit: float
) -> Floats | None:
    """The distance of neighbouring numbers that f takes each entry for, shape (P,), 0 where it takes it as it is.

    None if it takes all so, or for numbers as fine as its values. Leaves may differ, as where weights are cast and
    biases are not; of many leaves only those are looked at that f rounds all alike.

    Parameters
    ----------
    f
        Its entries at a flat point, None where it has none.
    y
        Its entries at the point.
    pairing
        The point, its leaves, and what an entry of it may move by.
    unit
        The unit roundoff that its values show.
    """
    x, scale = pairing.x, pairing.scale
    whole = _spacing(f, x, y, scale, unit)
    if whole is not None or not 1 < len(pairing.slots) <= _MOST_LEAVES:
        return whole
    found = np.zeros_like(x)
    for slot in pairing.slots:
        part = slice(slot.start, slot.stop)

        def of_leaf(leaf: Floats, part: slice = part) -> Floats | None:
            there = x.copy()
            there[part] = leaf
            return f(there)

        own = _spacing(of_leaf, x[part], y, scale[part], unit)
        found[part] = 0.0 if own is None else own
    return found if found.any() else None


def _spacing(
    f: Callable[[Floats], Floats | None], x: Floats, y: Floats, scale: Floats, unit: float
) -> Floats | None:
    rolls = np.random.default_rng(0)
    if not x.size or not _alike(f(x * (1.0 + _NOTHING * signs(rolls, x.size))), y):
        return None
    odd = x + _ODD * scale * rolls.uniform(0.5, 1.0, x.size)
    there = f(odd)
    if there is None:
        return None
    # by how much f moves over a step of length 1, in its own last digits
    last = np.array([precision.spacing(max(one, other), unit) for one, other in np.abs([y, there]).T])
    visible = float(np.max(np.abs(there - y) / np.maximum(last, _TINY), initial=0.0)) / length(odd - x)
    ways = [
        (precision.of_spacing(here.spacing, x), here.spacing, beside.x)
        for here, beside in zip(_rounded(x), _rounded(odd), strict=True)
        if visible * length(beside.x - odd) > _SHOWS
    ]
    coarse = sorted((way for way in ways if unit < way[0] <= _COARSEST), key=itemgetter(0), reverse=True)
    return next((spacing for _, spacing, beside in coarse if _alike(f(beside), there)), None)


def _alike(one: Floats | None, other: Floats | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


@dataclass(frozen=True)
class _Rounded:
    """A point rounded, and how far the numbers around each of its entries lie apart."""

    spacing: Floats
    x: Floats


def _rounded(x: Floats) -> Iterator[_Rounded]:
    """The point in each format, and with so many decimals."""
    fraction, exponent = np.frexp(x)
    for format in precision.FORMATS:
        near = np.ldexp(np.rint(np.ldexp(fraction, format)), exponent - format)
        yield _Rounded(np.ldexp(1.0, exponent - format), near)
    for places in range(1, _MOST_DECIMALS + 1):
        yield _Rounded(np.full(x.shape, 10.0**-places), np.round(x, places))
