"""A glance beside a special point: a right claim needs no more, a wrong one is never let go by it."""

import numpy as np
import pytest

from gradcheck import check_grad, nearby
from gradcheck.judge.glance import agree

SEEDS = range(12)


@pytest.fixture
def glances(monkeypatch):
    """What each glance said."""
    seen = []

    def noting(task, generator):
        seen.append(agree(task, generator))
        return seen[-1]

    monkeypatch.setattr(nearby, "agree", noting)
    return seen


def network(seed, dtype=np.float64):
    """A layer with biases of zero, its loss, and its gradient with the biases times ``bias`` in the forward pass."""
    rng = np.random.default_rng(seed)
    X, c = rng.normal(size=(5, 3)).astype(dtype), rng.normal(size=(5, 2)).astype(dtype)
    W, b = rng.normal(size=(3, 2)).astype(dtype), np.zeros(2, dtype)

    def loss(W, b):
        return np.sum(c * np.tanh(X @ W + b))

    def gradient(W, b, bias=1.0):
        d = c * (1 - np.tanh(X @ W + bias * b) ** 2)
        return X.T @ d, d.sum(axis=0)

    return loss, gradient, (W, b)


@pytest.mark.parametrize("seed", SEEDS)
def test_where_claim_and_differences_meet_nothing_else_is_asked(glances, seed) -> None:
    loss, gradient, args = network(seed)

    report = check_grad(loss, gradient, *args, seed=seed)

    assert glances == [True]
    assert report.claim_evaluations <= 4
    assert all(one.seen_to for one in report.unseen if one.where == "b")


@pytest.mark.parametrize("bias", [0.0, 2.0, 1.0 + 1e-4])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_biases_of_zero_hide_is_no_pass(glances, bias, seed) -> None:
    loss, gradient, args = network(seed)

    report = check_grad(loss, lambda W, b: gradient(W, b, bias), *args, seed=seed, raise_on_failure=False)

    assert glances == [False]
    assert not report.ok


def test_below_double_precision_a_glance_says_nothing(glances) -> None:
    loss, gradient, args = network(0, np.float32)

    assert check_grad(loss, gradient, *args).ok
    assert glances == [False]


def test_an_f_that_is_defined_at_the_point_alone_is_no_failure(glances) -> None:
    loss, gradient, args = network(0)

    def only_here(W, b):
        if abs(b).max() > 1e-3:
            raise ValueError("too far")
        return loss(W, b)

    assert check_grad(only_here, gradient, *args).ok
    assert glances == [False]
