"""Directions: random, the same for a seed, and such that nothing hides behind anything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import check_grad, check_hvp, check_jvp
from gradcheck.ask.draws import signs
from gradcheck.ask.point import Slot
from gradcheck.judge.directions import GROUP_SPAN, equilibrated, groups


def slots(*sizes):
    starts = np.cumsum([0, *sizes])
    return tuple(
        Slot(f"x{number}", number, (number,), (size,), np.dtype(float), int(start), int(start) + size, None)
        for number, (size, start) in enumerate(zip(sizes, starts[:-1], strict=True))
    )


def test_signs_are_of_both_kinds_and_of_magnitudes_near_one() -> None:
    drawn = signs(np.random.default_rng(0), 10_000)

    assert 0.45 < np.mean(drawn > 0.0) < 0.55
    assert np.all((np.abs(drawn) > 0.49) & (np.abs(drawn) < 1.52))
    assert abs(float(np.mean(np.abs(drawn))) - 1.0) < 0.01


def test_signs_hang_on_the_seed_alone() -> None:
    first, again, other = (signs(np.random.default_rng(seed), 100) for seed in (5, 5, 6))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.floats(-300, 300), min_size=1, max_size=40), st.floats(-320, 300))
def test_groups_part_all_that_is_above_the_floor(exponents, floor) -> None:
    sizes = 10.0 ** np.array(exponents)
    masks = list(groups(sizes, 10.0**floor))

    assert np.array_equal(
        sum((mask.astype(int) for mask in masks), np.zeros(sizes.size)), sizes > 10.0**floor
    )
    for mask in masks:
        assert sizes[mask].max() <= GROUP_SPAN * sizes[mask].min() * (1.0 + 1e-12)


def test_groups_come_largest_first() -> None:
    masks = list(groups(np.array([1e-9, 1.0, 1e9, 2.0]), 0.0))

    assert [np.flatnonzero(mask).tolist() for mask in masks] == [[2], [1, 3], [0]]


def test_zeros_belong_to_no_group() -> None:
    assert list(groups(np.zeros(3), 0.0)) == []


@pytest.mark.parametrize("seed", range(5))
def test_every_entry_has_a_like_share_of_its_leaf(seed) -> None:
    gradient = 10.0 ** np.random.default_rng(seed).uniform(-2, 2, 30)
    v = equilibrated(np.random.default_rng(seed), gradient, np.ones(30), np.ones(30, dtype=bool), slots(30))
    share = np.abs(gradient * v)

    assert share.max() / share.min() < 1.5 / 0.5 + 0.2


def test_every_leaf_has_a_like_share() -> None:
    gradient = np.concatenate([np.full(10_000, 1e3), np.full(4, 1e-1), [5.0]])
    sizes = (10_000, 4, 1)
    v = equilibrated(
        np.random.default_rng(1), gradient, np.ones(10_005), np.ones(10_005, dtype=bool), slots(*sizes)
    )
    shares = [np.linalg.norm((gradient * v)[slot.start : slot.stop]) for slot in slots(*sizes)]

    assert max(shares) / min(shares) < 3.0


def test_entries_outside_the_mask_stand_still() -> None:
    mask = np.array([True, False, True, False])
    v = equilibrated(np.random.default_rng(2), np.array([1.0, 2.0, 3.0, 0.0]), np.ones(4), mask, slots(4))

    assert np.array_equal(v != 0.0, mask)


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
def test_no_entry_moves_further_than_its_scale(factor) -> None:
    generator = np.random.default_rng(3)
    gradient, scale = generator.normal(size=50), factor * 10.0 ** generator.uniform(-3, 3, 50)
    v = equilibrated(generator, gradient, scale, np.ones(50, dtype=bool), slots(20, 30))

    assert np.all(np.abs(v) <= 1.02 * scale)
    assert np.max(np.abs(v) / scale) > 0.1


def test_two_opposite_errors_do_not_cancel() -> None:
    drawn = np.array([signs(np.random.default_rng(seed), 2) for seed in range(1000)])
    sums = np.abs(drawn.sum(axis=1))

    assert np.count_nonzero(sums < 1e-6) == 0
    assert np.mean(sums < 0.01) < 0.02  # the density of the sum of two magnitudes is at most 1


def test_two_opposite_errors_are_found_at_the_seeds_at_which_they_once_cancelled() -> None:
    def f(x):
        return float(sum(float(value) ** 3 for value in np.asarray(x).tolist()))

    def wrong(x):
        return 3.0 * x**2 * np.array([1.0, -1.0, 1.0, -1.0, 1.0])

    for seed in (167, 453, 1092, 1242):
        report = check_grad(
            f,
            wrong,
            np.array([1.0, 2.0, 0.5, 1.3, 0.7]),
            seed=seed,
            oracles="differences",
            raise_on_failure=False,
        )
        assert report.verdict == "fail"


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("n", [8, 17])
def test_tangents_of_few_digits_are_those_that_f_is_moved_along(dtype, n) -> None:
    for seed in range(4):
        A = np.random.default_rng(seed).standard_normal((n, n)).astype(dtype)
        assert check_jvp(lambda A: A @ A, lambda v, A: v @ A + A @ v, A).ok
        assert check_hvp(lambda A: np.sum(A**3), lambda v, A: 6 * A * v, A).ok
        wrong = check_jvp(
            lambda A: A @ A, lambda v, A: v @ A + 1.001 * A @ v, A, raise_on_failure=False, rtol=1e-3
        )
        assert not wrong
