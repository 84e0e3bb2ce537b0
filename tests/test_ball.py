"""Balls: certainly apart, within each other's radius, or not to be told; sums hold whatever the signs."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradcheck.judge.slope import Slope
from gradcheck.oracles.ball import MARGIN, Ball, Relation, related

PROFILE = settings(derandomize=True, max_examples=100, deadline=None)

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
radii = st.floats(0.0, 1e6, allow_subnormal=False)
shares = st.floats(-1.0, 1.0)


@PROFILE
@given(st.data(), st.integers(1, 12))
def test_the_ball_along_a_direction_holds_what_its_entries_hold(data, size) -> None:
    value, v, inside = (data.draw(arrays(float, size, elements=kind)) for kind in (numbers, numbers, shares))
    radius = data.draw(arrays(float, size, elements=radii))
    along = Ball(value, radius).along(v)

    off = abs(float((value + inside * radius) @ v) - float(along.value))
    rounding = 2.0**-50 * size * float((np.abs(value) + radius) @ np.abs(v))
    assert off <= float(along.radius) + rounding


@PROFILE
@given(st.data(), st.integers(1, 12))
def test_the_bound_along_a_direction_is_met_by_the_worst_of_signs(data, size) -> None:
    v = data.draw(arrays(float, size, elements=numbers))
    radius = data.draw(arrays(float, size, elements=radii))
    along = Ball(np.zeros(size), radius).along(v)

    assert float(along.radius) == pytest.approx(float((np.sign(v) * radius) @ v), rel=1e-12)


@PROFILE
@given(numbers, radii, numbers, radii)
def test_the_relation_is_symmetric(one, wide, other, narrow) -> None:
    first = Slope(one, one, wide).meets(Ball(np.asarray(other), np.asarray(narrow)))
    second = Slope(other, other, narrow).meets(Ball(np.asarray(one), np.asarray(wide)))

    assert first is second


@PROFILE
@given(numbers, st.floats(1e-6, 1e6), shares, shares)
def test_balls_that_share_a_point_are_never_apart(point, radius, one, other) -> None:
    first, second = point + one * radius, point + other * radius

    assert related(abs(first - second), 2.0 * radius * (1.0 + 1e-9)) is Relation.AGREE


@PROFILE
@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_a_greater_radius_never_turns_agreement_into_difference(gap, radius, more) -> None:
    order = [Relation.APART, Relation.UNTOLD, Relation.AGREE]

    assert order.index(related(gap, radius + more)) >= order.index(related(gap, radius))


@pytest.mark.parametrize(
    "gap, radius, relation",
    [
        (0.0, 0.0, Relation.AGREE),
        (1e-300, 0.0, Relation.APART),
        (1.0, 1.0, Relation.AGREE),
        (np.nextafter(1.0, 2.0), 1.0, Relation.UNTOLD),
        (MARGIN, 1.0, Relation.UNTOLD),
        (np.nextafter(MARGIN, 4.0), 1.0, Relation.APART),
        (1e300, np.inf, Relation.AGREE),
    ],
)
def test_the_margin(gap, radius, relation) -> None:
    assert related(gap, radius) is relation


@pytest.mark.parametrize("gap, radius", [(np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan), (np.nan, np.inf)])
def test_of_what_is_no_number_nothing_is_told(gap, radius) -> None:
    assert related(gap, radius) is Relation.UNTOLD


def test_a_ball_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Ball(np.zeros(1), np.zeros(1)).radius = np.ones(1)


@pytest.mark.parametrize("value, off", [(-1.0, 1.0), (0.0, 0.0), (0.7, 0.0), (1.0, 0.0), (1.5, 0.5)])
def test_at_a_kink_a_value_between_the_slopes_is_nowhere_off(value, off) -> None:
    assert Slope(0.0, 1.0, 0.1, smooth=False).off(value) == off
