"""At a kink: is the claim a subgradient?

Where f has different slopes on the two sides of the point, every entry between them is a valid answer (an
element of Clarke's generalised gradient, the convex hull of the gradients of the pieces that meet there). A
random direction blends kinks of many entries, convex and concave, so nothing is failed on its word: the kinked
entries are found and judged one by one, neighbours among them also in pairs (at a tie ``max(a, b)`` either
entry may take the 1, not both), and the smooth rest is compared as usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.judge.comparison import (
    COARSE,
    FINE,
    MARGIN,
    Comparison,
    Outcome,
    along,
    central,
    noise,
    slopes,
)
from gradcheck.judge.pairing import Line, Pairing
from gradcheck.oracles.derivative import STEPS, derivative

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
    outcome: Outcome


@dataclass(frozen=True)
class Ruling:
    """The outcome over all entries looked at, the kinks among them, and why it is not decided.

    ``torn``: each entry lies between its one-sided slopes, but together they are no subgradient.
    """

    outcome: Outcome
    kinks: tuple[Kink, ...]
    reason: str = ""
    torn: bool = False


def rule(pairing: Pairing, v: Floats, joint: Comparison, settled: np.ndarray | None = None) -> Ruling:
    """Judge the entries where ``v`` is not 0, after ``joint`` found a kink.

    ``settled`` marks entries known to be right unless they are kinked.
    """
    width = joint.right - joint.left
    suspects = _suspects(pairing, v, np.flatnonzero(v), width)
    looked_at = [] if suspects is None else [_entry(pairing, v, index) for index in suspects]
    kinks = [kink for kink in looked_at if kink.right != kink.left]
    if any(kink.outcome is Outcome.DIFFERS for kink in looked_at):
        return Ruling(Outcome.DIFFERS, tuple(kinks))
    if suspects is None:
        return _many(pairing, v, joint, settled)
    if not kinks:
        return _jointly(joint, ())
    if len(kinks) > 2 and _torn_together(pairing, v, kinks):
        return Ruling(Outcome.DIFFERS, tuple(kinks), torn=True)
    for first, second in list(pairwise(kinks))[:MOST_PAIRS]:
        if not _pair_is_subgradient(pairing, v, first.index, second.index):
            return Ruling(Outcome.DIFFERS, tuple(kinks), torn=True)
    rest = v.copy()
    rest[[kink.index for kink in kinks]] = 0.0
    if settled is not None:
        rest[settled] = 0.0
    return _with_rest(pairing, rest, tuple(kinks))


def _with_rest(pairing: Pairing, rest: Floats, kinks: tuple[Kink, ...]) -> Ruling:
    """The ruling over kinks that are all right and the entries along ``rest``, which are smooth."""
    if not rest.any():
        undecided = any(kink.outcome is Outcome.UNRESOLVED for kink in kinks)
        return Ruling(Outcome.UNRESOLVED if undecided else Outcome.AGREES, kinks, _EDGE if undecided else "")
    if not (pairing.claimed * rest).any():
        return Ruling(_flat(pairing, rest), kinks, _EDGE)
    comparison = along(pairing, rest)
    if comparison.outcome is Outcome.KINKED:
        return _jointly(comparison, kinks)
    return Ruling(comparison.outcome, kinks, comparison.reason)


def _many(pairing: Pairing, v: Floats, joint: Comparison, settled: np.ndarray | None) -> Ruling:
    """The ruling over more kinks than can be judged to the last digit: by secants, two evaluations an entry."""
    entries = np.flatnonzero(v)
    if entries.size > MOST_BY_SECANTS:
        return _jointly(joint, ())
    kinks: list[Kink] = []
    for index in entries:
        line = _restricted(pairing, v, np.array([index]))
        ahead, behind = line.ask((PROBE, -PROBE))
        low, high = sorted(((line(0.0) - behind) / PROBE, (ahead - line(0.0)) / PROBE))
        if high - low <= _SECANT * max(abs(low), abs(high)) + 4.0 * noise(line, PROBE):
            continue
        claimed = float(pairing.claimed[index] * v[index])
        slack = _SECANT * (high - low) + 4.0 * noise(line, PROBE)
        inside = low - slack <= claimed <= high + slack
        left, right = sorted((low / v[index], high / v[index]))
        outcome = Outcome.AGREES if inside else Outcome.DIFFERS
        kinks.append(Kink(int(index), float(left), float(right), float(pairing.claimed[index]), outcome))
    if any(kink.outcome is Outcome.DIFFERS for kink in kinks):
        return Ruling(Outcome.DIFFERS, tuple(kinks))
    rest = v.copy()
    rest[[kink.index for kink in kinks]] = 0.0
    if settled is not None:
        rest[settled] = 0.0
    return _with_rest(pairing, rest, tuple(kinks))


def _torn_together(pairing: Pairing, v: Floats, kinks: Sequence[Kink]) -> bool:
    """Whether f is smooth where all kinked entries move alike (a tie moves as one), with another slope than claimed."""
    alike = np.zeros_like(v)
    indices = [kink.index for kink in kinks]
    alike[indices] = float(np.min(np.abs(v[indices])))
    comparison = along(pairing, alike)
    return comparison.outcome is Outcome.DIFFERS


_EDGE = "the claim lies at the edge of the one-sided slopes of a kink"


def _flat(pairing: Pairing, rest: Floats) -> Outcome:
    """Whether f does not change along entries claimed to be zero, beside those at a kink."""
    line = Line(pairing, rest)
    slopes_seen = central(line, COARSE, FINE)
    if all(abs(slope) <= noise(line, step) for slope, step in zip(slopes_seen, (COARSE, FINE), strict=True)):
        return Outcome.AGREES
    estimate = derivative(line, samples=line.samples)
    return Outcome.DIFFERS if abs(estimate.value) > MARGIN * estimate.error else Outcome.AGREES


def _jointly(joint: Comparison, kinks: tuple[Kink, ...]) -> Ruling:
    slack = MARGIN * joint.tolerance + 1e-6 * (joint.right - joint.left)
    if joint.left - slack <= joint.claimed <= joint.right + slack:
        return Ruling(Outcome.AGREES, kinks)
    reason = (
        f"f has a kink here: its slopes along a random direction are {joint.left:.6g} and {joint.right:.6g}, the "
        f"claim is {joint.claimed:.6g}, and which entries are kinked could not be told. Move the point off the kink"
    )
    return Ruling(Outcome.UNRESOLVED, kinks, reason)


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
    ahead, behind = line.ask((PROBE, -PROBE))
    bend = abs(ahead + behind - 2.0 * line(0.0)) / PROBE
    if bend <= 2.0 * noise(line, PROBE) or bend <= 1e-6 * width:
        return False
    # curvature bends in proportion to the step, a kink the same at every step
    ahead, behind = line.ask((COARSE, -COARSE))
    wide = abs(ahead + behind - 2.0 * line(0.0)) / COARSE
    return not bend <= 4.0 * (PROBE / COARSE) * wide


def _restricted(pairing: Pairing, v: Floats, entries: np.ndarray) -> Line:
    direction = np.zeros_like(v)
    direction[entries] = v[entries]
    return Line(pairing, direction)


def _entry(pairing: Pairing, v: Floats, index: int) -> Kink:
    line = _restricted(pairing, v, np.array([index]))
    claimed = float(pairing.claimed[index] * v[index])
    estimate = derivative(line, samples=line.samples)
    low, high = slopes(estimate)
    width = high - low
    tolerance = max(estimate.error - 0.5 * width, 0.0) + 1e-7 * max(abs(low), abs(high), width)
    off = max(low - claimed, claimed - high)
    outcome = (
        Outcome.AGREES
        if off <= tolerance
        else Outcome.DIFFERS
        if off > MARGIN * tolerance
        else Outcome.UNRESOLVED
    )
    left, right = sorted((low / v[index], high / v[index]))
    return Kink(index, float(left), float(right), float(pairing.claimed[index]), outcome)


def _pair_is_subgradient(pairing: Pairing, v: Floats, first: int, second: int) -> bool:
    """Whether the claim's two entries lie in the convex hull of the gradients of f beside the point."""
    claimed = pairing.claimed[[first, second]] * v[[first, second]]
    return any(_in_hull_beside(pairing, v, first, second, claimed, distance) for distance in (1e-3, 1e-5))


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


def _in_hull_beside(
    pairing: Pairing, v: Floats, first: int, second: int, claimed: Floats, distance: float
) -> bool:
    gradients: list[Floats] = []
    for half in _BESIDE:
        beside = [_gradient_beside(pairing, v, first, second, distance, *corner) for corner in half]
        gradients += [gradient for gradient in beside if gradient is not None]
        if not gradients or _in_hull(claimed, gradients):
            return True
    return False


def _gradient_beside(
    pairing: Pairing, v: Floats, first: int, second: int, distance: float, a: float, b: float
) -> Floats | None:
    """The two entries' gradient beside the point; None where a kink runs through the place as well."""
    step = 0.01 * distance

    def at(p: float, q: float) -> float:
        x = pairing.x.copy()
        x[first] += p * v[first]
        x[second] += q * v[second]
        pairing.count(1)
        return pairing.value(x)

    p, q = a * distance, b * distance
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
