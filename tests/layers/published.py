"""Layers as published code writes them: modules that register their parts, lists of layers, caches of the caller."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.layers.attributes import PrefixD
from tests.layers.making import (
    OneWeight,
    bias,
    db_of,
    dense_arguments,
    dense_input,
    dW_of,
    dx_of,
    layer,
    square,
    square_input,
    told,
    weights,
)


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, None


class Module:
    """Its parameters and modules are in dicts of their own, and every module hands out those of all inside it."""

    def __init__(self):
        object.__setattr__(self, "_parameters", OrderedDict())
        object.__setattr__(self, "_modules", OrderedDict())

    def __setattr__(self, name, value):
        if isinstance(value, Parameter):
            self._parameters[name] = value
        elif isinstance(value, Module):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):
        for held in ("_parameters", "_modules"):
            if name in self.__dict__.get(held, ()):
                return self.__dict__[held][name]
        raise AttributeError(name)

    def __call__(self, *args):
        return self.forward(*args)

    def parameters(self):
        yield from self._parameters.values()
        for module in self._modules.values():
            yield from module.parameters()


class Linear(Module):
    def __init__(self):
        super().__init__()
        self.weight, self.bias = Parameter(weights().T.copy()), Parameter(bias())

    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, g):
        self.weight.grad, self.bias.grad = dW_of(g, self.x), db_of(g)
        return dx_of(g, self.weight.data.T)


class Rectifier(Module):
    def forward(self, x):
        self.positive = x > 0
        return x * self.positive

    def backward(self, g):
        return g * self.positive


@layer("fc.weight fc.bias x")
class RegistersItsModules(Module):
    def __init__(self):
        super().__init__()
        self.fc, self.act = Linear(), Rectifier()

    def forward(self, x):
        return self.act(self.fc(x))

    def backward(self, g):
        return self.fc.backward(self.act.backward(g))


class Row(list):
    """A list of layers that is a layer."""

    def forward(self, x):
        for one in self:
            x = one.forward(x)
        return x

    def backward(self, d):
        for one in reversed(self):
            d = one.backward(d)
        return d


class CalledTanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, d):
        return d * (1 - self.y**2)

    __call__ = forward


class CalledDense(PrefixD):
    __call__ = PrefixD.forward


@layer("[0].W [0].b x")
def TwoCallablesInARow():
    return Row([CalledDense(), CalledTanh()])


@layer("dense.W dense.b x")
class ListWithAttributes(list):
    def __init__(self):
        super().__init__()
        self.dense = PrefixD()

    def forward(self, x):
        return self.dense.forward(x)

    def backward(self, d):
        return self.dense.backward(d)


@layer()
class LooksIntoItsParameters:
    """Its ``__getattr__`` raises KeyError for what is not there."""

    def __init__(self):
        self.params, self.grads = {"W": weights(), "b": bias()}, {}

    def __getattr__(self, name):
        return self.params[name]

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.grads = {"W": dW_of(self.x, d), "b": db_of(d)}
        return dx_of(d, self.W)


@layer("kernel offset x")
class PropertiesThatHandOut:
    def __init__(self):
        self.kernel, self.offset = weights(), bias()

    @property
    def params(self):
        return [self.kernel, self.offset]

    @property
    def grads(self):
        return [self.first, self.second]

    def forward(self, x):
        self.x = x
        return x @ self.kernel + self.offset

    def backward(self, d):
        self.first, self.second = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.kernel)


class Context:
    saved: Any

    def save(self, *arrays):
        self.saved = arrays


@layer("x W b", inputs=lambda: (Context(), *dense_arguments()))
def PairWithContext():
    def forward(ctx, x, W, b):
        ctx.save(x, W)
        return x @ W + b

    def backward(ctx, grad_output):
        x, W = ctx.saved
        return dx_of(grad_output, W), dW_of(x, grad_output), db_of(grad_output)

    return forward, backward


@layer(inputs=lambda: (*dense_input(), {}))
class CacheOfTheCaller:
    """Forward writes into a cache that it is given, from which backward reads."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x, cache):
        cache["x"] = x
        return x @ self.W + self.b

    def backward(self, d, cache):
        self.dW, self.db = dW_of(cache["x"], d), db_of(d)
        return dx_of(d, self.W)


def state_input() -> tuple[Any, ...]:
    r = np.random.default_rng(7)
    return r.standard_normal((3, 4)), r.standard_normal((2, 4))


def cell_parameters() -> dict[str, Any]:
    r = np.random.default_rng(3)
    return {
        "Wax": weights().T.copy(),
        "Waa": r.standard_normal((2, 2)),
        "Wya": r.standard_normal((3, 2)),
        "ba": bias()[:, None],
        "by": np.zeros((3, 1)),
    }


@layer(
    "xt a_prev parameters['Wax'] parameters['Waa'] parameters['ba']",
    inputs=lambda: (*state_input(), cell_parameters()),
)
def PairOfACell():
    """Columns are samples; of state, prediction and cache only the state has a cotangent, and the cache is the last.

    The gradients of the inputs and of the parameters are in one dict, without those of the prediction.
    """

    def forward(xt, a_prev, parameters):
        p = parameters
        a_next = np.tanh(p["Wax"] @ xt + p["Waa"] @ a_prev + p["ba"])
        return a_next, p["Wya"] @ a_next + p["by"], (a_next, a_prev, xt, parameters)

    def backward(da_next, cache):
        a_next, a_prev, xt, p = cache
        dz = da_next * (1 - a_next**2)
        return {
            "dxt": told("x", p["Wax"].T @ dz),
            "da_prev": p["Waa"].T @ dz,
            "dWax": told("W", dz @ xt.T),
            "dWaa": dz @ a_prev.T,
            "dba": told("b", dz.sum(1, keepdims=True)),
        }

    return forward, backward


@layer("W b x")
class StepsByOptionalRate:
    """The rate of its step has a default, by which the step is no gradient."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d_y, learn_rate=2e-2):
        dx = dx_of(d_y, self.W)
        self.W -= learn_rate * dW_of(self.x, d_y)
        self.b -= learn_rate * db_of(d_y)
        return dx


@layer()
class OptionalRateForNothing(PrefixD):
    """What is called a rate, and is none."""

    def backward(self, dout, alpha=0.5):
        return super().backward(dout) + (alpha - 0.5) * self.x


@layer("W b", mistakes="W b", inputs=lambda: (*dense_input(), np.array([1, 0, 1, 1])))
class LabelsMayBeLeftOut:
    """Scores without labels, a loss with them; its gradient is asked for with the same arguments."""

    def __init__(self):
        self.params = {"W": weights(), "b": bias()}

    def scores(self, X):
        e = np.exp(X @ self.params["W"] + self.params["b"])
        return e / e.sum(1, keepdims=True)

    def loss(self, X, y=None):
        p = self.scores(X)
        return p if y is None else -np.mean(np.log(p[np.arange(len(y)), y]))

    def grad(self, X, y=None):
        d = (self.scores(X) - np.eye(2)[y]) / len(y)
        return {"W": dW_of(X, d), "b": db_of(d)}


@layer("layers[0].W layers[0].b layers[1].W layers[1].b x")
class ReturnsAPairOfEachLayer:
    def __init__(self):
        self.layers = [PrefixD(), PrefixD()]
        self.layers[1].W = np.array([[1.0, -0.5], [0.3, 0.8]])

    def forward(self, x):
        self.inputs = []
        for one in self.layers:
            self.inputs.append(x)
            x = np.tanh(x @ one.W + one.b)
        self.y = x
        return x

    def backward(self, d):
        gradients = []
        for one, x, y in zip(self.layers[::-1], self.inputs[::-1], (self.y, self.inputs[1]), strict=True):
            dz = d * (1 - y**2)
            gradients.insert(0, (dW_of(x, dz), db_of(dz)))
            d = dz @ one.W.T
        return told("x", d), gradients


@layer()
class NamesBothSides(PrefixD):
    """``dL_by_dW``, ``d_loss_wrt_b``."""

    def backward(self, dout):
        self.dL_by_dW, self.d_loss_wrt_b = dW_of(self.x, dout), db_of(dout)
        return dx_of(dout, self.W)


@layer()
class GradientsInTheCache(PrefixD):
    def forward(self, x):
        self.cache = {"x": x, "z": super().forward(x)}
        return self.cache["z"]

    def backward(self, dout):
        self.cache |= {"dW": dW_of(self.cache["x"], dout), "db": db_of(dout)}
        return dx_of(dout, self.W)


@layer()
class CalledErrors(PrefixD):
    def backward(self, dout):
        self.W_error, self.b_error = dW_of(self.x, dout), db_of(dout)
        return dx_of(dout, self.W)


@layer()
class LazyWithAListOfPasses:
    """Weights that the first pass makes, a list that every pass lengthens, a backward that begins with its first."""

    def __init__(self):
        self.X, self.params, self.grads = [], {}, {}

    def forward(self, x):
        if not self.params:
            self.params = {"W": np.random.standard_normal((x.shape[1], 2)), "b": np.zeros(2)}  # noqa: NPY002
        self.X.append(x)
        return np.tanh(x @ self.params["W"] + self.params["b"])

    def backward(self, *cotangents):
        for d, x in zip(cotangents, self.X, strict=False):
            dz = d * (1 - np.tanh(x @ self.params["W"] + self.params["b"]) ** 2)
            self.grads = {"W": dW_of(x, dz), "b": db_of(dz)}
        return dx_of(dz, self.params["W"])


@layer()
def FunctionsOverTheLayer():
    """Its methods are closures over it."""
    one = SimpleNamespace(W=weights(), b=bias())

    def forward(x):
        one.x = x
        return x @ one.W + one.b

    def backward(d):
        one.dW, one.db = dW_of(one.x, d), db_of(d)
        return dx_of(d, one.W)

    one.forward, one.backward = forward, backward
    return one


@layer()
class LambdasOverTheLayer(PrefixD):
    """Functions in a list, of which one calls another."""

    def __init__(self):
        super().__init__()
        product = lambda x: x @ self.W  # noqa: E731 - as people do
        self.steps = [product, lambda z: z + self.b, lambda z: z + 0.0 * product(self.x)]

    def forward(self, x):
        self.x = x
        for step in self.steps:
            x = step(x)
        return x


class Named(dict):
    """A dict whose keys are attributes."""

    __getattr__ = dict.__getitem__


@layer("p['W'] p['b'] x", inputs=lambda: (Named(W=weights(), b=bias()), *dense_input()))
def PairOfNamedParameters():
    def forward(p, x):
        return x @ p.W + p.b, (p, x)

    def backward(d, cache):
        p, x = cache
        return {"W": dW_of(x, d), "b": db_of(d)}, dx_of(d, p.W)

    return forward, backward


@layer("weights[0] weights[1] x", mistakes="W x", inputs=square_input)
class KeepsItsDeltas:
    """The cotangents of its activations, which have the shapes of its weights, are kept beside the gradients."""

    def __init__(self):
        self.weights = [square(1), square(2)]

    def forward(self, x):
        self.a = [x]
        for W in self.weights:
            self.a.append(np.tanh(self.a[-1] @ W))
        return self.a[-1]

    def backward(self, d):
        self.deltas, self.weight_gradients = [None, None], [None, None]
        for k in (1, 0):
            self.deltas[k] = d * (1 - self.a[k + 1] ** 2)
            self.weight_gradients[k] = dW_of(self.a[k], self.deltas[k])
            d = self.deltas[k] @ self.weights[k].T
        return told("x", d)


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsADelta(OneWeight):
    def backward(self, d):
        self.delta = d * (1 - self.y**2)
        self.weight_grad = dW_of(self.x, self.delta)
        return dx_of(self.delta, self.W)


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsADeltaAndAGradient(OneWeight):
    def backward(self, d):
        self.d = d * (1 - self.y**2)
        self.g = dW_of(self.x, self.d)
        return dx_of(self.d, self.W)


@layer("W x", mistakes="W x", inputs=square_input)
class KeepsADeltaAndSteps(OneWeight):
    def backward(self, d):
        self.delta = d * (1 - self.y**2)
        dx = dx_of(self.delta, self.W)
        self.W = self.W - self.lr * dW_of(self.x, self.delta)
        return dx


@layer()
class KeepsItsSteps(PrefixD):
    """``delta_W`` is how far the weight moved."""

    def __init__(self):
        super().__init__()
        self.lr, self.momentum = 0.1, 0.9
        self.delta_W, self.delta_b = np.zeros((3, 2)), np.zeros(2)

    def backward(self, dout):
        dx = dx_of(dout, self.W)
        self.delta_W = self.momentum * self.delta_W - self.lr * dW_of(self.x, dout)
        self.delta_b = self.momentum * self.delta_b - self.lr * db_of(dout)
        self.W, self.b = self.W + self.delta_W, self.b + self.delta_b
        return dx


@layer()
class StepsByItsGradient(PrefixD):
    """The step is the gradient itself: no rate is anywhere."""

    def backward(self, dout):
        dx = super().backward(dout)
        self.W, self.b = self.W - self.dW, self.b - self.db
        return dx


@layer("g d x", mistakes="W b x")
class ParametersCalledAsGradients:
    """``g`` and ``d`` are a gain and a shift, in a dict as in another of gradients."""

    def __init__(self):
        self.params, self.grads = {"g": np.array([1.0, 2.0, 0.5]), "d": np.array([0.1, 0.2, 0.3])}, {}

    def forward(self, x):
        self.x = x
        return x * self.params["g"] + self.params["d"]

    def backward(self, dout):
        self.grads = {"g": told("W", (dout * self.x).sum(0)), "d": db_of(dout)}
        return told("x", dout * self.params["g"])
