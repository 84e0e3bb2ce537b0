"""Numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.findings import Entry
from gradcheck.report.views.figures import count, duration, entry_figures, index, shape, upwards


@given(st.floats(1e-300, 1e300))
def test_a_bound_is_never_shown_smaller_than_it_is(bound):
    assert bound <= float(upwards(bound)) <= 1.1 * bound


@pytest.mark.parametrize(
    ("bound", "shown"), [(0.0, "0"), (math.inf, "inf"), (math.nan, "nan"), (3.01e-10, "3.1e-10")]
)
def test_bounds_shown(bound, shown):
    assert upwards(bound) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (2e-5, "0.0 ms"),
        (9e-4, "0.9 ms"),
        (0.0123, "12 ms"),
        (0.9999, "1000 ms"),
        (1.5, "1.5 s"),
        (75.4, "75 s"),
    ],
)
def test_durations(seconds, shown):
    assert duration(seconds) == shown


def test_shapes_and_indices():
    assert [shape(()), shape((3,)), shape((3, 4)), index(()), index((0, 1))] == [
        "scalar", "(3,)", "(3, 4)", "", "[0, 1]",
    ]  # fmt: skip


def test_plurals():
    assert [count(0, "leaf", "leaves"), count(1, "leaf", "leaves"), count(1234, "check")] == [
        "0 leaves", "1 leaf", "1,234 checks",
    ]  # fmt: skip


@given(st.floats(1e-3, 1e3), st.floats(1e-12, 1e-1))
def test_truth_and_claim_are_shown_with_digits_enough_to_differ(truth, relative_error):
    _, yours, shown_truth, _, ratio, _ = entry_figures(
        Entry((0,), truth * (1 + relative_error), truth, 1e-15)
    )

    assert float(yours) - float(shown_truth) == pytest.approx(truth * relative_error, rel=0.2)
    assert float(ratio) - 1 == pytest.approx(relative_error, rel=0.2)


def test_an_error_is_given_in_bounds():
    assert entry_figures(Entry((1, 2), 3.0, 1.0, 0.5))[-1] == "4"


@pytest.mark.parametrize("claimed", [math.nan, math.inf, -math.inf])
def test_a_claim_that_is_not_finite_is_shown_as_it_is(claimed):
    assert entry_figures(Entry((0,), claimed, 2.0, 1e-12))[1] == str(claimed)


def test_an_entry_within_its_bound_is_called_right_and_not_shown_to_the_last_digit():
    assert entry_figures(Entry((0,), 1 / 3 + 1e-16, 1 / 3, 1e-12)) == (
        "[0]", "0.33333", "0.33333", "1e-12", "1", "right",
    )  # fmt: skip


def test_zero_has_no_sign():
    assert entry_figures(Entry((0,), -0.0, -2.0, 1e-12))[1::3] == ("0", "0")


def test_no_ratio_to_a_truth_of_zero():
    assert entry_figures(Entry((0,), 1.0, 0.0, 1e-12))[4] == ""
