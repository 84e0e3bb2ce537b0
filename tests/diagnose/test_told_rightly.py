"""Stories that fit only because too little speaks against them are not told, and plain ones come first."""

from __future__ import annotations

import numpy as np
import pytest

import gradcheck
from gradcheck.explain.diagnose import diagnose
from gradcheck.explain.diagnose.sight import recognise
from tests.diagnose.evidence_made import evidence_of
from tests.diagnose.test_sight import EVIDENCE


def told(f, claim, truth, *args):
    return diagnose(evidence_of(f, claim, truth, args))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("n", [7, 8, 12, 37, 100])
def test_the_batch_size_is_in_sight_where_f_closes_over_the_data(n):
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, 3)), rng.normal(size=n)

    def loss(w):
        return np.mean((X @ w - y) ** 2)

    def grad(w):
        return 2 * X.T @ (X @ w - y)

    report = gradcheck.check_grad(loss, grad, rng.normal(size=3), raise_on_failure=False)

    assert report.diagnoses[0].message.startswith(f"w is {n} times the truth; {n} is the batch size.")


def test_a_constant_that_f_closes_over_is_named():
    rate = 0.0371

    def penalty(w):
        return rate * np.sum(np.tanh(w))

    def grad(w):
        return 1 - np.tanh(w) ** 2

    report = gradcheck.check_grad(penalty, grad, np.linspace(-1, 1, 5), raise_on_failure=False)

    assert "1 / rate" in report.diagnoses[0].message


@pytest.mark.parametrize("inverse", [False, True])
def test_degrees_for_radians_are_asked_about_as_such(inverse):
    unit = np.pi / 180

    def f(d):
        return np.sum(np.sin(d * unit))

    def truth(d):
        return np.cos(d * unit) * unit

    def claim(d):
        return truth(d) * (unit if inverse else 1 / unit)

    (message,) = {one.advice for one in told(f, claim, truth, np.array([10.0, 40.0, 75.0]))[:1]}

    assert "degrees where radians are due" in message
    assert "mean" not in message


@pytest.mark.parametrize("units", [2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_as_many_values_as_a_cubic_has_coefficients_make_no_story(units, seed):
    rng = np.random.default_rng(seed)
    x, v, wrong = rng.normal(size=3), rng.normal(size=units), rng.normal(size=units)

    def f(W):
        return np.sum(v * sigmoid(W @ x))

    def claim(W):
        return np.outer(wrong, x)

    def truth(W):
        h = sigmoid(W @ x)
        return np.outer(v * h * (1 - h), x)

    for one in told(f, claim, truth, rng.normal(size=(units, 3))):
        assert one.kind not in ("wrong_activation_derivative", "missing_activation_derivative")


@pytest.mark.parametrize("factor", [1.03, 0.4, 3.7])
@pytest.mark.parametrize("remainder", [1e-7, 1e-5])
def test_a_factor_with_a_small_remainder_is_a_factor(factor, remainder):
    rng = np.random.default_rng(3)
    q, noise = rng.normal(size=6), rng.normal(size=6)

    def f(q):
        return np.sum(np.exp(q) * np.arange(1.0, 7.0))

    def truth(q):
        return np.exp(q) * np.arange(1.0, 7.0)

    def claim(q):
        return factor * truth(q) * (1 + remainder * noise)

    first = told(f, claim, truth, q)[0]

    assert first.kind == "scale"
    assert first.evidence["factor"] == pytest.approx(factor, rel=10 * remainder)


@pytest.mark.parametrize("factor", [0.7744, -0.31, 2.618])
def test_one_factor_over_leaves_of_few_entries_is_told_once(factor):
    x = np.array([1.0, 0.0])

    def f(w, b):
        return w @ x + b

    def truth(w, b):
        return x, 1.0

    def claim(w, b):
        return factor * x, factor

    first = told(f, claim, truth, np.array([0.3, 0.6]), 0.5)[0]

    assert first.kind == "scale"
    assert first.message.startswith("w and b are ")
    assert f"{abs(factor):g} times the truth" in first.message


def test_a_number_alone_fits_any_factor_and_is_never_certain():
    def f(u):
        return np.sin(u) * u**3

    def truth(u):
        return np.cos(u) * u**3 + 3 * u**2 * np.sin(u)

    def claim(u):
        return 4.16237 * truth(u)

    assert told(f, claim, truth, 0.4)[0].certainty == "possible"


@pytest.mark.parametrize(
    ("link", "slope"),
    [(sigmoid, lambda y: y * (1 - y)), (np.tanh, lambda y: 1 - y * y), (np.exp, lambda y: y)],
)
def test_an_exact_story_comes_before_a_fitted_one_for_a_number_alone(link, slope):
    def f(u):
        return np.log(3.0 + link(u)) ** 2

    def before(u):
        return 2 * np.log(3.0 + link(u)) / (3.0 + link(u))

    def truth(u):
        return before(u) * slope(link(u))

    assert told(f, before, truth, 0.4)[0].kind == "missing_activation_derivative"


@pytest.mark.parametrize("normal", ["constant", "own"])
def test_a_projected_gradient_is_named(normal):
    p = np.array([0.2, 0.5, 0.05, 0.25])

    def f(p):
        return np.sum(p * np.log(p))

    def truth(p):
        return np.log(p) + 1

    def claim(p):
        n = np.ones(4) if normal == "constant" else p
        return truth(p) - n * (n @ truth(p)) / (n @ n)

    first = told(f, claim, truth, p)[0]

    assert "p is the truth without its part along" in first.message
    assert "simplex or a sphere" in first.advice


@pytest.mark.parametrize("size", [2, 3, 5])
def test_derivatives_by_a_symmetric_matrix_are_known(size):
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, size))
    S = root @ root.T + np.eye(size)

    def f(S):
        return np.log(np.linalg.det(S))

    def truth(S):
        return np.linalg.inv(S).T

    def free(S):
        return 2 * np.linalg.inv(S) - np.diag(np.diag(np.linalg.inv(S)))

    assert "G + G.T - diag(G)" in told(f, free, truth, S)[0].message


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_symmetric_part_of_a_triangles_derivative_is_known(size):
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, size))
    S = root @ root.T + np.eye(size)

    def f(S):
        return np.sum(np.tril(S) ** 3)

    def truth(S):
        return np.tril(3 * S**2)

    def claim(S):
        return (truth(S) + truth(S).T) / 2

    first = told(f, claim, truth, S)[0]

    assert "(G + G.T) / 2" in first.message
    assert "(S + S.T) / 2" in first.advice


def test_a_number_known_to_few_digits_is_given_no_meaning():
    assert recognise(1.15039, EVIDENCE, 1.5e-3) is None
    assert recognise(1.15039, EVIDENCE, 1e-6) is None
    assert recognise(2.0003, EVIDENCE, 1.5e-3).meaning == "2"


def test_the_derivative_times_its_input_needs_no_legend():
    def f(x):
        return np.sum(np.exp(-(x**2)))

    def truth(x):
        return -2 * x * np.exp(-(x**2))

    def claim(x):
        return x * truth(x)

    for one in told(f, claim, truth, np.linspace(-1.2, 1.7, 7)):
        assert "a value on the way" not in one.message
