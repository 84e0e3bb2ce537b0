"""Weights and gradients that share memory: a transpose that is kept, the parts of one vector, one array for both."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from tests.layers.making import bias, db_of, dW_of, dx_of, layer, rng, square, square_input, told, weights


@layer("W b x")
class TiedByAView:
    """The weight of the decoder is a view of the encoder's, and has no gradient of its own."""

    def __init__(self):
        self.W, self.b = weights(), bias()
        self.W_prime = self.W.T

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h @ self.W_prime

    def backward(self, d):
        dz = d @ self.W * (1 - self.h**2)
        self.dW, self.db = told("W", self.x.T @ dz + d.T @ self.h), db_of(dz)
        return dx_of(dz, self.W)


@layer("W V b x", mistakes="W b V")
class SharesOfATie(TiedByAView):
    """Each of the two keeps the gradient of what it contributes itself, as stepping both in place wants it."""

    def __init__(self):
        super().__init__()
        self.V = self.W_prime
        del self.W_prime

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h @ self.V

    def backward(self, d):
        dz = d @ self.V.T * (1 - self.h**2)
        self.dW, self.dV, self.db = told("W", self.x.T @ dz), told("V", self.h.T @ d), db_of(dz)
        return dx_of(dz, self.W)


@layer("theta x", mistakes="W x")
class PartsOfAVector:
    """Forward reads the parts, backward leaves the gradient of the whole."""

    def __init__(self):
        self.theta = rng().standard_normal(8)
        self.W, self.b = self.theta[:6].reshape(3, 2), self.theta[6:]

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dtheta = told("W", np.concatenate([(self.x.T @ d).ravel(), d.sum(0)]))
        return dx_of(d, self.W)


@layer("params x", mistakes="W x")
class PartsOfParams(PartsOfAVector):
    """The whole and its gradient are called as those of any layer are, and the parts come before it."""

    def __init__(self):
        whole = rng().standard_normal(8)
        self.W, self.b = whole[:6].reshape(3, 2), whole[6:]
        self.params, self.grad = whole, None

    def backward(self, d):
        self.grad = told("W", np.concatenate([(self.x.T @ d).ravel(), d.sum(0)]))
        return dx_of(d, self.W)


@layer("theta W b x", mistakes="W b x")
class PartsWithGradients(PartsOfAVector):
    """The gradients are parts of a vector as well, into which backward writes."""

    def __init__(self):
        super().__init__()
        self.grad = np.zeros(8)
        self.gW, self.gb = self.grad[:6].reshape(3, 2), self.grad[6:]

    def backward(self, d):
        self.gW += dW_of(self.x, d)
        self.gb += db_of(d)
        return dx_of(d, self.W)


@layer("Wx Wh x h", mistakes="W x", inputs=lambda: (*square_input(), square(3)))
class WholeOfParts:
    """Forward reads the whole, gradients are kept of its parts."""

    def __init__(self):
        self.W = rng().standard_normal((6, 3))
        self.Wx, self.Wh = self.W[:3], self.W[3:]

    def forward(self, x, h):
        self.xh = np.hstack([x, h])
        return self.xh @ self.W

    def backward(self, d):
        self.dWx, self.dWh = np.split(dW_of(self.xh, d), 2)
        dxh = dx_of(d, self.W)
        return dxh[:, :3], dxh[:, 3:]


@layer()
class OneArrayForBoth:
    """Before the first backward a gradient is the weight itself."""

    def __init__(self):
        self.params = {"W": weights(), "b": bias()}
        self.grads = dict(self.params)

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads["W"], self.grads["b"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.params["W"])


@layer("W x", mistakes="W x")
class AddsToAPart:
    """Its gradient is a part of an array of gradients, to which backward adds."""

    def __init__(self):
        self.W, self.buffer = weights(), np.zeros((2, 3, 2))
        self.dW = self.buffer[0]

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        self.buffer[0] += dW_of(self.x, d)
        return dx_of(d, self.W)


class PartsOfAFlat(PartsOfAVector):
    """The whole goes by a name that says nothing, and comes before its parts."""

    def __init__(self):
        self.flat = rng().standard_normal(8)
        self.W, self.b = self.flat[:6].reshape(3, 2), self.flat[6:]

    def whole_gradient(self, d):
        return told("W", np.concatenate([(self.x.T @ d).ravel(), d.sum(0)]))


@layer("flat x", mistakes="W x")
class FlatGradient(PartsOfAFlat):
    """Nor does that of its gradient, which is not that of W."""

    def backward(self, d):
        self.grad = self.whole_gradient(d)
        return dx_of(d, self.W)


@layer("vec x", mistakes="W x")
class FlatGradientWrittenInto(PartsOfAFlat):
    def __init__(self):
        super().__init__()
        self.vec, self.gradient = self.flat, np.zeros(8)
        del self.flat

    def backward(self, d):
        self.gradient[...] = self.whole_gradient(d)
        return dx_of(d, self.W)


@layer("flat x", mistakes="W x")
class FlatDelta(PartsOfAFlat):
    def backward(self, d):
        self.delta = self.whole_gradient(d)
        return dx_of(d, self.W)


@layer("flat x", mistakes="W x")
class FlatGradientReturned(PartsOfAFlat):
    def backward(self, d):
        return dx_of(d, self.W), self.whole_gradient(d)


@layer("store.vector x", mistakes="W x")
class FlatInAStore(PartsOfAFlat):
    def __init__(self):
        super().__init__()
        self.store = SimpleNamespace(vector=self.flat)
        del self.flat

    def backward(self, d):
        self.store.grads = self.whole_gradient(d)
        return dx_of(d, self.W)


@layer("v x", mistakes="W x")
class OneFlatWeight(PartsOfAVector):
    """Its one weight is all of the vector, in another shape."""

    def __init__(self):
        self.v = rng().standard_normal(6)
        self.W = self.v.reshape(3, 2)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, d):
        self.g = told("W", (self.x.T @ d).ravel())
        return dx_of(d, self.W)


@layer("c b x")
class WindowsOfAVector:
    """A Toeplitz matrix: what `as_strided` makes shares the memory of its vector."""

    def __init__(self):
        self.c, self.b = rng().standard_normal(4), bias()
        self.W = np.lib.stride_tricks.as_strided(self.c, (3, 2), (8, 8))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        g, self.dc = dW_of(self.x, d), np.zeros(4)
        for number, row in enumerate(g):
            self.dc[number : number + 2] += row
        self.db = db_of(d)
        return dx_of(d, self.W)


@layer("W b x")
class TiedByStrides(TiedByAView):
    def __init__(self):
        super().__init__()
        self.W_prime = np.lib.stride_tricks.as_strided(self.W, (2, 3), self.W.strides[::-1])
