"""Kinks and jumps: what central differences do not show, at 0 and beside it."""

from __future__ import annotations

import math
from itertools import pairwise

from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.extrapolate import extrapolate
from gradcheck.oracles.ladder import FINEST, LEVEL_RATIO, Samples, step
from gradcheck.oracles.slopes import slope
from gradcheck.oracles.table import Table

# Four roundings enter the even part, and a tenth of it is to be told apart: 16 with room for noise of more than
# the last digit.
RESOLVED = 16.0
# The power of h is read off between the finest five of these levels that are not lost in rounding. A jump has 0, a
# line 1, h log h 0.96 to 0.975.
UPRIGHT, BELOW_LINE = (8, 10, 12, 14, 16, 18, 20), 0.99
ALIKE = 0.1  # how far the slope change may vary from step to step and still count as constant


def corner(table: Table) -> Estimate | None:
    """The kink or the jump at 0, if there is one.

    Where it turns out to lie beside 0, the table forgets the levels that reach over it (its lists are then out
    of date) and there is nothing to return.
    """
    if table.calm:
        return None
    return _jump(table) or _kink(table)


# --- kinks ----------------------------------------------------------------------------------------------------


def _even(table: Table, level: int) -> tuple[float, float, float]:
    """Step, even part phi(h) + phi(-h) - 2 phi(0) and rounding at a level."""
    h, x, _, s, floor = table.rows[level]
    return h, s * x, floor


def _slope_change(table: Table, quantum: float) -> tuple[float, float, list[int]]:
    """Slope to the right minus slope to the left as h shrinks, the curvature, and the levels that show it.

    J(h) = (phi(h) + phi(-h) - 2 phi(0))/h is kappa + c h for a kink with curvature. Two estimates of kappa
    from the three finest resolved levels must agree, and be most of the finest J: a smooth function has
    kappa = 0, a narrow smooth corner a J that still falls.
    """
    found: list[tuple[float, float, int]] = []
    for level in reversed(table.levels):
        h, e, floor = _even(table, level)
        if abs(e) > RESOLVED * max(floor, quantum):
            found.append((h, e / h, level))
            if len(found) == 3:
                break
    if len(found) < 3:
        return 0.0, 0.0, []
    (hc, c, kc), (hb, b, kb), (ha, a, ka) = found
    bend = (a - b) / (ha - hb)
    fine, coarse = c - (b - c) * hc / (hb - hc), b - bend * hb
    if abs(fine - coarse) > ALIKE * abs(fine) or abs(fine) < 0.5 * abs(c):
        return 0.0, 0.0, []
    return fine, bend, [ka, kb, kc]


def _kink(table: Table) -> Estimate | None:
    quantum = table.quantum()
    change, bend, shown = _slope_change(table, quantum)
    if not shown:
        return None
    noise = quantum
    fresh = 0 if abs(table.rows[shown[0]][3] * step(shown[0]) - change) > ALIKE * abs(change) else 1
    finest = shown[-1]
    ahead = [k for k in table.levels if k > finest]
    ahead += [k for k in (finest + d for d in (2, 5, 10)) if k <= FINEST and k not in table.tried]
    between = [k for k in range(finest - 1, finest - 4, -1) if k not in table.tried]
    for level in ahead + between:
        if level not in table.rows:
            hidden = abs(change) * step(level) < RESOLVED * noise
            if hidden or (level < finest and fresh >= 2) or not table.add(level):
                continue
        h, e, floor = _even(table, level)
        off = abs(e - change * h - bend * h * h)
        if off > ALIKE * abs(change) * h + RESOLVED * max(noise, floor):
            if level > finest and abs(e) < 0.8 * abs(change) * h:
                _step_inside(table, level)
            return None
        noise = max(quantum, floor, min(off, 1e-4 * abs(change) * h))
        fresh += abs(change) * h > RESOLVED * noise
    if fresh < 2:
        return None
    memory = table.samples
    right, right_error, _ = slope(memory, +1, table.levels, noise)
    left, left_error, _ = slope(memory, -1, table.levels, noise)
    value = (left + right) / 2
    error = abs(right - left) / 2 + left_error + right_error
    return Estimate(value, error, False, left, right, memory.calls, noise)


def _step_inside(table: Table, level: int) -> None:
    """Keep the levels that do not reach over a corner beside 0, and enough of them to measure noise."""
    table.restrict(level)
    for finer in (level + 1, level + 2, level + 4):
        table.add(finer)


# --- jumps ----------------------------------------------------------------------------------------------------


def _jump(table: Table) -> Estimate | None:
    """A jump at 0: the values beside 0 lead to another value than phi(0)."""
    memory = table.samples
    torn: dict[int, float] = {}
    for side in (1, -1):
        size, slope_beyond = _offset(table, side)
        if size == 0.0:
            continue
        finest = table.levels[-1]
        clear = True
        for level in (*table.levels[-3:], finest + 1, finest + 4, finest + 8):
            if level > FINEST:
                continue
            if level not in table.rows and not table.add(level):
                break
            y = table.pairs[level][0 if side > 0 else 1] - table.centre
            off = abs(y - size - slope_beyond * step(level))
            if off > 0.5 * abs(size):
                _step_inside(table, level)
                return None
            clear = clear and off <= ALIKE * abs(size)
        else:
            if clear:
                torn[side] = size
    if not torn:
        return None
    slopes = {
        side: side * math.copysign(math.inf, torn[side])
        if side in torn
        else slope(memory, side, table.levels)[0]
        for side in (1, -1)
    }
    finite = [s for s in slopes.values() if math.isfinite(s)]
    value = finite[0] if finite else table.value[0]
    return Estimate(value, math.inf, False, slopes[-1], slopes[1], memory.calls)


def _offset(table: Table, side: int) -> tuple[float, float]:
    """Where the values on one side lead at 0, less phi(0), and the slope on which they lead there.

    0 unless three neighbouring levels agree on an offset well above truncation and rounding: noise does not
    agree with itself. A jump does, and so does a kink or a jump beside 0, seen from beyond it.
    """
    f0, index = table.centre, 0 if side > 0 else 1
    levels = table.levels
    h = [step(k) for k in levels]
    y = [table.pairs[k][index] - f0 for k in levels]
    floor = [table.rows[k][4] for k in levels]
    value, truncation, spread, _ = extrapolate(h, y, floor, 1 / LEVEL_RATIO)
    run: list[float] = []
    found = (0.0, 0.0)
    for i, v in enumerate(value):
        if abs(v) <= 40 * (truncation[i] + spread[i]):
            run = []
            continue
        if run and abs(v - run[-1]) > ALIKE / 5 * abs(v):
            run = []
        run.append(v)
        if len(run) >= 3:
            found = (v, (y[i] - v) / h[i])
    return found


# --- vertical tangents ----------------------------------------------------------------------------------------


def vertical(table: Table) -> Estimate | None:
    """An infinite slope at 0, as of a root: one side moves by a power of h below 1, the same one at all fine steps."""
    memory = table.samples
    sides = [side for side in (1, -1) if _steepens(table, side) and _upright(memory, side)]
    if not sides:
        return None
    slopes: dict[int, float | None] = {}
    for side in (1, -1):
        move = memory(side * step(UPRIGHT[0])) - table.centre
        beside = slope(memory, side, table.levels)[0] if math.isfinite(move) else None
        slopes[side] = math.copysign(math.inf, side * move) if side in sides else beside
    return Estimate(table.value[-1], math.inf, False, slopes[-1], slopes[1], memory.calls)


def _steepens(table: Table, side: int) -> bool:
    """Whether the slope on one side grows from each of the finest steps to the next."""
    known = [(step(k), table.samples(side * step(k)) - table.centre) for k in table.levels]
    slopes = [abs(move) / h for h, move in known if abs(move) > RESOLVED * math.ulp(table.centre)][-3:]
    return len(slopes) == 3 and all(b > 1.01 * a for a, b in pairwise(slopes))


def _upright(memory: Samples, side: int) -> bool:
    """Whether the moves on one side follow one power of h below 1 over the finest steps that show them."""
    moves = [(level, memory(side * step(level)) - memory(0.0)) for level in UPRIGHT]
    shown = [(k, move) for k, move in moves if abs(move) > RESOLVED * math.ulp(memory(0.0))][-5:]
    if len(shown) < 5 or len({move > 0.0 for _, move in shown}) > 1:
        return False
    powers = [math.log(a / b) / math.log(step(k) / step(m)) for (k, a), (m, b) in pairwise(shown)]
    return max(powers) - min(powers) < ALIKE and min(powers) > 0.0 and max(powers) < BELOW_LINE
