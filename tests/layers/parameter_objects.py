"""Objects that hold a weight and its gradient."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from tests.layers.making import bias, db_of, dW_of, dx_of, layer, told, weights


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


class Node:
    """A number that knows what it was made of: the chain of a long sum is as deep as that is long."""

    def __init__(self, data, *parents):
        self.data, self.grad = data, 0.0
        self._ctx = SimpleNamespace(
            parents=[one for one, _ in parents], slopes=[slope for _, slope in parents]
        )

    def plus_product(self, a, b):
        return Node(self.data + a.data * b.data, (self, 1.0), (a, b.data), (b, a.data))

    def backward(self, grad):
        self.grad += grad
        for one, slope in zip(self._ctx.parents, self._ctx.slopes, strict=True):
            one.backward(slope * grad)


@layer("w[0] w[1] w[2] b x", inputs=lambda: (np.array([0.4, -0.7, 0.2]),))
class GraphOfNumbers:
    def __init__(self):
        self.w, self.b = [Node(one) for one in (0.3, -0.5, 0.8)], Node(0.1)

    def forward(self, x):
        self.x, self.out = [Node(float(one)) for one in x], self.b
        for _ in range(12):
            for a, b in zip(self.w, self.x, strict=True):
                self.out = self.out.plus_product(a, b)
        return self.out.data

    def backward(self, d=1.0):
        self.out.backward(float(d))
        for one in self.w:
            one.grad = told("W", one.grad)
        self.b.grad = told("b", self.b.grad)
        return told("x", np.array([one.grad for one in self.x]))


@layer("params[0].param params[1].param x")
class ListOfRecords:
    """What goes with a parameter is in one dict with it."""

    def __init__(self):
        self.params = [{"param": one, "grad": np.zeros_like(one)} for one in (weights(), bias())]

    def forward(self, x):
        self.x = x
        W, b = (one["param"] for one in self.params)
        return x @ W + b

    def backward(self, d):
        W, b = self.params
        W["grad"], b["grad"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, W["param"])
