"""At a kink: is the claim a subgradient?

Where f has different slopes on the two sides of the point, every entry between them is a valid answer (an
element of Clarke's generalised gradient, the convex hull of the gradients of the pieces that meet there). A
random direction blends kinks of many entries, convex and concave, so nothing is failed on its word: the kinked
entries are found and judged one by one, neighbours among them also in pairs (at a tie ``max(a, b)`` either
entry may take the 1, not both), and the smooth rest is compared as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge.pairing import Line, Pairing
from gradcheck.judge.reasons import Reason, Told
from gradcheck.judge.slope import Slope, slope_along, slope_of
from gradcheck.oracles.ball import MARGIN, Ball, Relation, related
from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.ladder import COARSE, FINE, STEPS

PROBE = STEPS[6]
ONE_BY_ONE = 40  # so many entries are looked at each by itself; more are bisected
MOST = 24  # kinked entries judged singly; beyond, only the joint direction is
MOST_BY_SECANTS = 128
MOST_PAIRS = 4
_SECANT = (
    1e-3  # secants over `PROBE` are slopes to a thousandth, unless f curves within 1e-5 of the entry's size
)


@dataclass(frozen=True)
class Kink:
    """One kinked entry: flat index, the slopes on its two sides, the claim and whether it lies between them."""

    index: int
    left: float
    right: float
    claimed: float
    relation: Relation


@dataclass(frozen=True)
class Ruling:
    """The outcome over all entries looked at, the kinks among them, and why it is not decided.

    ``torn``: each entry lies between its one-sided slopes, but together they are no subgradient.
    """

    relation: Relation
    kinks: tuple[Kink, ...]
    reason: Told | None = None
    torn: bool = False


def rule(pairing: Pairing, own: Ball, v: Floats, joint: Slope, settled: np.ndarray | None = None) -> Ruling:
    """Judge the entries where ``v`` is not 0, after ``joint``, the slope along it, showed a kink.

    ``own`` is the claim, entry by entry, each with its rounding; ``settled`` marks entries known to be right unless
    they are kinked.
    """
    written = pairing.pieces()
    if any(_is_piece(own, piece, v) for piece in written):
        return Ruling(Relation.AGREE, _where_they_differ(own, written, v))
    suspects = _suspects(pairing, v, np.flatnonzero(v), joint.high - joint.low)
    looked_at = [] if suspects is None else [_entry(pairing, own, v, index) for index in suspects]
    kinks = [kink for kink in looked_at if kink.right != kink.left]
    if any(kink.relation is Relation.APART for kink in looked_at):
        return Ruling(Relation.APART, tuple(kinks))
    if suspects is None:
        return _many(pairing, own, v, joint, settled)
    if not kinks:
        return _jointly(own.along(v), joint, ())
    if len(kinks) > 2 and _torn_together(pairing, own, v, kinks):
        return Ruling(Relation.APART, tuple(kinks), torn=True)
    for first, second in list(pairwise(kinks))[:MOST_PAIRS]:
        if not _pair_is_subgradient(pairing, own, v, first.index, second.index):
            return Ruling(Relation.APART, tuple(kinks), torn=True)
    return _with_rest(pairing, own, v if settled is None else np.where(settled, 0.0, v), tuple(kinks))


_SAME = 1e-9
"""Share of the largest entry within which a claim is the derivative of f as it is written."""


def _is_piece(own: Ball, piece: Floats, v: Floats) -> bool:
    along = v != 0.0
    off = np.abs(own.value - piece)[along]
    slack = MARGIN * np.broadcast_to(own.radius, v.shape)[along] + _SAME * float(np.max(np.abs(piece)))
    return bool(np.all(off <= slack))


def _where_they_differ(own: Ball, pieces: Sequence[Floats], v: Floats) -> tuple[Kink, ...]:
    low, high = np.min(pieces, axis=0), np.max(pieces, axis=0)
    return tuple(
        Kink(int(index), float(low[index]), float(high[index]), float(own.value[index]), Relation.AGREE)
        for index in np.flatnonzero((v != 0.0) & (low < high))
    )


def _with_rest(pairing: Pairing, own: Ball, v: Floats, kinks: tuple[Kink, ...]) -> Ruling:
    """The ruling over kinks that are all right and the other entries along ``v``, which are smooth."""
    rest = v.copy()
    rest[[kink.index for kink in kinks]] = 0.0
    if not rest.any():
        undecided = any(kink.relation is Relation.UNTOLD for kink in kinks)
        return Ruling(Relation.UNTOLD if undecided else Relation.AGREE, kinks, _EDGE if undecided else None)
    if not (own.value * rest).any():
        return Ruling(_flat(pairing, rest), kinks)
    claim, slope = compared(pairing, own, rest)
    if slope.kinked:
        return _jointly(claim, slope, kinks)
    return Ruling(slope.meets(claim), kinks, Reason.EDGE.told())


def compared(pairing: Pairing, own: Ball, v: Floats) -> tuple[Ball, Slope]:
    """The claim along ``v``, and what differences say there."""
    claim = own.along(v)
    return claim, slope_along(Line(pairing, v), claim, pairing.span(v))


def _many(pairing: Pairing, own: Ball, v: Floats, joint: Slope, settled: np.ndarray | None) -> Ruling:
    """The ruling over more kinks than can be judged to the last digit: by secants, two evaluations an entry."""
    entries = np.flatnonzero(v)
    if entries.size > MOST_BY_SECANTS:
        return _jointly(own.along(v), joint, ())
    kinks: list[Kink] = []
    for index in entries:
        line = _restricted(pairing, v, np.array([index]))
        ahead, behind = line.ask((PROBE, -PROBE))
        low, high = sorted(((line(0.0) - behind) / PROBE, (ahead - line(0.0)) / PROBE))
        if high - low <= _SECANT * max(abs(low), abs(high)) + 4.0 * line.noise(PROBE):
            continue
        claimed = float(own.value[index] * v[index])
        slack = _SECANT * (high - low) + 4.0 * line.noise(PROBE) + float(own.radius[index] * abs(v[index]))
        inside = low - slack <= claimed <= high + slack
        left, right = sorted((low / v[index], high / v[index]))
        outcome = Relation.AGREE if inside else Relation.APART
        kinks.append(Kink(int(index), float(left), float(right), float(own.value[index]), outcome))
    if any(kink.relation is Relation.APART for kink in kinks):
        return Ruling(Relation.APART, tuple(kinks))
    return _with_rest(pairing, own, v if settled is None else np.where(settled, 0.0, v), tuple(kinks))


def _torn_together(pairing: Pairing, own: Ball, v: Floats, kinks: Sequence[Kink]) -> bool:
    """Whether f is smooth where all kinked entries move alike (a tie moves as one), with another slope than claimed."""
    alike = np.zeros_like(v)
    indices = [kink.index for kink in kinks]
    alike[indices] = float(np.min(np.abs(v[indices])))
    claim, slope = compared(pairing, own, alike)
    return not slope.kinked and slope.meets(claim) is Relation.APART


_EDGE = Reason.KINK_EDGE.told()


def _flat(pairing: Pairing, rest: Floats) -> Relation:
    """Whether f does not change along entries claimed to be zero, beside those at a kink."""
    line = Line(pairing, rest)
    seen = line.central(COARSE, FINE)
    if all(abs(slope) <= line.noise(step) for slope, step in zip(seen, (COARSE, FINE), strict=True)):
        return Relation.AGREE
    estimate = derivative(line, samples=line.samples)
    apart = related(abs(estimate.value), estimate.error) is Relation.APART
    return Relation.APART if apart else Relation.AGREE


def _jointly(claim: Ball, joint: Slope, kinks: tuple[Kink, ...]) -> Ruling:
    slack = MARGIN * (joint.error + float(claim.radius)) + 1e-6 * (joint.high - joint.low)
    if joint.off(float(claim.value)) <= slack:
        return Ruling(Relation.AGREE, kinks)
    told = Reason.KINK_UNTOLD.told(low=joint.low, high=joint.high, claimed=float(claim.value))
    return Ruling(Relation.UNTOLD, kinks, told)


def _suspects(pairing: Pairing, v: Floats, entries: np.ndarray, width: float) -> list[int] | None:
    """Entries along which f bends at once; None where there are too many."""
    if entries.size <= ONE_BY_ONE:
        return [int(entry) for entry in entries if _bends(pairing, v, entries[entries == entry], width)]
    found: list[int] = []
    stack = [entries]
    while stack:
        part = stack.pop()
        if not _bends(pairing, v, part, width):
            continue
        if part.size == 1:
            found.append(int(part[0]))
            if len(found) > MOST:
                return None
        else:
            middle = part.size // 2
            stack += [part[middle:], part[:middle]]
    return sorted(found)


def _bends(pairing: Pairing, v: Floats, entries: np.ndarray, width: float) -> bool:
    line = _restricted(pairing, v, entries)
    bend = line.bend(PROBE)
    if bend <= 2.0 * line.noise(PROBE) or bend <= 1e-6 * width:
        return False
    # curvature bends in proportion to the step, a kink the same at every step
    return not bend <= 4.0 * (PROBE / COARSE) * line.bend(COARSE)


def _restricted(pairing: Pairing, v: Floats, entries: np.ndarray) -> Line:
    direction = np.zeros_like(v)
    direction[entries] = v[entries]
    return Line(pairing, direction)


def _entry(pairing: Pairing, own: Ball, v: Floats, index: int) -> Kink:
    line = _restricted(pairing, v, np.array([index]))
    claimed = float(own.value[index] * v[index])
    estimate = derivative(line, samples=line.samples)
    slope = slope_of(estimate)
    low, high = slope.low, slope.high
    slack = (
        slope.error + 1e-7 * max(abs(low), abs(high), high - low) + float(own.radius[index] * abs(v[index]))
    )
    left, right = sorted((low / v[index], high / v[index]))
    relation = related(slope.off(claimed), slack)
    return Kink(index, float(left), float(right), float(own.value[index]), relation)


Plane = Callable[[float, float], float]
"""f over two of its entries, by how far each is moved along its direction."""


def _pair_is_subgradient(pairing: Pairing, own: Ball, v: Floats, first: int, second: int) -> bool:
    """Whether the claim's two entries lie in the convex hull of the gradients of f beside the point."""
    claimed = own.value[[first, second]] * v[[first, second]]

    def at(p: float, q: float) -> float:
        x = pairing.x.copy()
        x[first] += p * v[first]
        x[second] += q * v[second]
        pairing.count(1)
        return pairing.value(x)

    return any(_in_hull_beside(at, claimed, distance) for distance in (1e-3, 1e-5))


# where to look around the point: never on a tie of the two entries or on an axis; many more where the first
# few do not reach around the claim, for the pieces of several kinks may be narrow
_TURNS = (
    0.53 + np.pi / 2.0 * np.arange(4),
    1.04 + np.pi / 2.0 * np.arange(4),
    0.11 + np.pi / 3.0 * np.arange(6),
)
_BESIDE = tuple(tuple((float(np.cos(turn)), float(np.sin(turn))) for turn in turns) for turns in _TURNS)
_TORN = 0.1  # slopes on two sides that differ by more are those of two pieces
_HULL_MARGIN = {True: 2e-3, False: 0.1}
"""Share of the hull's size that a claim may lie outside: where two pieces meet (True) curvature alone, where more do,
a piece too narrow to have been met."""

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
_NORMALS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def _in_hull_beside(at: Plane, claimed: Floats, distance: float) -> bool:
    gradients: list[Floats] = []
    for half in _BESIDE:
        beside = [_gradient_beside(at, distance * a, distance * b, 0.01 * distance) for a, b in half]
        gradients += [gradient for gradient in beside if gradient is not None]
        if not gradients or _in_hull(claimed, gradients):
            return True
    return False


def _gradient_beside(at: Plane, p: float, q: float, step: float) -> Floats | None:
    """The two entries' gradient beside the point; None where a kink runs through the place as well."""
    here = at(p, q)
    ahead = np.array([at(p + step, q) - here, at(p, q + step) - here]) / step
    behind = np.array([here - at(p - step, q), here - at(p, q - step)]) / step
    torn = np.max(np.abs(ahead - behind)) > _TORN * max(np.max(np.abs(ahead)), np.max(np.abs(behind)))
    return None if torn else 0.5 * (ahead + behind)


def _in_hull(point: Floats, corners: Sequence[Floats]) -> bool:
    # in the hull means: in no direction beyond the outermost corner
    stacked = np.array(corners)
    spread = float(np.ptp(stacked, axis=0).max())
    apart = np.max(np.abs(stacked - stacked[0]), axis=1)
    two_pieces = bool(np.all((apart < 0.01 * spread) | (apart > 0.99 * spread)))
    reach = (stacked @ _NORMALS.T).max(axis=0)
    return bool(np.all(point @ _NORMALS.T <= reach + _HULL_MARGIN[two_pieces] * spread))
