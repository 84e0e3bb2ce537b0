"""Functions and claims that keep state: what is theirs ends as plain calls leave it, and is told from randomness."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck import check_grad, check_hessian

X = np.array([0.7, -1.3, 2.1])


def right(x):
    return 3.0 * x**2


def wrong(x):
    return 3.3 * x**2


class Keeper:
    """Keeps all it computes, wherever people keep things."""

    total = 0.0

    def __init__(self) -> None:
        self.value, self.array, self.history, self.cache = 0.0, np.zeros(3), [], {}
        self.nested = {"log": [], "last": None}

    def f(self, x):
        cubes = x**3
        self.value, self.array = np.sum(cubes), cubes
        self.history.append(np.sum(cubes))
        self.cache["x"] = x
        self.nested["log"].append(cubes)
        self.nested["last"] = cubes[0]
        return self.value


def kept(keeper):
    yield from (keeper.value, keeper.array, *keeper.history, *keeper.cache.values())
    yield from (*keeper.nested["log"], keeper.nested["last"])


@pytest.mark.parametrize("claim, verdict", [(right, "pass"), (wrong, "fail")])
def test_nothing_of_a_check_stays_in_an_object(claim, verdict) -> None:
    keeper = Keeper()
    report = check_grad(keeper.f, claim, X, raise_on_failure=False)

    assert report.verdict == verdict, str(report)
    assert keeper.history
    for item in kept(keeper):
        assert type(item) in (float, np.float64, np.ndarray), type(item)


@pytest.mark.parametrize("claim, verdict", [(right, "pass"), (wrong, "fail")])
def test_nothing_stays_in_closures_globals_and_defaults(claim, verdict) -> None:
    history, last = [], {}

    def f(x, log=[]):  # noqa: B006 (people do)
        global LAST
        history.append(np.sum(x))
        last["x"] = x
        log.append(x[0])
        LAST = x * 1.0
        return np.sum(x**3)

    report = check_grad(f, claim, X, argnums=0, raise_on_failure=False)

    assert report.verdict == verdict, str(report)
    for item in (*history, *last.values(), *f.__defaults__[0], LAST):
        assert type(item) in (float, np.float64, np.ndarray), type(item)
    np.array(history)  # what its owner does with it next


LAST = None


@pytest.mark.parametrize("kind", ["list", "attribute"])
def test_nothing_of_a_check_stays_with_the_claim(kind) -> None:
    kept_by_claim: list = []

    class Claim:
        h = None

        def __call__(self, x):
            h = x**2
            if kind == "list":
                kept_by_claim.append(h)
            else:
                self.h = h
            return np.float32(3.0) * h * (1.0 + 1e-9)

    claim = Claim()
    check_grad(lambda x: np.sum(x**3), claim.__call__, X.astype(np.float32), raise_on_failure=False)

    for item in kept_by_claim if kind == "list" else [claim.h]:
        assert type(item) is np.ndarray, type(item)


def newton(tolerance):
    """M + m^3 = x by Newton's method from the last root."""

    class Solver:
        def __init__(self) -> None:
            self.m = 0.5

        def f(self, x):
            m = self.m
            for _ in range(50):
                step = (m + m**3 - x[0]) / (1.0 + 3.0 * m**2)
                m = m - step
                if abs(step) < tolerance:
                    break
            self.m = m
            return m**2

    def claim(x):
        m = float(np.real(np.roots([1.0, 0.0, 1.0, -float(x[0])])[-1]))
        return np.array([2.0 * m / (1.0 + 3.0 * m**2)])

    return Solver().f, claim


@pytest.mark.parametrize("tolerance", [1e-12, 1e-10, 1e-8])
@pytest.mark.parametrize("x", [0.3, 1.7, 5.0])
def test_a_warm_start_is_never_held_against_a_right_gradient(tolerance, x) -> None:
    f, claim = newton(tolerance)

    assert check_grad(f, claim, np.array([x]), raise_on_failure=False).verdict != "fail"


def test_a_simulator_with_a_generator_keeps_state() -> None:
    generator = np.random.default_rng(0)
    report = check_grad(
        lambda x: np.sum(x * generator.normal(size=3)), np.ones_like, X, raise_on_failure=False
    )

    assert report.verdict == "inconclusive"
    assert "keeps state" in report.reasons[0]


class Objective:
    """An optimiser's objective that answers for the point at which it was called last."""

    def f(self, x):
        self.last = np.array(x)
        return np.sum(np.exp(x)) + x[0] ** 2 * x[1]

    def gradient(self, x):
        x = self.last
        return np.exp(x) + np.array([2.0 * x[0] * x[1], x[0] ** 2])

    def hessian(self, x):
        x = self.last
        return np.array([[np.exp(x[0]) + 2.0 * x[1], 2.0 * x[0]], [2.0 * x[0], np.exp(x[1])]])


@pytest.mark.parametrize("check, method", [(check_grad, "gradient"), (check_hessian, "hessian")])
def test_a_claim_that_answers_for_the_last_point_of_f_fails(check, method) -> None:
    objective = Objective()
    report = check(objective.f, getattr(objective, method), np.array([0.5, 1.0]), raise_on_failure=False)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "nondeterministic"
