"""What a pass did not see is looked for when it is asked for, and found as it was at the check."""

import copy
import pickle
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import gradcheck
from gradcheck.ask import ambient
from gradcheck.findings import Blind
from tests.unseen.programs import blind, check

X = np.array([0.3, -1.2, 2.0])


@pytest.mark.parametrize("number", range(4))
def test_where_nobody_listens_it_is_looked_for_when_it_is_asked_for(number, monkeypatch) -> None:
    program = [*blind()][7 * number]
    heard = check(program)
    monkeypatch.setattr(ambient, "_listeners", [])
    calls = Counter()

    def counted(name, function):
        def called(*args):
            calls[name] += 1
            return function(*args)

        return called

    f, claim = counted("f", program.f), counted("claim", program.claim)
    report = gradcheck.check_grad(f, claim, *program.args.values(), argnums=program.argnums)
    assert (report.evaluations, report.claim_evaluations) == (calls["f"], calls["claim"])
    state, before = np.random.get_state()[1].tobytes(), Counter(calls)  # noqa: NPY002
    quiet = check(program)
    kept = pickle.loads(pickle.dumps(quiet))
    assert kept.unseen == quiet.unseen == heard.unseen
    assert quiet.branches == heard.branches == kept.branches
    assert calls == before
    assert bool(report.unseen) == bool(heard.unseen) and str(report)
    assert max(calls[name] - before[name] for name in calls) <= 3
    assert np.random.get_state()[1].tobytes() == state  # noqa: NPY002


@pytest.fixture
def unheard(monkeypatch) -> None:
    """As where no plugin listens: what was not seen is looked for when it is asked for."""
    monkeypatch.setattr(ambient, "_listeners", [])


@pytest.mark.parametrize("now", [np.eye(3), 2.0 * np.eye(3) + 1.0, None])
def test_what_was_changed_since_the_check_is_not_told_as_what_it_did_not_see(unheard, now) -> None:
    held = {"A": np.random.default_rng(0).standard_normal((3, 3))}
    f = lambda x: np.sum(np.maximum(held["A"] @ x, 0) ** 2)  # noqa: E731
    claim = lambda x: 2 * held["A"].T @ np.maximum(held["A"] @ x, 0)  # noqa: E731
    report = gradcheck.check_grad(f, claim, X)
    held["A"] = now
    assert [one.kind for one in report.unseen] == [Blind.UNKNOWN]
    assert "answers otherwise than at the check" in str(report)
    assert report.to_dict()["unseen"][0]["kind"] == "unknown"


def test_weights_that_a_training_step_has_changed_in_place_are_seen_to_be_others(unheard) -> None:
    W = np.eye(3)

    def f(x):
        return np.sum(np.tanh(W @ x))

    def claim(x):
        return W.T @ (1 - np.tanh(W @ x) ** 2)

    before, after = (gradcheck.check_grad(f, claim, X) for _ in range(2))
    assert [one.kind for one in before.unseen] == [Blind.SYMMETRIC]
    W -= 0.1 * np.outer(claim(X), X)
    assert [one.kind for one in after.unseen] == [Blind.UNKNOWN]
    assert before.unseen[0].kind is Blind.SYMMETRIC


def test_of_a_layer_what_was_not_seen_is_told_as_it_was_at_the_check(unheard) -> None:
    class Dropout:
        def __init__(self):
            self.training, self.rate, self.W = True, 0.5, np.random.default_rng(0).standard_normal((3, 4))

        def forward(self, x):
            self.x, self.mask = x, 1.0
            if self.training:
                self.mask = (np.random.default_rng(1).random((len(x), 4)) > self.rate) / (1 - self.rate)
            return x @ self.W * self.mask

        def backward(self, d):
            self.dW = self.x.T @ (d * self.mask)
            return (d * self.mask) @ self.W.T

    layer = Dropout()
    report = gradcheck.check_layer(layer, np.random.default_rng(2).standard_normal((5, 3)))
    layer.training = False
    layer.W *= 0.0
    assert not report.unseen


def test_looking_for_it_raises_nothing(unheard) -> None:
    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("outside of a request")

    proxy = None

    def f(x):
        return np.sum(np.maximum(x, 0)) * len([proxy])

    report = gradcheck.check_grad(f, lambda x: np.where(x > 0, 1.0, 0.0), X)
    proxy = Proxy()
    assert [one.kind for one in report.unseen] == [Blind.UNKNOWN]
    assert "looking for it raised RuntimeError" in str(report)


def test_f_may_read_the_report_that_asks_it(unheard) -> None:
    reports = []

    def f(x):
        [str(one) for one in reports]
        return np.sum(np.maximum(x, 0))

    reports.append(gradcheck.check_grad(f, lambda x: np.where(x > 0, 1.0, 0.0), np.abs(X)))
    assert {one.kind for one in reports[0].unseen} == {Blind.BRANCH}
    assert reports[0].branches


def test_what_is_broken_off_is_looked_for_again(unheard) -> None:
    broken = False

    def f(x):
        if broken:
            raise KeyboardInterrupt
        return np.sum(x**2)

    report = gradcheck.check_grad(f, lambda x: 2 * x, np.ones(3))
    broken = True
    with pytest.raises(KeyboardInterrupt):
        str(report)
    broken = False
    assert [one.kind for one in report.unseen] == [Blind.CONSTANT]


def test_threads_that_read_a_report_at_once_find_the_same(unheard) -> None:
    def f(x):
        time.sleep(0.02)
        return np.sum(np.maximum(x, 0))

    report = gradcheck.check_grad(f, lambda x: np.where(x > 0, 1.0, 0.0), np.abs(X))
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: report.unseen, range(4))]
    assert {one.kind for one in found[0]} == {Blind.BRANCH}
    assert found == 4 * found[:1]
    assert pickle.loads(pickle.dumps(report)) == copy.deepcopy(report) == report
