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


@layer("kernel offset x")
class ListsHandedOutTogether(PairsHandedOut):
    """All parameters, then all gradients."""

    params_and_grads = None

    def get_params_grads(self):
        return [self.kernel, self.offset], [self.first, self.second]


@layer("kernel offset x")
class DictsHandedOutTogether(ListsHandedOutTogether):
    def get_params_grads(self):
        return {"W": self.kernel, "b": self.offset}, {"W": self.first, "b": self.second}


@layer("kernel offset x")
class RecordsHandedOut(ListsHandedOutTogether):
    """A dict for each, in which they are called what they are."""

    def __init__(self):
        super().__init__()
        self.first = self.second = None

    def get_params_grads(self):
        yield {"param": self.kernel, "grad": self.first}
        yield {"param": self.offset, "grad": self.second}


@layer("kernel offset x")
class RecordsWithNames(RecordsHandedOut):
    def get_params_grads(self):
        return [
            {"name": "W", "value": self.kernel, "gradient": self.first},
            {"name": "b", "value": self.offset, "gradient": self.second},
        ]


@layer("kernel offset x")
class OneDictHandedOut(RecordsHandedOut):
    def get_params_grads(self):
        return {"params": [self.kernel, self.offset], "grads": [self.first, self.second]}


@layer("kernel offset x")
class KeysHandedOut(RecordsHandedOut):
    def get_params_grads(self):
        return {"W": self.kernel, "b": self.offset, "dW": self.first, "db": self.second}
