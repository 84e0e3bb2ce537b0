"""A claim that holds on a surface alone (symmetric matrices, rotations, distributions) is right at a point of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck.ask.point import point
from gradcheck.ask.surfaces import away

Made = tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]


def spread(roll: np.random.Generator, n: int) -> Any:
    M = roll.standard_normal((n, n))
    return M @ M.T + np.eye(n)


def turn(roll: np.random.Generator, n: int) -> Any:
    Q, _ = np.linalg.qr(roll.standard_normal((n, n)))
    Q[:, 0] *= np.linalg.det(Q)
    return Q


def shares(roll: np.random.Generator, n: int) -> Any:
    p = 0.2 + roll.random(n)
    return p / p.sum()


def likelihood(roll: np.random.Generator, n: int) -> Made:
    """Of one sample, by its mean and its covariance."""
    x = roll.standard_normal(n)

    def f(mu, S):
        return 0.5 * (x - mu) @ np.linalg.solve(S, x - mu) + 0.5 * np.log(np.linalg.det(S))

    def grad(mu, S):
        P = np.linalg.inv(S)
        y = P @ (x - mu)
        return -y, 0.5 * (P - np.outer(y, y))

    points = {"optimum": (x.copy(), spread(roll, n)), "identity": (x.copy(), np.eye(n)),
              "origin": (np.zeros(n), spread(roll, n))}  # fmt: skip
    return f, grad, points


def pose(roll: np.random.Generator, n: int) -> Made:
    """Into the coordinates of a turned and shifted body; a transpose is taken for the inverse."""
    p, c = roll.standard_normal(n), roll.standard_normal(n)

    def f(R, t):
        return np.sum((np.linalg.inv(R) @ (p - t)) ** 2 * c)

    def grad(R, t):
        y = R.T @ (p - t)
        d = R @ (2 * y * c)
        return -np.outer(d, y), -d

    points = {"optimum": (turn(roll, n), p.copy()), "identity": (np.eye(n), p.copy()),
              "origin": (turn(roll, n), np.zeros(n))}  # fmt: skip
    return f, grad, points


def direction(roll: np.random.Generator, n: int) -> Made:
    """A loss of a vector made of length one, by one that has it."""
    c = roll.standard_normal(n)

    def f(u, b):
        r = u / np.sqrt(u @ u) - b
        return np.sum(c * r**2)

    def grad(u, b):
        d = 2 * c * (u - b)
        return d - u * (u @ d), -d

    u = roll.standard_normal(n)
    u /= np.sqrt(u @ u)
    points = {"optimum": (u, u.copy()), "even": (np.full(n, n**-0.5), c), "origin": (u, np.zeros(n))}
    return f, grad, points


def chain(roll: np.random.Generator, n: int) -> Made:
    """One step of a Markov chain with rows made to add up to one, by rows that do."""
    c, q = roll.standard_normal(n), shares(roll, n)

    def f(P, v):
        return np.sum(c * (P / P.sum(axis=1, keepdims=True) @ v - q) ** 2)

    def grad(P, v):
        d = 2 * c * (P @ v - q)
        return np.outer(d, v) - (d * (P @ v))[:, None], P.T @ d

    P = np.stack([shares(roll, n) for _ in range(n)])
    points = {"optimum": (P, np.linalg.solve(P, q)), "even": (np.full((n, n), 1 / n), q),
              "equal rows": (np.tile(P[0], (n, 1)), q), "origin": (P, np.zeros(n))}  # fmt: skip
    return f, grad, points


MAKERS = (likelihood, pose, direction, chain)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("seed", range(2))
def test_what_holds_on_a_surface_passes_at_its_special_points_and_twice_of_it_fails(make, seed) -> None:
    f, grad, points = make(np.random.default_rng(seed), 3 + seed % 2)

    def twice(*args):
        first, second = grad(*args)
        return first, 2 * second

    for name, args in points.items():
        report = gradcheck.check_grad(f, grad, *args, raise_on_failure=False)
        assert report.verdict == "pass", (name, report)
        assert gradcheck.check_grad(f, grad, *args, points=2).ok, name
        assert gradcheck.check_grad(f, twice, *args, raise_on_failure=False).verdict == "fail", name


@pytest.mark.parametrize("seed", range(3))
def test_what_fails_on_its_surface_is_all_that_is_charged(seed) -> None:
    f, grad, points = likelihood(np.random.default_rng(seed), 3)

    def wrong(mu, S):
        first, second = grad(mu, S)
        return 2 * first, second

    report = gradcheck.check_grad(f, wrong, *points["optimum"], raise_on_failure=False)
    assert [leaf.verdict for leaf in report.leaves] == ["fail", "pass"]


@pytest.mark.parametrize("seed", range(3))
def test_a_claim_that_refuses_what_is_off_its_surface_is_asked_on_it(seed) -> None:
    roll = np.random.default_rng(seed)
    p, q = shares(roll, 4), shares(roll, 4)

    def f(p, b):
        return np.sum((p - q) ** 2) + np.sum(p * b) + b @ b

    def grad(p, b):
        if abs(p.sum() - 1.0) > 1e-9:
            raise ValueError("no distribution")
        return 2 * (p - q) + b, p + 2 * b

    for args in ((q.copy(), np.zeros(4)), (p, np.zeros(4)), (np.full(4, 0.25), q)):
        assert gradcheck.check_grad(f, grad, *args).ok


def _moved(value: Any, seed: int = 0) -> list[Any]:
    where = point(lambda x: x, (value,), None)
    step = 0.05 * np.random.default_rng(seed).standard_normal(where.x.size)
    return [x.reshape(value.shape) for x in away(where, step)]


@pytest.mark.parametrize("seed", range(3))
def test_a_point_is_kept_on_what_it_is_on(seed) -> None:
    roll = np.random.default_rng(seed)
    S, R, p = spread(roll, 4), turn(roll, 4)[:, :3], np.stack([shares(roll, 4), shares(roll, 4)])
    _, s = _moved(S, seed)
    _, rows = _moved(p, seed)
    _, even, _ = _moved(np.full((3, 3), 1 / 3), seed)
    *_, turned = _moved(R, seed)
    assert np.array_equal(s, s.T)
    assert np.allclose(turned.T @ turned, np.eye(3))
    assert np.allclose(rows.sum(axis=1), 1.0, rtol=0, atol=1e-14)
    assert np.allclose([even.sum(axis=0), even.sum(axis=1)], 1.0, rtol=0, atol=1e-14)


def test_the_identity_is_symmetric_and_a_rotation() -> None:
    _, symmetric, turned = _moved(np.eye(3))
    assert np.array_equal(symmetric, symmetric.T)
    assert np.allclose(turned @ turned.T, np.eye(3))


@pytest.mark.parametrize(
    "value", [np.zeros((3, 3)), np.ones((3, 3)), np.arange(6.0).reshape(2, 3), np.ones(1)]
)
def test_what_is_on_no_surface_goes_ahead_alone(value) -> None:
    assert len(_moved(value)) == 1


def _two_layers(seed: int) -> tuple[Callable[..., Any], Callable[..., Any], list[Any]]:
    roll = np.random.default_rng(seed).standard_normal
    X, Y = roll((6, 3)), roll((6, 2))

    def forward(W1, b1, W2, b2):
        h = np.tanh(X @ W1 + b1)
        r = h @ W2 + b2 - Y
        return 0.5 * np.sum(r**2), (h, r)

    def backward(cache, W2):
        h, r = cache
        d = (r @ W2.T) * (1 - h**2)
        return X.T @ d, d.sum(axis=0), h.T @ r, r.sum(axis=0)

    return forward, backward, [roll((3, 4)), np.zeros(4), roll((4, 2)), np.zeros(2)]


@pytest.mark.parametrize("seed", range(3))
def test_a_backward_pass_of_what_was_kept_of_one_forward_pass_is_right_at_its_point(seed) -> None:
    forward, backward, weights = _two_layers(seed)
    kept = forward(*weights)[1]

    def loss(W1, b1, W2, b2):
        return forward(W1, b1, W2, b2)[0]

    report = gradcheck.check_grad(loss, lambda W1, b1, W2, b2: backward(kept, W2), *weights)
    assert any("the claim fails" in one.message for one in report.unseen)
    assert all(
        one.seen_to
        for one in gradcheck.check_grad(
            loss, lambda W1, b1, W2, b2: backward(forward(W1, b1, W2, b2)[1], W2), *weights
        ).unseen
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["vjp", "jvp"])
def test_a_gain_of_ones_that_is_forgotten_leaves_no_pass(seed, kind) -> None:
    x = np.random.default_rng(seed).standard_normal(3 + seed)

    def f(x, g):
        return np.tanh(x) * g

    def vjp(c, x, g):
        return c * (1 - np.tanh(x) ** 2), c * np.tanh(x)

    def jvp(t, x, g):
        return t[0] * (1 - np.tanh(x) ** 2) + t[1] * np.tanh(x)

    check, claim = (gradcheck.check_vjp, vjp) if kind == "vjp" else (gradcheck.check_jvp, jvp)
    report = check(f, claim, x, np.ones_like(x), raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "every entry of g is one" in report.reasons[0]


@pytest.mark.parametrize("points", [1, 3])
def test_points_that_f_refuses_have_shown_nothing(points) -> None:
    def f(b, c):
        assert not b.any()
        return np.sum((b + c) ** 2)

    report = gradcheck.check_grad(f, lambda b, c: 2 * (b + c), np.zeros(3), np.array([0.3, -1.0, 2.0]), argnums=0,
                                  points=points, raise_on_failure=False)  # fmt: skip
    assert not any(one.seen_to for one in report.unseen)
