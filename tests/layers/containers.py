"""Weights and gradients in dicts, lists and tuples."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from tests.layers.making import bias, db_of, dW_of, dx_of, layer, square, square_input, told, weights


@layer()
class EqualKeys:
    def __init__(self):
        self.params, self.grads = {"W": weights(), "b": bias()}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads["W"], self.grads["b"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.params["W"])


@layer()
class PrefixedKeys:
    def __init__(self):
        self.params = {"W": weights(), "b": bias()}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads = {"dW": dW_of(self.x, d), "db": db_of(d)}
        return dx_of(d, self.params["W"])


@layer()
class LongWords:
    """parameters, gradients, derived variables; what is added up is set to zero in the beginning."""

    def __init__(self):
        self.X = []
        self.parameters = {"W": weights(), "b": np.array([bias()])}
        self.gradients = {"W": np.zeros((3, 2)), "b": np.zeros((1, 2))}
        self.derived_variables = {"Z": []}

    def forward(self, x, retain_derived=True):
        Z = x @ self.parameters["W"] + self.parameters["b"]
        if retain_derived:
            self.X.append(x)
            self.derived_variables["Z"].append(Z)
        return np.tanh(Z)

    def backward(self, dLdy, retain_grads=True):
        Z, X = self.derived_variables["Z"][-1], self.X[-1]
        dZ = dLdy * (1 - np.tanh(Z) ** 2)
        if retain_grads:
            self.gradients["W"] += dW_of(X, dZ)
            self.gradients["b"] += told("b", dZ.sum(axis=0, keepdims=True))
        return dx_of(dZ, self.parameters["W"])


@layer("params[0] params[1] x")
class Lists:
    def __init__(self):
        self.params = [weights(), bias()]
        self.grads = [np.zeros((3, 2)), np.zeros(2)]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return x @ W + b

    def backward(self, dout):
        W, _ = self.params
        self.grads[0][...] = dW_of(self.x, dout)
        self.grads[1][...] = db_of(dout)
        return dx_of(dout, W)


@layer()
class ListsOfAttributes:
    """The parameters in attributes, their gradients in a list of the same order."""

    def __init__(self):
        self.W, self.b = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.grads = [dW_of(self.x, d), db_of(d)]
        return dx_of(d, self.W)


@layer("params[0] params[1] x")
class Tuples:
    def __init__(self):
        self.params = (weights(), bias())

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, d):
        self.grads = (dW_of(self.x, d), db_of(d))
        return dx_of(d, self.params[0])


Parameters = namedtuple("Parameters", "W b")


@layer("params[0] params[1] x")
class NamedTuples:
    def __init__(self):
        self.params = Parameters(weights(), bias())

    def forward(self, x):
        self.x = x
        return x @ self.params.W + self.params.b

    def backward(self, d):
        self.grads = Parameters(dW_of(self.x, d), db_of(d))
        return dx_of(d, self.params.W)


@layer("W1 b1 W2 x")
class TwoLayersInADict:
    def __init__(self):
        self.params = {"W1": weights(), "b1": bias(), "W2": np.array([[1.0, -0.5], [0.3, 0.8]])}

    def forward(self, x):
        p = self.params
        self.x, self.h = x, np.tanh(x @ p["W1"] + p["b1"])
        return self.h @ p["W2"]

    def backward(self, d):
        dz = (d @ self.params["W2"].T) * (1 - self.h**2)
        self.grads = {"W1": dW_of(self.x, dz), "b1": db_of(dz), "W2": self.h.T @ d}
        return dx_of(dz, self.params["W1"])


@layer("weights[0] biases[0] weights[1] x")
class NablaLists:
    """One list of weights, one of biases, nabla_w and nabla_b after backprop."""

    def __init__(self):
        self.weights, self.biases = [weights(), np.array([[1.0, -0.5], [0.3, 0.8]])], [bias()]

    def feedforward(self, x):
        self.x, self.h = x, np.tanh(x @ self.weights[0] + self.biases[0])
        return self.h @ self.weights[1]

    def backprop(self, delta):
        dz = (delta @ self.weights[1].T) * (1 - self.h**2)
        self.nabla_w = [dW_of(self.x, dz), self.h.T @ delta]
        self.nabla_b = [db_of(dz)]
        return dx_of(dz, self.weights[0])


@layer()
class LazyDict:
    def __init__(self):
        self.params, self.grads, self.is_initialized = {}, {}, False

    def _init_params(self, x):
        self.params = {"W": np.random.default_rng().standard_normal((x.shape[1], 2)), "b": np.zeros(2)}
        self.grads = {"W": np.zeros((x.shape[1], 2)), "b": np.zeros(2)}
        self.is_initialized = True

    def forward(self, x):
        if not self.is_initialized:
            self._init_params(x)
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grads["W"] += dW_of(self.x, d)
        self.grads["b"] += db_of(d)
        return dx_of(d, self.params["W"])


@layer("store.W1 store.b1 store.W2 store.b2 x", inputs=square_input)
class InAStore:
    """The keys alone are one, and those of the gradients come in the order of backward."""

    def __init__(self):
        self.store, self.grads = {"W1": square(1), "b1": np.ones(3), "W2": square(2), "b2": np.zeros(3)}, {}

    def forward(self, x):
        self.h = [x]
        for k in "12":
            self.h.append(np.tanh(self.h[-1] @ self.store[f"W{k}"] + self.store[f"b{k}"]))
        return self.h[-1]

    def backward(self, d):
        for k in (2, 1):
            d = d * (1 - self.h[k] ** 2)
            self.grads[f"W{k}"], self.grads[f"b{k}"] = dW_of(self.h[k - 1], d), db_of(d)
            d = d @ self.store[f"W{k}"].T
        return told("x", d)


@layer("W[0] b[0] x")
class PairsOfArrays:
    """What is first of a pair is the parameter, what is second its gradient."""

    def __init__(self):
        self.W, self.b = [weights(), None], [bias(), np.zeros(2)]

    def forward(self, x):
        self.x = x
        return x @ self.W[0] + self.b[0]

    def backward(self, d):
        self.W[1] = dW_of(self.x, d)
        self.b[1] += db_of(d)
        return dx_of(d, self.W[0])


@layer("first[0] layers[0][1] x", mistakes="W x", inputs=square_input)
class PairsOfWeights:
    """Both of a pair are weights; the second of another is left alone."""

    def __init__(self):
        self.layers = [(square(1), square(2))]
        self.first = (self.layers[0][0], square(1))

    def forward(self, x):
        W, V = self.layers[0]
        self.x, self.h = x, np.tanh(x @ W)
        return self.h @ V

    def backward(self, d):
        W, V = self.layers[0]
        dz = (d @ V.T) * (1 - self.h**2)
        return dx_of(dz, W), [(dW_of(self.x, dz), self.h.T @ d)]


@layer("layers[0][0] layers[0][1] layers[1][0] x")
class ListsOfLists:
    """Each layer is a pair, and so are its gradients; the list is not called as that of parameters is."""

    def __init__(self):
        self.layers = [(weights(), bias()), [np.array([[0.3, -1.2], [0.8, 0.5]])]]
        self.grads = []

    def forward(self, x):
        (W, b), (V,) = self.layers
        self.x, self.h = x, np.tanh(x @ W + b)
        return self.h @ V

    def backward(self, d):
        (W, _), (V,) = self.layers
        dz = (d @ V.T) * (1 - self.h**2)
        self.grads = [(dW_of(self.x, dz), db_of(dz)), [self.h.T @ d]]
        return dx_of(dz, W)


@layer("layers[0][0] layers[0][1] layers[1][0] x")
class ListsOfListsWrittenInto(ListsOfLists):
    def __init__(self):
        super().__init__()
        self.gradients = [[np.zeros_like(one) for one in pair] for pair in self.layers]

    def backward(self, d):
        dx = super().backward(d)
        for mine, came in zip(self.gradients, self.__dict__.pop("grads"), strict=True):
            for one, other in zip(mine, came, strict=True):
                one += other
        return dx


@layer("params_values.W1 params_values.b1 params_values.W2 x")
class ValuesOfBoth:
    """Columns are samples; names are those of a network in plain NumPy that many have copied."""

    def __init__(self):
        self.params_values = {
            "W1": weights().T,
            "b1": bias()[:, None],
            "W2": np.array([[0.3, -1.2], [0.8, 0.5]]),
        }
        self.memory, self.grads_values = {}, {}

    def forward(self, x):
        A = self.memory["A0"] = x.T
        Z = self.memory["Z1"] = self.params_values["W1"] @ A + self.params_values["b1"]
        self.memory["A1"] = np.tanh(Z)
        return (self.params_values["W2"] @ self.memory["A1"]).T

    def backward(self, d):
        dZ = self.params_values["W2"].T @ d.T * (1 - np.tanh(self.memory["Z1"]) ** 2)
        self.grads_values["dW2"] = d.T @ self.memory["A1"].T
        self.grads_values["dW1"] = dW_of(self.memory["A0"].T, dZ.T).T
        self.grads_values["db1"] = db_of(dZ.T)[:, None]
        return dx_of(dZ.T, self.params_values["W1"].T)


@layer()
class ValuesOfGradients:
    def __init__(self):
        self.params, self.grad_values = {"W": weights(), "b": bias()}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, d):
        self.grad_values["W"], self.grad_values["b"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.params["W"])


@layer("p.W p.b x")
class FieldsOfStructuredArray:
    def __init__(self):
        self.p = np.zeros((), dtype=[("W", float, (3, 2)), ("b", float, (2,))])
        self.p["W"], self.p["b"] = weights(), bias()
        self.g = np.zeros_like(self.p)

    def forward(self, x):
        self.x = x
        return x @ self.p["W"] + self.p["b"]

    def backward(self, d):
        self.g["W"], self.g["b"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.p["W"])


@layer("row.W row.b x")
class FieldsOfOneRow:
    """Gradients are in the same row of a structured array as what they belong to."""

    def __init__(self):
        kind = [("W", float, (3, 2)), ("b", float, (2,)), ("dW", float, (3, 2)), ("db", float, (2,))]
        self.row = np.zeros(1, dtype=kind)[0]
        self.row["W"], self.row["b"] = weights(), bias()

    def forward(self, x):
        self.x = x
        return x @ self.row["W"] + self.row["b"]

    def backward(self, d):
        self.row["dW"], self.row["db"] = dW_of(self.x, d), db_of(d)
        return dx_of(d, self.row["W"])


@layer("W[0][0] W[0][1] W[1][0] W[1][1] W[2][0] W[2][1] b[0] b[1] x")
class ListsOfNumbers:
    """Weights as they were read from JSON; their gradients are arrays."""

    def __init__(self):
        self.W, self.b = weights().tolist(), [0, 0]

    def forward(self, x):
        self.x = x
        return x @ np.array(self.W) + np.array(self.b)

    def backward(self, d):
        self.dW, self.db = dW_of(self.x, d), db_of(d)
        return dx_of(d, np.array(self.W))
