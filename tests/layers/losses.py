"""Losses, and a net with its loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.layers.making import (
    MADE,
    Made,
    bias,
    db_of,
    dense_input,
    dW_of,
    dx_of,
    layer,
    softmax,
    told,
    two_inputs,
    weights,
)


def loss_inputs() -> tuple[Any, ...]:
    return np.random.default_rng(9).standard_normal((4, 3)), np.array([2, 0, 1, 2])


@layer("x", inputs=loss_inputs, mistakes="x")
class LossOfOne:
    def forward(self, x, t):
        self.p, self.t = softmax(x), t
        return -np.mean(np.log(self.p[np.arange(len(t)), t]))

    def backward(self, dout=1):
        g = self.p.copy()
        g[np.arange(len(self.t)), self.t] -= 1
        return told("x", dout * g / len(self.t))


@layer("x", inputs=loss_inputs, mistakes="x")
class LossWithDefault(LossOfOne):
    def backward(self, dout=1.0):
        g = self.p.copy()
        g[np.arange(len(self.t)), self.t] -= 1
        return told("x", g / len(self.t))


@layer("x", inputs=loss_inputs, mistakes="x")
class LossOfNothing(LossOfOne):
    def backward(self):
        return LossOfOne.backward(self)


@layer("y_pred", inputs=lambda: (softmax(loss_inputs()[0]), loss_inputs()[1]), mistakes="x")
class LossBySample:
    """forward gives a loss for each sample, calculate their mean, of which backward is the gradient."""

    def calculate(self, y_pred, y_true):
        return np.mean(self.forward(y_pred, y_true))

    def forward(self, y_pred, y_true):
        return -np.log(np.clip(y_pred, 1e-7, 1 - 1e-7)[range(len(y_pred)), y_true])

    def backward(self, dvalues, y_true):
        samples, labels = len(dvalues), len(dvalues[0])
        self.dinputs = told("x", -np.eye(labels)[y_true] / dvalues / samples)


@layer("predicted actual", inputs=lambda: (two_inputs()[0], two_inputs()[0] ** 2), mistakes="x")
class LossAndGrad:
    def loss(self, predicted, actual):
        return np.sum((predicted - actual) ** 2)

    def grad(self, predicted, actual):
        return told("x", 2 * (predicted - actual))


MADE["LossAndGrad"] = Made(LossAndGrad, MADE["LossAndGrad"].inputs, frozenset({"predicted"}), ("x",))


class LossOfWhatIsGivenAgain:
    """What backward calls dvalues is the prediction."""

    def forward(self, y_pred, y_true):
        return np.mean((y_true - y_pred) ** 2)

    def backward(self, dvalues, y_true):
        self.dinputs = told("x", -2 * (y_true - dvalues) / dvalues.size)


class LogLossOfWhatIsGivenAgain:
    def forward(self, y_pred, y_true):
        return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))

    def backward(self, dvalues, y_true):
        self.dinputs = told("x", -(y_true / dvalues - (1 - y_true) / (1 - dvalues)) / y_true.size)


for kind in (LossOfWhatIsGivenAgain, LogLossOfWhatIsGivenAgain):
    MADE[kind.__name__] = Made(
        kind, lambda: (softmax(loss_inputs()[0]), np.eye(3)[loss_inputs()[1]]), frozenset({"y_pred"}), ("x",)
    )


class SlopeOfOutput:
    """An activation whose derivative is given the output, or what it was given, by another name."""

    def __call__(self, x):
        return 1 / (1 + np.exp(-x))

    def derivative(self, y):
        return told("x", y * (1 - y))


class SlopeOfInput(SlopeOfOutput):
    def derivative(self, z):
        return SlopeOfOutput.derivative(self, self(z))


class SlopeOfNothing(SlopeOfOutput):
    def __call__(self, x):
        self.y = SlopeOfOutput.__call__(self, x)
        return self.y

    def derivative(self):
        return SlopeOfOutput.derivative(self, self.y)


for kind in (SlopeOfOutput, SlopeOfInput, SlopeOfNothing):
    MADE[kind.__name__] = Made(kind, dense_input, frozenset({"x"}), ("x",))


@layer("W b x", inputs=lambda: (*dense_input(), np.array([1, 0, 1, 1])))
class NetWithLoss:
    """forward gives the loss, backward takes nothing."""

    def __init__(self):
        self.params = {"W": weights(), "b": bias()}

    def forward(self, x, t):
        self.x, self.t, self.p = x, t, softmax(x @ self.params["W"] + self.params["b"])
        return -np.mean(np.log(self.p[np.arange(len(t)), t]))

    def backward(self):
        dz = (self.p - np.eye(2)[self.t]) / len(self.t)
        self.grads = {"W": dW_of(self.x, dz), "b": db_of(dz)}
        return dx_of(dz, self.params["W"])


@layer("x", mistakes="x")
class KeepsItsOutput:
    """What it has left as its output is no prediction that backward is given: it takes a cotangent, which it scales."""

    def forward(self, x):
        self.out = np.tanh(x)
        return np.mean(self.out**2)

    def backward(self, dout):
        return told("x", dout * 2 * self.out * (1 - self.out**2) / self.out.size)


@layer("x", inputs=lambda: (loss_inputs()[0], np.eye(3)[loss_inputs()[1]]), mistakes="x")
class TakesItsTargetsAgain:
    def forward(self, x, t):
        self.y = softmax(x)
        return -np.sum(t * np.log(self.y)) / len(x)

    def backward(self, dy, t):
        return told("x", dy * (self.y - t) / len(t))


@layer("prediction", inputs=lambda: (loss_inputs()[0], np.eye(3)[loss_inputs()[1]]), mistakes="x")
class KeepsWhatItReturns:
    """It is the gradient of the prediction under either name, and none of the target."""

    def forward(self, prediction, target):
        self.prediction, self.target = prediction, target
        return np.sum((prediction - target) ** 2) / len(prediction)

    def backward(self):
        self.input_grad = told("x", 2 * (self.prediction - self.target) / len(self.target))
        return self.input_grad
