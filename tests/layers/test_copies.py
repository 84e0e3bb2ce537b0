"""A layer is copied before it is run: what a copy shares with it, and that nothing is left in it."""

import copy
import logging
import random
import threading
from typing import ClassVar

import numpy as np
import pytest

import gradcheck
from gradcheck.anatomy.copies import own_copy
from tests.layers.attributes import PrefixD
from tests.layers.made import MADE
from tests.layers.making import (
    bias,
    check,
    dense_input,
    dW_of,
    dx_of,
    weights,
)

(X,) = dense_input()


def test_the_layer_and_the_random_state_are_left_alone() -> None:
    for name in ("Accumulates", "StepsByRate", "LongWords", "DenseWithDropout", "BatchNorm"):
        layer = MADE[name].make()
        kept = copy.deepcopy(vars(layer))
        legacy, standard = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002 - it is what is looked at
        check(layer, *MADE[name].inputs())
        assert str(vars(layer)) == str(kept)
        assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002
        assert random.getstate() == standard


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


W = np.ones(3)


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
