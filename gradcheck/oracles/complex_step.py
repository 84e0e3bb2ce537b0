"""The complex step: derivatives without subtraction, trusted only after they agree with differences."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import STEPS
from gradcheck.oracles.table import SAFETY

# Im phi(ih)/h is wrong by h**2 phi'''/6. At 1e-60 that vanishes for every scale down to 1e-50, and the imaginary
# parts stay 250 decades above the smallest number. The second step has other digits.
STEP, OTHER_STEP = 0.7e-60, 0.9e-70
# Where the noise of the quotient itself is looked for: near enough for phi'' to be linear, beyond the grid of doubles.
BESIDE = (STEPS[11], STEPS[13])


class NotAnalytic(Exception):
    """phi does something that has no complex derivative; the message says how that showed."""


def complex_step(phi: Callable[[Any], Any], *, reference: Estimate | None = None) -> Estimate:
    """Derivative of ``phi`` at 0 from its values on the imaginary axis, with a bound on its error.

    Squire and Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40 (1998):
    phi'(0) = Im phi(ih)/h + O(h**2), without cancellation, so h may be 1e-60. The bound is measured: what two steps
    differ by, and how far the quotient scatters about a straight line beside 0. What no bound shows is that abs,
    max, comparisons, conj and casts to real are not analytic and give a wrong number in silence. So the result counts
    only where it agrees with differences.

    Parameters
    ----------
    phi
        A function of a real or complex number, real for real arguments.
    reference
        What differences say; computed from phi where not given.

    Raises
    ------
    NotAnalytic
        phi takes no complex argument, drops an imaginary part, has a kink at 0, or disagrees with the differences
        by more than both bounds.
    """
    calls = 0

    def imaginary(t: float, h: float) -> float:
        nonlocal calls
        calls += 1
        value = phi(complex(t, h))
        if not np.iscomplexobj(value):
            raise NotAnalytic("phi returns a real number for a complex argument: it drops the imaginary part")
        return float(value.imag) / h

    if reference is None:
        reference = derivative(lambda t: float(np.real(phi(t))))
        calls += reference.evaluations
    if not reference.smooth:
        raise NotAnalytic("phi has a kink or a jump at 0, where no analytic function has one")
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value = imaginary(0.0, STEP)
            error = abs(value - imaginary(0.0, OTHER_STEP)) + 8 * math.ulp(value)
            for t in BESIDE:
                error += SAFETY * abs(imaginary(t, STEP) + imaginary(-t, STEP) - 2 * value)
    except NotAnalytic:
        raise
    except Exception as reason:
        raise NotAnalytic(f"phi fails on a complex argument: {type(reason).__name__}: {reason}") from reason
    if not abs(value - reference.value) <= error + reference.error:
        raise NotAnalytic(
            f"the complex step says {value:.9g} +- {error:.1g}, differences say {reference.value:.9g} +- "
            f"{reference.error:.1g}: somewhere phi takes an absolute value, compares, conjugates or drops a part"
        )
    return Estimate(value, error, evaluations=calls)
