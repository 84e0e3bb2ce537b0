"""Gradients that are left where no copy of a layer has them: in closures, globals, attributes of functions."""

import re
import weakref
from functools import partial, wraps
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import gradcheck
from tests.layers.making import bias, dense_input, square, weights

(X,) = dense_input()


def leaves_it_in_a_closure(factor):
    W, dW, seen = weights(), None, None

    def forward(x):
        nonlocal seen
        seen = x
        return x @ W

    def backward(d):
        nonlocal dW
        dW = factor * seen.T @ d
        return d @ W.T

    return forward, backward


def leaves_it_in_a_dict(factor):
    params, grads, cache = {"W": weights()}, {}, {}

    def forward(x):
        cache["x"] = x
        return x @ params["W"]

    def backward(d):
        grads["W"] = factor * cache["x"].T @ d
        return d @ params["W"].T

    return forward, backward


def leaves_it_in_its_attributes(factor):
    def forward(x):
        forward.x = x
        return x @ forward.W

    def backward(d):
        backward.dW = factor * forward.x.T @ d
        return d @ forward.W.T

    forward.W = weights()
    return forward, backward


def leaves_it_in_a_global(factor):
    space = {"W": weights(), "factor": factor}
    exec(
        """
def forward(x):
    global seen
    seen = x
    return x @ W

def backward(d):
    global dW
    dW = factor * seen.T @ d
    return d @ W.T
""",
        space,
    )
    return space["forward"], space["backward"]


class Leaves:
    def __init__(self, factor):
        self.W, self.factor = weights(), factor

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        self.dW = self.factor * self.x.T @ d
        return d @ self.W.T


def leaves_it_in_a_layer_inside(factor):
    layer = Leaves(factor)
    return lambda x: layer.forward(x), lambda d: layer.backward(d)


def returns_that_of_a_layer_inside(factor):
    layer = Leaves(factor)
    return lambda x: layer.forward(x), lambda d: (layer.backward(d), layer.dW)


def functions_as_methods(factor):
    forward, backward = leaves_it_in_a_closure(factor)
    return SimpleNamespace(forward=forward, backward=backward)


LEFT_OUTSIDE = {
    leaves_it_in_a_closure: "W",
    leaves_it_in_a_dict: "params['W']",
    leaves_it_in_its_attributes: "W",
    leaves_it_in_a_global: "W",
    leaves_it_in_a_layer_inside: "layer.W",
    returns_that_of_a_layer_inside: "layer.W",
    functions_as_methods: "W",
}


@pytest.mark.parametrize("factor", [1.0, 7.0])
@pytest.mark.parametrize("make", LEFT_OUTSIDE)
def test_a_gradient_that_functions_leave_outside_is_not_passed_over(make, factor) -> None:
    report = gradcheck.check_layer(make(factor), X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert f"no gradient was found for {LEFT_OUTSIDE[make]}, on which" in report.reasons[0]
    assert gradcheck.check_layer(make(factor), X, params={LEFT_OUTSIDE[make]: None}).ok


def test_arrays_that_functions_find_outside_are_data_where_no_gradient_of_them_is_left() -> None:
    A, seen, dz = square(1), None, None

    def forward(x):
        nonlocal seen
        seen = x @ A
        return np.tanh(seen)

    def backward(d):
        nonlocal dz
        dz = d * (1 - np.tanh(seen) ** 2)
        return dz @ A.T

    for _ in range(2):  # what was kept at the first is there at the second
        assert gradcheck.check_layer((forward, backward), X).ok


class Affine:
    def __init__(self, factor):
        self.W, self.b, self.factor = weights(), bias(), factor

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = self.factor * self.x.T @ d, d.sum(0)
        return d @ self.W.T


class Back:
    def __init__(self, ahead):
        self.ahead = ahead

    def backward(self, d):
        self.dW, self.db = self.ahead.factor * self.ahead.x.T @ d, d.sum(0)
        return d @ self.ahead.W.T

    __call__ = backward


def of_a_default(factor):
    own = Affine(factor)
    return lambda x, own=own: own.forward(x), lambda d, own=own: own.backward(d)


def of_two_objects(factor):
    own = Affine(factor)
    return own.forward, Back(own).backward


def of_an_object_that_is_called(factor):
    own = Affine(factor)
    return own.forward, Back(own)


def of_partial_functions(factor):
    own = Affine(factor)
    return partial(Affine.forward, own), partial(Affine.backward, own)


@pytest.mark.parametrize(
    "pair", [of_a_default, of_two_objects, of_an_object_that_is_called, of_partial_functions]
)
def test_a_gradient_left_in_what_functions_were_given_before_is_no_pass_of_the_input_alone(pair) -> None:
    for factor in (1.0, 7.0):
        report = gradcheck.check_layer(pair(factor), X, raise_on_failure=False)
        assert report.verdict == "inconclusive"
        assert "W" in report.reasons[0]


def methods_of_a_class(factor):
    class Layer:
        W, b = weights(), bias()

        @classmethod
        def forward(cls, x):
            cls.x = x
            return x @ cls.W + cls.b

        @classmethod
        def backward(cls, d):
            cls.dW, cls.db = factor * cls.x.T @ d, d.sum(0)
            return d @ cls.W.T

    return Layer


def static_methods(factor):
    class Layer:
        W, b = weights(), bias()

        @staticmethod
        def forward(x):
            Layer.x = x
            return x @ Layer.W + Layer.b

        @staticmethod
        def backward(d):
            Layer.dW, Layer.db = factor * Layer.x.T @ d, d.sum(0)
            return d @ Layer.W.T

    return Layer


def pair_of_a_class(factor):
    layer = methods_of_a_class(factor)
    return layer.forward, layer.backward


def pair_of_static_methods(factor):
    layer = static_methods(factor)
    return layer.forward, layer.backward


def static_layer(factor):
    return static_methods(factor)()


def logged(function):
    @wraps(function)
    def inner(*args):
        return function(*args)

    return inner


def wrapped_methods(factor):
    own = Affine(factor)
    return logged(own.forward), logged(own.backward)


def helpers_one_call_deeper(factor):
    own = Affine(factor)

    def ahead(x):
        return own.forward(x)

    def back(d):
        return own.backward(d)

    return lambda x: ahead(x), lambda d: back(d)


class Chain:
    """Functions in lists, those of each layer over a variable of the same name."""

    def __init__(self, *layers):
        pairs = [self.of(layer) for layer in layers]
        self.ahead, self.back = [one for one, _ in pairs], [one for _, one in pairs][::-1]

    def of(self, layer):
        return lambda x: layer.forward(x), lambda d: layer.backward(d)

    def forward(self, x):
        for one in self.ahead:
            x = one(x)
        return x

    def backward(self, d):
        for one in self.back:
            d = one(d)
        return d


def functions_in_lists(factor):
    return Chain(Affine(factor))


def by_methods(forward, backward):
    class Layer:
        def forward(self, x):
            return forward(x)

        def backward(self, d):
            return backward(d)

    return Layer()


def methods_over_a_closure(factor):
    return by_methods(*leaves_it_in_a_closure(factor))


def methods_over_a_global(factor):
    return by_methods(*leaves_it_in_a_global(factor))


def kept_under(leave):
    """A pair of functions that keeps gradients as ``leave`` does."""

    def make(factor):
        W, b, cache = weights(), bias(), {}
        store = {"list": [], "dict": {}}

        def forward(x):
            cache["x"] = x
            return x @ W + b

        def backward(d):
            leave(store, factor * cache["x"].T @ d, d.sum(0))
            return d @ W.T

        return forward, backward

    return make


def appended_together(store, dW, db):
    store["list"].append((dW, db))


def under_other_names(store, dW, db):
    store["dict"]["grad_weights"], store["dict"]["first"] = dW, db


def in_one_vector(store, dW, db):
    store["list"][:] = [np.concatenate([dW.ravel(), db])]


def in_a_module(factor):
    kept = ModuleType("kept")
    kept.W, kept.b = weights(), bias()

    def forward(x):
        kept.x = x
        return x @ kept.W + kept.b

    def backward(d):
        kept.dW, kept.db = factor * kept.x.T @ d, d.sum(0)
        return d @ kept.W.T

    return forward, backward


def behind_a_weak_reference(factor):
    layer = Affine(factor)
    ALIVE.append(layer)
    weak = weakref.ref(layer)
    return lambda x: weak().forward(x), lambda d: weak().backward(d)


ALIVE = []


WIDER = [
    in_a_module,
    behind_a_weak_reference,
    kept_under(in_one_vector),
    pair_of_a_class,
    pair_of_static_methods,
    static_layer,
    wrapped_methods,
    helpers_one_call_deeper,
    functions_in_lists,
    methods_over_a_closure,
    methods_over_a_global,
    kept_under(appended_together),
    kept_under(under_other_names),
]


@pytest.mark.parametrize("factor", [1.0, 7.0])
@pytest.mark.parametrize("make", WIDER)
def test_a_gradient_left_further_off_or_under_any_name_is_not_passed_over(make, factor) -> None:
    layer = make(factor)
    report = gradcheck.check_layer(layer, X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    (names,) = re.findall(r"no gradient was found for (.*), on which", report.reasons[0])
    assert "W" in names
    assert gradcheck.check_layer(layer, X, params=dict.fromkeys(names.split(", "))).ok


def test_layers_that_functions_call_alike_are_told_apart() -> None:
    first, second = Affine(1.0), Affine(7.0)
    second.W, second.b = weights().T.copy(), np.ones(3)
    report = gradcheck.check_layer(Chain(first, second), X, raise_on_failure=False)
    assert "layer.W, layer.b, layer#2.W, layer#2.b" in report.reasons[0]


def test_arrays_outside_are_as_they_were() -> None:
    W, left = weights(), {}
    held = W.copy()

    def forward(x):
        left["x"] = x
        return x @ W

    def backward(d):
        left["of the first"] = left["x"].T @ d
        return d @ W.T

    assert gradcheck.check_layer((forward, backward), X, raise_on_failure=False).verdict == "inconclusive"
    np.testing.assert_array_equal(W, held)
    W.flags.writeable = False
    assert gradcheck.check_layer((forward, backward), X, raise_on_failure=False).verdict == "inconclusive"


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (4, 3), (1, 3)])
@pytest.mark.parametrize("width", [3, 4])
def test_what_has_the_shape_of_data_by_chance_is_no_gradient_of_it(shape, width) -> None:
    A, B, kept = np.cos(np.arange(3 * width)).reshape(3, width), square(1)[:, :3], {}
    B = np.resize(B, (width, width))

    def forward(x):
        kept["x"], kept["h"] = x, np.tanh(x @ A)
        return kept["h"] @ B

    def backward(d):
        kept["d"], kept["dh"] = d, d @ B.T
        kept["dz"] = kept["dh"] * (1 - kept["h"] ** 2)
        kept["dx"] = kept["dz"] @ A.T
        return kept["dx"]

    x = np.sin(np.arange(np.prod(shape)) + 0.5).reshape(shape)
    assert gradcheck.check_layer((forward, backward), x).ok


def test_a_copy_of_a_gradient_that_is_checked_is_none_of_data() -> None:
    A, log = square(1), {}

    class Layer:
        def __init__(self):
            self.W = square(2)

        def forward(self, x):
            self.x = x
            return x @ self.W @ A

        def backward(self, d):
            self.dW = self.x.T @ (d @ A.T)
            log["last"] = self.dW.copy()
            return d @ A.T @ self.W.T

    assert gradcheck.check_layer(Layer(), np.resize(X, (5, len(A)))).ok
