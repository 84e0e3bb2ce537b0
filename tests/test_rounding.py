"""The rounding of a claim, measured from the claim: at least what it is, nowhere near an error."""

import numpy as np
import pytest

from gradcheck.judge.rounding import FACTOR, measured, ulps
from tests.pairings import answer, pairing

DOUBLE, SINGLE = 2.0**-53, 2.0**-24
POINTS = {
    "near one": np.array([1.1, -0.7, 2.3, 0.2]),
    "small": np.array([1.1, -0.7, 2.3, 0.2]) * 1e-8,
    "large": np.array([1.1, -0.7, 2.3, 0.2]) * 1e8,
}


def deviation(claim, x, unit=DOUBLE, **fields):
    """The measured radius less the claim's own last digits, in deviations."""
    made = pairing(lambda at: 1.0, claim, x, unit=unit, **fields)
    with np.errstate(all="ignore"):
        return (measured(made.claim, made) - ulps(made.claim)) / FACTOR


@pytest.mark.parametrize("place", POINTS)
def test_a_clean_claim_shows_next_to_none(place) -> None:
    x = POINTS[place]

    # a thousandth of what is anywhere asked of a claim: curvature over the longest step counts as rounding
    assert np.all(deviation(lambda x: 3.0 * x**2, x) <= 1e-12 * 3.0 * x**2)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_cancellation_is_seen_at_its_own_size(offset) -> None:
    def claim(x):
        return (x + offset) - offset

    x = POINTS["near one"]
    error = np.abs(claim(x) - x)
    found = deviation(claim, x)

    assert FACTOR * found.max() >= error.max()
    assert np.all(found <= 64.0 * offset * DOUBLE)


def test_single_precision_inside_is_seen_when_the_claim_is_single() -> None:
    def claim(x):
        return np.cos(x.astype(np.float32)).astype(float)

    x = POINTS["near one"]
    found = deviation(claim, x, unit=SINGLE)

    assert np.all(found <= 1e-5)
    assert np.all(FACTOR * found + SINGLE >= np.abs(claim(x) - np.cos(x)))


@pytest.mark.parametrize("error", [1e-2, 0.5, 2.0])
def test_a_wrong_claim_shows_no_more_rounding_than_a_right_one(error) -> None:
    x = POINTS["near one"]
    right, wrong = deviation(np.cos, x), deviation(lambda x: (1.0 + error) * np.cos(x), x)

    assert np.all(wrong <= (1.0 + error) * right + 1e-15)


def test_a_jump_within_an_ulp_is_no_rounding() -> None:
    x = POINTS["near one"]

    assert np.all(deviation(lambda at: np.where(at == x, np.cos(x), 1.5 * np.cos(x)), x) <= 1e-14)


def test_a_claim_that_cannot_be_asked_again_shows_its_last_digits_alone() -> None:
    x = POINTS["near one"]

    assert np.all(deviation(lambda at: np.cos(x) if np.array_equal(at, x) else None, x) == 0.0)


def test_the_spread_from_call_to_call_is_part_of_it() -> None:
    x = POINTS["near one"]
    made = pairing(lambda at: 1.0, np.cos, x)
    noisy = answer(np.cos, x, spread=np.full(4, 1e-12))

    assert np.all(measured(noisy, made) >= 4e-12)


@pytest.mark.parametrize("unit", [DOUBLE, SINGLE])
def test_runs_with_random_rounding_count_where_the_code_can_be_met(unit) -> None:
    x = POINTS["near one"]
    made = pairing(lambda at: 1.0, np.cos, x)
    runs = [np.cos(x) + shift for shift in (1e-12, -3e-12, 2e-12)]
    met = type(made.claim)(np.cos(x), unit, made.claim.at, lambda count: runs, whole=True)

    assert np.all(measured(met, made) >= FACTOR * 3e-12)


def test_not_finite_beside_the_point_is_no_rounding() -> None:
    x = POINTS["near one"]
    with np.errstate(all="ignore"):
        found = deviation(lambda at: np.where(at == x, 1.0, np.nan), x)

    assert np.all(found == 0.0)
