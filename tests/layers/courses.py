"""Layers as courses, books and first networks write them: what is returned in lists, nested, by name, for a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.layers.attributes import PrefixD
from tests.layers.making import (
    OneWeight,
    bias,
    db_of,
    dense_input,
    dW_of,
    dx_of,
    layer,
    softmax,
    square,
    square_input,
    told,
    weights,
)


@layer(
    "params[0] params[1]",
    mistakes="W b",
    inputs=lambda: ([weights()[:, :1].copy(), bias()[:1]], *dense_input(), np.linspace(-1, 1, 4)[:, None]),
)
def LossOfAListOfParameters():
    """A list of as many gradients as there are arrays of data."""

    def loss(params, X, y):
        w, b = params
        return np.mean((X @ w + b - y) ** 2) / 2

    def gradient(params, X, y):
        w, b = params
        e = (X @ w + b - y) / len(y)
        return [dW_of(X, e), db_of(e)]

    return loss, gradient


class TextLoss:
    """The loss of a text, of which the gradients of the parameters alone are returned, in an order of their own."""

    def __init__(self):
        rng = np.random.default_rng(4)
        self.W, self.Whh, self.Why = rng.standard_normal((3, 4)), square(1), rng.standard_normal((4, 3))
        self.b = np.zeros((3, 1))

    def forward(self, inputs, targets, hprev):
        self.xs, self.targets, self.hs, self.ps = inputs, targets, [hprev], []
        for x in inputs:
            self.hs.append(np.tanh(self.W @ x + self.Whh @ self.hs[-1] + self.b))
            self.ps.append(softmax((self.Why @ self.hs[-1]).T).T)
        return -sum(np.log(p[t, 0]) for p, t in zip(self.ps, targets, strict=True))

    def backward(self):
        gW, gWhh, gWhy, gb = (np.zeros_like(one) for one in (self.W, self.Whh, self.Why, self.b))
        dh = np.zeros((3, 1))
        for k in reversed(range(len(self.xs))):
            dy = self.ps[k].copy()
            dy[self.targets[k]] -= 1
            gWhy += dy @ self.hs[k + 1].T
            dz = (self.Why.T @ dy + dh) * (1 - self.hs[k + 1] ** 2)
            gW, gWhh, gb = gW + dz @ self.xs[k].T, gWhh + dz @ self.hs[k].T, gb + dz
            dh = self.Whh.T @ dz
        return told("b", gb), told("W", gW), gWhh, gWhy


def text() -> tuple[Any, ...]:
    return [np.eye(4)[:, [k]] for k in (0, 2, 1)], [2, 1, 3], np.zeros((3, 1))


layer("W Whh Why b", mistakes="W b", inputs=text)(TextLoss)


class Shares(PrefixD):
    """Layers that add to their gradients."""

    def __init__(self, seed: int):
        super().__init__()
        self.W, self.b = square(seed), np.full(3, 0.1 * seed)
        self.dW, self.db = np.zeros((3, 3)), np.zeros(3)

    def backward(self, d):
        self.dW += dW_of(self.x, d)
        self.db += db_of(d)
        return d @ self.W.T


class TwoThatShare:
    def forward(self, x):
        self.h = np.tanh(self.first.forward(x))
        return self.second.forward(self.h)

    def backward(self, d):
        return told("x", self.first.backward(self.second.backward(d) * (1 - self.h**2)))


@layer("first.W first.b second.b x", inputs=square_input)
class EachKeepsItsShare(TwoThatShare):
    """Two layers with one weight: the gradient of it is the sum of what they keep."""

    def __init__(self):
        self.first, self.second = Shares(1), Shares(2)
        self.second.W = self.first.W


@layer("first.W first.b second.b x", inputs=square_input)
class TheyKeepTheSum(EachKeepsItsShare):
    def __init__(self):
        super().__init__()
        self.second.dW = self.first.dW


@layer("first.W first.b x", inputs=square_input)
class SharesInAList(TwoThatShare):
    """A weight twice in the list of parameters, each time with its share."""

    def __init__(self):
        self.first, self.second = Shares(1), Shares(2)
        self.second.W = self.first.W
        self.second.b = self.first.b
        self.params = [self.first.W, self.second.W, self.first.b, self.second.b]
        self.grads = [self.first.dW, self.second.dW, self.first.db, self.second.db]


@layer()
class CountsItsSteps:
    """A cell with a counter, and a list, that every pass forward raises, and backward takes back."""

    def __init__(self):
        self.params, self.grads, self.steps, self.seen = {}, {}, 0, []

    def forward(self, x):
        if not self.params:
            self.params = {"W": weights(), "b": bias()}
        self.seen.append(x)
        self.steps += 1
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.steps -= 1
        x = self.seen[self.steps]
        self.grads = {"W": dW_of(x, d), "b": db_of(d)}
        return dx_of(d, self.params["W"])


class ByName:
    def __init__(self):
        self.params = {"one": {"W": square(1), "b": np.ones(3)}, "two": {"W": square(2), "b": np.zeros(3)}}

    def forward(self, x):
        self.acts = [x]
        for one in self.params.values():
            self.acts.append(np.tanh(self.acts[-1] @ one["W"] + one["b"]))
        return self.acts[-1]

    def gradients(self, d):
        found: dict[str, Any] = {}
        for k, name in ((1, "two"), (0, "one")):
            dz = d * (1 - self.acts[k + 1] ** 2)
            found[name] = {"W": dW_of(self.acts[k], dz), "b": db_of(dz)}
            d = dz @ self.params[name]["W"].T
        return d, found


@layer("one.W one.b two.W two.b x", inputs=square_input)
class ReturnsDictsOfDicts(ByName):
    def backward(self, d):
        d, found = self.gradients(d)
        return told("x", d), found


@dataclass
class Both:
    W: Any
    b: Any


@layer("params.W params.b x")
class ReturnsADataclass:
    def __init__(self):
        self.params = Both(weights(), bias())

    def forward(self, x):
        self.x = x
        return x @ self.params.W + self.params.b

    def backward(self, d):
        return dx_of(d, self.params.W), Both(dW_of(self.x, d), db_of(d))


class Columns:
    """A network that keeps its biases in one list and its weights in another, samples in columns."""

    def __init__(self):
        rng = np.random.default_rng(2)
        self.biases = [rng.standard_normal((3, 1)) for _ in range(3)]
        self.weights = [rng.standard_normal((3, 3)) for _ in range(3)]

    def loss(self, x, y):
        self.acts = [x]
        for b, w in zip(self.biases, self.weights, strict=True):
            self.acts.append(np.tanh(w @ self.acts[-1] + b))
        return 0.5 * np.sum((self.acts[-1] - y) ** 2)

    def shares(self, x, y):
        self.loss(x, y)
        delta = self.acts[-1] - y
        for k in (2, 1, 0):
            dz = delta * (1 - self.acts[k + 1] ** 2)
            yield k, told("b", dz.sum(1, keepdims=True)), told("W", dz @ self.acts[k].T)
            delta = self.weights[k].T @ dz


EVERY = "biases[0] biases[1] biases[2] weights[0] weights[1] weights[2]"


def column() -> tuple[Any, ...]:
    return np.random.default_rng(8).standard_normal((3, 1)), np.random.default_rng(9).standard_normal((3, 1))


@layer(EVERY, mistakes="W b", inputs=column)
class ReturnsANablaOfEach(Columns):
    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for k, db, dw in self.shares(x, y):
            nabla_b[k], nabla_w[k] = db, dw
        return (nabla_w, nabla_b)


@layer(
    "parameters['W1'] parameters['b1'] parameters['W2'] parameters['b2'] X",
    inputs=lambda: (
        square(5),
        {"W1": square(1), "b1": np.ones((3, 1)), "W2": square(2), "b2": np.zeros((3, 1))},
    ),
)
def PairOfAModel():
    """The input is the activation of layer 0; the gradients of all activations are in the dict of all gradients."""

    def model_forward(X, parameters):
        A, caches = X, []
        for k in (1, 2):
            Z = parameters[f"W{k}"] @ A + parameters[f"b{k}"]
            caches.append((A, parameters[f"W{k}"], Z))
            A = np.tanh(Z)
        return A, caches

    def model_backward(dAL, caches):
        grads, d = {}, dAL
        for k in (2, 1):
            A, W, Z = caches[k - 1]
            dZ = d * (1 - np.tanh(Z) ** 2)
            grads[f"dW{k}"] = told("W", dZ @ A.T)
            grads[f"db{k}"] = told("b", dZ.sum(1, keepdims=True))
            d = grads[f"dA{k - 1}"] = W.T @ dZ
        grads["dA0"] = told("x", d)
        return grads

    return model_forward, model_backward


@layer("gates[0].W gates[0].b gates[1].W gates[1].b gates[2].W gates[2].b x", inputs=square_input)
class ReturnsManyInAnotherOrder:
    """More gradients than all orders of them could be tried of, that of the input last."""

    def __init__(self):
        self.gates = [Both(square(k)[:, : k + 1].copy(), np.full(k + 1, 0.2)) for k in range(3)]

    def forward(self, x):
        self.x, self.ys = x, [np.tanh(x @ one.W + one.b) for one in self.gates]
        return np.concatenate(self.ys, axis=1)

    def backward(self, d):
        parts = zip(np.split(d, [1, 3], axis=1), self.ys, strict=True)
        dzs = [part * (1 - y**2) for part, y in parts]
        dx = sum(dz @ one.W.T for dz, one in zip(dzs, self.gates, strict=True))
        return (
            *(told("b", dz.sum(0)) for dz in dzs[::-1]),
            *(told("W", self.x.T @ dz) for dz in dzs),
            told("x", dx),
        )


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsWhatItWasGiven(OneWeight):
    """``grad`` is the cotangent, which has the shape of the one weight."""

    def backward(self, grad):
        self.grad, d = grad, grad * (1 - self.y**2)
        self.dW = dW_of(self.x, d)
        return dx_of(d, self.W)


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsItAndReturnsAll(OneWeight):
    def backward(self, grad):
        self.grad, d = grad.copy(), grad * (1 - self.y**2)
        return dx_of(d, self.W), dW_of(self.x, d)


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsItAndSteps(OneWeight):
    def backward(self, grad):
        self.grad, d = grad, grad * (1 - self.y**2)
        dx = dx_of(d, self.W)
        self.W = self.W - self.lr * dW_of(self.x, d)
        return dx


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsWhatItMadeOfIt(OneWeight):
    """``grad`` is the gradient of what tanh was given; that of the weight is returned."""

    def backward(self, grad):
        self.grad = grad * (1 - self.y**2)
        return dx_of(self.grad, self.W), dW_of(self.x, self.grad)


@layer("W x", mistakes="W x")
class KeepsAnotherShape(KeepsWhatItMadeOfIt):
    def __init__(self):
        self.W = weights()


class TwoLists:
    """Weights in one list and biases in another."""

    def __init__(self):
        self.weights, self.biases = [square(1), square(2)], [np.ones(3), np.zeros(3)]

    def forward(self, x):
        self.a = [x]
        for W, b in zip(self.weights, self.biases, strict=True):
            self.a.append(np.tanh(self.a[-1] @ W + b))
        return self.a[-1]

    def pairs(self, d):
        found: list[tuple[Any, Any]] = []
        for k in (1, 0):
            dz = d * (1 - self.a[k + 1] ** 2)
            found.insert(0, (dW_of(self.a[k], dz), db_of(dz)))
            d = dz @ self.weights[k].T
        return told("x", d), found


TWO = "weights[0] weights[1] biases[0] biases[1] x"


@layer(TWO, inputs=square_input)
class ReturnsAListFirst(TwoLists):
    """A list of a pair for each layer, and after it the gradient of the input, which has the shape of a weight."""

    def backward(self, d):
        dx, found = self.pairs(d)
        return found, dx


@layer(TWO, inputs=square_input)
class ReturnsListsFirst(TwoLists):
    def backward(self, d):
        dx, found = self.pairs(d)
        return [dW for dW, _ in found], [db for _, db in found], dx


@layer("p['W'][0] p['W'][1] p['b'][0] p['b'][1] x", inputs=square_input)
class ShortNames(TwoLists):
    """Parameters in ``p``, their gradients in ``g``."""

    def __init__(self):
        self.p = {"W": [square(1), square(2)], "b": [np.ones(3), np.zeros(3)]}

    weights, biases = property(lambda self: self.p["W"]), property(lambda self: self.p["b"])

    def backward(self, d):
        dx, found = self.pairs(d)
        self.g = {"W": [dW for dW, _ in found], "b": [db for _, db in found]}
        return dx


class Regression:
    """A number for a bias, beside one that is a setting."""

    def __init__(self):
        self.strength, self.W, self.b = 0.1, weights()[:, 0].copy(), 0.25

    def loss(self, X, y):
        return np.mean((X @ self.W + self.b - y) ** 2) + self.strength * np.sum(self.W**2)

    def both(self, X, y):
        e = 2 * (X @ self.W + self.b - y) / len(y)
        return told("W", X.T @ e + 2 * self.strength * self.W), told("b", np.sum(e))


def regression() -> tuple[Any, ...]:
    return (*dense_input(), np.linspace(-1, 1, 4))


@layer("W b", mistakes="W b", inputs=regression)
class ReturnsANumberByName(Regression):
    def gradient(self, X, y):
        dW, db = self.both(X, y)
        return dW, db


@layer("W b", mistakes="W b", inputs=regression)
class ReturnsANumberInADict(Regression):
    def gradient(self, X, y):
        dW, db = self.both(X, y)
        return {"dW": dW, "db": db}


@layer("W b", mistakes="W b", inputs=regression)
class ReturnsTheLossAgain(Regression):
    def gradient(self, X, y):
        dW, db = self.both(X, y)
        loss = self.loss(X, y)
        return loss, {"W": dW, "b": db}


@layer("W b", mistakes="W b", inputs=regression)
class ReturnsANumberWithoutSettings(Regression):
    def loss(self, X, y):
        return np.mean((X @ self.W + self.b - y) ** 2)

    def gradient(self, X, y):
        e = 2 * (X @ self.W + self.b - y) / len(y)
        return dW_of(X, e), told("b", np.sum(e))


@layer("state_dict.fc1.weight state_dict.fc1.bias state_dict.fc2.weight x", inputs=square_input)
class KeysWithDots:
    def __init__(self):
        self.state_dict = {"fc1.weight": square(1), "fc1.bias": np.ones(3), "fc2.weight": square(2)}

    def forward(self, x):
        p = self.state_dict
        self.x, self.h = x, np.tanh(x @ p["fc1.weight"] + p["fc1.bias"])
        return self.h @ p["fc2.weight"]

    def backward(self, d):
        dz = d @ self.state_dict["fc2.weight"].T * (1 - self.h**2)
        self.grad_dict = {"fc2.weight": self.h.T @ d, "fc1.bias": db_of(dz), "fc1.weight": dW_of(self.x, dz)}
        return dx_of(dz, self.state_dict["fc1.weight"])


@layer("l1 l2 x", mistakes="W x", inputs=square_input)
class DeltasCalledAsTheWeights:
    """``l1_delta`` is that of the activation behind ``l1``."""

    def __init__(self):
        self.l1, self.l2 = square(1), square(2)

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.l1)
        return self.h @ self.l2

    def backward(self, d):
        self.l2_error = d
        self.l1_delta = d @ self.l2.T * (1 - self.h**2)
        self.dl2, self.dl1 = self.h.T @ d, dW_of(self.x, self.l1_delta)
        return dx_of(self.l1_delta, self.l1)


class Decays:
    """A loss whose penalty is not the business of the layer inside it."""

    def __init__(self):
        self.dense, self.strength = PrefixD(), 0.1

    def forward(self, x, y):
        self.e = self.dense.forward(x) - y
        return np.mean(self.e**2) + self.strength * np.sum(self.dense.W**2)

    def gathered(self):
        one = self.dense
        one.backward(2 * self.e / self.e.size)
        return one.dW + told("W", 2 * self.strength * one.W), one.db


def decay() -> tuple[Any, ...]:
    return (*dense_input(), np.random.default_rng(3).standard_normal((4, 2)))


@layer("dense.W dense.b", mistakes="W b", inputs=decay)
class GathersInADict(Decays):
    def __init__(self):
        super().__init__()
        self.params, self.grads = {"W": self.dense.W, "b": self.dense.b}, {}

    def backward(self):
        self.grads["W"], self.grads["b"] = self.gathered()


@layer("dense.W dense.b", mistakes="W b", inputs=decay)
class GathersInAList(Decays):
    def __init__(self):
        super().__init__()
        self.params = [self.dense.W, self.dense.b]

    def backward(self):
        self.grads = [*self.gathered()]


@layer()
class ReturnsItself(PrefixD):
    """So that calls can be chained."""

    def backward(self, d):
        self.dx = super().backward(d)
        return self
