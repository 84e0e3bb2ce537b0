"""A claim that takes last what is due first, as ``hessp(x, p)`` of SciPy does, is called so and judged."""

from __future__ import annotations

import numpy as np
import pytest

import gradcheck

A = np.random.default_rng(0).standard_normal((3, 4))
X = np.random.default_rng(1).standard_normal(4)


def energy(x):
    return np.sum(np.tanh(A @ x))


def hessp(x, p):
    t = np.tanh(A @ x)
    return A.T @ (-2.0 * t * (1.0 - t**2) * (A @ p))


def layer(x):
    return np.tanh(A @ x)


def push(x, t):
    return (1.0 - np.tanh(A @ x) ** 2) * (A @ t)


def pull(x, u):
    return A.T @ ((1.0 - np.tanh(A @ x) ** 2) * u)


RIGHT = {
    "hvp": (gradcheck.check_hvp, energy, hessp, "hvp(*args, v)"),
    "jvp": (gradcheck.check_jvp, layer, push, "jvp(*args, tangents)"),
    "vjp": (gradcheck.check_vjp, layer, pull, "vjp(*args, cotangent)"),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_one_passes_and_is_told(kind) -> None:
    check, f, claim, how = RIGHT[kind]
    report = check(f, claim, X)

    assert report.ok
    assert any(how in note for note in report.notes)


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize("factor", [2.0, -1.0, 1.001])
def test_a_wrong_one_fails_in_either_order_as_it_is_meant(kind, factor) -> None:
    check, f, claim, how = RIGHT[kind]
    last = check(f, lambda x, v: factor * claim(x, v), X, raise_on_failure=False)
    first = check(f, lambda v, x: factor * claim(x, v), X, raise_on_failure=False)

    assert last.verdict == first.verdict == "fail"
    assert [entry.truth for entry in last.leaves[0].entries] == [e.truth for e in first.leaves[0].entries]
    assert [entry.claimed for entry in last.leaves[0].entries] == [e.claimed for e in first.leaves[0].entries]
    assert any(how in note for note in last.notes)
    assert not any("*args" in note for note in first.notes)


def wrong_pull(x, u):
    t = np.tanh(SQUARE @ x)
    return SQUARE @ ((1.0 - t**2) * u)


SQUARE = np.random.default_rng(2).standard_normal((4, 4))


def test_the_expression_to_blame_is_found_in_a_pullback_that_takes_its_cotangent_last() -> None:
    report = gradcheck.check_vjp(lambda x: np.tanh(SQUARE @ x), wrong_pull, X, raise_on_failure=False)

    assert [(blame.expression, blame.repair, blame.proved) for blame in report.blame] == [
        ("SQUARE", "SQUARE.T", True)
    ]


def test_what_is_linear_in_both_is_called_as_the_contract_has_it() -> None:
    report = gradcheck.check_vjp(lambda x: A @ x, lambda u, x: 2.0 * A.T @ u, X, raise_on_failure=False)

    assert report.verdict == "fail"
    assert not any("*args" in note for note in report.notes)


@pytest.mark.parametrize("kind", RIGHT)
def test_the_order_of_the_contract_is_called_as_ever(kind) -> None:
    check, f, claim, _ = RIGHT[kind]
    report = check(f, lambda v, x: claim(x, v), X)

    assert report.ok
    assert not any("*args" in note for note in report.notes)


def test_what_is_squared_in_its_tangent_is_right_in_no_order() -> None:
    for wrong in (lambda x, t: push(x, t) ** 2, lambda t, x: push(x, t) ** 2):
        assert gradcheck.check_jvp(layer, wrong, X, raise_on_failure=False).verdict == "fail"


def test_a_report_with_a_remark_can_still_be_asked_again() -> None:
    """The choice of arguments is told in a note, and the report keeps what it remembers of its check."""

    def loss(w, x):
        return 0.5 * np.sum((x @ w) ** 2)

    def gradient(w, x):
        return x.T @ (x @ w)

    found = gradcheck.check_grad(loss, gradient, np.array([1.0, -2.0]), np.eye(3)[:, :2] + 0.5)
    assert any("argnums was left out" in note for note in found.notes)
    assert found.sensitivity().planted


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("seed", range(4))
def test_a_pullback_of_low_precision_is_told_to_be_linear_in_its_last_argument(dtype, seed) -> None:
    def centred(x):
        wide = x.astype(np.float64)
        return (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-5)

    def f(x):
        return centred(x).astype(dtype)

    def backward(x, u):
        n, wide = centred(x), u.astype(np.float64)
        size = np.sqrt(x.astype(np.float64).var(-1, keepdims=True) + 1e-5)
        dx = (wide - wide.mean(-1, keepdims=True) - n * (wide * n).mean(-1, keepdims=True)) / size
        return dx.astype(dtype)

    x = np.random.default_rng(seed).normal(size=(4, 8)).astype(dtype)
    report = gradcheck.check_vjp(f, backward, x)

    assert any("takes cotangent last" in note for note in report.notes)
