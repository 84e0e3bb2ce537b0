"""Weights in attributes, their gradients in attributes that are called like them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.layers.making import bias, db_of, dense_input, dW_of, dx_of, layer, told, weights


@layer()
class PrefixD:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = dW_of(self.x, dout), db_of(dout)
        return dx_of(dout, self.W)


@layer("weights biases inputs")
class PrefixDLong:
    """Output and gradient of the input in attributes, nothing returned."""

    def __init__(self):
        self.weights, self.biases = weights(), np.array([bias()])

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = dW_of(self.inputs, dvalues)
        self.dbiases = told("b", np.sum(dvalues, axis=0, keepdims=True))
        self.dinputs = dx_of(dvalues, self.weights)


@layer()
class GradPrefix:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.cache = x
        return x @ self.W + self.b

    def backward(self, grad_output):
        self.grad_W, self.grad_b = dW_of(self.cache, grad_output), db_of(grad_output)
        return dx_of(grad_output, self.W)


@layer("weight bias x")
class GradSuffix:
    def __init__(self):
        self.weight, self.bias = weights(), bias()

    def forward(self, x):
        self._x = x
        return x @ self.weight + self.bias

    def backward(self, g):
        self.weight_grad, self.bias_grad = dW_of(self._x, g), db_of(g)
        return dx_of(g, self.weight)


@layer("weights bias x")
class Abbreviated:
    def __init__(self):
        self.weights, self.bias = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias

    def backward(self, d):
        self.dw, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.weights)


@layer("_W _b x")
class Private:
    def __init__(self):
        self._W, self._b, self._dW, self._db = weights(), bias(), None, None

    def forward(self, x):
        self._x = x
        return x @ self._W + self._b

    def backward(self, d):
        self._dW, self._db = dW_of(self._x, d), db_of(d)
        return dx_of(d, self._W)


@layer()
class Accumulates:
    def __init__(self):
        self.W, self.b = weights(), bias()
        self.dW, self.db = np.ones((3, 2)), np.ones(2)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW += dW_of(self.x, d)
        self.db += db_of(d)
        return dx_of(d, self.W)


@layer()
class CachesItsValues:
    """z, a and their gradients are computed in every pass: no parameters."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        self.a = np.tanh(self.z)
        return self.a

    def backward(self, da):
        self.da = da
        self.dz = da * (1 - self.a**2)
        self.dW, self.db = dW_of(self.x, self.dz), db_of(self.dz)
        self.dx = dx_of(self.dz, self.W)
        return self.dx


@layer()
def RanBefore():
    one = CachesItsValues()
    (x,) = dense_input()
    one.backward(np.ones_like(one.forward(x + 1.0)))
    return one


@layer()
class DeltaNames:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, delta):
        self.delta_W, self.delta_b = dW_of(self.x, delta), db_of(delta)
        return dx_of(delta, self.W)


@layer()
class LeibnizNames:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dLdy):
        self.dL_dW, self.dL_db = dW_of(self.x, dLdy), db_of(dLdy)
        return dx_of(dLdy, self.W)


@layer()
class Slots:
    __slots__ = ("W", "b", "dW", "db", "x")

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
@dataclass
class Data:
    W: Any = field(default_factory=weights)
    b: Any = field(default_factory=bias)
    dW: Any = None
    db: Any = None
    x: Any = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
class Lazy:
    def __init__(self):
        self.W = self.b = None

    def forward(self, x):
        if self.W is None:
            self.W, self.b = np.random.standard_normal((x.shape[1], 2)), np.zeros(2)  # noqa: NPY002 - as people do
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
class DerivativesInFront(PrefixD):
    def backward(self, d):
        self.deriv_W, self.deriv_b = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
class NablaBehind(PrefixD):
    def backward(self, d):
        self.W_nabla, self.b_nabla = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer("_W _b x")
class CurrentGradients:
    """All that belongs to the last pass is called so."""

    def __init__(self):
        self._W, self._b = weights(), bias()
        self._cache_current = self._grad_W_current = self._grad_b_current = None

    def forward(self, x):
        self._cache_current = x
        return x @ self._W + self._b

    def backward(self, grad_z):
        self._grad_W_current = dW_of(self._cache_current, grad_z)
        self._grad_b_current = db_of(grad_z)
        return dx_of(grad_z, self._W)


@layer("W_in_current b_in_current x")
class GradientsOfCurrents:
    """And where the weights are."""

    def __init__(self):
        self.W_in_current, self.b_in_current = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W_in_current + self.b_in_current

    def backward(self, d):
        self.dW_in_current, self.db_in_current = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W_in_current)
