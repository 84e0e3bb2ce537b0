"""The numbers that f makes of its arguments at first: cast to single or half, or parsed from so many decimals.

Such an f has values of double precision and stands still under short steps. It takes no notice of its arguments being
rounded beforehand, which tells how coarse it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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

_SHOWS = 2.0**7
"""In roundoffs of f, what rounding its arguments would move it by at least where it took notice of that."""

_COARSEST = 2.0 ** -min(precision.FORMATS)
"""The unit roundoff of the coarsest numbers that are to stand for others; an f that makes stairs of coarser ones means
them."""

_MOST_DECIMALS, _MOST_LEAVES = 9, 16


def spacing_of_arguments(
    f: Callable[[Floats], Floats | None], y: Floats, unit: float, pairing: Pairing
) -> Floats | None:
    """The distance of neighbouring numbers that f takes each entry for, shape (P,), 0 where it takes it as it is.

    None if it takes all so, or for numbers as fine as its values. Leaves may differ, as where weights are cast and
    biases are not; of many leaves only those are looked at that f rounds all alike.

    Parameters
    ----------
    f
        Its entries at a flat point, None where it has none.
    y, unit
        Its entries at the point of the pairing, and the unit roundoff that these show.
    """
    x, slots = pairing.x, pairing.slots
    whole = _spacing(_Moved(f, x, pairing.scale, slice(None)), y, unit)
    if whole is not None or not 1 < len(slots) <= _MOST_LEAVES:
        return whole
    found = np.zeros_like(x)
    for slot in slots:
        part = slice(slot.start, slot.stop)
        own = _spacing(_Moved(f, x, pairing.scale, part), y, unit)
        found[part] = 0.0 if own is None else own
    return found if found.any() else None


@dataclass(frozen=True)
class _Moved:
    """F where a part of the point may move, by a share of ``scale``."""

    f: Callable[[Floats], Floats | None]
    point: Floats
    scale: Floats
    part: slice

    @property
    def x(self) -> Floats:
        """The part at the point."""
        return self.point[self.part]

    def __call__(self, part: Floats) -> Floats | None:
        there = self.point.copy()
        there[self.part] = part
        return self.f(there)


def _spacing(moved: _Moved, y: Floats, unit: float) -> Floats | None:
    x, rolls = moved.x, np.random.default_rng(0)
    if not x.size or not _alike(moved(x * (1.0 + _NOTHING * signs(rolls, x.size))), y):
        return None
    odd = x + _ODD * moved.scale[moved.part] * rolls.uniform(0.5, 1.0, x.size)
    there = moved(odd)
    if there is None:
        return None
    # how far f moves over a step of length 1, in its own last digits
    last = unit * np.maximum(np.abs(y), np.abs(there))
    digits = np.divide(np.abs(there - y), last, out=np.zeros_like(last), where=last > 0.0)
    visible = float(np.max(digits, initial=0.0)) / length(odd - x)
    units = ((precision.of_spacing(rounded(x)[0], x), rounded) for rounded in _ROUNDINGS)
    coarse = sorted((one for one in units if unit < one[0] <= _COARSEST), key=itemgetter(0), reverse=True)
    for _, rounded in coarse:
        _, near = rounded(odd)
        if visible * length(near - odd) > _SHOWS and _alike(moved(near), there):
            return rounded(x)[0]
    return None


def _alike(one: Floats | None, other: Floats | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


def _to_bits(bits: int, x: Floats) -> tuple[Floats, Floats]:
    """How far numbers of so many significant bits lie apart around each entry, and the nearest of them."""
    fraction, exponent = np.frexp(x)
    return np.ldexp(1.0, exponent - bits), np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)


def _to_decimals(places: int, x: Floats) -> tuple[Floats, Floats]:
    """The same for numbers of so many decimals."""
    return np.full(x.shape, 10.0**-places), np.round(x, places)


_ROUNDINGS: tuple[Callable[[Floats], tuple[Floats, Floats]], ...] = (
    *(partial(_to_bits, bits) for bits in precision.FORMATS),
    *(partial(_to_decimals, places) for places in range(1, _MOST_DECIMALS + 1)),
)
