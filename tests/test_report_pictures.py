"""What the pictures of a report are drawn from: where the errors are, and the differences that the verdict rests on."""

import json
import pickle

import numpy as np
import pytest

import gradcheck
from gradcheck.oracles.derivative import derivative
from gradcheck.report.error_map import MOST, error_map

X = np.random.default_rng(0).standard_normal((8, 3))
Y = np.random.default_rng(1).standard_normal(8)
W = np.random.default_rng(2).standard_normal(3)
DRAWS = np.random.default_rng(3)
KNOWN = ("autograd", "differences")


def loss(w):
    return np.mean(np.tanh(X @ w - Y) ** 2)


def gradient(w, factor=1.0):
    t = np.tanh(X @ w - Y)
    return factor * 2 / len(Y) * X.T @ (t * (1 - t * t))


def mapped(relative, shape, known=True, wrong=True):
    relative = np.asarray(relative, dtype=float).ravel()
    return error_map(
        relative, np.broadcast_to(known, relative.shape), np.broadcast_to(wrong, relative.shape), shape
    )


def test_a_small_matrix_is_its_own_map():
    found = mapped([[0.5, 2.0, 0.0], [1e-3, 0.123456, 7.0]], (2, 3))

    assert (found.shape, found.block) == ((2, 3), (1, 1))
    assert found.errors == ((0.5, 2.0, 0.0), (1e-3, 0.123, 7.0))


def test_a_vector_goes_across_and_further_axes_lie_side_by_side():
    assert len(mapped(np.ones(5), (5,)).errors) == 1
    assert [len(row) for row in mapped(np.ones(24), (2, 3, 4)).errors] == [12, 12]


def test_a_cell_is_the_worst_of_its_block_and_there_are_few():
    relative = np.zeros((100, 49))
    relative[99, 48] = 3.0
    found = mapped(relative, (100, 49))

    assert found.block == (5, 3)
    assert (len(found.errors), len(found.errors[0])) == (20, 17)
    assert found.errors[19][16] == 3.0
    assert sum(map(sum, found.errors)) == 3.0
    assert max(len(found.errors), len(found.errors[0])) <= MOST


def test_what_is_right_is_zero_and_what_is_not_known_is_nothing():
    found = mapped([0.1, 1e-12, np.nan, np.nan], (4,), [True, True, False, True], [True, False, False, True])

    assert found.errors == ((0.1, 0.0, None, np.inf),)


def test_nothing_that_is_wrong_looks_right_where_the_truth_is_zero_everywhere():
    wrong = gradcheck.check_grad(
        lambda x: 0.0 * np.sum(x), lambda x: np.array([1.0, 0.0, -3.0]), np.ones(3), raise_on_failure=False
    )
    (leaf,) = wrong.leaves

    assert leaf.max_rel_error == np.inf
    assert leaf.errors.errors == ((1.0, 0.0, 1.0),)


def test_a_known_error_shows_among_unknown_ones():
    relative, known = np.full(48, np.nan), np.zeros(48, dtype=bool)
    relative[3], known[3] = 0.25, True

    assert mapped(relative, (48,), known).errors[0][:2] == (None, 0.25)


def test_a_single_entry_has_no_map():
    assert mapped([1.0], ()) is None
    assert mapped([1.0], (1, 1)) is None


def test_the_map_of_a_failing_leaf_says_what_its_figures_say():
    report = gradcheck.check_grad(
        loss, lambda w: gradient(w) * [1, 1, 3], W, argnums=0, raise_on_failure=False
    )
    (leaf,) = report.leaves

    assert leaf.errors.errors == ((0.0, 0.0, pytest.approx(leaf.max_rel_error, rel=0.01)),)
    assert pickle.loads(pickle.dumps(report)) == report
    assert json.loads(report.to_json())["leaves"][0]["errors"]["errors"] == [[0.0, 0.0, 2.0]]


@pytest.mark.parametrize("oracles", [KNOWN, ("differences",)])
def test_a_pass_keeps_the_differences_that_it_rests_on(oracles):
    steps = gradcheck.check_grad(loss, gradient, W, argnums=0, oracles=oracles).steps
    sizes = [step for step, _ in steps.differences]

    assert sizes == sorted(sizes)
    assert steps.chosen in sizes
    assert abs(steps.slope - steps.truth) <= steps.bound
    assert abs(steps.claimed - steps.truth) <= steps.bound
    assert dict(steps.differences)[steps.chosen] == pytest.approx(steps.truth, rel=1e-6)
    assert 0 < steps.noise < 1e-12


def test_a_failure_keeps_the_direction_along_which_the_claim_is_apart():
    wrong = gradcheck.check_grad(
        loss, lambda w: gradient(w, 3.0), W, argnums=0, oracles=("differences",), raise_on_failure=False
    )

    assert abs(wrong.steps.claimed - wrong.steps.truth) > 3 * wrong.steps.bound


def test_nothing_is_evaluated_for_the_picture():
    calls = []
    report = gradcheck.check_grad(
        lambda w: calls.append(0) or loss(w), gradient, W, argnums=0, oracles=("differences",)
    )

    assert len(calls) == report.evaluations
    assert 2 * len(report.steps.differences) < report.evaluations


def test_no_differences_no_picture():
    drawn = gradcheck.check_grad(lambda w: DRAWS.random(), gradient, W, argnums=0, raise_on_failure=False)
    kinked = gradcheck.check_grad(
        lambda w: np.sum(np.maximum(w, 0)), lambda w: 1.0 * (w > 0), np.zeros(3), oracles=("differences",)
    )

    assert drawn.steps is None
    assert kinked.steps is None


def test_an_estimate_tells_its_step():
    assert 1e-6 < derivative(np.exp).step < 0.1
    assert derivative(lambda t: float(np.float32(np.exp(t)))).step > 0.01
    assert derivative(abs).step == 0.0
