"""Numbers that a layer keeps: which of them are settings."""

import numpy as np
import pytest

from tests.layers.making import (
    check,
    dense_input,
    square,
    weights,
)

(X,) = dense_input()


@pytest.mark.parametrize(
    "returned",
    [lambda dx, dW: (dx, dW), lambda dx, dW: (dx, {"W": dW}), lambda dx, dW: dx],
    ids=["beside it", "in a dict", "nowhere"],
)
def test_a_matrix_of_lists_whose_gradient_is_returned_leaves_the_check_open(returned) -> None:
    """One number is a setting, a matrix of them is not: with its gradient seven times too large it passed."""

    class Dense:
        def __init__(self):
            self.W = [[0.3, -0.2], [1.5, 0.4], [-0.7, 0.9]]

        def forward(self, x):
            self.x = x
            return x @ np.array(self.W)

        def backward(self, d):
            return returned(d @ np.array(self.W).T, 7 * self.x.T @ d)

    report = check(Dense(), X)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("W",))


def test_a_list_of_ranges_are_settings() -> None:
    class Scaled:
        def __init__(self):
            self.W, self.ranges = weights(), [(0.0, 1.0), (0.5, 2.0)]

        def forward(self, x):
            self.x, self.by = x, np.array([high - low for low, high in self.ranges])
            return x @ self.W * self.by

        def backward(self, d):
            self.dW = self.x.T @ (d * self.by)
            return d * self.by @ self.W.T

    assert check(Scaled(), X).ok


def test_a_slope_beside_an_array_is_a_setting() -> None:
    class Network:
        def __init__(self):
            self.layers = [(square(1), 0.01), (square(2), 0.2)]

        def forward(self, x):
            self.kept = []
            for W, slope in self.layers:
                z = x @ W
                self.kept.append((x, z))
                x = np.where(z > 0, z, slope * z)
            return x

        def backward(self, d):
            self.grads = []
            for (x, z), (W, slope) in zip(reversed(self.kept), reversed(self.layers), strict=True):
                d = d * np.where(z > 0, 1, slope)
                self.grads.insert(0, x.T @ d)
                d = d @ W.T
            return d

    assert check(Network(), X).ok


W = np.ones(3)


class Slope:
    def __init__(self, alpha, gradient, forgets=False):
        self.alpha, self.eps, self.dalpha, self.forgets = alpha, 1e-5, gradient, forgets

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x) + self.eps

    def backward(self, d):
        if not self.forgets:
            self.dalpha = np.sum(d * np.minimum(self.x, 0.0))
        return d * np.where(self.x > 0, 1.0, self.alpha)


class ReturnsIt(Slope):
    def backward(self, d):
        dalpha = self.forgets * np.sum(d * np.minimum(self.x, 0.0))
        return d * np.where(self.x > 0, 1.0, self.alpha), dalpha


@pytest.mark.parametrize("alpha", [0.25, 2, np.float64(0.25)])
def test_a_number_whose_gradient_was_never_written_is_no_setting(alpha) -> None:
    assert {leaf.path for leaf in check(Slope(alpha, None)).leaves} == {"alpha", "x"}
    forgotten = check(Slope(alpha, None, forgets=True))
    assert forgotten.verdict == "inconclusive"
    assert "no gradient was found for alpha, " in forgotten.reasons[0]
    assert check(Slope(alpha, 0.0, forgets=True)).verdict == "fail"
    for factor, verdict in ((1.0, "pass"), (7.0, "fail")):
        report = check(ReturnsIt(alpha, None, factor))
        assert report.verdict == verdict
        assert sorted(leaf.path for leaf in report.leaves) == ["alpha", "x"]


class Drops:
    """What is left empty here is called the gradient of nothing."""

    def __init__(self):
        self.p, self.grad, self.delta, self.mask = 0.5, None, None, None

    def forward(self, x):
        self.mask = (np.random.default_rng(0).random(x.shape) >= self.p) / (1 - self.p)
        return x * self.mask

    def backward(self, d):
        return d * self.mask


def test_a_setting_is_none_of_which_a_nameless_gradient_was_never_written() -> None:
    assert check(Drops()).ok
