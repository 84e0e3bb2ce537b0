"""Claim beside autograd, entry by entry: rounding is measured where it may explain a gap, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from gradcheck.ask.precision import DOUBLE
from gradcheck.judge.entrywise import SHARE, Entrywise, Near, compare
from gradcheck.judge.rounding import ulps
from gradcheck.oracles.answer import Answer
from gradcheck.oracles.ball import Ball
from tests.pairings import answer, pairing

X = np.array([0.7, -1.3, 2.1, 0.4])
SINGLE = 2.0**-24


class Asked:
    """Counts what an answer is asked for again."""

    def __init__(self, gradient, unit=2.0**-53, rolls=0.0):
        self.moved = self.runs = 0
        self.value = np.asarray(gradient(X), dtype=float)

        def at(x):
            self.moved += 1
            return np.asarray(gradient(x), dtype=float)

        def rolled(count):
            self.runs += count
            generator = np.random.default_rng(0)
            return [
                self.value * (1.0 + rolls * generator.uniform(-1.0, 1.0, X.size))
                for _ in range(count if rolls else 0)
            ]

        self.answer = Answer(self.value, unit, at, rolled, whole=bool(rolls))

    @property
    def was_measured(self):
        return self.moved + self.runs > 0


def compared(claim, autograd, **fields):
    made = pairing(lambda x: float(np.sum(x**3)), lambda x: 3.0 * x**2, X, **fields)
    return compare(replace(made, claim=claim.answer), autograd.answer)


def right(x):
    return 3.0 * x**2


def test_where_the_two_are_one_nothing_is_measured() -> None:
    claim, autograd = Asked(right), Asked(right, rolls=1e-15)
    found = compared(claim, autograd)

    assert not found.apart.any()
    assert not claim.was_measured
    assert not autograd.was_measured


@pytest.mark.parametrize("share", [1e-16, 1e-12, 0.9 * SHARE])
def test_a_share_that_nobody_asks_about_is_not_measured(share) -> None:
    claim, autograd = Asked(lambda x: (1.0 + share) * right(x)), Asked(right, rolls=1e-15)
    found = compared(claim, autograd)

    assert not found.apart.any()
    assert not claim.was_measured


def test_a_gap_that_the_claim_s_rounding_explains_costs_autograd_nothing() -> None:
    def gradient(x):
        return right(x) * (1.0 + 1e-8 * np.sin(1e12 * x))  # all rounding below the eighth digit

    claim, autograd = Asked(gradient), Asked(right, rolls=1e-15)
    found = compared(claim, autograd)

    assert np.any(np.abs(found.gap) > SHARE * np.abs(found.autograd.value))
    assert not found.apart.any()
    assert claim.was_measured
    assert not autograd.was_measured


def test_a_gap_that_autograd_s_rounding_explains_is_none() -> None:
    claim = Asked(right)
    autograd = Asked(lambda x: right(x) * (1.0 + 2e-8), rolls=1e-8)
    found = compared(claim, autograd)

    assert autograd.runs > 0
    assert not found.apart.any()


def test_a_gap_that_nothing_explains_stays() -> None:
    claim, autograd = Asked(lambda x: right(x) * [1.0, 1.0, 1.0 + 1e-6, 1.0]), Asked(right, rolls=1e-15)
    found = compared(claim, autograd)

    assert found.apart.tolist() == [False, False, True, False]
    assert found.certainly.tolist() == [False, False, True, False]
    assert claim.was_measured
    assert autograd.was_measured


@pytest.mark.parametrize("precise, measured", [(True, False), (False, True)])
@pytest.mark.parametrize("beside", [0.0, 1e-4])
def test_of_a_glaring_gap_in_double_no_rounding_is_asked(precise, measured, beside) -> None:
    claim = Asked(lambda x: right(x) * [1.0, 1.0, 1.1, 1.0 + beside])
    autograd = Asked(right, rolls=1e-15)
    found = compared(claim, autograd, precise=precise)

    assert found.apart.tolist() == [False, False, True, beside > 0.0]
    # twice, for the size of what may have cancelled, and for what the arguments' last digits make of it
    assert (claim.moved > 2) is measured
    assert autograd.was_measured is measured  # its bar is, where it is printed
    assert found.measured is measured


def test_where_all_that_is_left_is_rounding_no_gap_is_glaring() -> None:
    def cancelled(x):
        return right(x) - right(X)

    claim = Asked(lambda x: cancelled(x) + np.array([0.0, 2e-16, -2e-16, 1e-16]))
    found = compared(claim, Asked(cancelled, rolls=1e-15), precise=True, magnitude=1e-17)

    assert found.measured
    assert not found.apart.any()


@pytest.mark.parametrize("claimed", [0.0, 1e-17])
def test_a_claim_that_stands_still_does_not_show_what_cancelled(claimed) -> None:
    claim = Asked(lambda x: np.full(x.shape, claimed))
    autograd = Asked(lambda x: right(x) - right(X) + 3e-17, rolls=1e-15)

    assert compared(claim, autograd, precise=True, magnitude=1e-30).measured


def test_a_glaring_gap_in_one_leaf_does_not_accuse_another() -> None:
    claim = Asked(lambda x: right(x) * [1.0, 1.0 + 1e-4, 1.1, 1.0])
    apart = compared(claim, Asked(right, rolls=1e-15), precise=True, leaves=(2, 2))

    assert claim.was_measured
    assert apart.apart.tolist() == [False, True, True, False]


def test_beside_a_glaring_gap_a_slight_one_is_measured() -> None:
    claim = Asked(lambda x: right(x) * [1.0 + 1e-7, 1.0, 1.1, 1.0])
    found = compared(claim, Asked(right, rolls=1e-15), precise=True)

    assert claim.was_measured
    assert found.apart.tolist() == [True, False, True, False]


def test_below_double_the_claim_s_rounding_is_always_measured_and_nothing_is_given_away() -> None:
    claim, autograd = Asked(lambda x: right(x).astype(np.float32), SINGLE), Asked(right, rolls=1e-15)
    found = compared(claim, autograd)

    assert claim.was_measured
    assert not found.slack.any()
    assert not found.apart.any()


def test_exact_zeros_lie_within_the_radius() -> None:
    def some(x):
        return right(x) * [0.0, 1.0, 0.0, 1.0]

    found = compared(Asked(some), Asked(some, rolls=1e-15))

    assert not found.apart.any()
    assert np.all(found.radius > 0.0)
    assert np.all(found.radius[[0, 2]] < 1e-30)
    assert np.all(found.rounding[[0, 2]] < 1e-300)


@pytest.mark.parametrize("rest", [1e-17, -3e-16])
def test_a_zero_that_is_all_rounding_in_one_of_the_two_is_no_gap(rest) -> None:
    """A bias before a batch norm: exactly 0 by one way, what cancellation leaves by the other."""

    def cancelled(x):
        return right(x) * [0.0, 1.0, 1.0, 1.0] + [rest * (1.0 + np.sin(1e18 * x[0])), 0.0, 0.0, 0.0]

    found = compared(Asked(lambda x: right(x) * [0.0, 1.0, 1.0, 1.0]), Asked(cancelled))

    assert not found.apart.any()


@pytest.mark.parametrize("unit", [2.0**-53, SINGLE])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_a_factor_on_a_big_leaf_beside_a_zero_leaf_is_apart(size, unit) -> None:
    """No entry may hide behind another leaf's rounding, nor may a leaf of zeros widen what stands beside it."""

    def claim(x):
        return size * right(x) * [0.0, 0.0, 1.01, 1.01]

    def truth(x):
        return size * right(x) * [0.0, 0.0, 1.0, 1.0]

    found = compared(Asked(claim, unit), Asked(truth, rolls=1e-15), leaves=(2, 2), magnitude=size)

    assert found.certainly.tolist() == [False, False, True, True]


def test_a_small_entry_beside_large_ones_has_a_radius_of_its_own() -> None:
    sizes = np.array([1e-9, 1.0, 1.0, 1e9])
    claim = Asked(lambda x: sizes * right(x) * [1.0 + 1e-6, 1.0, 1.0, 1.0])
    found = compared(claim, Asked(lambda x: sizes * right(x), rolls=1e-15), magnitude=1e-9)

    assert found.apart.tolist() == [True, False, False, False]


def test_the_spread_from_call_to_call_widens_every_entry() -> None:
    made = pairing(lambda x: float(np.sum(x**3)), right, X)
    noisy = answer(lambda x: right(x) * (1.0 + 1e-8), X, spread=np.full(4, 1e-7))

    assert not compare(made, noisy).apart.any()
    assert compare(made, answer(lambda x: right(x) * (1.0 + 1e-8), X)).apart.all()


@pytest.mark.parametrize("share", [1e-300, 1e-60, 1e-34])
@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e20])
def test_what_could_never_show_beside_the_largest_entry_is_no_gap(share, scale) -> None:
    claim = Asked(lambda x: np.array([scale, 2.0 * scale, share * scale, 0.0]))
    autograd = Asked(lambda x: np.array([scale, 2.0 * scale, 0.0, share * scale]))

    assert not compared(claim, autograd).apart.any()


@pytest.mark.parametrize("share", [1e-30, 1e-20, 1e-10])
def test_a_small_entry_that_could_show_is_judged_by_itself(share) -> None:
    claim = Asked(lambda x: np.array([1.0, 2.0, 2.0 * share, 0.0]))
    autograd = Asked(lambda x: np.array([1.0, 2.0, share, 0.0]))

    assert compared(claim, autograd).apart.tolist() == [False, False, True, False]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("leaves", [(1,), (3, 2), (40_000, 7, 30_000)])
def test_what_is_near_is_told_block_by_block_as_it_is_entry_by_entry(seed, leaves) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(sum(leaves)) * 10.0 ** rng.uniform(-1.0, 1.0, sum(leaves))
    x[2 :: max(2, x.size // 5)] = 0.0  # and its entry of the gradient with it
    made = pairing(lambda x: float(np.sum(x**3)), lambda x: 3.0 * x**2, x, leaves=leaves)
    made = replace(
        made, claim=replace(made.claim, value=made.claim.value * (1.0 + 0.5e-9 * rng.uniform(-1, 1)))
    )
    autograd = answer(right, x)
    near = compare(made, autograd)
    assert isinstance(near, Near)

    moves = np.abs(autograd.value) * made.scale
    most = np.concatenate([np.full(slot.size, moves[slot.start : slot.stop].max()) for slot in made.slots])
    slack = np.maximum(SHARE * np.abs(autograd.value), DOUBLE**2 * most / made.scale)
    whole = Entrywise(Ball(made.claim.value, ulps(made.claim)), Ball(autograd.value, ulps(autograd)), slack)
    for name in ("gap", "rounding", "radius", "apart", "certainly", "differs"):
        assert np.array_equal(getattr(near, name), getattr(whole, name)), name
    for slot in made.slots:
        assert near.most_caught(slot) == whole.most_caught(slot)
    v = rng.standard_normal(x.size)
    assert near.claim.along(v).value == whole.claim.along(v).value
    assert float(near.claim.along(v).radius) == pytest.approx(float(whole.claim.along(v).radius), rel=1e-12)
