"""Pairs of functions: what they are given, close over and leave without a gradient."""

from types import SimpleNamespace

import numpy as np
import pytest

import gradcheck
from tests.layers.making import Unpaired, bias, check, dense_input, dW_of, dx_of, weights

(X,) = dense_input()


@pytest.mark.parametrize("pair", [False, True])
def test_a_layer_that_writes_into_its_input_is_told_and_the_callers_input_is_left_alone(pair) -> None:
    class WritesIntoItsInput:
        def forward(self, x):
            self.mask = x > 0
            x *= self.mask
            return x

        def backward(self, d):
            return d * self.mask

    def forward(x):
        return np.maximum(x, 0)

    def backward(d, x):
        x[x < 0] = 0
        return d * (x > 0)

    x = np.array([[0.3, -1.2], [2.0, 0.7]])
    report = check((forward, backward) if pair else WritesIntoItsInput(), x)
    assert report.verdict == "fail"
    assert [one.kind for one in report.diagnoses][:1] == ["mutates_input"]
    assert np.array_equal(x, [[0.3, -1.2], [2.0, 0.7]])


def test_nothing_of_ours_stays_in_what_a_pair_remembers() -> None:
    history = []

    def forward(x):
        history.append(x)
        return np.maximum(x, 0)

    assert check((forward, lambda d: d * (history[-1] > 0)), X).ok
    assert {type(one) for one in history} == {np.ndarray}


def test_an_input_that_forward_needs_is_not_data_because_the_output_is_one_number() -> None:
    class Forgets:
        def __init__(self):
            self.W, self.U = weights()[:, :1].copy(), np.array([[0.7]])

        def forward(self, x, h):
            self.x, self.h = x, h
            self.n = np.tanh(x @ self.W + h @ self.U)
            return self.n

        def backward(self, d):
            dz = d * (1 - self.n**2)
            self.dW, self.dU = self.x.T @ dz, self.h.T @ dz
            return dz @ self.W.T

    for n in (1, 2):
        report = check(Forgets(), X[:n], np.full((n, 1), 0.4))
        assert (report.verdict, report.unchecked) == ("inconclusive", ("h",))
    assert check(Forgets(), X[:2], np.full((2, 1), 0.4), params={"h": None}).ok


def test_arrays_that_a_pair_closes_over_are_said_to_be_given() -> None:
    W, memory = weights(), {}

    def forward(x):
        memory["x"] = x
        return x @ W

    assert "taken as given W" in check((forward, lambda d: d @ W.T)).subject


def over(W, b, returned):
    """A pair of functions over a dict of weights."""
    p, cache = {"W": W, "b": b}, {}

    def forward(x):
        cache["x"] = x
        return x @ p["W"] + p["b"]

    def backward(d):
        return returned(d @ p["W"].T, dW_of(cache["x"], d), d.sum(0))

    return forward, backward


@pytest.mark.parametrize(
    "returned",
    [
        lambda dx, dW, db: (dx, {"W": dW, "b": db}),
        lambda dx, dW, db: {"x": dx, "dW": dW, "db": db},
        lambda dx, dW, db: (dx, dW, db),
        lambda dx, dW, db: ([dW, db], dx),
    ],
)
@pytest.mark.parametrize("size", [1, 3])
def test_gradients_that_a_pair_returns_of_what_it_closes_over_are_said_to_be_unchecked(
    returned, size
) -> None:
    generator = np.random.default_rng(size)
    x, W, b = (generator.standard_normal(shape) for shape in ((size, size), (size, size), size))
    names = ("p['W']", "p['b']")
    report = check(over(W, b, returned), x)
    assert (report.verdict, report.unchecked) == ("inconclusive", names)
    assert check(over(W, b, returned), x, params=dict.fromkeys(names)).ok
    forward, backward = over(W, b, returned)
    forward(x)  # what it remembers of a pass before is nothing that it is given
    assert check((forward, backward), x).unchecked == names


def test_by_its_name_the_gradient_of_a_square_input_is_told_from_that_of_a_closure() -> None:
    x, W, cache = X[:3], np.random.default_rng(1).standard_normal((3, 3)), {}

    def forward(x):
        cache["x"] = x
        return x @ W

    def backward(d):
        dW, dx = cache["x"].T @ d, d @ W.T
        return dW, dx

    assert check((forward, backward), x, params={"W": None}).ok
    assert check((forward, backward), x).unchecked == ("W",)


def forward_of_three(x, W, b):
    return x @ W + b, (x, W)


def parameters_and(*missing):
    """A dict of parameters, and a pair whose backward returns no gradient of those that are ``missing``."""

    def forward(x, parameters):
        z = x @ parameters["W"] + parameters["b"]
        return np.tanh(z), (x, parameters, z)

    def backward(d, cache):
        x, parameters, z = cache
        dz = d * (1 - np.tanh(z) ** 2)
        gradients = {"W": dW_of(x, dz), "b": dz.sum(0)}
        return dx_of(dz, parameters["W"]), {k: v for k, v in gradients.items() if k not in missing}

    return (forward, backward), {"W": weights(), "b": bias(), "eps": 1e-5}


@pytest.mark.parametrize("n", [1, 4])
def test_an_argument_of_a_pair_without_gradient_leaves_the_check_inconclusive(n) -> None:
    def backward(dout, cache):
        x, W = cache
        return dx_of(dout, W), dW_of(x, dout)

    pair, inputs = (forward_of_three, backward), (X[:n], weights(), bias())
    report = check(pair, *inputs)
    assert (report.verdict, report.unchecked) == ("inconclusive", ("b",))
    assert check(pair, *inputs, params={"b": None}).ok
    assert check(pair, *inputs, argnums=(0, 1)).ok


@pytest.mark.parametrize("missing", ["W", "b"])
def test_of_a_dict_of_parameters_what_has_no_gradient_is_said(missing) -> None:
    pair, parameters = parameters_and(missing)
    report = check(pair, X, parameters)
    assert (report.verdict, report.unchecked) == ("inconclusive", (f"parameters['{missing}']",))
    assert {leaf.verdict for leaf in report.leaves} == {"pass"}
    assert len(report.leaves) == 2
    assert check(pair, X, parameters, params={f"parameters['{missing}']": None}).ok
    assert check(parameters_and()[0], X, parameters).ok


def test_what_the_output_does_not_depend_on_needs_no_gradient() -> None:
    pair = (lambda x, W, unused: x @ W, lambda d, x, W, unused: (dx_of(d, W), dW_of(x, d)))
    assert check(pair, X, weights(), np.ones(3)).ok


def test_a_backward_that_leaves_no_gradient_anywhere_is_not_called_wrong() -> None:
    class StepsByItsOwnRule(Unpaired):
        def backward(self, d):
            self.W = self.W - 0.01 * np.sign(dW_of(self.x, d))

    report = check(StepsByItsOwnRule())
    assert (report.verdict, report.unchecked) == ("inconclusive", ("W", "b", "x"))
    assert "no gradient was found for W, b, x" in report.reasons[0]


OUTSIDE = {"W": weights()}


def test_arrays_that_a_layer_finds_outside_itself_are_said_to_be_given() -> None:
    class Outside:
        def forward(self, x):
            return x @ OUTSIDE["W"]

        def backward(self, d):
            return d @ OUTSIDE["W"].T

    assert "taken as given OUTSIDE" in check(Outside()).subject


W = np.ones(3)


def test_an_attribute_is_no_global_of_the_same_name() -> None:
    class Product:
        def __init__(self):
            self.W = weights()

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, d):
            self.dW = dW_of(self.x, d)
            return dx_of(d, self.W)

    assert "taken as given" not in check(Product()).subject


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0.0)


@pytest.mark.parametrize(
    ("f", "of_output"),
    [
        (sigmoid, lambda y: y * (1 - y)),
        (sigmoid, lambda out: out * (1 - out)),
        (np.tanh, lambda a: 1 - a**2),
        (relu, lambda y: (y > 0).astype(float)),
    ],
)
@pytest.mark.parametrize("size", [1, 3])
def test_a_function_of_the_output_is_its_derivative_where_it_is_no_pullback(f, of_output, size) -> None:
    def forward(x):
        return f(x)

    x = np.random.default_rng(4).standard_normal((size, size))
    assert check((forward, of_output), x).ok
    assert check((forward, lambda y: 1.5 * of_output(y)), x).verdict == "fail"
    kind = type(
        "Activation", (), {"forward": lambda self, x: f(x), "derivative": lambda self, y: of_output(y)}
    )
    assert check(kind(), x).ok


def test_the_derivative_of_the_identity_passes_over_what_it_is_given() -> None:
    def linear_derivative(x):
        return np.ones_like(x)

    def backward(u):
        return np.ones_like(u)

    def wrong_derivative(x):
        return np.full_like(x, 1.5)

    def linear(x):
        return 1.0 * x

    assert check((linear, linear_derivative)).ok
    assert check((linear, wrong_derivative)).verdict == "fail"
    assert check((linear, backward)).verdict == "fail"


def of_closures(factor):
    W, b, grads = weights(), bias(), {}
    kept = {}

    def forward(x):
        kept["x"] = x
        return x @ W + b

    def backward(d):
        grads.update(W=factor * kept["x"].T @ d, b=d.sum(0))
        return d @ W.T

    return SimpleNamespace(forward=forward, backward=backward, params={"W": W, "b": b}, grads=grads)


def of_methods(factor):
    W, b = weights(), bias()

    class Dense:
        def __init__(self):
            self.W, self.b = W, b

        def forward(self, x):
            self.x = x
            return x @ W + b

        def backward(self, d):
            self.dW, self.db = factor * self.x.T @ d, d.sum(0)
            return d @ W.T

    return Dense()


@pytest.mark.parametrize("factor", [1.0, 7.0])
@pytest.mark.parametrize("make", [of_closures, of_methods])
def test_parameters_that_forward_finds_in_a_closure_are_not_accused_of_their_gradient(make, factor) -> None:
    """They are kept by the layer, too, but to move them there moves nothing."""
    report = gradcheck.check_layer(make(factor), X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "W, b not checked" in str(report)
    assert {leaf.path: leaf.verdict for leaf in report.leaves} == {"x": "pass"}
