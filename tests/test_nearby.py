"""Where the derivative is zero at the given point, any multiple of it is right there: the check looks beside it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradcheck
from tests.blame.programs import loaded

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

FACTORS = (2.0, 0.5, -1.0)


def least_squares(seed: int, dtype: Any) -> tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]:
    draw = np.random.default_rng(seed).standard_normal
    A, y = draw((12, 4)).astype(dtype), draw(12).astype(dtype)
    w = np.linalg.lstsq(A, y, rcond=None)[0].astype(dtype)
    return lambda w: np.sum((A @ w - y) ** 2), lambda w: 2 * A.T @ (A @ w - y), (w,)


def rosenbrock(seed: int, dtype: Any):
    def grad(x):
        g = np.zeros_like(x)
        g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
        g[1:] += 200 * (x[1:] - x[:-1] ** 2)
        return g

    def f(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return f, grad, (np.ones(2 + seed % 5, dtype),)


def coshes(seed: int, dtype: Any):
    c = np.random.default_rng(seed).standard_normal(5).astype(dtype)
    return lambda x: np.sum(np.cosh(x - c)), lambda x: np.sinh(x - c), (c.copy(),)


def quartic(seed: int, dtype: Any):
    return lambda x: np.sum(x**4), lambda x: 4 * x**3, (np.zeros((2, 1 + seed % 3), dtype),)


def likelihood(seed: int, dtype: Any):
    """Mean and logarithm of the deviation of a normal sample, at their maximum."""
    s = np.random.default_rng(seed).standard_normal(30).astype(dtype)

    def f(m, r):
        return np.sum(0.5 * ((s - m) * np.exp(-r)) ** 2 + r)

    def grad(m, r):
        z = (s - m) * np.exp(-r)
        return -np.sum(z) * np.exp(-r), np.sum(1 - z**2)

    return f, grad, (dtype(s.mean()), dtype(np.log(s.std())))


def zero_network(seed: int, dtype: Any):
    """All weights zero: every product vanishes."""
    draw = np.random.default_rng(seed).standard_normal
    X = draw((6, 3)).astype(dtype)

    def f(W, v):
        return np.sum(np.tanh(X @ W) @ v)

    def grad(W, v):
        H = np.tanh(X @ W)
        return X.T @ ((1 - H**2) * v), H.sum(0)

    return f, grad, (np.zeros((3, 2), dtype), np.zeros(2, dtype))


def cosine(seed: int, dtype: Any):
    """The direction it is compared with, of whose length it knows nothing."""
    a = np.random.default_rng(seed).standard_normal(4).astype(dtype)

    def grad(w):
        n = np.sqrt(w @ w)
        return a / n - (a @ w) * w / n**3

    return lambda w: (a @ w) / np.sqrt(w @ w), grad, (2 * a,)


def hinges(seed: int, dtype: Any):
    """Every margin is kept."""
    w = np.random.default_rng(seed).uniform(1.5, 3.0, 4).astype(dtype)
    return lambda w: np.sum(np.maximum(0, 1 - w) ** 2), lambda w: -2 * np.maximum(0, 1 - w), (w,)


def distance(seed: int, dtype: Any):
    x = np.random.default_rng(seed).standard_normal(4).astype(dtype)
    return lambda x, y: np.sum((x - y) ** 2), lambda x, y: (2 * (x - y), -2 * (x - y)), (x, x.copy())


def logistic(seed: int, dtype: Any):
    """A logistic regression at its maximum."""
    rng = np.random.default_rng(seed)
    X, w = rng.standard_normal((40, 2)), np.zeros(2)
    y = (rng.random(40) < 0.5).astype(float)
    for _ in range(30):
        p = 1 / (1 + np.exp(-X @ w))
        w -= np.linalg.solve(X.T * (p * (1 - p)) @ X, X.T @ (p - y))
    X, y = X.astype(dtype), y.astype(dtype)

    def f(w):
        return np.sum(np.logaddexp(0, X @ w) - y * (X @ w))

    return f, lambda w: X.T @ (1 / (1 + np.exp(-X @ w)) - y), (w.astype(dtype),)


MAKERS = (
    least_squares, rosenbrock, coshes, quartic, likelihood, zero_network, cosine, hinges, distance, logistic
)  # fmt: skip


def times(grad: Callable[..., Any], factor: float) -> Callable[..., Any]:
    def claim(*args):
        result = grad(*args)
        return tuple(factor * g for g in result) if isinstance(result, tuple) else factor * result

    return claim


@pytest.mark.parametrize("maker", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_right_gradients_pass_at_stationary_points_and_multiples_of_them_fail(maker, dtype) -> None:
    for seed in range(6):
        f, grad, args = maker(seed, dtype)
        right = gradcheck.check_grad(f, grad, *args, raise_on_failure=False)
        assert right.verdict == "pass", right
        factor = FACTORS[seed % len(FACTORS)]
        wrong = gradcheck.check_grad(f, times(grad, factor), *args, raise_on_failure=False)
        assert wrong.verdict == "fail", (seed, factor, wrong)


@pytest.mark.parametrize("oracles", [None, "differences", "autograd"])
def test_whoever_testifies(oracles) -> None:
    f, grad, args = least_squares(0, np.float64)
    assert gradcheck.check_grad(f, grad, *args, oracles=oracles).ok
    wrong = gradcheck.check_grad(f, times(grad, 2.0), *args, oracles=oracles, raise_on_failure=False)
    assert wrong.verdict == "fail"
    assert "looked at beside the point" in " ".join(wrong.notes)


def relu(x):
    return np.sum(np.maximum(x, 0.0))


def saturated(x):
    return np.sum(np.tanh(np.maximum(x, 0.0)) - np.minimum(np.exp(30.0 * x), 1.0))


@pytest.mark.parametrize("f", [relu, saturated])
@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_units_that_are_all_dead_are_woken(f, size, seed) -> None:
    def claim(x):
        return 7.0 * (x > 0.0)

    report = gradcheck.check_grad(f, claim, -np.linspace(2.0, 4.0, size), seed=seed, raise_on_failure=False)
    assert report.verdict == "fail"


def test_a_pullback_and_a_layer_are_looked_at_beside_the_point_as_well() -> None:
    zeros = np.zeros((4, 3))
    assert gradcheck.check_vjp(lambda x: x**2, lambda u, x: 2 * x * u, zeros).ok
    wrong = gradcheck.check_vjp(lambda x: x**2, lambda u, x: 3 * x * u, zeros, raise_on_failure=False)
    assert wrong.verdict == "fail"
    pair = (lambda x: x**2, lambda d, x: 3 * x * d)
    assert gradcheck.check_layer(pair, zeros, raise_on_failure=False).verdict == "fail"


def test_what_is_zero_nearby_too_is_said_to_be() -> None:
    report = gradcheck.check_grad(lambda x, b: np.sum(np.floor(x)) + b**2, lambda x, b: (0 * x, 2 * b),
                                  np.array([0.3, 1.4]), 1.5)  # fmt: skip
    assert report.leaves[0].note == "not tested: zero here and nearby"
    assert report.leaves[1].resolution is not None


def test_an_error_where_the_derivative_is_always_zero_fails() -> None:
    report = gradcheck.check_grad(lambda x: np.sum(np.floor(x)), lambda x: 1e-3 + 0 * x, np.array([0.3, 1.4]),
                                  raise_on_failure=False)  # fmt: skip
    assert report.verdict == "fail"


def test_a_claim_that_the_point_is_stationary_is_right_there() -> None:
    report = gradcheck.check_grad(lambda x: np.sum(np.cosh(x)), lambda x: np.zeros(3), np.zeros(3))
    assert report.leaves[0].note.startswith("right at this point, where the derivative is zero")


def test_where_nothing_can_be_tested_the_check_is_inconclusive() -> None:
    def f(x):  # defined at the origin alone
        return np.sum(x**2) if not x.any() else np.nan

    report = gradcheck.check_grad(f, lambda x: 2.0 * x, np.zeros(3), raise_on_failure=False)
    assert report.verdict == "inconclusive"


def test_the_point_beside_stays_inside_the_domain_of_f() -> None:
    def f(x):
        return np.sum(np.sqrt(1e-3 - x**2))

    def grad(x):
        return -x / np.sqrt(1e-3 - x**2)

    assert gradcheck.check_grad(f, grad, np.zeros(3)).leaves[0].resolution is not None
    wrong = gradcheck.check_grad(f, times(grad, 2.0), np.zeros(3), raise_on_failure=False)
    assert wrong.verdict == "fail"


def test_a_pass_that_saw_everything_costs_nothing_more() -> None:
    report = gradcheck.check_grad(lambda x: np.sum(np.sin(x)), np.cos, np.array([0.3, -1.2]))
    assert report.evaluations <= 9


def _square(x):
    return np.sum(x**2)


@pytest.mark.parametrize("size", [3, 40])
def test_what_is_allowed_is_allowed_beside_the_point_too(size) -> None:
    def claim(x):
        return 2 * x * (1 + 1e-6)

    report = gradcheck.check_grad(_square, claim, np.zeros(size), allow=1e-5, raise_on_failure=False)
    assert report.verdict == "pass"
    assert not gradcheck.check_grad(_square, claim, np.zeros(size), allow=1e-8, raise_on_failure=False).ok


@pytest.mark.parametrize("points", [0, 1, 3])
def test_more_points_see_what_a_moved_point_sees(points) -> None:
    def f(w, b):
        return np.sum((w + b) ** 2)

    def claim(w, b):
        return 2 * (w + b), 2 * (w + b)

    report = gradcheck.check_grad(f, claim, np.array([0.3, -1.2]), np.zeros(2), strict=True, points=points)
    assert report.ok
    assert all(one.seen_to for one in report.unseen)


@pytest.mark.parametrize("branch", ["", "    if x[0] > 1e9:\n        total += 1.0\n"])
def test_whether_a_moved_point_is_looked_at_hangs_on_f_alone(branch, tmp_path) -> None:
    file = tmp_path / "looped.py"
    file.write_text(
        "def f(x):\n    total = 0.0\n"
        + branch
        + "    for one in x:\n        total += one * one + one\n    return total\n"
    )
    f = loaded(file).f
    (one,) = [
        one
        for one in gradcheck.check_grad(f, lambda x: 2 * x + 1, np.zeros(2000)).unseen
        if one.kind == "constant"
    ]
    assert one.seen_to


@pytest.mark.parametrize(("size", "verdict"), [(14.0, "fail"), (1e4, "pass")])
def test_zeros_that_are_zero_nearby_agree_to_no_resolution(size, verdict) -> None:
    def f(A, B):
        return np.sum(np.tanh(A @ B) ** 2)

    def claim(A, B):  # without the 2, behind saturated units
        P = np.tanh(A @ B)
        d = P * (1 - P**2)
        return d @ B.T, A.T @ d

    A, B = size * np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0, 0.5], [-2.0, 1.0]])
    report = gradcheck.check_grad(f, claim, A, B, raise_on_failure=False)
    assert report.verdict == verdict
    assert verdict != "pass" or "agrees, to no resolution" in str(report)
    strict = gradcheck.check_grad(f, claim, A, B, strict=True, raise_on_failure=False)
    assert strict.verdict == ("inconclusive" if verdict == "pass" else "fail")


def test_a_claim_for_this_point_alone_is_inconclusive_where_everything_is_to_be_seen() -> None:
    def claim(x):
        return np.zeros(3)

    def f(x):
        return np.sum(np.cosh(x))

    assert gradcheck.check_grad(f, claim, np.zeros(3)).ok
    report = gradcheck.check_grad(f, claim, np.zeros(3), strict=True, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "x: right at this point" in report.reasons[0]


@pytest.mark.parametrize("oracles", [None, "differences"])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_wrong_beside_the_point_is_told_although_other_leaves_were_looked_at_there(
    seed, oracles
) -> None:
    draw = np.random.default_rng(seed).standard_normal
    A, w = draw((9, 3)), draw(3)
    y = A @ w

    def f(w, s):
        r = A @ w - y
        return np.sum(r**2) * s + s**3

    def claim(w, s, more=1.0):
        r = A @ w - y
        return 2 * s * A.T @ r, more * np.sum(r**2) + 3 * s**2

    right = gradcheck.check_grad(f, claim, w, 0.7, oracles=oracles)
    assert [leaf.note for leaf in right.leaves] == ["zero at this point, tested beside it", ""]

    def wrong(w, s):  # what is zero at a fit was forgotten
        return claim(w, s, more=0.0)

    report = gradcheck.check_grad(f, wrong, w, 0.7, oracles=oracles)
    assert oracles or report.leaves[0].note == "zero at this point, tested beside it"
    assert "wrong at one beside it" in report.leaves[1].note
    strict = gradcheck.check_grad(f, wrong, w, 0.7, oracles=oracles, strict=True, raise_on_failure=False)
    assert strict.verdict == "inconclusive"
    assert "s: right at this point, and wrong" in strict.reasons[-1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_saturated_and_dead_units_are_woken(dtype) -> None:
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def relu(x):
        return np.maximum(x, 0)

    for seed in range(4):
        sign = np.sign(np.random.default_rng(seed).standard_normal(40)).astype(dtype)
        for f, grad, x in (
            (lambda x: np.sum(sigmoid(x)), lambda x: sigmoid(x) * (1 - sigmoid(x)), 45 * sign),
            (lambda x: np.sum(np.tanh(x)), lambda x: 1 - np.tanh(x) ** 2, 30 * sign),
            (lambda x: np.sum(relu(x) ** 2), lambda x: 2 * relu(x), -np.abs(sign)),
        ):
            assert gradcheck.check_grad(f, grad, x).leaves[0].resolution is not None
            wrong = gradcheck.check_grad(f, times(grad, 2.0), x, raise_on_failure=False)
            assert wrong.verdict == "fail"


def key_bias(draw):
    q, k, v = draw((3, 7, 6)), draw((3, 5, 6)), draw((3, 5, 2))

    def attention(b):
        scores = q @ (k + b).swapaxes(-1, -2)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    def pullback(c, b):
        a = attention(b)
        da = c @ v.swapaxes(-1, -2)
        ds = a * (da - (da * a).sum(-1, keepdims=True))
        return (ds.swapaxes(-1, -2) @ q).sum(axis=(0, 1))

    return lambda b: attention(b) @ v, pullback, np.zeros_like(q, shape=6)


def shift_of_logits(draw):
    z = draw((4, 5))

    def softmax(b):
        e = np.exp(z + b - (z + b).max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def pullback(c, b):
        p = softmax(b)
        return np.sum(p * (c - np.sum(p * c, axis=1, keepdims=True)), keepdims=True).reshape(1)

    return softmax, pullback, np.ones_like(z, shape=1)


def bias_before_norm(draw):
    z = draw((9, 4))

    def norm(b):
        centred = z + b - np.mean(z + b, axis=0)
        return centred / np.sqrt(np.mean(centred**2, axis=0))

    def pullback(c, b):
        centred = z + b - np.mean(z + b, axis=0)
        s = np.sqrt(np.mean(centred**2, axis=0))
        y = centred / s
        return np.sum((c - c.mean(0) - y * np.mean(c * y, axis=0)) / s, axis=0)

    return norm, pullback, draw(4)


@pytest.mark.parametrize("make", [key_bias, shift_of_logits, bias_before_norm])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_argument_that_nothing_sees_passes_with_a_claim_that_is_rounding(make, seed, dtype):
    rng = np.random.default_rng(seed)
    f, pullback, b = make(lambda shape: rng.standard_normal(shape).astype(dtype))

    report = gradcheck.check_vjp(f, pullback, b, raise_on_failure=False)
    wrong = gradcheck.check_vjp(f, lambda c, b: pullback(c, b) + 1e-2, b, raise_on_failure=False)

    assert np.any(pullback(np.asarray(rng.standard_normal(f(b).shape), dtype), b))
    assert report.verdict == "pass"
    assert report.leaves[0].resolution is None
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("rate", [0.3, 1.0])
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_a_term_that_vanishes_at_zero_weights_leaves_no_pass(rate, oracles) -> None:
    rng = np.random.default_rng(4)
    X, y = np.c_[np.ones(20), rng.standard_normal((20, 3))], (rng.random(20) < 0.5).astype(float)

    def cost(theta):
        z = X @ theta
        return np.mean(np.log1p(np.exp(-z)) + (1 - y) * z) + 0.5 * rate * np.sum(theta[1:] ** 2)

    def gradient(theta, bias=False):
        penalty = rate * theta
        penalty[0] *= bias
        return X.T @ (1 / (1 + np.exp(-X @ theta)) - y) / len(y) + penalty

    def regularised(theta):
        return gradient(theta, bias=True)

    report = gradcheck.check_grad(cost, regularised, np.zeros(4), oracles=oracles, raise_on_failure=False)

    assert report.verdict == "inconclusive"
    assert "every entry of theta is zero" in report.reasons[0]
    assert gradcheck.check_grad(cost, gradient, np.zeros(4), oracles=oracles).ok
    assert not gradcheck.check_grad(cost, regularised, np.ones(4), oracles=oracles, raise_on_failure=False).ok


@pytest.mark.parametrize("maker", [least_squares, likelihood, logistic])
def test_what_was_computed_at_an_optimum_is_no_failure_and_no_pass(maker) -> None:
    for seed in range(3):
        f, grad, args = maker(seed, np.float64)
        kept = grad(*args)
        assert np.any(kept)
        report = gradcheck.check_grad(f, lambda *_, kept=kept: kept, *args, raise_on_failure=False)
        assert report.verdict == "inconclusive"
        assert "the derivative by" in report.reasons[0]


@pytest.mark.parametrize("seed", range(3))
def test_what_was_computed_with_a_last_layer_of_zeros_is_no_failure(seed) -> None:
    draw = np.random.default_rng(seed).standard_normal
    X, Y = draw((6, 3)), draw((6, 2))

    def forward(W, V):
        h = np.tanh(X @ W)
        return h, h @ V - Y

    def loss(W, V):
        return 0.5 * np.sum(forward(W, V)[1] ** 2)

    def backward(kept, V, slope=True):
        h, r = kept
        return X.T @ (r @ V.T * (1 - slope * h**2)), h.T @ r

    W, V = draw((3, 4)), np.zeros((4, 2))
    kept = forward(W, V)
    gradients = backward(kept, V)

    computed = gradcheck.check_grad(loss, lambda W, V: gradients, W, V)
    of_one_pass = gradcheck.check_grad(loss, lambda W, V: backward(kept, V), W, V, raise_on_failure=False)
    anew = gradcheck.check_grad(loss, lambda W, V: backward(forward(W, V), V), W, V)
    wrong = gradcheck.check_grad(
        loss, lambda W, V: backward(forward(W, V), V, slope=False), W, V, raise_on_failure=False
    )

    assert computed.leaves[0].note.endswith("the claim is the same beside it, and wrong")
    assert of_one_pass.verdict == "inconclusive"
    assert anew.leaves[0].resolution is not None
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("size", [2, 5])
def test_beside_the_point_what_answered_alike_is_asked_once(size) -> None:
    rng = np.random.default_rng(size)
    X, W, b = rng.standard_normal((7, size)), rng.standard_normal(size), np.zeros(())
    asked = Counter()

    def counted(name, function):
        def called(W, b):
            asked[name, b == 0.0] += 1
            return function(W, b)

        return called

    def f(W, b):
        return np.sum(np.tanh(X @ W + b))

    def grad(W, b):
        slope = 1.0 - np.tanh(X @ W + b) ** 2
        return X.T @ slope, np.asarray(slope.sum())

    report = gradcheck.check_grad(counted("f", f), counted("grad", grad), W, b)
    assert report.ok
    assert all(one.seen_to for one in report.unseen if one.where == "b")
    assert asked["grad", False] == 1
    assert asked["grad", True] > 2

    draws = np.random.default_rng(0)
    rough = counted("noisy", lambda W, b: f(W, b) * (1.0 + 1e-15 * draws.uniform(-1.0, 1.0)))
    asked.clear()
    gradcheck.check_grad(rough, counted("grad", grad), W, b, raise_on_failure=False)
    assert asked["grad", False] != 1  # what does not is asked as often as anywhere
