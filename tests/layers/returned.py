"""Gradients that backward returns beside that of the input."""

from __future__ import annotations

import numpy as np

from tests.layers.making import (
    bias,
    db_of,
    dW_of,
    dx_of,
    layer,
    square,
    square_input,
    told,
    weights,
)


@layer()
class ReturnsADict:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        return dx_of(d, self.W), {"W": dW_of(self.x, d), "b": db_of(d)}


@layer("W", inputs=lambda: (np.array([2, 0, 2]),), mistakes="W")
class ReturnsThatOfATable:
    def __init__(self):
        self.W = weights()

    def forward(self, tokens):
        self.tokens = tokens
        return self.W[tokens]

    def backward(self, d):
        return dW_of(np.eye(3)[self.tokens], d)


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


class NumberedLayers:
    """Its layers have numbers, under which dicts keep weights and biases."""

    def __init__(self):
        self.W, self.b = {1: square(1), 2: square(2)}, {1: np.ones(3), 2: np.zeros(3)}

    def forward(self, x):
        self.h = [x]
        for k in self.W:
            self.h.append(np.tanh(self.h[-1] @ self.W[k] + self.b[k]))
        return self.h[-1]

    def gradients(self, d):
        dW, db = {}, {}
        for k in (2, 1):
            d = d * (1 - self.h[k] ** 2)
            dW[k], db[k] = dW_of(self.h[k - 1], d), db_of(d)
            d = d @ self.W[k].T
        return told("x", d), dW, db


@layer("W[1] W[2] b[1] b[2] x", inputs=square_input)
class ReturnsNumberedDicts(NumberedLayers):
    def backward(self, d):
        dx, dW, db = self.gradients(d)
        return dx, dW, db


@layer("W[1] W[2] b[1] b[2] x", inputs=square_input)
class ReturnsNumberedDictsBiasFirst(NumberedLayers):
    def backward(self, d):
        dx, dW, db = self.gradients(d)
        return db, dW, dx


@layer("weights[0] weights[1] biases[0] biases[1] x")
class ReturnsListsOfBoth:
    """Two biases, one on the other, have the shape of the second weight."""

    def __init__(self):
        self.weights, self.biases = [weights(), weights()[1:]], [bias(), bias()]

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.weights[0] + self.biases[0])
        return self.h @ self.weights[1] + self.biases[1]

    def gradients(self, d):
        dz = (d @ self.weights[1].T) * (1 - self.h**2)
        dW, db = [dW_of(self.x, dz), dW_of(self.h, d)], [db_of(dz), db_of(d)]
        return dx_of(dz, self.weights[0]), dW, db

    def backward(self, d):
        dx, dW, db = self.gradients(d)
        return dx, db, dW


@layer("weights[0] weights[1] biases[0] biases[1] x")
class ReturnsListsOfBothInOne(ReturnsListsOfBoth):
    def backward(self, d):
        nabla_x, nabla_w, nabla_b = self.gradients(d)
        return [nabla_b, nabla_w, nabla_x]
