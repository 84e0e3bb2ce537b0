"""The complex step is exact where phi is analytic, and refuses where it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcheck.oracles.complex_step import NotAnalytic, complex_step
from gradcheck.oracles.derivative import derivative


@pytest.mark.parametrize(
    ("phi", "exact"),
    [
        (np.exp, 1.0),
        (lambda t: np.sin(1 + 1e4 * t), 1e4 * math.cos(1)),
        (lambda t: (0.9 + t) ** 7, 7 * 0.9**6),
        (lambda t: 1e6 + np.tanh(0.3 + t), 1 / math.cosh(0.3) ** 2),
        (lambda t: np.sum(np.log(np.arange(1, 5) + t)), 1 + 1 / 2 + 1 / 3 + 1 / 4),
    ],
)
def test_analytic_functions_are_exact_to_rounding(phi, exact):
    estimate = complex_step(phi)
    assert abs(estimate.value - exact) <= estimate.error
    assert estimate.error < 1e-7 * abs(exact)


def test_an_offset_costs_it_nothing():
    def phi(t):
        return 1e9 + np.sin(1 + t)

    assert complex_step(phi).error < 1e-6 * derivative(lambda t: float(phi(t))).error


@pytest.mark.parametrize(
    ("phi", "reason"),
    [
        (lambda t: abs(2 + t), "drops the imaginary part"),
        (lambda t: np.real(t) * 2, "drops the imaginary part"),
        (lambda t: (1 + t) * np.conj(1 + t) + 0j, "differences say"),
        (lambda t: np.sqrt((1 + t) * np.conj(1 + t)), "differences say"),
        (lambda t: np.sum(np.array([1 + t]).astype(float)) + 0j * t, "ComplexWarning"),
        (math.sin, "TypeError"),
        (lambda t: np.sqrt(t * t), "kink"),
    ],
    ids=["abs", "real part", "conjugate", "modulus", "cast", "math", "kink"],
)
def test_what_is_not_analytic_is_refused(phi, reason):
    with pytest.raises(NotAnalytic, match=reason):
        complex_step(phi)


def test_a_branch_that_only_the_imaginary_step_takes_widens_the_bound():
    estimate = complex_step(lambda t: np.where(np.abs(t) > 1e-30, 2 * t, t))
    assert abs(estimate.value - 2.0) <= estimate.error
