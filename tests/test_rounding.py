"""The rounding of a claim, measured from the claim: at least what it is, nowhere near an error."""

import numpy as np
import pytest

from gradcheck.judge.rounding import claim_rounding

DOUBLE, SINGLE = 2.0**-53, 2.0**-24
POINTS = {
    "near one": np.array([1.1, -0.7, 2.3, 0.2]),
    "small": np.array([1.1, -0.7, 2.3, 0.2]) * 1e-8,
    "large": np.array([1.1, -0.7, 2.3, 0.2]) * 1e8,
}


def measured(claim, x, unit=DOUBLE, floor=0.0):
    return claim_rounding(claim, x, claim(x), np.abs(x), unit, np.full(x.shape, floor))


@pytest.mark.parametrize("place", POINTS)
def test_a_clean_claim_shows_next_to_none(place) -> None:
    x = POINTS[place]

    # a thousandth of what is anywhere asked of a claim: curvature over the longest step counts as rounding
    assert np.all(measured(lambda x: 3.0 * x**2, x) <= 1e-12 * 3.0 * x**2)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_cancellation_is_seen_at_its_own_size(offset) -> None:
    def claim(x):
        return (x + offset) - offset

    x = POINTS["near one"]
    error = np.abs(claim(x) - x)
    found = measured(claim, x, floor=1.0)

    assert 32.0 * found.max() >= error.max()
    assert np.all(found <= 64.0 * offset * DOUBLE)


def test_single_precision_inside_is_seen_when_the_claim_is_single() -> None:
    def claim(x):
        return np.cos(x.astype(np.float32)).astype(float)

    x = POINTS["near one"]
    found = measured(claim, x, unit=SINGLE)

    assert np.all(found <= 1e-5)
    assert np.all(32.0 * found + SINGLE >= np.abs(claim(x) - np.cos(x)))


@pytest.mark.parametrize("error", [1e-2, 0.5, 2.0])
def test_a_wrong_claim_shows_no_more_rounding_than_a_right_one(error) -> None:
    x = POINTS["near one"]
    right, wrong = measured(np.cos, x), measured(lambda x: (1.0 + error) * np.cos(x), x)

    assert np.all(wrong <= (1.0 + error) * right + 1e-15)


def test_a_jump_within_an_ulp_is_no_rounding() -> None:
    x = POINTS["near one"]

    assert np.all(measured(lambda at: np.where(at == x, np.cos(x), 1.5 * np.cos(x)), x) <= 1e-14)


def test_a_claim_that_changes_from_call_to_call_shows_none() -> None:
    generator = np.random.default_rng(0)

    assert np.all(measured(lambda x: np.cos(x) + 1e-6 * generator.normal(size=4), POINTS["near one"]) == 0.0)


def test_a_claim_that_cannot_be_asked_again_shows_none() -> None:
    x = POINTS["near one"]

    assert np.all(claim_rounding(lambda at: None, x, np.cos(x), np.abs(x), DOUBLE, np.zeros(4)) == 0.0)


def test_a_claim_that_fails_beside_the_point_shows_none() -> None:
    x = POINTS["near one"]
    found = claim_rounding(
        lambda at: np.cos(x) if np.array_equal(at, x) else None, x, np.cos(x), np.abs(x), DOUBLE, np.zeros(4)
    )

    assert np.all(found == 0.0)


def test_not_finite_beside_the_point_is_no_rounding() -> None:
    x = POINTS["near one"]
    with np.errstate(all="ignore"):
        found = measured(lambda at: np.where(at == x, 1.0, np.nan), x)

    assert np.all(found == 0.0)
