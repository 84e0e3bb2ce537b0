"""What a user reads after each of the usual mistakes, from the check to the last line."""

import numpy as np
import pytest

import gradcheck
from gradcheck.explain.blame import blamed
from tests.golden_file import masked, same_as_golden


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found must not hang on how fast the machine is."""
    monkeypatch.setattr(blamed, "SECONDS", 30.0)


RNG = np.random.default_rng(0)
X = np.round(RNG.standard_normal((6, 4)), 2)
Y = np.round(RNG.standard_normal((6, 2)), 2)
W1, B1 = np.round(RNG.standard_normal((4, 3)), 2), np.round(RNG.standard_normal(3), 2)
W2, B2 = np.round(RNG.standard_normal((3, 2)), 2), np.round(RNG.standard_normal(2), 2)
POINT = (W1, B1, W2, B2, X, Y)


def loss(W1, b1, W2, b2, X, Y):
    """Mean over the batch of the squared error of a tanh network."""
    return np.sum((np.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2) / len(X)


def backward(W1, b1, W2, b2, X, Y):
    h = np.tanh(X @ W1 + b1)
    error = 2 * (h @ W2 + b2 - Y) / len(X)
    hidden = error @ W2.T * (1 - h**2)
    return [X.T @ hidden, hidden.sum(axis=0), h.T @ error, error.sum(axis=0)]


def changed(leaf, change):
    def claim(*point):
        gradients = backward(*point)
        gradients[leaf] = change(gradients[leaf])
        return tuple(gradients)

    return claim


def without_activation(W1, b1, W2, b2, X, Y):
    h = np.tanh(X @ W1 + b1)
    error = 2 * (h @ W2 + b2 - Y) / len(X)
    hidden = error @ W2.T
    return X.T @ hidden, hidden.sum(axis=0), h.T @ error, error.sum(axis=0)


def without_sum(W1, b1, W2, b2, X, Y):
    h = np.tanh(X @ W1 + b1)
    error = 2 * (h @ W2 + b2 - Y) / len(X)
    hidden = error @ W2.T * (1 - h**2)
    return X.T @ hidden, hidden, h.T @ error, error.sum(axis=0)


def in_place(W1, b1, W2, b2, X, Y):
    gradients = tuple(backward(W1, b1, W2, b2, X, Y))
    W1 -= 0.1 * gradients[0]
    return gradients


def one_entry(gradient):
    gradient[1, 2] *= 1.5
    return gradient


CLAIMS = {
    "right": backward,
    "batch_size": lambda *point: [len(X) * gradient for gradient in backward(*point)],
    "sign": changed(2, np.negative),
    "single_entry": changed(0, one_entry),
    "nan": changed(3, lambda gradient: gradient / 0 * 0),
    "zero": changed(1, np.zeros_like),
    "missing_activation_derivative": without_activation,
    "missing_sum": without_sum,
    "in_place": in_place,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mistake", CLAIMS)
def test_message_after(mistake):
    report = gradcheck.check_grad(loss, CLAIMS[mistake], *POINT, argnums=(0, 1, 2, 3), raise_on_failure=False)

    assert same_as_golden(f"message_{mistake}", masked(str(report)))


def at_a_kink(x):
    return np.sum(np.abs(x))


@pytest.mark.parametrize(("slope", "name"), [(0.5, "kink_subgradient"), (1.5, "kink_wrong")])
def test_message_at_a_kink(slope, name):
    def claim(x):
        return np.where(x == 0, slope, np.sign(x))

    report = gradcheck.check_grad(at_a_kink, claim, np.array([1.0, 0.0, -2.0]), raise_on_failure=False)

    assert same_as_golden(f"message_{name}", masked(str(report)))


def test_message_for_a_random_function():
    draws = np.random.default_rng(0)

    def dropout(x):
        return np.sum(x * (draws.random(x.shape) < 0.5))

    report = gradcheck.check_grad(
        dropout, np.ones_like, np.sqrt(np.arange(1.0, 20.0)), raise_on_failure=False
    )

    assert same_as_golden("message_random", masked(str(report)))
