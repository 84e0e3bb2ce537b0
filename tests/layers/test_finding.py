"""What a layer is found to be by running copies of it, and what is told of it."""

from typing import NamedTuple

import numpy as np
import pytest

import gradcheck
from gradcheck.anatomy.places import get, place_of, put, spelled
from tests.layers.attributes import Lazy, PrefixD
from tests.layers.courses import Regression, regression
from tests.layers.handed_out import PairsHandedOut
from tests.layers.made import MADE
from tests.layers.making import (
    Unpaired,
    bias,
    check,
    dense_input,
    dW_of,
    dx_of,
    square_input,
    weights,
)
from tests.layers.returned import ReturnsNumberedDicts
from tests.layers.shared_memory import TiedByAView
from tests.layers.states import BatchNorm
from tests.layers.steps import StepsBehindASlope, StepsByAttribute

(X,) = dense_input()


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


def test_what_backward_leaves_alone_is_not_said_to_be_changed_by_it() -> None:
    assert "backward itself changes" not in check(Unpaired()).subject


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


def test_where_there_is_nothing_to_check_the_error_says_why() -> None:
    with pytest.raises(
        TypeError, match=r"no parameter was found in it, and no input is floating-point.*x: int64"
    ):
        check(MADE["DerivativeOfEachEntry"].make(), np.array([1, 2]))
    with pytest.raises(TypeError, match="nothing to check"):
        check(MADE["DerivativeOfEachEntry"].make(), X, params={"x": None})


W = np.ones(3)


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


class StepsEverLess:
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
    report = gradcheck.check_layer(StepsEverLess(counts), X, raise_on_failure=False)
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
