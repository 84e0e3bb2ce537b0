"""After a failure: which entries are wrong, found without looking at all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import check_grad
from gradcheck.explain.locate import EVERY_ENTRY, entry_truth, truth_by_differences
from tests.pairings import Tally, pairing


def cube(x):
    return float(np.sum(x**3))


def loops(x):
    """Nothing that can be traced, so that differences alone locate."""
    return float(sum(value**3 for value in np.asarray(x, dtype=float).ravel().tolist()))


def spoilt(indices, factor=1.5):
    def claim(x):
        gradient = 3.0 * x**2
        for index in indices:
            gradient[index] *= factor
        return gradient

    return claim


@pytest.mark.parametrize("value", [1e-6, 0.3, -2.0, 1e5])
def test_the_truth_of_one_entry_lies_within_its_bound(value) -> None:
    x = np.array([0.7, value, 1.1]) if abs(value) < 1e3 else np.array([value, value, value])
    tally = Tally()
    truth, bound = entry_truth(pairing(cube, spoilt([]), x, tally=tally), 1)

    assert abs(truth - 3.0 * value**2) <= bound
    assert tally.calls <= 48  # where f stands still, 14 of them to tell stairs from a flat one


@pytest.mark.parametrize("wrong, calls", [([], 2), ([0], 4)])
def test_a_smooth_entry_costs_two_evaluations_where_the_claim_meets_them(wrong, calls) -> None:
    tally = Tally()
    truth, bound = entry_truth(pairing(cube, spoilt(wrong), np.array([0.7, 0.9]), tally=tally), 0)

    assert truth == pytest.approx(3.0 * 0.49, rel=1e-6)
    assert bound < 1e-5
    assert tally.calls == calls


def test_a_small_claim_is_looked_at_entry_by_entry() -> None:
    x = np.linspace(0.5, 2.0, EVERY_ENTRY)
    truth, bound = truth_by_differences(pairing(cube, spoilt([3]), x), np.random.default_rng(0))

    assert np.all(np.abs(truth - 3.0 * x**2) <= bound)


@pytest.mark.parametrize("size", [100, 1_000, 20_000])
@pytest.mark.parametrize("where", [0.0, 0.37, 1.0])
def test_one_wrong_entry_among_many_is_found_in_logarithmic_time(size, where) -> None:
    x, wrong = np.linspace(0.5, 2.0, size), round(where * (size - 1))
    tally = Tally()
    truth, bound = truth_by_differences(
        pairing(cube, spoilt([wrong]), x, tally=tally), np.random.default_rng(1)
    )

    assert abs(truth[wrong] - 3.0 * x[wrong] ** 2) <= bound[wrong]
    assert tally.calls <= 10 * np.log2(size) + 60


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 1999), min_size=1, max_size=6), st.integers(0, 100))
def test_a_few_wrong_entries_are_found_within_the_budget(wrong, seed) -> None:
    x = np.linspace(0.5, 2.0, 2000)
    tally = Tally()
    truth, _ = truth_by_differences(pairing(cube, spoilt(wrong), x, tally=tally), np.random.default_rng(seed))
    found = np.isfinite(truth[sorted(wrong)])

    assert np.count_nonzero(found) >= min(len(wrong), 2)
    assert tally.calls <= 300


def test_only_the_wrong_leaf_is_searched() -> None:
    x = np.linspace(0.5, 2.0, 600)
    truth, _ = truth_by_differences(
        pairing(cube, spoilt([333]), x, leaves=(200, 200, 200)), np.random.default_rng(2)
    )

    assert np.isfinite(truth[333])
    assert not np.isfinite(truth[:200]).any()
    assert not np.isfinite(truth[400:]).any()


@pytest.mark.parametrize("f", [cube, loops])
@pytest.mark.parametrize("index", [(0, 0), (13, 7), (29, 39)])
def test_the_report_names_the_entry(f, index) -> None:
    x = np.random.default_rng(3).uniform(0.5, 2.0, (30, 40))

    report = check_grad(
        lambda x: np.sum(x**3) if f is cube else loops(x), spoilt([index], 1.1), x, raise_on_failure=False
    )

    assert report.verdict == "fail"
    assert report.leaves[0].worst_index == index
    assert report.leaves[0].max_rel_error == pytest.approx(0.1, rel=1e-4)
    assert report.evaluations <= 300


@pytest.mark.parametrize("oracles", [None, "differences"])
def test_rows_and_columns_are_told_as_such(oracles) -> None:
    x = np.random.default_rng(4).uniform(0.5, 2.0, (6, 5))

    row = check_grad(cube, spoilt([np.s_[2]], 1.25), x, raise_on_failure=False, oracles=oracles)
    column = check_grad(cube, spoilt([np.s_[:, 3]], 1.25), x, raise_on_failure=False, oracles=oracles)

    assert row.diagnoses[0].kind == "rows"
    assert row.leaves[0].worst_index[0] == 2
    assert column.diagnoses[0].kind == "columns"
    assert column.leaves[0].worst_index[1] == 3


@pytest.mark.parametrize("oracles", [None, "differences"])
def test_right_leaves_beside_a_wrong_one_stay_right(oracles) -> None:
    leaves = {name: np.random.default_rng(5).uniform(0.5, 2.0, 40) for name in "abcdef"}

    def claim(p):
        gradient = {name: 3.0 * value**2 for name, value in p.items()}
        gradient["d"][17] += 1.0
        return gradient

    report = check_grad(
        lambda p: sum(np.sum(value**3) for value in p.values()),
        claim,
        leaves,
        raise_on_failure=False,
        oracles=oracles,
    )
    failed = [leaf.path for leaf in report.leaves if leaf.verdict == "fail"]

    assert failed == ["p['d']"]
    assert report.leaves[3].worst_index == (17,)
    assert report.leaves[3].max_abs_error == pytest.approx(1.0, rel=1e-5)
