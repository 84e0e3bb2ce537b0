"""Gradients in another order than their parameters: from the last, in lists, beside that of the input."""

from itertools import pairwise

import numpy as np
import pytest

import gradcheck
from tests.layers.making import dense_input, weights

(X,) = dense_input()


class Appends:
    """What backward comes by last is last in its list."""

    def __init__(self, *widths):
        rng = np.random.default_rng(0)
        self.weights = [rng.standard_normal(shape) for shape in pairwise(widths)]
        self.grads, self.of_first = [], lambda g: g

    def forward(self, x):
        self.seen = [x]
        for W in self.weights:
            self.seen.append(np.tanh(self.seen[-1] @ W))
        return self.seen[-1]

    def backward(self, d):
        self.grads = []
        for number in reversed(range(len(self.weights))):
            d = d * (1 - self.seen[number + 1] ** 2)
            gradient = self.seen[number].T @ d
            self.grads.append(gradient if number else self.of_first(gradient))
            d = d @ self.weights[number].T
        return d


class ReturnsWhatItAppends(Appends):
    def backward(self, d):
        return super().backward(d), self.grads


@pytest.mark.parametrize("make", [Appends, ReturnsWhatItAppends])
def test_gradients_of_the_last_parameter_first_are_not_accused(make) -> None:
    by_shape = gradcheck.check_layer(make(3, 4, 5, 2), X)
    assert {leaf.path for leaf in by_shape.leaves} == {"weights[0]", "weights[1]", "weights[2]", "x"}
    square = gradcheck.check_layer(make(3, 3, 3), X, raise_on_failure=False)
    assert square.verdict == "inconclusive"
    assert "in another, told above, right" in square.reasons[0]
    for widths in ((3, 4, 5, 2), (3, 3, 3)):
        wrong = make(*widths)
        wrong.of_first = lambda g: -g
        assert gradcheck.check_layer(wrong, X, raise_on_failure=False).verdict == "fail"


class AppendsWithBiases:
    """What a layer has stays together: ``dW2, db2, dW1, db1``, or its bias comes first, or weights and biases apart."""

    def __init__(self, widths, order):
        rng = np.random.default_rng(0)
        self.params = [rng.standard_normal(s) for a, b in pairwise(widths) for s in ((a, b), (b,))]
        self.grads, self.order, self.of_first = [], order, lambda g: g

    def forward(self, x):
        self.seen = [x]
        for W, b in zip(self.params[::2], self.params[1::2], strict=True):
            self.seen.append(np.tanh(self.seen[-1] @ W + b))
        return self.seen[-1]

    def backward(self, d):
        in_order = []
        for number in reversed(range(len(self.params) // 2)):
            d = d * (1 - self.seen[number + 1] ** 2)
            gradient = self.seen[number].T @ d
            in_order[:0] = [gradient if number else self.of_first(gradient), d.sum(0)]
            d = d @ self.params[2 * number].T
        self.grads = [in_order[number] for number in self.order]
        return d


class ReturnsWithBiases(AppendsWithBiases):
    def backward(self, d):
        dx = super().backward(d)
        gradients, self.grads = self.grads, []
        return dx, gradients


RETURNED = {
    "all": lambda dx, gradients: [dx, *gradients],
    "dx last": lambda dx, gradients: [*gradients, dx],
    "theirs alone": lambda dx, gradients: gradients,
    "as a tuple": lambda dx, gradients: tuple(gradients),
    "layer by layer": lambda dx, gradients: list(zip(gradients[::2], gradients[1::2], strict=True)),
    "kind by kind": lambda dx, gradients: (gradients[::2], gradients[1::2]),
}


class KeepsAndReturns(AppendsWithBiases):
    """Its gradients are in the layer, and returned as well."""

    def __init__(self, widths, order, kept, returned):
        super().__init__(widths, order)
        self.kept, self.returned = kept, returned

    def backward(self, d):
        self.dx = super().backward(d)
        gradients = self.grads
        if not self.kept:
            self.grads = []
        return RETURNED[self.returned](self.dx, gradients)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1)])
@pytest.mark.parametrize("widths", [(3, 3, 3), (3, 4, 2)])
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("returned", RETURNED)
def test_gradients_that_are_returned_in_a_list_of_their_own_are_not_accused(
    order, widths, kept, returned
) -> None:
    layer = KeepsAndReturns(widths, order, kept, returned)
    report = gradcheck.check_layer(layer, X, raise_on_failure=False)
    assert report.verdict != "fail", report
    assert {leaf.path for leaf in report.leaves} >= {f"params[{number}]" for number in range(4)}
    if order == (0, 1, 2, 3):
        assert report.ok, report
    wrong = KeepsAndReturns(widths, order, kept, returned)
    wrong.of_first = lambda g: 7 * g
    assert gradcheck.check_layer(wrong, X, raise_on_failure=False).verdict == "fail"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1)])
@pytest.mark.parametrize("kept", [True, False])
def test_the_gradient_of_the_input_may_be_the_last_of_a_list_in_a_batch_as_large_as_its_layers(
    order, kept
) -> None:
    layer = KeepsAndReturns((3, 3, 3), order, kept, "dx last")
    assert gradcheck.check_layer(layer, X[:3], raise_on_failure=False).verdict != "fail"
    layer.of_first = lambda g: 7 * g
    assert gradcheck.check_layer(layer, X[:3], raise_on_failure=False).verdict == "fail"


class ReturnsByShortNames:
    """A normalisation whose variables are called after no parameter but the one of the input, which is last."""

    def __init__(self, factor=1.0):
        self.gamma, self.beta, self.factor = weights()[0] + 2.0, weights()[1].copy(), factor

    def forward(self, x):
        self.spread = np.sqrt(x.var(axis=0) + 1e-3)
        self.normal = (x - x.mean(axis=0)) / self.spread
        return self.gamma * self.normal + self.beta

    def backward(self, d):
        g, b, inner = self.factor * np.sum(d * self.normal, axis=0), np.sum(d, axis=0), d * self.gamma
        along = self.normal * np.mean(inner * self.normal, axis=0)
        dx = (inner - np.mean(inner, axis=0) - along) / self.spread
        return g, b, dx


def test_what_is_no_input_by_its_name_stays_in_order_where_the_input_is_last() -> None:
    x = np.random.default_rng(5).normal(size=(6, len(weights()[0])))
    assert gradcheck.check_layer(ReturnsByShortNames(), x).ok
    assert gradcheck.check_layer(ReturnsByShortNames(7.0), x, raise_on_failure=False).verdict == "fail"


def test_a_list_from_the_last_is_not_read_as_one_that_is_turned_by_one_place() -> None:
    class ReturnsAList(KeepsAndReturns):
        def backward(self, d):
            found = list(super().backward(d))
            found[1], found[3] = self.spoilt(found[1], found[3])
            return found

    layer = ReturnsAList((3, 3, 3), (3, 2, 1, 0), False, "dx last")
    layer.spoilt = lambda one, other: (one, other)
    assert gradcheck.check_layer(layer, X[:3], raise_on_failure=False).verdict == "inconclusive"
    layer.spoilt = lambda one, other: (other, one)
    assert gradcheck.check_layer(layer, X[:3], raise_on_failure=False).verdict == "fail"


class AppendsTheInput:
    """One matrix, its gradient in a list that the gradient of the input comes to last."""

    def __init__(self, factor=1.0):
        self.W, self.factor = np.random.default_rng(6).normal(size=(3, 3)), factor

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        gradients = [self.factor * self.x.T @ d]
        gradients.append(d @ self.W.T)
        return gradients


def test_one_gradient_ahead_of_that_of_the_input_in_a_list_is_not_accused() -> None:
    x = np.random.default_rng(7).normal(size=(3, 3))
    assert gradcheck.check_layer(AppendsTheInput(), x, raise_on_failure=False).verdict == "inconclusive"
    assert gradcheck.check_layer(AppendsTheInput(7.0), x, raise_on_failure=False).verdict == "fail"


class LeavesAndReturnsAll:
    """A loss without a gradient of its input, whose parameters are one vector and two numbers."""

    def __init__(self, factor=1.0):
        self.w, self.b, self.lam, self.factor = weights()[:, 0].copy(), 0.3, 0.2, factor

    def forward(self, x, y):
        self.x, self.r = x, x @ self.w + self.b - y
        return np.mean(self.r**2) + self.lam * np.sum(self.w**2)

    def backward(self):
        self.grad_w = self.factor * 2 * self.x.T @ self.r / len(self.x) + 2 * self.lam * self.w
        self.grad_b = 2 * np.mean(self.r)
        return self.grad_w, self.grad_b


def test_what_is_returned_besides_being_left_is_the_gradient_of_no_other() -> None:
    y = np.linspace(-1.0, 1.0, len(X))
    report = gradcheck.check_layer(LeavesAndReturnsAll(), X, y)
    assert {leaf.path for leaf in report.leaves} == {"w", "b"}
    assert gradcheck.check_layer(LeavesAndReturnsAll(7.0), X, y, raise_on_failure=False).verdict == "fail"


ORDERS = [
    (4, 5, 2, 3, 0, 1),
    (1, 0, 3, 2, 5, 4),
    (5, 4, 3, 2, 1, 0),
    (0, 2, 4, 1, 3, 5),
    (4, 2, 0, 5, 3, 1),
    (4, 2, 0, 1, 3, 5),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("widths", [(3, 4, 5, 2), (3, 3, 3, 3)])
def test_gradients_in_another_order_than_the_parameters_are_not_accused_where_they_are_returned(
    order, widths
) -> None:
    report = gradcheck.check_layer(ReturnsWithBiases(widths, order), X, raise_on_failure=False)
    assert report.verdict != "fail", report
    wrong = ReturnsWithBiases(widths, order)
    wrong.of_first = lambda g: 7 * g
    assert gradcheck.check_layer(wrong, X, raise_on_failure=False).verdict == "fail"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("widths", [(3, 4, 5, 2), (3, 3, 3, 3)])
def test_gradients_of_each_layer_in_the_order_of_a_backward_pass_are_not_accused(order, widths) -> None:
    report = gradcheck.check_layer(AppendsWithBiases(widths, order), X, raise_on_failure=False)
    told_by_shape = len({*widths}) > 1
    assert report.verdict == ("pass" if told_by_shape else "inconclusive"), report
    wrong = AppendsWithBiases(widths, order)
    wrong.of_first = lambda g: 7 * g
    assert gradcheck.check_layer(wrong, X, raise_on_failure=False).verdict == "fail"


class AppendsDicts:
    """One dict a layer, that of the last first."""

    def __init__(self, widths):
        rng = np.random.default_rng(0)
        self.params = [
            {"W": rng.standard_normal((a, b)), "b": rng.standard_normal(b)} for a, b in pairwise(widths)
        ]
        self.grads, self.of_first = [], lambda g: g

    def forward(self, x):
        self.seen = [x]
        for own in self.params:
            self.seen.append(np.tanh(self.seen[-1] @ own["W"] + own["b"]))
        return self.seen[-1]

    def backward(self, d):
        self.grads = []
        for number in reversed(range(len(self.params))):
            d = d * (1 - self.seen[number + 1] ** 2)
            gradient = self.seen[number].T @ d
            self.grads.append({"W": gradient if number else self.of_first(gradient), "b": d.sum(0)})
            d = d @ self.params[number]["W"].T
        return d


class ReturnsDicts(AppendsDicts):
    def backward(self, d):
        return super().backward(d), self.grads


@pytest.mark.parametrize("make", [AppendsDicts, ReturnsDicts])
@pytest.mark.parametrize("widths", [(3, 4, 5, 2), (3, 3, 3, 3)])
def test_dicts_of_gradients_that_are_appended_are_not_accused(make, widths) -> None:
    report = gradcheck.check_layer(make(widths), X, raise_on_failure=False)
    assert report.verdict == ("pass" if len({*widths}) > 1 else "inconclusive"), report
    wrong = make(widths)
    wrong.of_first = lambda g: 7 * g
    assert gradcheck.check_layer(wrong, X, raise_on_failure=False).verdict == "fail"


def test_their_order_can_be_said() -> None:
    params = {"weights[0]": "grads[1]", "weights[1]": "grads[0]"}
    assert gradcheck.check_layer(Appends(3, 3, 3), X, params=params).ok


class ReturnsBoxes(AppendsDicts):
    """As many boxes as the last bias has entries."""

    def backward(self, d):
        dx = super().backward(d)
        return dx, [{"of the layer": one} for one in self.__dict__.pop("grads")]


def test_a_list_of_boxes_is_no_gradient_of_a_vector_as_long() -> None:
    report = gradcheck.check_layer(ReturnsBoxes((3, 4, 2)), X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "params[1].b" in report.reasons[0]
