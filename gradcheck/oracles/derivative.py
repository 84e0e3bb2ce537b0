"""The derivative of a function of one variable, with a bound on its own error.

Central differences on a ladder of steps, one formula with one weakness: too long a step is wrong by the curvature
of phi, too short a step by its noise. Nobody is told the right step here. It is found, and both errors with it:

- *Truncation* is measured by extrapolating to step 0 (Richardson 1911; Neville's table as in Ridders 1982) over the
  steps that demonstrably converge: the last correction bounds the error (`gradcheck.oracles.extrapolate`).
- *Noise* is measured from phi itself: steps finer than the one that counts show nothing but noise once the
  extrapolated odd and even part are taken off, the residuals that difference tables look for (More and Wild 2011,
  ECNoise), here at no extra cost; rounding of inputs and outputs to a grid, and values that come in float32 or
  float16, are recognised for what they are (`gradcheck.oracles.table`).
- The *choice* between steps is Lepski's (1991): the smallest bound whose interval meets those of all finer steps.
- *Kinks and jumps* are what central differences cannot see. They show in the even part and in where each side
  leads (`gradcheck.oracles.corner`). Those beside 0 are stepped inside of, those at 0 are reported.

A claim that a function is smooth below 1e-10 of the scales tried is beyond any sampling method: structure finer than
that is taken for noise, unless phi shows nothing else.

References
----------
L. F. Richardson, "The approximate arithmetical solution by finite differences", Phil. Trans. A 210 (1911).
C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
O. V. Lepskii, "On a problem of adaptive estimation in Gaussian white noise", Theory Probab. Appl. 35 (1991).
J. J. More and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011), and "Estimating
derivatives of noisy simulations", ACM Trans. Math. Software 38 (2012).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gradcheck.oracles.corner import corner, vertical
from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.gridded import gridded, reach, stairs
from gradcheck.oracles.ladder import COARSEST, FINEST, STEPS, Samples
from gradcheck.oracles.staircase import SINGLE, staircase
from gradcheck.oracles.table import OneSidedTable, Table

__all__ = ["STEPS", "derivative"]

# Well below what a check asks for (1e-9), above rounding at the step of level 5 (1e-12 for phi near 1). A smooth,
# well-scaled phi takes fifteen or seventeen evaluations; with ten times as much eleven, and bounds half as wide again.
TARGET = 2e-11
# The judge's two steps (3, 5), a coarser one for the order of the extrapolation, two finer ones that measure noise
# and look for kinks. Rounding at +h and -h is often the same with the opposite sign, so one finer level is one
# residual, and one residual is small by luck once in a hundred.
FIRST_LEVELS = (3, 5, 2, 7, 9)
MOST_LEVELS = 29
# Steps of 0.9 ... 2700, tried before a phi that shows nothing but noise is looked at more closely.
LONGER = (0, -2, -4)
WITNESSES = 3
# The pair that confirms: near the step that counts, and on no level. One residual is small by luck; it comes on top
# of those at finer levels.
BESIDE, CONFIRM = 0.77, 2.0
UNRESOLVED = 1e-3  # of the value, the bound from which on phi may be vertical, or a staircase
QUIET = 0.03  # of the noise that is measured, what phi moves by where there is none
COARSER = 4.0  # than double's last digit, a grid worth the name
DEEPEST = 12  # steps of 3e-11


def derivative(
    phi: Callable[[float], float],
    *,
    samples: dict[float, float] | None = None,
    tolerance: float = 0.0,
    grid: float = 0.0,
) -> Estimate:
    """Derivative of ``phi`` at 0, with a bound on its error that phi itself has shown.

    Parameters
    ----------
    phi
        A real function of one real variable. It may compute in any precision. Where it raises, or returns NaN or
        infinity, it counts as not defined. No scale is asked for: 1 need not be a sensible step.
    samples
        Values t -> phi(t) already known; filled with what is evaluated. Steps are those of `STEPS`.
    tolerance
        An error (in the units of the derivative) below which no more is asked for. By default evaluation stops at
        a relative error of 2e-11, or where nothing more is to be gained.
    grid
        Spacing of the numbers that phi's values are, where that is known (float32, say) and coarser than double's.
        Where the values themselves show it, it need not be given.

    Returns
    -------
    Estimate
        ``value`` and ``error``, ``smooth`` with ``left`` and ``right`` where a kink or a jump lies at 0, and the
        number of ``evaluations``. NaN with an infinite error where phi is not defined at 0 (then not ``smooth``
        either), nowhere near it, or where its slope is beyond the largest number.

    Examples
    --------
    >>> import math
    >>> estimate = derivative(math.exp)
    >>> abs(estimate.value - 1) <= estimate.error < 1e-9
    True
    >>> derivative(abs).smooth
    False
    """
    if not callable(phi):
        raise TypeError(f"phi must be callable, got phi={phi!r} ({type(phi).__name__})")
    memory = Samples(phi, samples)
    with np.errstate(all="ignore"):
        found = _estimated(memory, tolerance, grid)
    return replace(found, samples=memory.memo)


def _estimated(memory: Samples, tolerance: float, grid: float) -> Estimate:
    if grid > COARSER * math.ulp(memory(0.0)):
        return gridded(memory, grid, tolerance)
    for table in _tables(memory):
        filled = _fill(table)
        if filled and (own := table.grid()) > 0.0:
            return gridded(memory, own, tolerance, reach(table))
        if filled and table.sees_corners and (height := stairs(table)) > 0.0:
            return gridded(memory, height, tolerance)
        found = filled and _climb(table, tolerance)
        if found:
            return found
    return Estimate(math.nan, math.inf, not math.isnan(memory(0.0)), evaluations=memory.calls)


def _tables(memory: Samples) -> list[Table]:
    return [Table(memory), OneSidedTable(memory, +1), OneSidedTable(memory, -1)]


def _fill(table: Table) -> bool:
    """Sample the first levels, finer ones where phi is not defined that far out; False where it is nowhere."""
    if math.isnan(table.centre):
        return False
    for level in FIRST_LEVELS:
        table.add(level)
    for level in range(11, 18, 2):
        if len(table.levels) < 2:
            table.add(level)
    return len(table.levels) >= 2


def _climb(table: Table, tolerance: float) -> Estimate:
    """Sample level after level until the bound suffices or nothing more is to be gained."""
    while True:
        i = table.solve()
        found = corner(table)
        if found is not None:
            return found
        if len(table.levels) != len(table.value):  # it stepped inside a corner beside 0
            continue
        level = _next(table, i, tolerance or TARGET * abs(table.value[i]))
        if level is None or len(table.tried) >= MOST_LEVELS:
            unresolved = table.bound[i] > UNRESOLVED * abs(table.value[i])
            if unresolved and table.sees_corners and (height := stairs(table)) > 0.0:
                return gridded(table.samples, height, tolerance)
            rough = staircase(table, i) if table.sees_corners else None
            if rough is not None:
                return Estimate(*rough, evaluations=table.samples.calls, noise=table.scatter[i])
            upright = vertical(table) if unresolved else None
            if upright is not None:
                return upright
            wanted = tolerance or TARGET * abs(table.value[i])
            error = _caution(table, i) * _confirmed(table, i, wanted) + _beneath(table, i)
            return Estimate(
                table.value[i],
                error,
                evaluations=table.samples.calls,
                noise=table.scatter[i],
                step=table.h[i],
            )
        table.add(level)


def _suffices(table: Table, i: int, wanted: float) -> bool:
    """Whether the bound is as small as wanted, and would be if noise other than rounding were eight times as loud."""
    rounding = table.noise[i] * table.h[i] <= 8 * table.floor[i]
    return table.bound[i] <= (wanted if rounding else wanted / 8)


def _confirmed(table: Table, i: int, wanted: float) -> float:
    """The bound at index i, after one more pair close to the step that counts.

    Finer levels show noise that is the same at every step. It may grow with the step, or with the distance from 0:
    the pair shows by how much the levels used fail to predict a quotient among their own. Spared where noise of the
    size of rounding leaves a bound as small as wanted.
    """
    if _suffices(table, i, wanted):
        return table.bound[i]
    return table.bound[i] + max(0.0, CONFIRM * table.surprise(i, BESIDE) - table.noise[i])


def _beneath(table: Table, i: int) -> float:
    """How far the slope over the finest step is from that at index i, where what looks like noise is none there.

    Noise moves a quotient the more the shorter its step. A phi that moves over the finest step by far less has a
    structure between the two, and which of them is meant cannot be told.
    """
    moves = abs(table.d[-1]) * table.h[-1]
    if not (table.sees_corners and 0.0 < moves < QUIET * table.scatter[i]):
        return 0.0
    return abs(table.value[-1] - table.value[i]) + table.truncation[-1]


def _caution(table: Table, i: int) -> float:
    """What the bound is multiplied by inside a corner: few finer levels are left to measure noise with."""
    few = len(table.levels) - i <= 3 and not table.settled
    return 2.0 if few or table.coarsest > COARSEST else 1.0


def _next(table: Table, i: int, target: float) -> int | None:
    """The level worth sampling next; None where nothing more is to be gained."""
    levels, tried = table.levels, table.tried
    k, finest = levels[i], levels[-1]
    truncation, noise = table.truncation[i], table.noise[i]
    if finest < k + 4 or i > len(levels) - 3:
        for finer in (k + 2, k + 4, k + 3, k + 1):
            if finer not in tried and finer <= FINEST:
                return finer
    if _suffices(table, i, target) or (table.bound[i] <= target and table.witnesses[i] >= WITNESSES):
        return None
    if table.witnesses[i] < WITNESSES:
        for finer in (k + 1, k + 3, k + 2, k + 5, k + 6):
            if finer not in tried and finer <= min(FINEST, DEEPEST + 1):
                return finer
    deeper = _deeper(table, i)
    if deeper is not None:
        return deeper
    level: int | None
    if truncation > noise:
        level = _more_order(table, i) or (k + 1 if k + 1 not in tried else None)
    elif k - 1 not in tried:
        level = k - 1
    else:
        level = _more_order(table, i - 1) if i else None
    if level is None and i <= 2:  # the best step is among the longest: longer ones may be better still
        level = levels[0] - 1
    return None if level in tried or (level is not None and level < table.coarsest) else level


def _deeper(table: Table, i: int) -> int | None:
    """A finer level, where what looks like noise could be structure: an unresolved scale, a kink beside 0.

    Below `DEEPEST` structure is only looked for where phi shows nothing but noise on all other scales, or gets no
    wilder with shorter steps and is either unresolved or noisier than single precision: rounding inside phi is
    linear there, with a slope of its own.
    """
    levels, tried = table.levels, table.tried
    k, finest = levels[i], levels[-1]
    noise = table.noise[i] * table.h[i]
    rounding = all(abs(d) * h <= 4 * f for d, h, f in zip(table.d, table.h, table.floor, strict=True))
    unresolved = table.bound[i] > 0.3 * abs(table.value[i]) and not rounding
    odd = unresolved or noise > 8 * table.floor[i]
    shapeless = _all_noise(table, table.scatter[i])
    tame = _tame(table)
    deepest = FINEST if shapeless or (unresolved and tame) else DEEPEST
    loud = table.scatter[i] > max(64 * table.floor[-1], SINGLE * abs(table.centre))
    if loud and tame and not table.plateau():
        for level in (finest + 3, finest + 2, finest + 1):
            if level not in tried and level <= FINEST:
                return level
    if odd and not table.plateau():
        if shapeless:
            for level in LONGER:
                if level not in tried and level >= table.coarsest:
                    return level
        known = sum(level > k + 3 for level in levels)
        if finest + 1 not in tried and known < 2 and finest < deepest:
            return finest + 1
        if known < (9 if unresolved else 3):
            for level in (finest + 3, finest + 2, finest + 1):
                if level not in tried and level <= deepest:
                    return level
    return finest + 1 if not table.calm and _bends(table) and finest < FINEST else None


def _all_noise(table: Table, noise: float) -> bool:
    """Whether phi varies little more than its noise over everything sampled."""
    return 2 * noise > max((abs(v - table.centre) for k in table.levels for v in table.pairs[k]), default=0.0)


def _tame(table: Table) -> bool:
    """Whether the quotients at the finest step are no larger than at long ones: noise would grow like 1/h."""
    return bool(abs(table.d[-1]) <= 3 * max((abs(d) for d in table.d[:-2]), default=0.0))


def _bends(table: Table) -> bool:
    """Whether the even part at the finest levels falls like h, as at a kink, or not at all, as at a jump."""
    above, wide, _, before, _ = table.rows[table.levels[-2]]
    h, x, _, s, floor = table.rows[table.levels[-1]]
    last, previous = abs(s) * x, abs(before) * wide
    if previous == 0.0 or last <= 16 * max(floor, table.quantum()):
        return False
    return any(0.6 * expected < last / previous < 1.6 * expected for expected in (h / above, 1.0))


def _more_order(table: Table, i: int) -> int | None:
    """A level that raises the order of the extrapolation ending at index i."""
    levels, tried = table.levels, table.tried
    start = table.start[i]
    for level in range(levels[start] + 1, levels[i]):
        if level not in tried:
            return level
    coarser = levels[0] - 1
    return coarser if start == 0 and coarser not in tried and coarser >= table.coarsest else None
