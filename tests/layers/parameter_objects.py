"""Objects that hold a weight and its gradient."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from tests.layers.making import bias, db_of, dW_of, dx_of, layer, weights


class Param:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)


class Tensor:
    def __init__(self, data):
        self.data, self.grad = data, None


@layer()
class ValueAndGrad:
    def __init__(self):
        self.W, self.b = Param(weights()), Param(bias())

    def forward(self, x):
        self.x = x
        return x @ self.W.value + self.b.value

    def backward(self, d):
        self.W.grad += dW_of(self.x, d)
        self.b.grad += db_of(d)
        return dx_of(d, self.W.value)


@layer()
class DataAndGrad:
    def __init__(self):
        self.W, self.b = Tensor(weights()), Tensor(bias())

    def forward(self, x):
        self.x = x
        return x @ self.W.data + self.b.data

    def backward(self, d):
        self.W.grad, self.b.grad = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W.data)


@layer()
class ParamsOfObjects:
    def __init__(self):
        self.params = {"W": Param(weights()), "b": Param(bias())}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"].value + self.params["b"].value

    def backward(self, d):
        self.params["W"].grad, self.params["b"].grad = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.params["W"].value)


@layer()
class Namespaces:
    def __init__(self):
        self.W, self.b = SimpleNamespace(val=weights()), SimpleNamespace(val=bias())

    def forward(self, x):
        self.x = x
        return x @ self.W.val + self.b.val

    def backward(self, d):
        self.W.d, self.b.d = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W.val)
