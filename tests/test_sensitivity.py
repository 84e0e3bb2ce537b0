"""What a check says that it would catch, it catches when the error is really there."""

import numpy as np
import pytest

from gradcheck import check_grad, check_vjp

rng = np.random.default_rng(0)
W, X, Y = rng.standard_normal((3, 2)), rng.standard_normal((8, 3)), rng.standard_normal((8, 2))


def loss(W, X, Y):
    return np.mean((np.tanh(X @ W) - Y) ** 2)


def grad(W, X, Y):
    a = np.tanh(X @ W)
    return X.T @ (2 * (a - Y) / Y.size * (1 - a**2))


def vjp(u, x):
    return u * np.cos(x)


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6, 1e-8])
def test_a_planted_factor_is_judged_as_the_same_factor_in_the_claim(size) -> None:
    planted = check_grad(loss, grad, W, X, Y).sensitivity().planted
    (told,) = (one.verdict for one in planted if one.mistake == "scale" and one.size == size)
    real = check_grad(loss, lambda *args: (1 - size) * grad(*args), W, X, Y, raise_on_failure=False)
    assert told == real.verdict == "fail"
    planted = check_vjp(np.sin, vjp, X).sensitivity().planted
    assert {one.verdict for one in planted if one.mistake == "scale" and one.size == size} == {"fail"}
