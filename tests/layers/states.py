"""Several inputs and outputs, hidden states, running statistics, masks, tokens."""

from __future__ import annotations

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
    told,
    two_inputs,
    weights,
)


@layer("W b x h", inputs=two_inputs)
class Cell:
    """Two inputs, two outputs, a cotangent for each output."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x, h):
        self.x, self.h = x, h
        self.new = np.tanh(x @ self.W + self.b) + 0.5 * h
        return np.tanh(self.new), self.new

    def backward(self, dy, dh):
        g = dy * (1 - np.tanh(self.new) ** 2) + dh
        dz = g * (1 - np.tanh(self.x @ self.W + self.b) ** 2)
        self.dW, self.db = dW_of(self.x, dz), db_of(dz)
        return dx_of(dz, self.W), 0.5 * g


@layer("W b x h", inputs=two_inputs)
class CellWithCache(Cell):
    def forward(self, x, h):
        new = np.tanh(x @ self.W + self.b) + 0.5 * h
        return np.tanh(new), new, (x, new)

    def backward(self, dy, dh, cache):
        x, new = cache
        g = dy * (1 - np.tanh(new) ** 2) + dh
        dz = g * (1 - np.tanh(x @ self.W + self.b) ** 2)
        return dx_of(dz, self.W), 0.5 * g, {"W": dW_of(x, dz), "b": db_of(dz)}


@layer("W b x")
class ReturnsItsMap:
    """Two outputs, the second for looking at: backward takes the cotangent of the first alone."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        z = x @ self.W + self.b
        return np.tanh(z), z

    def backward(self, dout):
        dz = dout * (1 - np.tanh(self.x @ self.W + self.b) ** 2)
        self.dW, self.db = dW_of(self.x, dz), db_of(dz)
        return dx_of(dz, self.W)


@layer("Wxh Whh bh xs", inputs=lambda: (np.random.default_rng(8).standard_normal((4, 5, 3)),))
class Recurrent:
    def __init__(self):
        self.Wxh, self.Whh, self.bh = weights(), np.array([[0.3, -0.5], [0.2, 0.4]]), bias()

    def forward(self, xs):
        self.xs, h = xs, np.zeros((len(xs), 2))
        self.hs = [h]
        for t in range(xs.shape[1]):
            h = np.tanh(xs[:, t] @ self.Wxh + h @ self.Whh + self.bh)
            self.hs.append(h)
        self.h = h
        return np.stack(self.hs[1:], axis=1)

    def backward(self, dhs):
        self.dWxh, self.dWhh, self.dbh = np.zeros((3, 2)), np.zeros((2, 2)), np.zeros(2)
        dxs, dh = np.zeros(self.xs.shape), 0
        for t in reversed(range(self.xs.shape[1])):
            dz = (dhs[:, t] + dh) * (1 - self.hs[t + 1] ** 2)
            self.dWxh += dW_of(self.xs[:, t], dz)
            self.dWhh += self.hs[t].T @ dz
            self.dbh += db_of(dz)
            dxs[:, t], dh = dx_of(dz, self.Wxh), dz @ self.Whh.T
        self.dh = dh
        return dxs


@layer("W b ids", inputs=lambda: (np.array([2, 0, 2, 1]),), mistakes="W b")
class Embedding:
    """Integer input: no gradient of it, and backward returns none."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, ids):
        self.ids = ids
        return self.W[ids] + self.b

    def backward(self, d):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.ids, told("W", d))
        self.db = db_of(d)


MADE["Embedding"] = Made(Embedding, MADE["Embedding"].inputs, frozenset({"W", "b"}), ("W", "b"))


@layer("gamma beta x")
class BatchNorm:
    """Running statistics that forward writes and backward leaves alone."""

    def __init__(self):
        self.gamma, self.beta = np.array([1.1, 0.8, -0.5]), np.array([0.1, 0.2, 0.3])
        self.running_mean, self.running_var = np.zeros(3), np.ones(3)

    def forward(self, x, train_flg=True):
        if not train_flg:
            return self.gamma * (x - self.running_mean) / np.sqrt(self.running_var + 1e-7) + self.beta
        mu, var = x.mean(0), x.var(0)
        self.std = np.sqrt(var + 1e-7)
        self.xn = (x - mu) / self.std
        self.running_mean = 0.9 * self.running_mean + 0.1 * mu
        self.running_var = 0.9 * self.running_var + 0.1 * var
        return self.gamma * self.xn + self.beta

    def backward(self, d):
        self.dgamma, self.dbeta = told("W", (d * self.xn).sum(0)), db_of(d)
        dn = d * self.gamma
        return told("x", (dn - dn.mean(0) - self.xn * (dn * self.xn).mean(0)) / self.std)


@layer("gamma beta x", inputs=lambda: (*dense_input(), False))
class BatchNormInUse(BatchNorm):
    def forward(self, x, train_flg=True):
        self.xn = (x - self.running_mean) / np.sqrt(self.running_var + 1e-7)
        return self.gamma * self.xn + self.beta

    def backward(self, d):
        self.dgamma, self.dbeta = told("W", (d * self.xn).sum(0)), db_of(d)
        return told("x", d * self.gamma / np.sqrt(self.running_var + 1e-7))


@layer()
class DenseWithDropout:
    """A mask drawn from the generator that everybody shares."""

    def __init__(self):
        self.W, self.b, self.p = weights(), bias(), 0.5

    def forward(self, x):
        self.x = x
        self.mask = (np.random.rand(len(x), 2) < self.p) / self.p  # noqa: NPY002 - as people do
        return (x @ self.W + self.b) * self.mask

    def backward(self, d):
        d = d * self.mask
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
class DropoutOfItsOwn(DenseWithDropout):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(3)

    def forward(self, x):
        self.x = x
        self.mask = (self.rng.random((len(x), 2)) < self.p) / self.p
        return (x @ self.W + self.b) * self.mask


@layer("W alpha x", mistakes="W b x")
class Slope:
    """A parameter that is a plain number."""

    def __init__(self):
        self.W, self.alpha = weights(), 0.25

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return np.where(self.z > 0, self.z, self.alpha * self.z)

    def backward(self, d):
        self.dalpha = told("b", float(np.sum(np.where(self.z > 0, 0.0, self.z) * d)))
        dz = np.where(self.z > 0, 1.0, self.alpha) * d
        self.dW = dW_of(self.x, dz)
        return dx_of(dz, self.W)


@layer("W b x")
class Tied:
    """One array under two names, used twice."""

    def __init__(self):
        self.W, self.b = (
            np.array([[0.5, -0.2, 0.1], [0.3, 0.8, -0.6], [-0.4, 0.7, 0.2]]),
            np.array([0.1, 0.2, 0.3]),
        )
        self.tied = self.W

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W + self.b)
        return self.h @ self.tied

    def backward(self, d):
        dz = (d @ self.tied.T) * (1 - self.h**2)
        self.dW, self.db = told("W", self.x.T @ dz + self.h.T @ d), db_of(dz)
        return dx_of(dz, self.W)
