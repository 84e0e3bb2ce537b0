"""What a net that derives by its weights alone returns beside their gradients is no gradient of its inputs."""

import numpy as np
import pytest

import gradcheck
from tests.layers.making import bias, dense_input, softmax, weights

(X,) = dense_input()
LABELS = np.array([0, 1, 1, 0])


def check(layer, *inputs, **options):
    return gradcheck.check_layer(layer, *inputs, raise_on_failure=False, **options)


def as_array(array):
    return array


class Net:
    """``kept`` makes of arrays what it keeps; ``given`` makes of the gradients and delta what backward returns."""

    def __init__(self, given, factor=1, kept=as_array):
        self.W, self.b, self.given, self.factor = kept(weights()), kept(bias()), given, factor

    def logits(self, x):
        self.x = x
        return x @ np.array(self.W) + np.array(self.b)

    def of(self, delta):
        return self.given(self, self.factor * self.x.T @ delta, self.factor * delta.sum(0), delta)


class WithLoss(Net):
    def loss(self, x, y):
        self.hot = y if np.ndim(y) > 1 else np.eye(2)[y]
        self.p = softmax(self.logits(x))
        return -np.sum(self.hot * np.log(self.p)) / len(x)

    def backward(self):
        return self.of((self.p - self.hot) / len(self.x))


class WithCotangent(Net):
    def forward(self, x):
        self.h = np.tanh(self.logits(x))
        return self.h

    def backward(self, d):
        return self.of(d * (1 - self.h**2))


def in_a_list_and_delta(net, dW, db, delta):
    return (dW, db), delta


def in_turn_and_delta(net, dW, db, delta):
    return dW, db, delta


def in_a_dict_and_delta(net, dW, db, delta):
    return {"W": dW, "b": db}, delta


def with_all(net, dW, db, delta):
    return float(np.sum(delta)), {"dW": dW, "db": db, "delta": delta}, delta


def with_probabilities(net, dW, db, delta):
    return 0.5, (dW, db), net.logits(net.x)


def with_accuracy(net, dW, db, delta):
    return dW, db, np.mean(np.argmax(delta, 1) == 0)


def kept_and_delta(net, dW, db, delta):
    net.dW, net.db = dW, db
    return delta


def alone(net, dW, db, delta):
    return dW, db


def in_a_dict(net, dW, db, delta):
    return {"W": dW, "b": db}


MORE = [
    in_a_list_and_delta,
    in_turn_and_delta,
    in_a_dict_and_delta,
    with_all,
    with_probabilities,
    with_accuracy,
]


@pytest.mark.parametrize("y", [LABELS, np.eye(2)[LABELS]])
@pytest.mark.parametrize("given", [*MORE, kept_and_delta])
def test_of_a_loss_it_is_no_gradient_of_its_data(given, y) -> None:
    """The delta of the last layer was taken for a gradient of x of a wrong shape, or for that of the targets."""
    assert check(WithLoss(given), X, y).ok
    wrong = {leaf.path for leaf in check(WithLoss(given, 7), X, y).leaves if leaf.verdict == "fail"}
    assert wrong == {"W", "b"}


@pytest.mark.parametrize(
    "given", [in_a_list_and_delta, in_turn_and_delta, in_a_dict_and_delta, with_accuracy]
)
def test_with_a_cotangent_it_leaves_the_input_open(given) -> None:
    report = check(WithCotangent(given), X)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("x",))
    assert check(WithCotangent(given), X, params={"x": None}).ok
    assert check(WithCotangent(given, 7), X).verdict == "fail"


@pytest.mark.parametrize("factor", [1, 7])
@pytest.mark.parametrize("given", [*MORE, alone, in_a_dict])
@pytest.mark.parametrize(("kind", "inputs"), [(WithLoss, (X, LABELS)), (WithCotangent, (X,))])
def test_lists_whose_gradients_it_returns_are_left_open(kind, inputs, given, factor) -> None:
    """Of lists of numbers nothing is read there, and the check failed for x, or as backward returned no tuple."""
    report = check(kind(given, factor, np.ndarray.tolist), *inputs)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("W", "b", "x"))


def test_a_gradient_of_the_input_that_is_called_so_is_none_of_something_else() -> None:
    class Calls(WithLoss):
        def backward(self):
            dW, db, delta = super().backward()
            dx = delta @ self.W.T[:, :2]
            return dW, db, dx

    report = check(Calls(in_turn_and_delta), X, LABELS)
    assert {leaf.path for leaf in report.leaves if leaf.verdict == "fail"} == {"x"}
