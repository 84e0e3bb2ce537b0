"""One direction: the claim inside, outside, at a kink, or beyond what differences resolve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.judge.kinks import compared
from gradcheck.judge.pairing import Line
from gradcheck.judge.rounding import ulps
from gradcheck.judge.slope import SHARP, slope_along, slope_of
from gradcheck.oracles.ball import Ball, Relation
from gradcheck.oracles.estimate import Estimate
from gradcheck.oracles.ladder import COARSE, FINE
from tests.pairings import Tally, pairing


def along(made, v, agreement=None):
    """The claim along ``v``, and what differences say there."""
    own = Ball(made.claim.value, ulps(made.claim))
    if agreement is None:
        return compared(made, own, v)
    claim = own.along(v)
    return claim, slope_along(Line(made, v), claim, made.span(v), agreement)


X = np.array([0.7, -1.3, 2.1])
V = np.array([0.9, 1.2, -0.8])

SMOOTH = {
    "cubic": (lambda x: np.sum(x**3), lambda x: 3.0 * x**2),
    "waves": (lambda x: np.sum(np.sin(3.0 * x)), lambda x: 3.0 * np.cos(3.0 * x)),
    "exponential": (lambda x: np.exp(np.sum(x)), lambda x: np.exp(np.sum(x)) * np.ones(3)),
    "linear": (lambda x: np.sum(x * [1.0, 2.0, 3.0]), lambda x: np.array([1.0, 2.0, 3.0])),
    "tiny": (lambda x: 1e-12 * np.sum(x**3), lambda x: 3e-12 * x**2),
    "huge": (lambda x: 1e12 * np.sum(x**3), lambda x: 3e12 * x**2),
    "with an offset": (lambda x: 1e4 + np.sum(x**3), lambda x: 3.0 * x**2),
    "steep": (
        lambda x: np.sum(np.tanh(40.0 * (x - X) + 0.3)),
        lambda x: 40.0 / np.cosh(40.0 * (x - X) + 0.3) ** 2,
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_a_right_claim_agrees(name) -> None:
    claim, slope = along(pairing(*SMOOTH[name], X), V)
    true = float(SMOOTH[name][1](X) @ V)

    assert slope.meets(claim) is Relation.AGREE
    assert float(claim.value) == pytest.approx(true, rel=1e-14)
    assert slope.off(true) <= slope.error


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("error", [1e-5, 1e-3, 0.5, -2.0])
def test_a_wrong_claim_differs(name, error) -> None:
    f, gradient = SMOOTH[name]
    claim, slope = along(pairing(f, lambda x: (1.0 + error) * gradient(x), X), V)

    assert slope.meets(claim) is Relation.APART
    assert slope.off(float(gradient(X) @ V)) <= slope.error


@pytest.mark.parametrize("name", ["cubic", "waves", "tiny", "huge", "linear"])
def test_agreement_is_cheap(name) -> None:
    tally = Tally()
    along(pairing(*SMOOTH[name], X, tally=tally), V)

    assert tally.calls == 4


@pytest.mark.parametrize("error", [1e-6, 3e-7])
def test_small_errors_where_differences_are_alone(error) -> None:
    f, gradient = SMOOTH["cubic"]
    claim, slope = along(pairing(f, lambda x: (1.0 + error) * gradient(x), X), V, SHARP)

    assert slope.meets(claim) is Relation.APART


def corner(x):
    return np.abs(x[0] - X[0]) + x[1] ** 2


@pytest.mark.parametrize("between", [-1.0, -0.3, 0.0, 1.0])
def test_a_kink_is_seen_with_both_slopes(between) -> None:
    claim, slope = along(pairing(corner, lambda x: np.array([between, 2.0 * x[1], 0.0]), X), V)
    smooth = 2.0 * X[1] * V[1]

    assert slope.kinked
    assert slope.low == pytest.approx(smooth - abs(V[0]), rel=1e-6)
    assert slope.high == pytest.approx(smooth + abs(V[0]), rel=1e-6)
    assert slope.meets(claim) is Relation.AGREE


def test_a_claim_beyond_a_kink_does_not_agree() -> None:
    claim, slope = along(pairing(corner, lambda x: np.array([1.2, 2.0 * x[1], 0.0]), X), V)

    assert slope.meets(claim) is Relation.APART


def test_a_claim_of_zero_never_agrees_cheaply() -> None:
    claim, slope = along(pairing(lambda x: np.sum(x**3), np.zeros_like, X), V)

    assert slope.meets(claim) is Relation.APART


def jump(x):
    return np.sum(x**2) + (x[0] > X[0])


def cliff(x):
    return np.sum(np.sqrt(X - x)) + np.sum(np.log(x - X + 1e-300))


@pytest.mark.parametrize("f", [jump, cliff, lambda x: np.nan if np.any(x != X) else 1.0])
def test_what_has_no_derivative_has_an_infinite_error(f) -> None:
    _, slope = along(pairing(f, lambda x: 2.0 * x, X), V)

    assert slope.error == np.inf


@pytest.mark.parametrize("digits", [3, 5])
def test_a_grid_in_f_is_never_charged_to_a_right_claim(digits) -> None:
    claim, slope = along(pairing(lambda x: np.round(np.sum(np.sin(x)), digits), np.cos, X), V)

    assert slope.meets(claim) is not Relation.APART


def single(x):
    return float(np.sum(np.float32(x) ** 3))


@pytest.mark.parametrize("error, relation", [(0.0, Relation.AGREE), (0.05, Relation.APART)])
def test_an_f_that_insists_on_single_precision(error, relation) -> None:
    grid = 2.0**-21  # of numbers around 6
    made = pairing(
        single, lambda x: (1.0 + error) * 3.0 * x**2, X, precision=2.0**-24, unit=2.0**-24, grid=grid
    )
    claim, slope = along(made, V)

    assert slope.meets(claim) is relation
    assert slope.off(float(3.0 * X**2 @ V)) <= slope.error


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.floats(-8, 8),
    st.floats(-12, 12),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 1e-5, -1e-3, 0.1, -1.0]),
)
def test_units_of_x_and_f_change_no_outcome(x_power, f_power, seed, error) -> None:
    generator = np.random.default_rng(seed)
    length, height = 10.0**x_power, 10.0**f_power
    A, x = generator.normal(size=(4, 4)), generator.normal(size=4)

    def f(y):
        return height * np.sum(np.sin(A @ (y / length)))

    def claim(y):
        return (1.0 + error) * height / length * A.T @ np.cos(A @ (y / length))

    made = pairing(f, claim, x * length)
    # along the gradient, so that nothing cancels
    found, slope = along(made, 0.5 * np.sign(A.T @ np.cos(A @ x)) * np.abs(x * length))

    assert slope.meets(found) is (Relation.APART if error else Relation.AGREE)


def test_central_differences_take_each_value_once() -> None:
    tally = Tally()
    line = Line(pairing(lambda x: np.sum(x**2), lambda x: 2.0 * x, X, tally=tally), V)

    coarse, fine = line.central(COARSE, FINE)
    line.central(FINE)

    assert coarse == pytest.approx(float(2.0 * X @ V), rel=1e-12)
    assert fine == pytest.approx(float(2.0 * X @ V), rel=1e-8)
    assert tally.calls == 4


def test_noise_is_relative_to_what_f_adds_up() -> None:
    quiet, loud = (Line(pairing(lambda x: 0.0, np.zeros_like, X, magnitude=size), V) for size in (1.0, 1e6))

    assert loud.noise(FINE) == pytest.approx(1e6 * quiet.noise(FINE))
    assert quiet.noise(FINE) > quiet.noise(COARSE) > 0.0


@pytest.mark.parametrize(
    "estimate, expected",
    [
        (Estimate(1.0, 1e-9), (1.0, 1.0)),
        (Estimate(0.5, 0.51, False, 1.0, 0.0), (0.0, 1.0)),
        (Estimate(0.5, 0.5000001, False, 0.4999999, 0.5000001), (0.5, 0.5)),
    ],
)
def test_slopes_are_in_order_and_no_further_apart_than_proven(estimate, expected) -> None:
    slope = slope_of(estimate)

    assert (slope.low, slope.high) == expected
