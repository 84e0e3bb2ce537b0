"""A backward that makes the step of descent itself, and what an optimiser keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.layers.attributes import PrefixD
from tests.layers.making import bias, db_of, dense_input, dW_of, dx_of, layer, weights


@layer("weights bias input")
class StepsByRate:
    """The step of descent is made by backward, whose argument the rate is."""

    def __init__(self):
        self.weights, self.bias = weights(), bias()

    def forward(self, input):
        self.input = input
        return np.dot(input, self.weights) + self.bias

    def backward(self, output_gradient, learning_rate):
        dx = dx_of(output_gradient, self.weights)
        self.weights -= learning_rate * dW_of(self.input, output_gradient)
        self.bias -= learning_rate * db_of(output_gradient)
        return dx


@layer()
class StepsByAttribute:
    def __init__(self):
        self.W, self.b, self.lr = weights(), bias(), 0.01

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        dx = dx_of(d, self.W)
        self.W = self.W - self.lr * dW_of(self.x, d)
        self.b = self.b - self.lr * db_of(d)
        return dx


@layer()
class StepsByOptimizer:
    class Descent:
        def __init__(self, learning_rate):
            self.learning_rate = learning_rate

        def update(self, w, gradient):
            return w - self.learning_rate * gradient

    def __init__(self):
        self.W, self.b, self.optimizer = weights(), bias(), self.Descent(0.01)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        dx = dx_of(d, self.W)
        self.W = self.optimizer.update(self.W, dW_of(self.x, d))
        self.b = self.optimizer.update(self.b, db_of(d))
        return dx


@layer()
class StepsAndTells(StepsByAttribute):
    def backward(self, d):
        dx = dx_of(d, self.W)
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        self.W -= self.lr * self.dW
        self.b -= self.lr * self.db
        return dx


@layer()
class Momentum(PrefixD):
    """Arrays that the output does not depend on: what an optimiser keeps."""

    def __init__(self):
        super().__init__()
        self.mW, self.vW, self.eps, self.lr = np.zeros((3, 2)), np.ones((3, 2)), 1e-8, 0.1


def single() -> tuple[Any, ...]:
    return tuple(value.astype(np.float32) for value in dense_input())


@layer(inputs=single)
class StepsInSingle(StepsByAttribute):
    """What is stepped is rounded, and the step is off by as much."""

    def __init__(self):
        super().__init__()
        self.W, self.b = 100 * self.W.astype(np.float32), self.b.astype(np.float32)


@layer(inputs=single)
class KeepsItsStepInSingle(StepsInSingle):
    """What it keeps is the step, and no gradient."""

    def backward(self, d):
        dx = dx_of(d, self.W)
        self.delta_W, self.delta_b = self.lr * dW_of(self.x, d), self.lr * db_of(d)
        self.W, self.b = self.W - self.delta_W, self.b - self.delta_b
        return dx


@layer("alpha beta W b x")
class StepsItsSlope:
    """Numbers that the output hangs on are no settings of the step, though rates and momenta are called so."""

    def __init__(self):
        self.alpha, self.beta, self.W, self.b, self.lr = 0.3, 1.5, weights(), bias(), 0.1

    def forward(self, x):
        self.x, self.z = x, x @ self.W + self.b
        return self.beta * np.where(self.z > 0, self.z, self.alpha * self.z)

    def backward(self, d):
        low = np.minimum(self.z, 0)
        dz = self.beta * d * np.where(self.z > 0, 1, self.alpha)
        dx = dx_of(dz, self.W)
        alpha, beta = (self.beta * d * low).sum(), (d * (np.maximum(self.z, 0) + self.alpha * low)).sum()
        self.W, self.b = self.W - self.lr * dW_of(self.x, dz), self.b - self.lr * db_of(dz)
        self.alpha, self.beta = self.alpha - self.lr * alpha, self.beta - self.lr * beta
        return dx


@layer()
class StepsBehindASlope:
    """A slope that is given is not set to the rate of the step, nor is the share that is dropped."""

    def __init__(self):
        self.alpha, self.rate, self.W, self.b, self.lr = 0.3, 0.5, weights(), bias(), 0.1

    def slope(self):
        return np.where(self.z > 0, 1, self.alpha)

    def forward(self, x):
        self.mask = (np.random.default_rng(2).random(x.shape) > self.rate) / (1 - self.rate)
        self.x = x * self.mask
        self.z = self.x @ self.W + self.b
        return self.z * np.where(self.z > 0, 1, self.alpha)

    def backward(self, d):
        dz = d * self.slope()
        dx = dx_of(dz, self.W) * self.mask
        self.W, self.b = self.W - self.lr * dW_of(self.x, dz), self.b - self.lr * db_of(dz)
        return dx


@layer()
class KeepsDeltasOfItsSteps:
    """``delta_W`` is how far the next step goes, where the gradient has another name."""

    def __init__(self):
        self.W, self.b = weights(), bias()
        self.delta_W, self.delta_b = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.gW, self.gb = dW_of(self.x, d), db_of(d)
        self.delta_W = 0.9 * self.delta_W - 0.1 * self.gW
        self.delta_b = 0.9 * self.delta_b - 0.1 * self.gb
        return dx_of(d, self.W)
