"""A pair of functions instead of an object."""

from __future__ import annotations

import numpy as np

from tests.layers.attributes import PrefixD
from tests.layers.calls import Called
from tests.layers.making import (
    bias,
    db_of,
    dense_arguments,
    dense_input,
    dW_of,
    dx_of,
    layer,
    told,
    two_inputs,
    weights,
)


@layer("x w b", inputs=dense_arguments)
def PairWithCache():
    def affine_forward(x, w, b):
        return x @ w + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, _ = cache
        return dx_of(dout, w), dW_of(x, dout), db_of(dout)

    return affine_forward, affine_backward


@layer("x W b", inputs=dense_arguments)
def PairOfDicts():
    def forward(x, W, b):
        return x @ W + b, {"x": x, "W": W}

    def backward(dout, cache):
        x, W = cache["x"], cache["W"]
        return {"dx": dx_of(dout, W), "dW": dW_of(x, dout), "db": db_of(dout)}

    return forward, backward


@layer("x w b", inputs=dense_arguments)
def PairWithArguments():
    return (
        lambda x, w, b: x @ w + b,
        lambda dout, x, w, b: (dx_of(dout, w), dW_of(x, dout), db_of(dout)),
    )


@layer(
    "x gamma beta", inputs=lambda: (*dense_input(), np.ones(3), np.zeros(3), {"mode": "train", "eps": 1e-5})
)
def PairWithSettings():
    """State is kept in the dict of settings that is passed along."""

    def batchnorm_forward(x, gamma, beta, bn_param):
        mu, var = x.mean(0), x.var(0) + bn_param.get("eps", 1e-5)
        xn = (x - mu) / np.sqrt(var)
        bn_param["running_mean"] = 0.9 * bn_param.get("running_mean", np.zeros(3)) + 0.1 * mu
        return gamma * xn + beta, (xn, gamma, var)

    def batchnorm_backward(dout, cache):
        xn, gamma, var = cache
        dn = dout * gamma
        dx = (dn - dn.mean(0) - xn * (dn * xn).mean(0)) / np.sqrt(var)
        return told("x", dx), told("W", (dout * xn).sum(0)), db_of(dout)

    return batchnorm_forward, batchnorm_backward


@layer("x W b", inputs=lambda: (*dense_arguments(), 0.5))
def PairWithFactor():
    def forward(x, W, b, scale):
        return scale * (x @ W + b), (x, W, scale)

    def backward(dout, cache):
        x, W, scale = cache
        return dx_of(scale * dout, W), dW_of(x, scale * dout), db_of(scale * dout)

    return forward, backward


@layer("x h W b", inputs=lambda: (*two_inputs(), weights(), bias()))
def PairOfTwoOutputs():
    def step(x, h, W, b):
        new = np.tanh(x @ W + b) + 0.5 * h
        return np.tanh(new), new, (x, W, b, new)

    def step_back(dy, dh, cache):
        x, W, b, new = cache
        g = dy * (1 - np.tanh(new) ** 2) + dh
        dz = g * (1 - np.tanh(x @ W + b) ** 2)
        return dx_of(dz, W), 0.5 * g, dW_of(x, dz), db_of(dz)

    return step, step_back


@layer("W b x")
def PairOfMethods():
    one = PrefixD()
    return one.forward, one.backward


@layer("W b x")
def PairOfObjectAndMethod():
    one = Called()
    return one, one.backward
