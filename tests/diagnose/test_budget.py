"""What a diagnosis does not get to is said."""

from __future__ import annotations

import time

import numpy as np
import pytest

import gradcheck
from gradcheck.ask import ambient
from gradcheck.explain.blame import blamed as blaming
from gradcheck.explain.diagnose import budget as budgets
from gradcheck.explain.diagnose.budget import Budget, budget_of
from gradcheck.explain.diagnose.catalogue import OF_A_LEAF, OF_THE_CHAIN, OF_THE_WHOLE

W, X = np.random.default_rng(0).standard_normal((3, 4)), np.random.default_rng(1).standard_normal((5, 3))


def loss(W):
    return np.sum(np.tanh(X @ W) ** 2)


def gradient(W):  # tanh's derivative forgotten
    return 2.0 * X.T @ np.tanh(X @ W)


def test_nothing_is_left_out_where_there_is_time():
    report = gradcheck.check_grad(loss, gradient, W, raise_on_failure=False)

    assert report.diagnoses[0].kind == "missing_activation_derivative"
    assert not any("stopped" in note for note in report.notes)


def test_what_was_not_tried_is_named_and_the_verdict_stands(monkeypatch):
    monkeypatch.setattr(budgets, "SECONDS", 0.0)
    monkeypatch.setattr(budgets, "CALLS", 0.0)
    report = gradcheck.check_grad(loss, gradient, W, raise_on_failure=False)

    assert report.verdict == "fail"
    assert [diagnosis.kind for diagnosis in report.diagnoses] == ["other"]
    (note,) = (note for note in report.notes if "stopped" in note)
    for hypothesis in (*OF_THE_WHOLE, *OF_A_LEAF):
        assert hypothesis.__name__.replace("_", " ") in note


def test_a_loop_of_thousands_of_steps_is_told_of():
    A, steps = np.array([[-0.5, 1.0], [-1.0, -0.1]]), 2_000

    def f(y):
        for _ in range(steps):
            y = y + 1e-3 * (A @ y - 0.1 * y**3)
        return np.sum(y**2)

    def claim(y):
        return np.array([1.1, 0.9]) * 2.0 * y

    report = gradcheck.check_grad(f, claim, np.array([1.0, 0.5]), raise_on_failure=False)

    assert report.verdict == "fail"
    assert report.diagnoses


@pytest.mark.parametrize("call, seconds", [(1e-5, 2.0), (1.0, 30.0)])
def test_a_slow_function_is_given_more(call, seconds):
    assert budget_of(call).seconds == seconds


def test_a_budget_ends():
    budget = Budget(0.01)
    assert not budget.spent
    time.sleep(0.02)
    assert budget.spent
    budget.gives_up("scale_by_line")
    budget.gives_up("scale_by_line")
    assert budget.untried == ["scale by line"]


def test_the_hypotheses_have_names_of_their_own():
    names = [hypothesis.__name__ for hypothesis in (*OF_THE_WHOLE, *OF_A_LEAF, *OF_THE_CHAIN)]
    assert len(set(names)) == len(names)


def wrong():
    return gradcheck.check_grad(loss, gradient, W, raise_on_failure=False)


def test_without_a_budget_nothing_is_searched():
    with ambient.given(budget=0.0):
        report = wrong()

    assert report.verdict == "fail"
    assert (report.blame, report.patch) == ((), "")
    assert any("stopped after 0 s" in note for note in report.notes)


def test_the_budget_of_the_check_holds_when_its_report_is_looked_at(monkeypatch):
    given = []
    monkeypatch.setattr(blaming, "_searched", lambda seen, seconds, alive: given.append(seconds))
    monkeypatch.setattr(blaming, "apart", lambda work, start, seconds: work(lambda: None))
    with ambient.given(budget=0.25):
        report = wrong()
    assert report.blame == ()
    assert wrong().blame == ()

    assert given[0] == 0.25
    assert given[1] >= 2.0


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf"), "2", True])
def test_a_budget_that_is_none_is_refused(budget):
    with ambient.given(budget=budget), pytest.raises(ValueError, match="budget must be a number of seconds"):
        wrong()
