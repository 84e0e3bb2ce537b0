"""What a net that derives by its weights alone returns beside their gradients is no gradient of its inputs."""

import numpy as np
import pytest

from tests.layers.making import bias, check, dense_input, softmax, weights

(X,) = dense_input()
LABELS = np.array([0, 1, 1, 0])


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


class Scaled:
    """A setting that is one number, and one number that backward returns beside the gradients."""

    def __init__(self, of, factor=1.0):
        self.W, self.scale, self.of, self.factor = weights(), 0.5, of, factor

    def forward(self, x):
        self.x = x
        return self.scale * x @ self.W

    def backward(self, d):
        return self.scale * d @ self.W.T, self.factor * self.scale * self.x.T @ d, self.of(self, d)


def of_scale(layer, d):
    return np.sum(d * (layer.x @ layer.W))


@pytest.mark.parametrize(
    "metric", [lambda layer, d: np.linalg.norm(d), lambda layer, d: 0.3, lambda layer, d: len(d)]
)
def test_a_number_that_does_not_go_with_the_cotangent_is_no_gradient_of_a_setting(metric) -> None:
    """A norm beside the gradients was judged as the gradient of ``eps``, and a right layer failed."""
    report = check(Scaled(metric), X)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("scale",))
    assert check(Scaled(metric), X, params={"scale": None}).ok
    assert check(Scaled(metric, 7.0), X, params={"scale": None}).verdict == "fail"


def test_a_number_that_does_is_the_gradient_of_a_setting() -> None:
    assert check(Scaled(of_scale), X).ok
    report = check(Scaled(lambda layer, d: 7 * of_scale(layer, d)), X)
    assert {leaf.path for leaf in report.leaves if leaf.verdict == "fail"} == {"scale"}


class Regularised(WithLoss):
    reg = 0.1

    def loss(self, x, y):
        return super().loss(x, y) + self.reg * np.sum(self.W**2)

    def backward(self):
        (dW, db), _ = super().backward()
        dW = dW + 2 * self.reg * self.W
        accuracy = np.mean(np.argmax(self.p, 1) == np.argmax(self.hot, 1))
        return dW, db, accuracy


def test_what_is_called_no_gradient_is_none_of_a_setting() -> None:
    net = Regularised(in_a_list_and_delta)
    net.reg = 0.1
    report = check(net, X, LABELS)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("reg",))
    assert check(net, X, LABELS, params={"reg": None}).ok
