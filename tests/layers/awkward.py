"""Layers whose parts are easily taken for something else: names that mean two things, numbers, weights made anew."""

from __future__ import annotations

import threading
from collections import UserDict, deque
from typing import Any

import numpy as np

from tests.layers.attributes import PrefixD
from tests.layers.making import bias, db_of, dense_input, dW_of, dx_of, layer, rng, told, weights


def vector() -> tuple[Any, ...]:
    return (np.random.default_rng(8).standard_normal(5),)


@layer("W b W_g b_g x")
class GatedWithSuffixG:
    """``W_g`` is the gate's weight and no gradient of ``W``; ``b_g`` starts at zero as gradients do."""

    def __init__(self):
        self.W, self.b = weights(), bias()
        self.W_g, self.b_g = weights()[::-1].copy(), np.zeros(2)

    def forward(self, x):
        self.x = x
        self.a = x @ self.W + self.b
        self.s = 1 / (1 + np.exp(-(x @ self.W_g + self.b_g)))
        return self.a * self.s

    def backward(self, d):
        da, dz = d * self.s, d * self.a * self.s * (1 - self.s)
        self.dW, self.db = dW_of(self.x, da), db_of(da)
        self.dW_g, self.db_g = dW_of(self.x, dz), db_of(dz)
        return told("x", da @ self.W.T + dz @ self.W_g.T)


@layer()
class WithMomentumBuffers(PrefixD):
    def __init__(self):
        super().__init__()
        self.delta_W, self.delta_b = np.zeros((3, 2)), np.zeros(2)
        self.G = {"W": np.zeros((3, 2)), "b": np.zeros(2)}


class Norm:
    def __init__(self):
        self.beta, self.gamma = np.full(3, 0.1), np.linspace(0.5, 1.5, 3)

    def forward(self, x):
        mean, self.s = x.mean(1, keepdims=True), np.sqrt(x.var(1, keepdims=True) + 1e-5)
        self.n = (x - mean) / self.s
        return self.gamma * self.n + self.beta

    def input_gradient(self, d):
        g = d * self.gamma
        return told(
            "x", (g - g.mean(1, keepdims=True) - self.n * (g * self.n).mean(1, keepdims=True)) / self.s
        )


@layer("beta gamma x")
class ReturnsInAnotherOrder(Norm):
    """Named where they are returned, in another order than they are kept."""

    def backward(self, dout):
        dx = self.input_gradient(dout)
        dgamma, dbeta = told("W", (dout * self.n).sum(0)), db_of(dout)
        return dx, dgamma, dbeta


@layer("b W x")
class ReturnsAnInnerTuple:
    def __init__(self):
        self.b, self.W = bias(), weights()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        return dx_of(d, self.W), (dW_of(self.x, d), db_of(d))


@layer("W x", mistakes="W x", inputs=lambda: (np.random.default_rng(6).standard_normal((2, 2)),))
class ReturnsTheWeightFirst:
    def __init__(self):
        self.W = rng().standard_normal((2, 2))

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        dx, dW = dx_of(d, self.W), dW_of(self.x, d)
        return dW, dx


@layer("w b x", inputs=vector)
class SteppedNumbers:
    """Numbers for weights, which backward steps."""

    def __init__(self):
        self.w, self.b, self.rate = 0.5, 0.0, 0.1

    def forward(self, x):
        self.x = x
        return self.w * x + self.b

    def backward(self, d):
        dx = told("x", d * self.w)
        self.w = self.w - self.rate * told("W", float(np.sum(d * self.x)))
        self.b = self.b - self.rate * told("b", float(np.sum(d)))
        return dx


@layer("w b x", inputs=vector)
class ReturnedNumbers:
    def __init__(self):
        self.w, self.b, self.eps = 0.5, 0.1, 1e-8

    def forward(self, x):
        self.x = x
        return self.w * x + self.b

    def backward(self, d):
        return told("x", d * self.w), told("W", float(np.sum(d * self.x))), told("b", float(np.sum(d)))


@layer()
class WholeNumbers:
    """Weights that were written as integers."""

    def __init__(self):
        self.W, self.b = np.array([[1, -2], [3, 4], [0, 2]]), 0

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), told("b", d.sum())
        return dx_of(d, self.W)


@layer()
class CastInForward(PrefixD):
    def forward(self, x):
        self.W = np.clip(self.W, -5, 5)
        return super().forward(x)


@layer()
class RoundedInForward(PrefixD):
    """Another array with other values is in its place after forward."""

    def forward(self, x):
        self.W = self.W / np.abs(self.W).max() * 3.0
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW = told("W", _through_scale(self.x.T @ d, self.W))
        self.db = db_of(d)
        return dx_of(d, self.W)


def _through_scale(g, W):
    """The gradient by what was scaled to have a largest entry of 3, where that was 1."""
    top = np.unravel_index(np.argmax(np.abs(W)), W.shape)
    dV = 3.0 * g
    dV[top] -= np.sum(g * W) * np.sign(W[top])
    return dV


RoundedInForward.__init__ = lambda self: vars(self).update(  # its largest entry is 1
    W=weights() / np.abs(weights()).max(), b=bias()
)


@layer("state.W state.b x")
class KeptInState:
    def __init__(self):
        self.state, self.grads = {"W": weights(), "b": bias()}, {}

    def forward(self, x):
        self.x = x
        return x @ self.state["W"] + self.state["b"]

    def backward(self, d):
        self.grads = {"W": dW_of(self.x, d), "b": db_of(d)}
        return dx_of(d, self.state["W"])


@layer("mask_token x", mistakes="W x", inputs=lambda: (np.random.default_rng(2).standard_normal((4, 5, 3)),))
class MaskToken:
    def __init__(self):
        self.mask_token, self.at = rng().standard_normal(3), np.array([1, 3])

    def forward(self, x):
        y = x.copy()
        y[:, self.at] = self.mask_token
        return y

    def backward(self, d):
        dx = d.copy()
        dx[:, self.at] = 0
        self.dmask_token = told("W", d[:, self.at].sum((0, 1)))
        return told("x", dx)


@layer("masked_attention.W masked_attention.b x")
class LayerWithMaskedInItsName:
    def __init__(self):
        self.masked_attention = PrefixD()

    def forward(self, x):
        return np.tanh(self.masked_attention.forward(x))

    def backward(self, d):
        z = self.masked_attention.x @ self.masked_attention.W + self.masked_attention.b
        return self.masked_attention.backward(d * (1 - np.tanh(z) ** 2))


@layer("_PrivateNames__W _PrivateNames__b x")
class PrivateNames:
    def __init__(self):
        self.__W, self.__b = weights(), bias()

    def forward(self, x):
        self.__x = x
        return x @ self.__W + self.__b

    def backward(self, d):
        self.__dW, self.__db = dW_of(self.__x, d), db_of(d)
        return dx_of(d, self.__W)


class Parameter(np.ndarray):
    """An array that carries its gradient."""

    grad: Any


@layer()
class ArraysWithGradients:
    def __init__(self):
        self.W, self.b = weights().view(Parameter), bias().view(Parameter)

    def forward(self, x):
        self.x = x
        return np.asarray(x @ self.W + self.b)

    def backward(self, d):
        self.W.grad, self.b.grad = dW_of(self.x, d), db_of(d)
        return dx_of(d, np.asarray(self.W))


@layer()
def KeptByTheClass():
    class KeptByTheClass:
        params = {"W": weights(), "b": bias()}  # noqa: RUF012 - as people write it
        grads = {}  # noqa: RUF012

        def forward(self, x):
            self.x = x
            return x @ self.params["W"] + self.params["b"]

        def backward(self, d):
            self.grads["W"], self.grads["b"] = dW_of(self.x, d), db_of(d)
            return dx_of(d, self.params["W"])

    return KeptByTheClass()


@layer("theta x", mistakes="W x")
class OneVectorForAll:
    def __init__(self):
        self.theta, self.grad = rng().standard_normal(6), np.zeros(6)

    def forward(self, x):
        self.x = x
        return x @ self.theta.reshape(3, 2)

    def backward(self, d):
        self.grad[:] = dW_of(self.x, d).ravel()
        return dx_of(d, self.theta.reshape(3, 2))


@layer("layers[0].W layers[0].b x")
class InADeque:
    def __init__(self):
        self.layers = deque([PrefixD()])

    def forward(self, x):
        for one in self.layers:
            x = one.forward(x)
        return x

    def backward(self, d):
        for one in reversed(self.layers):
            d = one.backward(d)
        return d


@layer("params.data.W params.data.b x")
class InAUserDict:
    def __init__(self):
        self.params, self.grads = UserDict(W=weights(), b=bias()), UserDict()

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads["W"], self.grads["b"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.params["W"])


@layer()
class CannotBeCopied(PrefixD):
    """It holds a lock, and adds to its gradients."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        self.dW, self.db = np.zeros((3, 2)), np.zeros(2)

    def backward(self, d):
        with self.lock:
            self.dW += dW_of(self.x, d)
            self.db += db_of(d)
        return dx_of(d, self.W)


@layer("W b x")
class NetworkThatReturnsByName:
    """What it returns counts, not what it keeps on the way."""

    def __init__(self):
        self.params = {"W": weights(), "b": bias()}
        self.inner = PrefixD()
        self.inner.W, self.inner.b = self.params["W"], self.params["b"]

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, d):
        self.inner.dW, self.inner.db = self.inner.x.T @ d, d.sum(0)
        return dx_of(d, self.inner.W), {"W": told("W", self.inner.dW), "b": told("b", self.inner.db)}


@layer("params['W'] params['b'] x", inputs=lambda: ({"W": weights(), "b": bias()}, *dense_input()))
def PairThatTakesParametersFirst():
    def forward(params, x):
        h = np.tanh(x @ params["W"] + params["b"])
        return h, (params, x, h)

    def backward(dh, cache):
        params, x, h = cache
        dz = dh * (1 - h**2)
        return dx_of(dz, params["W"]), {"dW": dW_of(x, dz), "db": db_of(dz)}

    return forward, backward


@layer(
    "W b", mistakes="W b", inputs=lambda: (*dense_input(), np.random.default_rng(3).standard_normal((4, 2)))
)
class LossOfData:
    """Nobody derives the loss of a network by the data."""

    def __init__(self):
        self.params = {"W": weights(), "b": bias()}

    def loss(self, x, t):
        return np.mean((x @ self.params["W"] + self.params["b"] - t) ** 2)

    def gradient(self, x, t):
        d = 2 * (x @ self.params["W"] + self.params["b"] - t) / t.size
        return {"W": dW_of(x, d), "b": db_of(d)}


@layer(
    "output",
    mistakes="x",
    inputs=lambda: (np.full((4, 2), 0.4), np.random.default_rng(3).uniform(0, 1, (4, 2))),
)
class LossByCalculate:
    def calculate(self, output, y):
        return np.mean(np.mean((y - output) ** 2, axis=-1))

    def backward(self, dvalues, y_true):
        self.dinputs = told("x", -2 * (y_true - dvalues) / dvalues.size)


@layer("x", mistakes="x")
class DerivativeOfEachEntry:
    def __call__(self, x):
        return 1 / (1 + np.exp(-x))

    def gradient(self, x):
        return told("x", self(x) * (1 - self(x)))


@layer(
    "y_pred",
    mistakes="x",
    inputs=lambda: (np.random.default_rng(3).standard_normal((4, 2)), np.full((4, 2), 0.4)),
)
class LossOfEachEntry:
    def loss(self, y, y_pred):
        return 0.5 * (y - y_pred) ** 2

    def gradient(self, y, y_pred):
        return told("x", -(y - y_pred))


class Descent:
    """A rule of descent with a memory."""

    def __init__(self):
        self.learning_rate, self.momentum, self.kept = 0.01, 0.9, None

    def update(self, w, grad):
        self.kept = np.zeros_like(w) if self.kept is None else self.kept
        self.kept = self.momentum * self.kept + (1 - self.momentum) * grad
        return w - self.learning_rate * self.kept


@layer()
class StepsWithMomentum:
    def __init__(self):
        self.W, self.b, self.of_W, self.of_b = weights(), bias(), Descent(), Descent()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        dx = dx_of(d, self.W)
        self.W, self.b = self.of_W.update(self.W, dW_of(self.x, d)), self.of_b.update(self.b, db_of(d))
        return dx


@layer("W b x", inputs=lambda: (np.random.default_rng(1).standard_normal((2, 3, 3)),))
class OutputsOfTwoShapes:
    """All hidden states and the last one, a cotangent for each."""

    def __init__(self):
        self.W, self.b = 0.4 * rng().standard_normal((3, 2)), bias()

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h, self.h[:, -1]

    def backward(self, dh, dlast):
        dz = dh.copy()
        dz[:, -1] += dlast
        dz *= 1 - self.h**2
        self.dW = told("W", np.einsum("ntd,nth->dh", self.x, dz))
        self.db = told("b", dz.sum((0, 1)))
        return dx_of(dz, self.W)


@layer()
class KeepsAndReturns(PrefixD):
    """Its gradients are in the layer and are returned."""

    def backward(self, d):
        dx = super().backward(d)
        return dx, self.dW, self.db


@layer(
    "inputs",
    mistakes="x",
    inputs=lambda: (np.random.default_rng(3).standard_normal((4, 3)), np.array([0, 2, 1, 0])),
)
class LossOfASoftmax:
    """Backward is given the softmax that forward left, and the labels."""

    def forward(self, inputs, y_true):
        e = np.exp(inputs - inputs.max(1, keepdims=True))
        self.output = e / e.sum(1, keepdims=True)
        return np.mean(-np.log(self.output[range(len(inputs)), y_true]))

    def backward(self, dvalues, y_true):
        n = len(dvalues)
        self.dinputs = dvalues.copy()
        self.dinputs[range(n), y_true] -= 1
        self.dinputs = told("x", self.dinputs / n)


@layer("_PrivateSlots__W x", mistakes="W x")
class PrivateSlots:
    __slots__ = ("__W", "__dW", "__x")

    def __init__(self):
        self.__W = weights()

    def forward(self, x):
        self.__x = x
        return x @ self.__W

    def backward(self, d):
        self.__dW = dW_of(self.__x, d)
        return dx_of(d, self.__W)


@layer("W x", mistakes="W x")
class SlotsForReferences:
    """A place for weak references is no attribute, and cannot be copied as one; nor can the lock."""

    __slots__ = ("W", "__weakref__", "dW", "lock", "x")

    def __init__(self):
        self.W, self.lock = weights(), threading.Lock()

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        self.dW = dW_of(self.x, d)
        return dx_of(d, self.W)


@layer()
class WithNames(PrefixD):
    """Arrays of text beside those of numbers."""

    def __init__(self):
        super().__init__()
        self.names, self.kinds = np.array(["cat", "dog"]), np.array([None, "x"], dtype=object)


@layer("A B x", mistakes="W x")
class LowRankFromZero:
    """``A`` is felt only once ``B`` is no longer zero."""

    def __init__(self):
        self.A, self.B = weights()[:, :1].copy(), np.zeros((1, 2))

    def forward(self, x):
        self.x = x
        return x @ self.A @ self.B

    def backward(self, d):
        dA, dB = self.x.T @ d @ self.B.T, told("W", (self.x @ self.A).T @ d)
        return told("x", d @ (self.A @ self.B).T), dA, dB
