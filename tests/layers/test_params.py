"""``params=`` and ``argnums=``: what a user names of a layer, by what it is called in a report or by its place."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.layers.attributes import PrefixD
from tests.layers.making import Unpaired, bias, check, dW_of, dx_of, weights


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


def test_the_gradient_of_an_input_can_be_named_too() -> None:
    class Leaves(PrefixD):
        def backward(self, d):
            self.upstream = super().backward(d)

    assert check(Leaves()).unchecked == ("x",)
    assert check(Leaves(), params={"x": "upstream"}).ok
    assert check(Leaves(), params={"x": lambda layer: 2 * layer.upstream}).verdict == "fail"
    with pytest.raises(ValueError, match="'nowhere' for x, which the layer does not have after backward"):
        check(Leaves(), params={"x": "nowhere"})
