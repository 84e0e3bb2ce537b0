"""Blind spots of what f finds outside its arguments: in closures, in its object, in the functions that it is given."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import gradcheck
from gradcheck.ask.callees import callees, data_named
from gradcheck.findings import Blind

ROLL = np.random.default_rng(3).standard_normal


def kinds(report: gradcheck.Report) -> set[Blind]:
    assert report.ok
    return {one.kind for one in report.unseen}


def linear(X, y):
    """A loss of the weights alone, the data in its closure."""
    return lambda w: np.mean(np.tanh(X @ w - y)), lambda w: X.T @ (1 - np.tanh(X @ w - y) ** 2) / len(X)


SYMMETRIC = ROLL((4, 4)) + 3 * np.eye(4)


@pytest.mark.parametrize(
    ("X", "kind"),
    [
        (ROLL((1, 4)), Blind.AXIS),
        (np.repeat(ROLL((1, 4)), 5, axis=0), Blind.ROWS),
        (np.repeat(ROLL((5, 1)), 4, axis=1), Blind.ROWS),
        (SYMMETRIC + SYMMETRIC.T, Blind.SYMMETRIC),
        (np.eye(4), Blind.SYMMETRIC),
        (np.ones((5, 4)), Blind.CONSTANT),
    ],
)
def test_what_is_special_about_data_in_a_closure_is_told(X, kind) -> None:
    assert kind in kinds(gradcheck.check_grad(*linear(X, ROLL(len(X))), ROLL(4)))


def test_of_data_in_a_closure_that_hide_nothing_nothing_is_told() -> None:
    for n in (3, 5, 8):
        assert not kinds(gradcheck.check_grad(*linear(ROLL((n, 4)), ROLL(n)), ROLL(4)))


@dataclass
class Model:
    """A loss of its own weights, in an object that keeps what it last computed."""

    X: np.ndarray
    decay: float
    training: bool
    last: np.ndarray | None = None

    def loss(self, w):
        self.last = np.zeros((3, 3))
        noise = 0.5 if self.training else 1.0
        return np.mean(np.tanh(self.X @ w)) * noise + self.decay * w @ w

    def grad(self, w):
        noise = 0.5 if self.training else 1.0
        return self.X.T @ (1 - np.tanh(self.X @ w) ** 2) / len(self.X) * noise + 2 * self.decay * w


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, set()),
        ({"X": ROLL((1, 3))}, {(Blind.AXIS, "self.X")}),
        ({"decay": 0.0}, {(Blind.CONSTANT, "self.decay")}),
        ({"training": False}, {(Blind.DROPOUT, "self.training")}),
    ],
)
def test_what_is_special_about_an_object_is_told_but_not_of_what_it_computed(data, told) -> None:
    model = Model(**{"X": ROLL((5, 3)), "decay": 0.1, "training": True} | data)
    found = gradcheck.check_grad(model.loss, model.grad, ROLL(3)).unseen
    assert {(one.kind, one.where) for one in found if one.kind is not Blind.BRANCH} == told


@pytest.mark.parametrize(("value", "word"), [(0.0, "b is zero"), (1.0, "b is one"), (0.3, "")])
@pytest.mark.parametrize("made", [float, np.float64, lambda value: np.array([value])])
def test_a_number_that_is_zero_or_one_is_told(made, value, word) -> None:
    X, y = ROLL((5, 3)), ROLL(5)

    def f(w, b):
        return np.mean((X @ w + b - y) ** 2) + np.sum(b**3)

    def claim(w, b):  # without 3 b^2
        return 2 * X.T @ (X @ w + b - y) / 5, 2 * np.mean(X @ w + b - y) + 0 * b

    report = gradcheck.check_grad(f, claim, ROLL(3), made(value), raise_on_failure=False)
    assert report.verdict == ("fail" if value else "inconclusive")
    told = [one.message for one in report.unseen if one.kind is Blind.CONSTANT]
    assert bool(told) == (value == 0.0)
    assert all(word.removeprefix("b ") in one and "the claim fails" in one for one in told)


def test_numbers_of_the_program_and_in_lists_are_no_part_of_the_point() -> None:
    space = {"np": np}
    exec("SCALE, one = 1.0, 1.0\ndef f(x, c): return np.sum(SCALE * one * x**2) * c[0]", space)
    assert not gradcheck.check_grad(
        space["f"], lambda x, c: 2 * x, np.array([0.3, -2.0]), [1.0, 0.0], argnums=0
    ).unseen


class Config:
    training = False

    def __init__(self):
        self.inner = type("Inner", (), {})()
        self.inner.dropout = 0.0


def _mean(X, w):
    return np.mean(np.tanh(X @ w))


def _mean_grad(X, w):
    return X.T @ (1 - np.tanh(X @ w) ** 2) / len(X)


@pytest.mark.parametrize("keyword", [False, True])
@pytest.mark.parametrize("n", [1, 4])
def test_data_that_are_bound_to_a_function_are_looked_at(n, keyword) -> None:
    X = ROLL((n, 3))
    bound = partial(lambda w, X: _mean(X, w), X=X) if keyword else partial(_mean, X)
    told = {Blind.AXIS} if n == 1 else set()
    assert kinds(gradcheck.check_grad(bound, lambda w: _mean_grad(X, w), ROLL(3))) == told

    def f(w, X=X):
        return _mean(X, w)

    assert kinds(gradcheck.check_grad(f, lambda w: _mean_grad(X, w), ROLL(3))) == told
    other = ROLL((5, 3))  # what is given goes before a default
    assert not kinds(gradcheck.check_grad(f, lambda w, X: _mean_grad(X, w), ROLL(3), other, argnums=0))


def test_settings_of_a_class_and_of_an_object_inside_are_looked_at() -> None:
    config = Config()

    def f(x):
        return np.sum(x**2) * (2 if config.training else 1) * (1 - config.inner.dropout)

    found = gradcheck.check_grad(f, lambda x: 2 * x, ROLL(3)).unseen
    assert {one.where for one in found if one.kind is Blind.DROPOUT} == {
        "config.training",
        "config.inner.dropout",
    }


class Closed:
    """An object that hands out no dict, and raises for what it does not have."""

    __slots__ = ("W",)

    def __getattribute__(self, name):
        if name in ("W", "__class__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)


def test_objects_that_cannot_be_looked_into_are_left_alone() -> None:
    closed = Closed()
    object.__setattr__(closed, "W", np.ones(3))
    assert gradcheck.check_grad(lambda x: np.sum(closed.W * x**2), lambda x: 2 * x, ROLL(3)).ok


class Relu:
    def ahead(self, x):
        self.mask = x > 0
        return np.maximum(x, 0)

    def back(self, d):
        return d * self.mask


class Net:
    """Layers in a list, as they are written in courses."""

    def __init__(self):
        self.layers = [Relu(), Relu()]

    def loss(self, x):
        for layer in self.layers:
            x = layer.ahead(x)
        return np.sum(x**2)

    def grad(self, x):
        for layer in self.layers:
            x = layer.ahead(x)
        d = 2 * x
        for layer in reversed(self.layers):
            d = layer.back(d)
        return d


def _squared(x, act):
    return np.sum(act(x) ** 2)


@pytest.mark.parametrize("how", ["object", "closure", "argument", "dict"])
def test_branches_of_layers_in_lists_and_of_functions_that_are_given_are_seen(how) -> None:
    net, acts = Net(), {"relu": lambda x: np.maximum(x, 0)}
    f, claim, rest = {
        "object": (net.loss, net.grad, ()),
        "closure": (lambda x: net.loss(x), lambda x: net.grad(x), ()),
        "argument": (_squared, lambda x, act: 2 * act(x), (acts["relu"],)),
        "dict": (lambda x: np.sum(acts["relu"](x) ** 2), lambda x: 2 * acts["relu"](x), ()),
    }[how]
    point = np.array([0.7, -1.2, 0.4, -0.3, 1.1])
    assert not gradcheck.check_grad(f, claim, point, *rest).unseen
    report = gradcheck.check_grad(f, claim, np.abs(point), *rest)
    assert Blind.BRANCH in kinds(report)
    assert any("np.maximum(x, 0)" in one.message for one in report.unseen)


def test_what_an_attribute_is_called_names_no_global() -> None:
    space = {"np": np, "T": np.ones((1, 3))}
    exec("def f(x): return np.sum(x.T @ x)", space)
    own, common = data_named(space["f"], 2, {})
    assert not own
    assert set(common) == {"np"}


def test_walking_ends_where_lists_and_objects_hold_themselves() -> None:
    held: list = [np.sin]
    held.append(held)
    model = Model(ROLL((2, 2)), 0.0, True)
    model.last = model

    def f(x):
        return held[0](x) + model.loss(x)

    assert f in list(callees(f, 4))
    assert gradcheck.check_grad(lambda x: np.sum(held[0](x)), np.cos, ROLL(3)).ok


@pytest.mark.parametrize("special", [np.s_[4:], np.s_[:, 3:]])
def test_rows_of_padding_and_constant_columns_repeat_by_nature(special) -> None:
    X = ROLL((6, 5))
    X[special] = 0.5
    assert not kinds(gradcheck.check_grad(*linear(X, ROLL(6)), ROLL(5)))
    X[1] = X[0]
    assert kinds(gradcheck.check_grad(*linear(X, ROLL(6)), ROLL(5))) == {Blind.ROWS}


@pytest.mark.parametrize("slope", [1.0, 0.0, 0.7])
@pytest.mark.parametrize("word", ["positional", "by name"])
def test_a_default_that_is_one_or_zero_is_told(slope, word) -> None:
    def positional(x, slope=slope):
        return np.sum(np.tanh(x) * slope + x**2)

    def by_name(x, *, slope=slope):
        return np.sum(np.tanh(x) * slope + x**2)

    f = positional if word == "positional" else by_name
    report = gradcheck.check_grad(f, lambda x: (1 - np.tanh(x) ** 2) * slope + 2 * x, ROLL(4))
    assert kinds(report) == (set() if slope == 0.7 else {Blind.CONSTANT})
    if word == "positional":  # what is given goes before a default
        claim = lambda x, slope: (1 - np.tanh(x) ** 2) * slope + 2 * x  # noqa: E731
        assert not gradcheck.check_grad(f, claim, ROLL(4), 0.3, argnums=0).unseen


COUNTS = np.array([[3, -2, 5], [2, 7, 4]])


@pytest.mark.parametrize(
    ("f", "claim"),
    [
        (lambda w, X: np.sum(np.dot(X, w)), lambda w, X: X.sum(0)),
        (lambda w, X: np.sum(X.dot(w)), lambda w, X: X.sum(0)),
        (lambda w, X: np.sum(w / X), lambda w, X: (1 / X).sum(0)),
        (lambda w, X: np.sum(np.inner(X, w)), lambda w, X: X.sum(0)),
        (lambda w, X: np.sum(np.tensordot(X, w, 1)), lambda w, X: X.sum(0)),
        (lambda w, X: np.einsum("ij,j->", X, w), lambda w, X: X.sum(0)),
    ],
)
def test_integers_are_told_by_whichever_function_they_are_multiplied(f, claim) -> None:
    assert Blind.INTEGERS in kinds(gradcheck.check_grad(f, claim, ROLL(3), COUNTS, argnums=0))
    assert not kinds(gradcheck.check_grad(f, claim, ROLL(3), COUNTS + 0.5, argnums=0))


@pytest.mark.parametrize("value", [0, 1, 4])
def test_integers_that_are_all_the_same_are_told(value) -> None:
    def f(x, labels):
        return np.sum(np.tanh(x) * (labels == 4) + x**2)

    def claim(x, labels):
        return (1 - np.tanh(x) ** 2) * (labels == 4) + 2 * x

    same = np.full(4, value)
    assert kinds(gradcheck.check_grad(f, claim, ROLL(4), same, argnums=0)) == {Blind.CONSTANT}
    assert not kinds(gradcheck.check_grad(f, claim, ROLL(4), np.array([0, 4, 1, 4]), argnums=0))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_symmetric_to_rounding_is_symmetric(seed, dtype) -> None:
    draw = np.random.default_rng(seed).standard_normal
    M = draw((5, 5)).astype(dtype)
    A = np.linalg.inv(M @ M.T + np.eye(5, dtype=dtype))
    apart = A + (1e-3 * draw((5, 5))).astype(dtype)

    for data, told in ((A, {Blind.SYMMETRIC}), (apart, set())):
        report = gradcheck.check_grad(*linear(data, ROLL(5).astype(dtype)), draw(5).astype(dtype))
        assert kinds(report) == told


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_that_are_equal_along_any_axis_are_told(axis) -> None:
    shape = [3, 4, 2]
    shape[axis] = 1
    for X, told in ((np.repeat(ROLL(shape), 5, axis), True), (ROLL((3, 4, 2)), False)):
        f, claim = (
            (lambda w, X=X: np.sum(np.tanh(X * w))),
            (lambda w, X=X: np.sum(X * (1 - np.tanh(X * w) ** 2))),
        )
        found = [one.message for one in gradcheck.check_grad(f, claim, 0.7).unseen if one.kind is Blind.ROWS]
        assert (
            found
            == [f"X has equal slices along axis {axis}: one in the place of another was not seen"] * told
        )


class Thins:
    """A layer of weights behind a layer that drops some of its inputs, in training."""

    def __init__(self, **settings):
        self.W, self.layers, self.config = ROLL((3, 2)), [Dropping()], {"keep_prob": 0.5}
        for name, value in settings.items():
            if name == "keep_prob":
                self.config[name] = value
            else:
                setattr(self.layers[0], name, value)

    def forward(self, x):
        self.x = self.layers[0].forward(x) * self.config["keep_prob"]
        return self.x @ self.W

    def backward(self, d):
        self.dW = self.x.T @ d
        return self.layers[0].backward(d @ self.W.T) * self.config["keep_prob"]


class Dropping:
    def __init__(self):
        self.dropout, self.training = 0.4, True

    def forward(self, x):
        drawn = np.random.default_rng(3).random(x.shape) >= self.dropout
        self.mask = drawn / (1.0 - self.dropout) if self.training else np.ones(x.shape)
        return x * self.mask

    def backward(self, d):
        return d * self.mask


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, []),
        ({"dropout": 0.0}, ["layers[0].dropout is 0.0"]),
        ({"training": False}, ["layers[0].training is False"]),
        ({"keep_prob": 1.0}, ["config['keep_prob'] is 1.0"]),
    ],
)
def test_what_a_layer_and_those_inside_it_leave_off_is_told(settings, told) -> None:
    report = gradcheck.check_layer(Thins(**settings), ROLL((5, 3)))
    found = [one.message.partition(":")[0] for one in report.unseen if one.kind is Blind.DROPOUT]
    assert found == told


class Dropout:
    def __init__(self, p):
        self.p, self.count = p, 0

    def forward(self, x):
        self.mask = (np.random.default_rng(3).random(x.shape) >= self.p) / (1.0 - self.p)
        return x * self.mask

    def backward(self, d):
        return d * self.mask


class Scaled(Dropout):
    """What no class says to be a share is none."""


@pytest.mark.parametrize(
    ("layer", "told"), [(Dropout(0.4), []), (Dropout(0.0), ["p is 0.0"]), (Scaled(0.0), [])]
)
def test_a_share_that_a_class_says_to_be_dropped_is_told(layer, told) -> None:
    report = gradcheck.check_layer(layer, ROLL((5, 3)))
    assert [one.message.partition(":")[0] for one in report.unseen if one.kind is Blind.DROPOUT] == told
