"""What is said of a layer, what is left open, what the user can name, and that nothing of theirs is touched."""

import copy
import logging
import random
import threading
from types import SimpleNamespace
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

import gradcheck
from gradcheck.anatomy.copies import own_copy
from gradcheck.anatomy.places import get, place_of, put, spelled
from tests.layers.attributes import Lazy, PrefixD
from tests.layers.courses import Regression, regression
from tests.layers.handed_out import PairsHandedOut
from tests.layers.made import MADE
from tests.layers.making import bias, dense_input, dW_of, dx_of, square, square_input, weights
from tests.layers.returned import ReturnsNumberedDicts
from tests.layers.shared_memory import TiedByAView
from tests.layers.states import BatchNorm
from tests.layers.steps import StepsBehindASlope, StepsByAttribute

(X,) = dense_input()


class Unpaired:
    """Its gradients are where nobody looks for them."""

    def __init__(self):
        self.W, self.b, self.kept = weights(), bias(), {}

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.kept = {"one": dW_of(self.x, d), "two": d.sum(0)}
        return dx_of(d, self.W)


class WithTable(PrefixD):
    def __init__(self):
        super().__init__()
        self.table = np.linspace(0.0, 1.0, 6).reshape(3, 2)

    def forward(self, x):
        self.x = x
        return x @ (self.W + self.table) + self.b

    def backward(self, d):
        super().backward(d)
        return d @ (self.W + self.table).T


def check(layer, *inputs, **options):
    return gradcheck.check_layer(layer, *(inputs or (X,)), raise_on_failure=False, **options)


def test_the_first_lines_say_what_was_taken_for_what() -> None:
    first = str(check(BatchNorm())).split("\n\n")[1].replace("\n", " ")
    assert first == (
        "forward/backward of BatchNorm; parameters gamma, beta; gradients in dgamma, dbeta; taken as given "
        "running_mean, running_var"
    )
    assert "of its outputs the first one alone" in check(MADE["ReturnsItsMap"].make()).subject
    assert "outputs" not in check(MADE["KeepsNothing"].make()).subject
    report = check(MADE["PairWithSettings"].make(), *MADE["PairWithSettings"].inputs())
    assert "taken as given bn_param" in report.subject


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (None, "in dW, returned by backward"),
        ({"W": "returned_dW"}, "in returned_dW, returned by backward"),
        ({"W": lambda layer: layer.dW}, "where params says, returned by backward"),
    ],
)
def test_where_gradients_are_is_told_in_words_whatever_their_names(params, told) -> None:
    class Mixed(PrefixD):
        def backward(self, d):
            self.dW = self.returned_dW = dW_of(self.x, d)
            return dx_of(d, self.W), {"b": d.sum(axis=0)}

    subject = gradcheck.check_layer(Mixed(), X, params=params).subject
    assert subject.endswith(f"; parameters W, b; gradients {told}")


def test_an_array_that_matters_and_has_no_gradient_leaves_the_check_inconclusive() -> None:
    report = check(Unpaired())
    assert report.verdict == "inconclusive"
    assert report.unchecked == ("W", "b")
    assert {leaf.path: leaf.verdict for leaf in report.leaves} == {"x": "pass"}
    assert str(report).startswith("inconclusive: the backward pass is right for x; W, b not checked")
    assert "params={'W': None}" in report.reasons[0]
    assert report.to_dict()["unchecked"] == ["W", "b"]


def test_a_wrong_input_gradient_fails_whatever_else_was_not_checked() -> None:
    class Wrong(Unpaired):
        def backward(self, d):
            return 2 * super().backward(d)

    report = check(Wrong())
    assert report.verdict == "fail"
    assert any("no gradient was found for W, b" in note for note in report.notes)


@pytest.mark.parametrize(
    "params",
    [
        {"W": "kept['one']", "b": "kept['two']"},
        {"W": lambda layer: layer.kept["one"], "b": lambda layer: layer.kept["two"]},
        {"W": "kept['one']", "b": lambda layer: layer.kept["two"]},
    ],
)
def test_params_names_places_and_functions(params) -> None:
    report = check(Unpaired(), params=params)
    assert report.ok, report
    assert {leaf.path for leaf in report.leaves} == {"W", "b", "x"}


def test_params_names_whole_containers() -> None:
    class Boxes:
        def __init__(self):
            self.box = [weights(), bias()]

        def forward(self, x):
            self.x = x
            return x @ self.box[0] + self.box[1]

        def backward(self, d):
            self.other = [2 * dW_of(self.x, d), d.sum(0)]
            return dx_of(d, self.box[0])

    report = check(Boxes(), params={"box": "other"})
    assert {leaf.path: leaf.verdict for leaf in report.leaves} == {
        "box[0]": "fail",
        "box[1]": "pass",
        "x": "pass",
    }


def test_an_array_can_be_said_to_be_no_parameter() -> None:
    assert check(WithTable()).unchecked == ("table",)
    report = check(WithTable(), params={"table": None})
    assert report.ok
    assert {leaf.path for leaf in report.leaves} == {"W", "b", "x"}


class Boxed:
    """Its parameter is an object in a dict, its gradient where nobody looks for it."""

    def __init__(self):
        self.params = {"W": SimpleNamespace(value=weights())}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"].value

    def backward(self, d):
        self.kept = {"one": dW_of(self.x, d)}
        return dx_of(d, self.params["W"].value)


@pytest.mark.parametrize("name", ["W", "params['W']", "params['W'].value"])
def test_params_takes_the_names_that_a_report_gives_and_objects_on_the_way(name) -> None:
    assert check(Boxed()).unchecked == ("W",)
    left_out, found = check(Boxed(), params={name: None}), check(Boxed(), params={name: "kept['one']"})
    assert left_out.ok
    assert found.ok
    assert {leaf.path for leaf in found.leaves} == {"W", "x"}


def test_params_takes_names_inside_a_layer_inside() -> None:
    class Outer:
        def __init__(self):
            self.inner = Boxed()

        def forward(self, x):
            return self.inner.forward(x)

        def backward(self, d):
            return self.inner.backward(d)

    (name,) = check(Outer()).unchecked
    assert check(Outer(), params={name: None}).ok
    assert check(Outer(), params={"inner": None}).ok
    assert check(Outer(), params={name: "inner.kept['one']"}).ok


def test_what_backward_leaves_alone_is_not_said_to_be_changed_by_it() -> None:
    assert "backward itself changes" not in check(Unpaired()).subject


def test_argnums_chooses_and_leaves_out_the_rest_by_that() -> None:
    report = check(Unpaired(), argnums=0)
    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["x"]
    assert [leaf.path for leaf in check(PrefixD(), argnums=(0, 2)).leaves] == ["W", "x"]
    assert [leaf.path for leaf in check(PrefixD(), argnums=-1).leaves] == ["x"]


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"V": "dV"}, ValueError, "'V', which PrefixD does not have; its arrays are W, b$"),
        ({"W": "nowhere"}, ValueError, "after backward; its arrays are W, b, x, dW, db$"),
        ({"W": "d W"}, ValueError, "names no place"),
        (["W"], TypeError, "params must map"),
        ({0: "dW"}, TypeError, "params must map the name of each parameter"),
        ({"": None}, ValueError, "'' names no place"),
        ({"W": ""}, ValueError, "'' names no place"),
    ],
)
def test_what_params_names_must_be_there(params, error, words) -> None:
    with pytest.raises(error, match=words):
        check(PrefixD(), params=params)


def test_of_a_pair_too_what_params_names_must_be_there() -> None:
    def twice(x):
        return 2 * x

    with pytest.raises(ValueError, match="'V', which twice/twice does not have"):
        check((twice, twice), params={"V": None})


def test_what_is_no_layer_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="got the class PrefixD"):
        check(PrefixD)
    with pytest.raises(TypeError, match="has no method 'forward'"):
        check(object())
    with pytest.raises(TypeError, match="has no method 'backward'"):
        check(type("Half", (), {"forward": lambda self, x: x})())


class OfATuple(NamedTuple):
    W: np.ndarray
    slope: float = 0.1

    def forward(self, x):
        return np.where(x > 0, x, self.slope * x) @ self.W

    def backward(self, d, x):
        return OfATuple(np.where(x > 0, x, self.slope * x).T @ d, 0.0), d @ self.W.T * np.where(
            x > 0, 1, self.slope
        )


class WithoutArrays(NamedTuple):
    slope: float = 0.1

    def forward(self, x):
        return np.where(x > 0, x, self.slope * x)

    def backward(self, d, x):
        return d * np.where(x > 0, 1, self.slope)


def test_of_a_layer_that_is_a_tuple_it_is_said_how_to_have_it_checked() -> None:
    with pytest.raises(
        TypeError, match=r"got OfATuple, which is a tuple: pass two functions that take it.*forward\(x\)"
    ):
        check(OfATuple(weights()))
    as_told = (lambda layer, x: layer.forward(x), lambda d, layer, x: layer.backward(d, x))
    report = gradcheck.check_layer(as_told, OfATuple(weights()), X, argnums=(0, 1), raise_on_failure=False)
    assert {leaf.path: str(leaf.verdict) for leaf in report.leaves} == {
        "layer[0]": "pass", "layer[1]": "fail", "x": "pass"
    }  # fmt: skip
    assert check(WithoutArrays()).ok


def test_what_forward_or_backward_raises_is_told() -> None:
    class Raises(PrefixD):
        def backward(self, d):
            raise KeyError("no such mask")

    report = check(Raises())
    assert report.verdict == "fail"
    assert "no such mask" in str(report)
    report = check(PrefixD(), X.T)
    assert report.verdict == "inconclusive"
    assert "forward raised ValueError" in report.reasons[0]


def test_the_layer_and_the_random_state_are_left_alone() -> None:
    for name in ("Accumulates", "StepsByRate", "LongWords", "DenseWithDropout", "BatchNorm"):
        layer = MADE[name].make()
        kept = copy.deepcopy(vars(layer))
        legacy, standard = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - it is what is looked at
        check(layer, *MADE[name].inputs())
        assert str(vars(layer)) == str(kept)
        assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002
        assert random.getstate() == standard


def test_a_step_that_is_more_than_a_gradient_is_not_taken_for_one() -> None:
    class Adaptive(MADE["StepsByAttribute"].make):
        def backward(self, d):
            dx, g = d @ self.W.T, self.x.T @ d
            self.W = self.W - self.lr * g / (np.abs(g) + 1e-8)
            return dx

    report = check(Adaptive())
    assert report.verdict == "inconclusive"
    assert report.unchecked == ("W", "b")
    assert "backward itself changes W" in report.subject


def test_weights_made_in_the_first_pass_are_those_that_are_checked() -> None:
    layer = Lazy()
    report = check(layer)
    assert {leaf.path for leaf in report.leaves} == {"W", "b", "x"}
    assert layer.W is None


def test_single_precision_stays_so() -> None:
    layer = PrefixD()
    layer.W, layer.b = layer.W.astype(np.float32), layer.b.astype(np.float32)
    report = check(layer, X.astype(np.float32))
    assert report.ok
    assert {leaf.dtype for leaf in report.leaves} == {"float32"}


@pytest.mark.parametrize("text", ["W", "layers[0].W", "grads['dW']", "a.b['c d'][2].e", "params()['W']"])
def test_places_are_spelled_as_they_are_read(text) -> None:
    assert spelled(place_of(text)) == text


def test_an_array_is_put_into_a_tuple_by_making_it_anew() -> None:
    layer = MADE["NamedTuples"].make()
    put(layer, place_of("params[1]"), np.zeros(2))
    assert type(layer.params).__name__ == "Parameters"
    assert not get(layer, place_of("params[1]")).any()


def test_a_summary_that_backward_returns_is_no_gradient_of_the_input() -> None:
    class Summary(PrefixD):
        def backward(self, d):
            super().backward(d)
            return [{"W": self.dW, "b": self.db}]

    report = check(Summary())
    assert report.verdict == "inconclusive"
    assert report.unchecked == ("x",)
    assert {leaf.path: leaf.verdict for leaf in report.leaves} == {"W": "pass", "b": "pass"}


def test_what_a_layer_leads_to_does_it_no_harm() -> None:
    class Broken:
        @property
        def params(self):
            raise RuntimeError("not connected")

        def gradients(self):
            raise RuntimeError("not connected")

    class Wired(PrefixD):
        def __init__(self):
            super().__init__()
            self.log, self.broken, self.itself = logging.getLogger("layers"), Broken(), self

    assert check(Wired()).ok


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


def test_no_method_is_called_on_the_users_own_layer() -> None:
    class Counts(PrefixD):
        asked = 0

        def grads(self):
            self.asked += 1
            return [self.dW, self.db]

    layer = Counts()
    for one in (layer, MADE["CannotBeCopied"].make()):
        assert check(one).ok
    assert layer.asked == 0
    locked = MADE["CannotBeCopied"].make()
    check(locked)
    assert not locked.dW.any()


@pytest.mark.parametrize("name", ["print_params_and_grads", "zero_grad_params", "update_params_with_grads"])
def test_a_method_that_does_something_with_parameters_and_gradients_hands_out_none(name) -> None:
    asked = []
    kind = type("Dense", (PairsHandedOut,), {name: lambda self: asked.append(name)})
    assert check(kind()).ok
    assert asked == []


def test_a_gradient_of_zeros_keeps_its_place_in_a_list() -> None:
    class Forgets:
        """The gradient of the first weight is not written."""

        def __init__(self):
            self.first, self.second = weights(), 2 * weights()
            self.grads = [np.zeros((3, 2)), np.zeros((3, 2))]

        def forward(self, x):
            self.x = x
            return x @ self.first + x**2 @ self.second

        def backward(self, d):
            self.grads[1][...] = dW_of(self.x**2, d)
            return d @ self.first.T + 2 * self.x * (d @ self.second.T)

    assert [(leaf.path, leaf.verdict) for leaf in check(Forgets()).leaves] == [
        ("first", "fail"),
        ("second", "pass"),
        ("x", "pass"),
    ]


def test_arrays_of_its_class_are_not_stepped() -> None:
    class Stepping:
        W = weights()

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, d, lr):
            dx = d @ self.W.T
            self.W -= lr * (self.x.T @ d)
            return dx

    assert {leaf.path for leaf in check(Stepping()).leaves} == {"W", "x"}
    assert np.array_equal(Stepping.W, weights())


def test_what_a_function_inside_backward_returns_is_not_taken_for_its_own() -> None:
    def forward(A, B, C):
        return np.sum(A * B * C)

    def claim(A, B, C):
        def pair(dB, dC):
            return dB, dC

        dA, dB = pair(B * C, A * C)
        return dA, dB

    args = [rng.standard_normal(3) for rng in map(np.random.default_rng, (1, 2, 3))]
    report = gradcheck.check_grad(forward, claim, *args)
    assert {leaf.path for leaf in report.leaves} == {"A", "B"}


def test_nothing_of_ours_stays_in_what_a_pair_remembers() -> None:
    history = []

    def forward(x):
        history.append(x)
        return np.maximum(x, 0)

    assert check((forward, lambda d: d * (history[-1] > 0)), X).ok
    assert {type(one) for one in history} == {np.ndarray}


class Two:
    def __init__(self, returned):
        rng = np.random.default_rng(1)
        self.first, self.second = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
        self.returned = returned

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.first)
        return self.h @ self.second

    def of_all(self, d):
        dz = d @ self.second.T * (1 - self.h**2)
        return dz @ self.first.T, self.x.T @ dz, self.h.T @ d

    def backward(self, d):
        return self.returned(*self.of_all(d))


class WritesThemOut(Two):
    def backward(self, d):
        all_three = self.of_all(d)
        return all_three[0], all_three[2], all_three[1]


@pytest.mark.parametrize(
    ("returned", "verdict"),
    [
        (lambda *all_three: all_three, "pass"),
        (lambda dx, *both: [dx, *both[::-1]], "inconclusive"),
        (lambda dx, *both: both[::-1], "inconclusive"),
    ],
)
def test_gradients_of_one_shape_without_names_come_in_the_order_of_the_parameters(returned, verdict) -> None:
    assert check(Two(returned)).verdict == verdict
    twice = lambda *all_three: returned(all_three[0], 2 * all_three[1], all_three[2])  # noqa: E731
    assert check(Two(twice)).verdict == "fail"


def test_gradients_that_are_written_out_side_by_side_are_no_list_in_another_order() -> None:
    assert check(WritesThemOut(None)).verdict == "fail"


class WritesPairs:
    """Two layers of one width, the last one's gradients ahead."""

    def __init__(self, times):
        self.times = times
        draw = np.random.default_rng(0).standard_normal
        self.W1, self.b1, self.W2, self.b2 = draw((3, 3)), draw(3), draw((3, 3)), draw(3)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def backward(self, d):
        dz = d @ self.W2.T * (1 - self.h**2)
        return [(self.h.T @ d, d.sum(0)), (self.times * self.x.T @ dz, dz.sum(0))]


def test_pairs_that_are_written_into_a_list_may_come_from_the_last() -> None:
    assert check(WritesPairs(1)).verdict == "inconclusive"
    assert check(WritesPairs(7)).verdict == "fail"


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


def test_it_is_said_that_gradients_of_inputs_are_returned_in_another_order_than_these_are_taken() -> None:
    def backward(d):
        dx, dh = d, 2 * d
        return dh, dx

    def in_order(d):
        dx, dh = d, 2 * d
        return dx, dh

    report = check((lambda x, h: x + 2 * h, backward), X, X)
    assert report.ok
    assert report.subject.endswith("; backward returns first that of h, then that of x")
    assert "returns" not in check((lambda x, h: x + 2 * h, in_order), X, X).subject


def test_lists_of_gradients_of_several_shapes_are_no_pair_of_value_and_gradient() -> None:
    class Network:
        def __init__(self):
            self.w = [weights().T @ weights(), weights()]
            self.b = [np.zeros((2, 1)), np.zeros((3, 1))]

        def feedforward(self, x):
            return self.w[1] @ np.tanh(self.w[0] @ x + self.b[0]) + self.b[1]

        def backprop(self, d):
            return [np.ones((2, 1)), np.ones((3, 1))], [np.ones((2, 2)), np.ones((3, 2))]

    assert check(Network(), np.ones((2, 1))).verdict in ("fail", "inconclusive")


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


def test_the_gradient_of_an_input_can_be_named_too() -> None:
    class Leaves(PrefixD):
        def backward(self, d):
            self.upstream = super().backward(d)

    assert check(Leaves()).unchecked == ("x",)
    assert check(Leaves(), params={"x": "upstream"}).ok
    assert check(Leaves(), params={"x": lambda layer: 2 * layer.upstream}).verdict == "fail"
    with pytest.raises(ValueError, match="'nowhere' for x, which the layer does not have after backward"):
        check(Leaves(), params={"x": "nowhere"})


def test_where_there_is_nothing_to_check_the_error_says_why() -> None:
    with pytest.raises(
        TypeError, match=r"no parameter was found in it, and no input is floating-point.*x: int64"
    ):
        check(MADE["DerivativeOfEachEntry"].make(), np.array([1, 2]))
    with pytest.raises(TypeError, match="nothing to check"):
        check(MADE["DerivativeOfEachEntry"].make(), X, params={"x": None})


class AddsUp(PrefixD):
    def __init__(self):
        super().__init__()
        self.dW, self.db = np.zeros((3, 2)), np.zeros(2)

    def backward(self, d):
        self.dW += dW_of(self.x, d)
        self.db += d.sum(0)
        return dx_of(d, self.W)


class CopiesToItself(AddsUp):
    def __deepcopy__(self, memo):
        return self


@pytest.mark.parametrize("make", [MADE["FunctionsOverTheLayer"].make, CopiesToItself])
def test_layers_that_are_hard_to_copy_are_left_alone(make) -> None:
    layer = make()
    names, kept = set(vars(layer)), {"W": layer.W, "b": layer.b}
    assert check(layer).ok
    assert set(vars(layer)) == names
    assert all(vars(layer)[name] is array for name, array in kept.items())
    assert not np.any(getattr(layer, "dW", 0.0))


OUTSIDE = {"W": weights()}


def test_arrays_that_a_layer_finds_outside_itself_are_said_to_be_given() -> None:
    class Outside:
        def forward(self, x):
            return x @ OUTSIDE["W"]

        def backward(self, d):
            return d @ OUTSIDE["W"].T

    assert "taken as given OUTSIDE" in check(Outside()).subject


W = np.ones(3)
"""A global that is called as an attribute of layers is."""


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


@pytest.mark.parametrize("name", ["out", "output", "a", "y"])
@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.5, "fail")])
def test_a_layer_of_one_entry_is_given_a_cotangent_not_the_output_that_it_keeps(
    name, returns, factor, verdict
) -> None:
    class Dense:
        def __init__(self):
            self.W, self.b = np.array([[0.7]]), np.array([0.2])

        def forward(self, x):
            self.x = x
            setattr(self, name, np.tanh(x @ self.W + self.b))
            return getattr(self, name) if returns else None

        def backward(self, dout):
            dz = dout * (1 - getattr(self, name) ** 2)
            self.dW, self.db = factor * self.x.T @ dz, dz.sum(0)
            return dz @ self.W.T

    for dtype in (np.float64, np.float32):
        assert check(Dense(), np.array([[0.4]], dtype)).verdict == verdict


def test_an_array_that_is_no_weight_keeps_a_gradient_of_its_shape_from_a_weight_of_another() -> None:
    class Unpacks:
        """Its weights are copies out of a vector, of which it keeps the gradient."""

        def __init__(self):
            self.flat = np.concatenate([weights().ravel(), bias()])
            self.W, self.b = self.flat[:6].reshape(3, 2).copy(), self.flat[6:].copy()

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, d):
            self.grad = np.concatenate([dW_of(self.x, d).ravel(), d.sum(0)])
            return dx_of(d, self.W)

    report = check(Unpacks())
    assert (report.verdict, report.unchecked) == ("inconclusive", ("W", "b"))


class Clips(Unpaired):
    def forward(self, x):
        self.W = np.clip(self.W, -5, 5)
        return super().forward(x)


class Decays(Unpaired):
    def forward(self, x):
        self.W *= 0.9
        return super().forward(x)


@pytest.mark.parametrize("make", [Clips, Decays])
def test_a_weight_that_forward_writes_is_a_weight_all_the_same(make) -> None:
    report = check(make())
    assert (report.verdict, set(report.unchecked)) == ("inconclusive", {"W", "b"})
    assert "backward itself changes" not in report.subject
    assert check(make(), params={"W": None, "b": None}).ok


def test_a_state_that_forward_goes_on_from_needs_a_gradient_or_to_be_left_out() -> None:
    class Goes(PrefixD):
        def __init__(self):
            super().__init__()
            self.h, self.mean = np.full((4, 2), 0.2), np.zeros(3)

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
            self.h = np.tanh(super().forward(x) + 0.5 * self.h)
            return self.h

        def backward(self, d):
            return super().backward(d * (1 - self.h**2))

    report = check(Goes())
    assert (report.verdict, report.unchecked) == ("inconclusive", ("h",))
    assert check(Goes(), params={"h": None}).ok


@pytest.mark.parametrize("name", ["ParametersCalledAsGradients", "EqualKeys", "GatedWithSuffixG"])
def test_parameters_are_told_in_the_order_in_which_they_are_kept(name) -> None:
    layer = MADE[name].make()
    kept = list(getattr(layer, "params", None) or vars(layer))
    told = [leaf.path for leaf in check(layer, *MADE[name].inputs()).leaves]
    assert [path for path in told if path in kept] == [path for path in kept if path in told]


def test_a_number_that_may_be_the_gradient_of_several_leaves_the_check_inconclusive() -> None:
    class Unnamed(Regression):
        def gradient(self, X, y):
            return self.both(X, y)

    report = check(Unnamed(), *regression())
    assert (report.verdict, report.unchecked) == ("inconclusive", ("strength", "b"))
    assert {leaf.path: leaf.verdict for leaf in report.leaves} == {"W": "pass"}
    assert check(Unnamed(), *regression(), params={"b": lambda layer: layer.both(*regression())[1]}).ok


@pytest.mark.parametrize("pad", [(), (0,)])
def test_a_number_where_an_array_is_due_is_a_gradient_of_the_wrong_shape(pad) -> None:
    class Sums(MADE["ReturnsAll"].make):
        def backward(self, d):
            return d @ self.W.T, self.x.T @ d, np.sum(d, keepdims=bool(pad))

    report = check(Sums())
    assert report.verdict == "fail"
    assert {one.leaf for one in report.diagnoses} == {"b"}


@pytest.mark.parametrize("x", [0.0, 1.0])
@pytest.mark.parametrize("w", [0.0, 0.5])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2)])
def test_a_gradient_of_zeros_is_not_the_output_again(x, w, shape) -> None:
    """At zeros both are equal, and only an output that is returned once more is no gradient."""

    def forward(X, W):
        return X @ W, (X, W)

    def backward(d, cache):
        return d @ cache[1].T, cache[0].T @ d

    assert gradcheck.check_layer((forward, backward), np.full(shape, x), np.full(shape, w)).ok


@pytest.mark.parametrize("name", ["loss", "cost", "compute_loss", "compute_cost", "calculate_loss"])
@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_whole_net_is_checked_by_its_loss_whatever_that_is_called(name, factor) -> None:
    draw = np.random.default_rng(0).standard_normal

    class Net:
        def __init__(self):
            self.W1, self.W2 = draw((3, 4)), draw((4, 2))

        def forward(self, X):
            self.X, self.h = X, np.tanh(X @ self.W1)
            return self.h @ self.W2

        def backward(self):
            self.dW2 = self.h.T @ self.d
            self.dW1 = factor * self.X.T @ (self.d @ self.W2.T * (1 - self.h**2))

    def loss(self, X, y):
        self.d = self.forward(X) - y
        return 0.5 * np.sum(self.d**2)

    setattr(Net, name, loss)
    report = gradcheck.check_layer(Net(), draw((5, 3)), draw((5, 2)), raise_on_failure=False)

    assert [leaf.path for leaf in report.leaves] == ["W1", "W2"]
    assert report.ok == (factor == 1.0)


def test_of_dicts_with_the_same_keys_the_one_with_the_shapes_of_the_weights_holds_theirs() -> None:
    class Unnamed(ReturnsNumberedDicts):
        def backward(self, d):
            dx, dW, db = self.gradients(d)
            return [db, dW, dx][::1]

    report = gradcheck.check_layer(Unnamed(), *square_input(), raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "no gradient was found for b[1], b[2]," in str(report)
    assert all(leaf.verdict == "pass" for leaf in report.leaves)


def test_a_copy_has_the_views_of_the_layer() -> None:
    class Views:
        def __init__(self):
            self.whole = np.arange(12.0).reshape(3, 4)
            self.back, self.column, self.T = self.whole[::-1], self.whole[:, 2], self.whole.T
            self.other = [self.whole.copy()]

    one = Views()
    own = own_copy(one)
    for name in ("back", "column", "T"):
        assert np.array_equal(getattr(own, name), getattr(one, name))
        assert np.shares_memory(own.whole, getattr(own, name))
        assert not np.shares_memory(one.whole, getattr(own, name))
    own.whole[1, 2] = -1.0
    assert own.back[1, 2] == own.column[1] == own.T[2, 1] == -1.0
    assert not np.shares_memory(own.whole, own.other[0])


def test_weights_in_a_store_that_is_not_copied_are_left_alone() -> None:
    class Store:
        def __init__(self):
            self.W, self.dW = weights(), np.zeros((3, 2))

        def __deepcopy__(self, memo):
            return self

    class Reads:
        def __init__(self, store):
            self.store = store

        def forward(self, x):
            self.x = x
            return x @ self.store.W

        def backward(self, d):
            self.store.dW = self.x.T @ d
            return d @ self.store.W.T

    store = Store()
    W, dW = store.W, store.dW
    assert {leaf.path for leaf in check(Reads(store)).leaves} == {"store.W", "x"}
    assert store.W is W
    assert store.dW is dW
    assert np.array_equal(W, weights())
    assert not dW.any()


def test_arrays_that_are_one_another_and_have_no_gradient_are_both_missed() -> None:
    class Nothing(TiedByAView):
        def backward(self, d):
            return None

    class InputAlone(TiedByAView):
        def backward(self, d):
            return (d @ self.W * (1 - self.h**2)) @ self.W.T

    assert {"W", "W_prime"} <= {*check(Nothing()).unchecked}
    assert {*check(InputAlone()).unchecked} == {"W", "W_prime", "b"}


@pytest.mark.parametrize("power", [0, 2, 3])
@pytest.mark.parametrize("name", ["backward", "gradient"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_cotangent_that_is_passed_over_or_squared_is_a_mistake_not_another_way_to_call(
    power, name, whole
) -> None:
    class Squares:
        def forward(self, x):
            self.x = x
            return np.sum(x**2) if whole else x**2

    setattr(Squares, name, lambda self, grad: 2 * self.x * grad**power)
    assert check(Squares()).verdict == "fail"
    setattr(Squares, name, lambda self, grad: 2 * self.x * grad)
    assert check(Squares()).ok


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


class AnswersAll(PrefixD):
    """Whatever it is asked for it has a function, how it is copied included."""

    def __getattr__(self, name):
        return lambda *args: None


class KeepsRecords(PrefixD):
    def __init__(self):
        super().__init__()
        self.records = np.zeros(2, dtype=[("loss", float), ("rate", float, 2)])


@pytest.mark.parametrize("kind", [AnswersAll, KeepsRecords])
def test_what_answers_to_all_or_keeps_records_is_a_layer_like_any(kind) -> None:
    report = check(kind())
    assert report.ok, report
    assert {leaf.path for leaf in report.leaves} == {"W", "b", "x"}


def test_a_slope_that_is_called_as_a_rate_is_hides_no_mistake() -> None:
    class Wrong(StepsBehindASlope):
        def slope(self):
            return 1.0

    assert gradcheck.check_layer(Wrong(), X, raise_on_failure=False).verdict == "fail"


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


def test_what_the_functions_of_a_layer_have_as_attributes_they_have_in_its_copies() -> None:
    class Dense:
        def __init__(self):
            def act(z):
                self.seen = z
                return np.tanh(z)

            act.slope = lambda z: 1 - np.tanh(z) ** 2
            self.W, self.act = weights(), act

        def forward(self, x):
            self.x, self.z = x, x @ self.W
            return self.act(self.z)

        def backward(self, d):
            d = d * self.act.slope(self.z)
            self.dW = self.x.T @ d
            return d @ self.W.T

    layer = Dense()
    report = gradcheck.check_layer(layer, X)
    assert {leaf.path for leaf in report.leaves} == {"W", "x"}
    assert next(one for one in report.oracles if one.name == "autograd").used
    assert not hasattr(layer, "seen")


class KeepsItApart:
    """What it keeps for backward is each thread's own, which no copy of it can have."""

    def __init__(self, factor=1.0):
        self.W, self.kept, self.factor = weights().astype(np.float32), threading.local(), np.float32(factor)

    def forward(self, x):
        self.kept.x, self.kept.h = x, np.tanh(x @ self.W)
        return self.kept.h

    def backward(self, d):
        d = d * (1 - self.kept.h**2)
        self.dW = self.factor * self.kept.x.T @ d
        return d @ self.W.T


def test_what_a_trace_left_where_no_copy_has_its_own_is_in_nobodys_way() -> None:
    x = X.astype(np.float32)
    assert gradcheck.check_layer(KeepsItApart(), x).ok
    assert gradcheck.check_layer(KeepsItApart(1.001), x, raise_on_failure=False).verdict == "fail"


class ListsByKind:
    def __init__(self, factor=1.0):
        rng = np.random.default_rng(0)
        self.model = {
            "W": [rng.standard_normal((3, 3)) for _ in "12"],
            "b": [rng.standard_normal(3) for _ in "12"],
        }
        self.grad, self.factor = {"W": [0, 0], "b": [0, 0]}, factor

    def forward(self, x):
        self.seen = [x]
        for W, b in zip(self.model["W"], self.model["b"], strict=True):
            self.seen.append(np.tanh(self.seen[-1] @ W + b))
        return self.seen[-1]

    def backward(self, d):
        for number in (1, 0):
            d = d * (1 - self.seen[number + 1] ** 2)
            self.grad["W"][number], self.grad["b"][number] = self.seen[number].T @ d, self.factor * d.sum(0)
            d = d @ self.model["W"][number].T
        return d


def test_lists_in_a_dict_are_told_by_their_keys_whatever_the_dict_is_called() -> None:
    assert {leaf.path for leaf in check(ListsByKind()).leaves} == {
        "model['W'][0]", "model['W'][1]", "model['b'][0]", "model['b'][1]", "x"
    }  # fmt: skip
    assert check(ListsByKind(7.0)).verdict == "fail"


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


class ByIdentity:
    """As an optimizer has it that is given any array."""

    def __init__(self, factor=1.0):
        self.W, self.b, self.grads, self.factor = weights(), bias(), {}, factor

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.grads[id(self.W)], self.grads[id(self.b)] = self.factor * self.x.T @ d, d.sum(0)
        return d @ self.W.T


def test_gradients_by_the_identity_of_their_parameter_are_not_accused_of_being_none() -> None:
    report = gradcheck.check_layer(ByIdentity(), X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "no gradient was found for W, b" in report.reasons[0]
    said = {"W": lambda layer: layer.grads[id(layer.W)], "b": lambda layer: layer.grads[id(layer.b)]}
    assert gradcheck.check_layer(ByIdentity(), X, params=said).ok
    assert gradcheck.check_layer(ByIdentity(7.0), X, params=said, raise_on_failure=False).verdict == "fail"


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


class PreparedByIdentity(ByIdentity):
    def __init__(self):
        super().__init__()
        self.grads = {id(one): np.zeros_like(one) for one in (self.W, self.b)}

    def backward(self, d):
        for one, gradient in ((self.W, self.x.T @ d), (self.b, d.sum(0))):
            self.grads[id(one)] += gradient
        return d @ self.W.T


def test_what_is_prepared_by_identity_is_so_in_each_copy() -> None:
    layer = PreparedByIdentity()
    keys = [*layer.grads]
    report = gradcheck.check_layer(layer, X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "no gradient was found for W, b" in report.reasons[0]
    assert [*layer.grads] == keys
    said = {"W": lambda layer: layer.grads[id(layer.W)], "b": lambda layer: layer.grads[id(layer.b)]}
    assert gradcheck.check_layer(layer, X, params=said).ok


class ByIdentityInItsClass(PreparedByIdentity):
    grads: ClassVar[dict[int, np.ndarray]] = {}

    def __init__(self):
        super().__init__()
        prepared = self.__dict__.pop("grads")
        self.grads.update(prepared)


def test_what_a_class_keeps_by_identity_is_as_it_was() -> None:
    layer = ByIdentityInItsClass()
    keys = [*layer.grads]
    assert gradcheck.check_layer(layer, X, raise_on_failure=False).verdict == "inconclusive"
    assert [*ByIdentityInItsClass.grads] == keys
    assert not any(map(np.any, layer.grads.values()))


class Decays:
    """The rate of its steps falls with each, by a count or by itself."""

    def __init__(self, counts):
        self.W, self.b, self.lr, self.t, self.counts = weights(), bias(), 0.1, 0, counts

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        dx = d @ self.W.T
        if self.counts:
            self.t += 1
        else:
            self.lr *= 0.9
        rate = self.lr / (1 + 0.01 * self.t)
        self.W, self.b = self.W - rate * self.x.T @ d, self.b - rate * d.sum(0)
        return dx


@pytest.mark.parametrize("counts", [True, False])
def test_steps_of_a_rate_that_falls_are_no_gradients_and_not_accused(counts) -> None:
    report = gradcheck.check_layer(Decays(counts), X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "no gradient was found for W, b" in report.reasons[0]


def test_steps_that_are_counted_are_gradients_where_their_rate_stays() -> None:
    class Counts(StepsByAttribute):
        count = 0

        def backward(self, d):
            self.count += 1
            return super().backward(d)

    report = gradcheck.check_layer(Counts(), X)
    assert {leaf.path for leaf in report.leaves} == {"W", "b", "x"}


class Climbs:
    """What it is given is ``target - output``, along which it steps."""

    def __init__(self, *signs):
        self.W, self.b, self.lr, self.signs = weights(), bias(), 0.1, signs

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, error):
        back = error @ self.W.T
        self.W = self.W + self.signs[0] * self.lr * self.x.T @ error
        self.b = self.b + self.signs[1] * self.lr * error.sum(0)
        return back


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [((1, 1), "inconclusive"), ((-1, -1), "pass"), ((1, -1), "fail"), ((7, 1), "fail")],
)
def test_steps_along_what_backward_is_given_may_be_meant(signs, verdict) -> None:
    report = check(Climbs(*signs))
    assert report.verdict == verdict
    assert verdict != "inconclusive" or "target - output" in report.reasons[0]


class PullbackOfJax:
    """Keeps what jax.vjp returned, arrays of JAX in it."""

    def __init__(self):
        self.W = weights()

    def forward(self, x):
        import jax

        y, self.pull = jax.vjp(lambda W, x: jax.numpy.tanh(x @ W), np.float32(self.W), np.float32(x))
        return np.asarray(y)

    def backward(self, d):
        dW, dx = self.pull(np.float32(d))
        self.dW = np.asarray(dW)
        return np.asarray(dx)


def test_a_layer_that_keeps_arrays_of_jax_is_checked() -> None:
    pytest.importorskip("jax")
    assert gradcheck.check_layer(PullbackOfJax(), X).ok
