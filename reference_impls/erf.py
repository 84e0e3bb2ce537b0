"""The error function in NumPy, to double precision.

Three rational approximations that meet: of ``erf(x) / x`` near 0, of ``erfc(x) exp(x^2)`` beyond, and of the rest of
its asymptotic series far out (W. J. Cody, "Rational Chebyshev approximation for the error function", Math. Comp. 23,
1969; the coefficients are those of his tables).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_NEAR, _FAR = 0.46875, 4.0

_P = (3.16112374387056560e00, 1.13864154151050156e02, 3.77485237685302021e02, 3.20937758913846947e03)
_P0 = 1.85777706184603153e-1
_Q = (2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03)

_R = (5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e01, 2.98635138197400131e02,
      8.81952221241769090e02, 1.71204761263407058e03, 2.05107837782607147e03, 1.23033935479799725e03)  # fmt: skip
_R0 = 2.15311535474403846e-8
_S = (1.57449261107098347e01, 1.17693950891312499e02, 5.37181101862009858e02, 1.62138957456669019e03,
      3.29079923573345963e03, 4.36261909014324716e03, 3.43936767414372164e03, 1.23033935480374942e03)  # fmt: skip

_T = (3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
      6.58749161529837803e-4)  # fmt: skip
_T0 = 1.63153871373020978e-2
_U = (2.56852019228982242e00, 1.87295284992346725e00, 5.27905102951428412e-1, 6.05183413124413191e-2,
      2.33520497626869185e-3)  # fmt: skip


def erf(x: Array) -> Array:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t^2)`` from 0 to ``x``: within a few ulps, in the dtype of x."""
    wide = np.asarray(x, dtype=np.float64)
    beyond = np.copysign(1.0 - _complement(np.abs(wide)), wide)
    return _in_dtype_of(x, _chosen(np.abs(wide) <= _NEAR, _near_zero(wide), beyond))


def erfc(x: Array) -> Array:
    """``1 - erf(x)``, with its digits where that is tiny."""
    wide = np.asarray(x, dtype=np.float64)
    sign = np.copysign(1.0, wide)
    beyond = (1.0 - sign) + sign * _complement(np.abs(wide))  # the tail, or 2 less it
    return _in_dtype_of(x, _chosen(np.abs(wide) <= _NEAR, 1.0 - _near_zero(wide), beyond))


def _in_dtype_of(x: Array, found: Array) -> Array:
    """``found`` as precise as ``x``: of whole numbers in a float, as NumPy's functions have it."""
    return found.astype(np.result_type(np.asarray(x), np.float16))


def _chosen(first: Array, one: Array, other: Array) -> Array:
    """Entries of ``one`` where ``first``, else of ``other``, all finite or NaN.

    Where signs come as they like, a processor foresees half of the branches of `numpy.where`, and each that it does not
    costs as much as twenty products.
    """
    found: Array = one * first + other * ~first
    return found


def _near_zero(x: Array) -> Array:
    inside = np.clip(x, -_NEAR, _NEAR)
    return inside * _ratio(inside * inside, _P0, _P, _Q)


def _complement(y: Array) -> Array:
    """``1 - erf(y)`` for ``y`` of at least `_NEAR`."""
    scaled = _ratio(np.clip(y, _NEAR, _FAR), _R0, _R, _S)
    if np.any(y > _FAR):
        outside = np.clip(y, _FAR, 1e100)  # whose square is finite, too
        scaled = np.where(y <= _FAR, scaled, _scaled_far_out(outside))
    # exp(-y^2) in two factors: the square of a number of few digits is exact, and what is left of y^2 is small
    bounded = np.minimum(y, 30.0)
    coarse = np.trunc(bounded * 16.0) / 16.0
    found: Array = np.exp(-coarse * coarse) * np.exp((coarse - bounded) * (coarse + bounded)) * scaled
    return found


def _scaled_far_out(y: Array) -> Array:
    """``erfc(y) exp(y^2)`` for ``y`` of at least `_FAR`."""
    inverse = 1.0 / (y * y)
    found: Array = (1.0 / np.sqrt(np.pi) - inverse * _ratio(inverse, _T0, _T, _U)) / y
    return found


def _ratio(x: Array, leading: float, above: Sequence[float], below: Sequence[float]) -> Array:
    """``(leading x^n + above) / (x^n + below)``, coefficients from the highest power down."""
    top, bottom = leading * x, x.copy()
    for a, b in zip(above[:-1], below[:-1], strict=True):
        top += a
        top *= x
        bottom += b
        bottom *= x
    top += above[-1]
    bottom += below[-1]
    top /= bottom
    return top
