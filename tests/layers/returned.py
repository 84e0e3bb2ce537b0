"""Gradients that backward returns beside that of the input."""

from __future__ import annotations

from tests.layers.making import bias, db_of, dW_of, dx_of, layer, weights


@layer()
class ReturnsADict:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        return dx_of(d, self.W), {"W": dW_of(self.x, d), "b": db_of(d)}


@layer()
class ReturnsPrefixedKeys(ReturnsADict):
    def backward(self, d):
        return dx_of(d, self.W), {"dW": dW_of(self.x, d), "db": db_of(d)}


@layer()
class ReturnsAll(ReturnsADict):
    def backward(self, d):
        return dx_of(d, self.W), dW_of(self.x, d), db_of(d)


@layer()
class ReturnsInputLast(ReturnsADict):
    def backward(self, d):
        return dW_of(self.x, d), db_of(d), dx_of(d, self.W)


@layer()
class ReturnsAList(ReturnsADict):
    def backward(self, d):
        return dx_of(d, self.W), [dW_of(self.x, d), db_of(d)]


@layer()
class ReturnsOneDict(ReturnsADict):
    def backward(self, d):
        return {"dx": dx_of(d, self.W), "dW": dW_of(self.x, d), "db": db_of(d)}
