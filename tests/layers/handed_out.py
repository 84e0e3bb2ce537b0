"""Weights and gradients that methods hand out."""

from __future__ import annotations

from tests.layers.making import bias, db_of, dW_of, dx_of, layer, weights


@layer("w beta x")
class MethodDicts:
    def __init__(self):
        self.w, self.beta = weights(), bias()

    def params(self):
        return {"W": self.w, "b": self.beta}

    def grads(self):
        return {"W": self._one, "b": self._two}

    def forward(self, x):
        self.x = x
        return x @ self.w + self.beta

    def backward(self, d):
        self._one, self._two = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.w)


@layer("kernel offset x")
class MethodLists:
    def __init__(self):
        self.kernel, self.offset = weights(), bias()

    def parameters(self):
        return [self.kernel, self.offset]

    def gradients(self):
        return [self.first, self.second]

    def forward(self, x):
        self.x = x
        return x @ self.kernel + self.offset

    def backward(self, d):
        self.first, self.second = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.kernel)


@layer("kernel offset x")
class MethodGenerators:
    def __init__(self):
        self.kernel, self.offset = weights(), bias()

    def get_params(self):
        yield self.kernel
        yield self.offset

    def get_grads(self):
        yield self.first
        yield self.second

    def forward(self, x):
        self.x = x
        return x @ self.kernel + self.offset

    def backward(self, d):
        self.first, self.second = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.kernel)


@layer("kernel offset x")
class PairsHandedOut:
    """Each parameter with its gradient, once there is one."""

    def __init__(self):
        self.kernel, self.offset = weights(), bias()

    def params_and_grads(self):
        yield self.kernel, self.first
        yield self.offset, self.second

    def forward(self, x):
        self.x = x
        return x @ self.kernel + self.offset

    def backward(self, d):
        self.first, self.second = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.kernel)
