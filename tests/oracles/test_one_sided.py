"""One-sided slopes: cheap, bounded, and honest about noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcheck.oracles.derivative import one_sided


@pytest.mark.parametrize(("side", "exact"), [(1, 1.0), (-1, -1.0)])
def test_the_two_sides_of_a_kink(side, exact):
    value, error = one_sided(abs, side=side)
    assert abs(value - exact) <= error < 1e-12


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_the_bound_holds_on_a_curve(side, scale):
    value, error = one_sided(lambda t: math.sin(1 + scale * t) + 3 * abs(t), side=side)
    assert abs(value - (scale * math.cos(1) + 3 * side)) <= error < 1e-6 * max(1.0, scale**3)


def test_it_costs_at_most_six_evaluations_and_shares_them():
    samples = {0.0: 1.0}
    one_sided(math.exp, samples=samples)
    assert len(samples) == 6
    one_sided(lambda t: pytest.fail("evaluated again"), samples=samples)


def test_single_precision_widens_the_bound():
    value, error = one_sided(lambda t: float(np.sin(np.float32(1 + t))))
    assert abs(value - math.cos(1)) <= error
    assert 1e-8 < error < 0.1


def test_a_side_without_values_is_unbounded():
    value, error = one_sided(math.sqrt, side=-1)
    assert math.isnan(value) and error == math.inf
