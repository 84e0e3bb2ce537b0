"""A deviation that is meant: stated, measured, reported, and nothing beyond it passes."""

import json
import re

import numpy as np
import pytest

import gradcheck
from gradcheck import check_grad, check_jacobian, check_vjp

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

RNG = np.random.default_rng(4)
P = RNG.uniform(0.1, 0.9, (4, 3))
T = np.eye(3)[[0, 2, 1, 2]]


def entropy(p):
    return -np.sum(T * np.log(p + 1e-7))


def textbook(p):
    return -T / p


def off(size):
    return lambda x: 2.0 * x * (1.0 + size)


def squares(x):
    return np.sum(x**2)


def test_a_fudge_that_is_meant_passes_and_its_size_is_told() -> None:
    assert check_grad(entropy, textbook, P, raise_on_failure=False).verdict == "fail"
    report = check_grad(entropy, textbook, P, allow=1e-5)
    assert report.verdict == "pass"
    (leaf,) = report.leaves
    assert 1e-8 < leaf.max_rel_error < 1e-5
    assert leaf.resolution == 1e-5
    assert leaf.note.endswith("away, you allowed 1e-5")
    assert leaf.note in str(report)
    assert json.loads(report.to_json())["leaves"][0]["note"] == leaf.note


@pytest.mark.parametrize("fudge", [1e-4, 1e-6, 1e-8])
def test_a_fudge_says_by_itself_what_would_allow_it(fudge) -> None:
    def f(p):
        return -np.sum(T * np.log(p + fudge))

    report = check_grad(f, textbook, P, raise_on_failure=False)
    (size,) = re.findall(r"allow=([0-9.e-]+) says so", str(report).replace("\n", " "))
    assert "a tolerance is at fault" not in str(report)
    assert check_grad(f, textbook, P, allow=float(size)).ok
    wrong = check_grad(f, lambda p: -2.0 * T / p, P, raise_on_failure=False)
    assert "Neither f nor a tolerance is at fault" in str(wrong)
    assert "says so" not in str(wrong)


@pytest.mark.parametrize("oracles", [None, "differences", "autograd"])
@pytest.mark.parametrize("size", [1e-6, 1e-4, 1e-2])
def test_what_is_beyond_fails_as_ever(size, oracles) -> None:
    x = RNG.standard_normal(5)
    options = {"oracles": oracles, "raise_on_failure": False}
    assert check_grad(squares, off(size), x, allow=1.5 * size, **options).ok
    assert check_grad(squares, off(size), x, allow=0.5 * size, **options).verdict == "fail"
    assert check_grad(squares, off(-size), x, allow=0.5 * size, **options).verdict == "fail"


def test_one_entry_beyond_fails() -> None:
    x = RNG.standard_normal(6)

    def claim(x):
        g = 2.0 * x * (1.0 + 1e-6)
        g[2] += 1e-3
        return g

    assert check_grad(squares, claim, x, allow=1e-5, raise_on_failure=False).verdict == "fail"


def test_by_leaf() -> None:
    args = RNG.standard_normal(4), RNG.standard_normal(3)

    def f(a, b):
        return np.sum(a**2) + np.sum(b**2)

    def claim(a, b):
        return 2 * a * (1 + 1e-6), 2 * b * (1 + 1e-6)

    assert check_grad(f, claim, *args, allow={"a": 1e-5, "b": 1e-5}).ok
    assert check_grad(f, claim, *args, allow={"a": 1e-5}, raise_on_failure=False).verdict == "fail"
    with pytest.raises(ValueError, match="allow names 'W', which is no leaf that is checked: a, b"):
        check_grad(f, claim, *args, allow={"W": 1e-5})


def test_other_checks_take_it_too() -> None:
    x = RNG.standard_normal(3)
    assert check_vjp(np.sin, lambda u, x: u * np.cos(x) * (1 + 1e-6), x, allow=1e-5).ok
    assert check_jacobian(np.sin, lambda x: np.diag(np.cos(x)) * (1 + 1e-6), x, allow=1e-5).ok
    pair = (np.sin, lambda d, x: d * np.cos(x) * (1 + 1e-6))
    assert gradcheck.check_layer(pair, x, allow=1e-5).ok


def test_a_right_gradient_is_as_sharp_as_without() -> None:
    report = check_grad(squares, off(0.0), RNG.standard_normal(3), allow=1e-3)
    assert report.leaves[0].resolution <= 1e-9
    assert not report.leaves[0].note


def test_what_is_no_gradient_is_not_excused() -> None:
    x = RNG.standard_normal(3)
    assert check_grad(squares, lambda x: 2 * x[:2], x, allow=0.9, raise_on_failure=False).verdict == "fail"
    assert check_grad(squares, lambda x: x * np.nan, x, allow=0.9, raise_on_failure=False).verdict == "fail"

    def writes(x):
        x *= 2.0
        return x * (1 + 1e-6)

    assert check_grad(squares, writes, x, allow=1e-3, raise_on_failure=False).verdict == "fail"


@pytest.mark.parametrize("allow", [0, 1, 2.0, -1e-3, "1e-3", True, {"x": 2.0}, float("nan")])
def test_what_may_be_allowed(allow) -> None:
    with pytest.raises(ValueError, match="allow must be a relative size"):
        check_grad(squares, off(0.0), np.ones(2), allow=allow)


# --- iterations that stop early --------------------------------------------------------------------------------


def newton(a):
    """The square root, to a relative 1e-5."""
    x = 1.0
    while abs(x * x - a) > 1e-5 * a:
        x = 0.5 * (x + a / x)
    return x


def root(a):
    return float(newton(a))


def root_grad(a):
    return 0.5 / np.sqrt(a)


def test_an_iteration_that_stops_early_is_recognised_with_the_size() -> None:
    reports = {a: check_grad(root, root_grad, a, raise_on_failure=False) for a in (2.1, 3.7, 5.3, 7.3)}
    early = {a: report for a, report in reports.items() if report.verdict == "fail"}
    assert early  # the others went as far as rounding, by luck
    for a, report in early.items():
        assert "f is an iteration that stops early (a while loop, line" in " ".join(report.notes)
        size = report.leaves[0].max_rel_error
        assert size < 1e-4
        assert check_grad(root, root_grad, a, allow=2 * size).ok


def test_a_large_error_is_no_matter_of_stopping_early() -> None:
    report = check_grad(root, lambda a: 2 * root_grad(a), 7.3, raise_on_failure=False)
    assert report.verdict == "fail"
    assert "stops early" not in " ".join(report.notes)


def test_solvers_are_known_by_name() -> None:
    optimize = pytest.importorskip("scipy.optimize")

    def f(a):
        return optimize.brentq(lambda x: x**3 + x - a, -9.0, 9.0, xtol=1e-4)

    def claim(a):
        return 1.0 / (3.0 * f(a) ** 2 + 1.0)

    report = check_grad(f, claim, 1.3, raise_on_failure=False)
    assert report.verdict == "fail"
    assert "brentq" in " ".join(report.notes)


def counted(x):
    i, total = 0, 0.0
    while i < len(x):
        if x[i] > 1e9:
            break
        total += x[i] ** 2
        i += 1
    return total


def test_a_loop_over_the_entries_is_no_iteration_that_stops_early() -> None:
    report = check_grad(counted, lambda x: 2.002 * x, np.array([0.3, -1.2]), raise_on_failure=False)
    assert report.verdict == "fail"
    assert "stops early" not in str(report)


@pytest.mark.parametrize("x", [[0.5, 1.0, -1.0], [0.0, 1.0, -1.0]])
def test_what_is_allowed_holds_beside_a_kink(x) -> None:
    def claim(u, x):
        return u * (x > 0) * 1.00001

    def check(allow):
        return gradcheck.check_vjp(
            lambda x: np.maximum(x, 0), claim, np.array(x), allow=allow, raise_on_failure=False
        )

    assert check(1e-4).ok
    assert check(1e-6).verdict == "fail"
