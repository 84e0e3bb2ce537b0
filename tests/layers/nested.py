"""Layers in layers: networks, lists and dicts of them, two of a kind."""

from __future__ import annotations

import numpy as np

from tests.layers.attributes import PrefixD
from tests.layers.containers import EqualKeys, Lists
from tests.layers.making import layer, told


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, d):
        return d * (1 - self.y**2)


@layer("inner.W inner.b x")
class Inner:
    def __init__(self):
        self.inner = PrefixD()

    def forward(self, x):
        return self.inner.forward(x)

    def backward(self, d):
        return self.inner.backward(d)


@layer("layers[0].W layers[0].b x")
class Network:
    def __init__(self):
        self.layers = [PrefixD(), Tanh()]

    def forward(self, x):
        for one in self.layers:
            x = one.forward(x)
        return x

    def backward(self, d):
        for one in reversed(self.layers):
            d = one.backward(d)
        return d


@layer("layers[0].W layers[0].b x")
class NetworkOfDicts:
    def __init__(self):
        self.layers = [EqualKeys(), Tanh()]

    def __call__(self, x):
        for one in self.layers:
            x = one.forward(x)
        return x

    def backward(self, d):
        for one in self.layers[::-1]:
            d = one.backward(d)
        return d


@layer("layers['dense'].W layers['dense'].b x")
class NetworkByName:
    def __init__(self):
        self.layers = {"dense": PrefixD(), "tanh": Tanh()}

    def forward(self, x):
        for one in self.layers.values():
            x = one.forward(x)
        return x

    def backward(self, d):
        for one in list(self.layers.values())[::-1]:
            d = one.backward(d)
        return d


@layer("params[0] params[1] x")
class NetworkThatGathers:
    """The lists of all layers in lists of its own."""

    def __init__(self):
        self.layers = [Lists(), Tanh()]
        self.params, self.grads = [], []
        for one in self.layers:
            self.params += getattr(one, "params", [])
            self.grads += getattr(one, "grads", [])

    def forward(self, x):
        for one in self.layers:
            x = one.forward(x)
        return x

    def backward(self, d):
        for one in reversed(self.layers):
            d = one.backward(d)
        return d


@layer("first.W first.b second.W second.b x")
class TwoOfAKind:
    def __init__(self):
        self.first, self.second = PrefixD(), PrefixD()
        self.second.W = np.array([[1.0, -0.5], [0.3, 0.8]])

    def forward(self, x):
        return self.second.forward(np.tanh(self.first.forward(x)))

    def backward(self, d):
        d = self.second.backward(d) / told("x", 1.0)  # it is planted once
        return self.first.backward(d * (1 - np.tanh(self.first.x @ self.first.W + self.first.b) ** 2))


@layer("gates['f'].W gates['f'].b x")
class Deep:
    def __init__(self):
        self.gates = {"f": PrefixD()}

    def forward(self, x):
        return np.tanh(self.gates["f"].forward(x))

    def backward(self, d):
        one = self.gates["f"]
        return one.backward(d * (1 - np.tanh(one.x @ one.W + one.b) ** 2))
