"""Other names for the two methods, other arguments, caches that forward returns."""

from __future__ import annotations

import numpy as np

from tests.layers.making import bias, db_of, dense_input, dW_of, dx_of, layer, told, weights


@layer()
class Called:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.W_grad, self.b_grad = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer("W w0 X")
class Passes:
    def __init__(self):
        self.W, self.w0 = weights(), np.array([bias()])

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        self.grad_w = dW_of(self.layer_input, accum_grad)
        self.grad_w0 = told("b", np.sum(accum_grad, axis=0, keepdims=True))
        return dx_of(accum_grad, self.W)


@layer("W b args[0]")
class Star:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, *args):
        self.x = args[0]
        return self.x @ self.W + self.b

    def backward(self, *grads):
        self.dW, self.db = dW_of(self.x, grads[0]), db_of(grads[0])
        return dx_of(grads[0], self.W)


@layer()
class Training:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x, train=True):
        if train:
            self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer("W b x", inputs=lambda: (*dense_input(), True))
class TrainingAsked:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x, training):
        self.x = x if training else None
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
class KeepsNothing:
    """forward returns a cache, backward takes it."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        return x @ self.W + self.b, x

    def backward(self, dout, cache):
        self.dW, self.db = dW_of(cache, dout), db_of(dout)
        return dx_of(dout, self.W)


@layer()
class TakesInput:
    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        return x @ self.W + self.b

    def backward(self, d, x):
        self.dW, self.db = dW_of(x, d), db_of(d)
        return dx_of(d, self.W)


@layer()
class TakesInputFirst(TakesInput):
    def backward(self, x, grad_output):
        self.dW, self.db = dW_of(x, grad_output), db_of(grad_output)
        return dx_of(grad_output, self.W)
