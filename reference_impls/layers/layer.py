"""The one interface of all layers here, and thin objects that hold parameters and compose.

A layer is a file with two pure functions, of parameters ``params`` (a dict of arrays, empty where there are
none), inputs and settings:

- ``forward(params, x, **settings) -> (y, cache)``: the output, and whatever the way back needs;
- ``backward(dy, cache) -> (dx, grads)``: from the derivative of a scalar with respect to ``y``, those with
  respect to ``x`` (of several inputs a tuple) and, under the same names as in ``params``, the parameters.

Neither keeps anything or changes what it is given. All floats come in one dtype, and all that is computed has it; what
is of another dtype or shape is told by name (`reference_impls.layers.axes`), and ``dy`` like all else. The cache may
hold the inputs themselves, as in every framework: nothing should be written into them before the way back. The output
is the caller's own. `Layer` joins the two with parameters; `Sequential` puts layers in a row. Both are what
`gradcheck.check_layer` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Params = Mapping[str, Array]
Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[[Any, Any], tuple[Any, dict[str, Any]]]


class Layer:
    """A layer's two functions with its parameters and settings.

    Parameters
    ----------
    forward, backward
        Those of a file of this package, or any others that do as they do.
    params
        The parameters by name; an optimiser may write into these very arrays.
    settings
        Keywords that ``forward`` gets each time (``stride=2``).

    Attributes
    ----------
    grads
        After `backward`: the derivative of each parameter, under the parameter's name.
    """

    def __init__(self, forward: Forward, backward: Backward, params: Params, **settings: Any) -> None:
        self._forward, self._backward = forward, backward
        self.params = dict(params)
        self.settings = settings
        self.grads: dict[str, Any] = {}
        self._kept: list[Any] = []

    def forward(self, *inputs: Any) -> Any:
        """The output; what `backward` needs is kept until the next call."""
        y, cache = self._forward(self.params, *inputs, **self.settings)
        self._kept = [(cache, np.shape(y))]
        return y

    def backward(self, dy: Any) -> Any:
        """The derivative of the input of the latest `forward`; those of the parameters go to ``grads``."""
        if not self._kept:
            raise RuntimeError("backward before forward: call forward(x) first, it keeps what backward needs")
        [(cache, shape)] = self._kept
        if np.shape(dy) != shape:
            raise ValueError(f"dy has the shape {np.shape(dy)}, and y {shape}: give one for each entry of y")
        dx, self.grads = self._backward(dy, cache)
        return dx


class Sequential:
    """Layers in a row, each fed with the output of the one before.

    ``params`` and ``grads`` are dicts with the names ``"0.W"``, ``"0.b"``, ``"2.W"``: the layer's place, then
    the parameter's name. The layers use what stands in ``params``.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = list(layers)
        for place, layer in enumerate(self.layers):
            if not hasattr(layer, "params"):
                raise TypeError(
                    f"layers[{place}] is a {type(layer).__name__}; wanted a Layer, or what has its params"
                )
        found = list(_within(self.layers))
        if len({id(layer) for layer in found}) < len(found):
            raise ValueError(
                "a layer stands in layers twice, and keeps what backward needs of its latest forward alone: make a "
                "layer for each place"
            )
        self.params = _by_place([layer.params for layer in self.layers])
        self.grads: dict[str, Any] = {}

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        for place, layer in enumerate(self.layers):
            layer.params = {name: self.params[f"{place}.{name}"] for name in layer.params}
            x = layer.forward(x)
        return x

    def backward(self, dy: Any) -> Any:
        """The derivative of the input of the latest `forward`; those of the parameters go to ``grads``."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        self.grads = _by_place([layer.grads for layer in self.layers])
        return dy


def _within(layers: Sequence[Any]) -> Iterator[Any]:
    """All layers of a row, and those that they are rows of themselves."""
    for layer in layers:
        yield layer
        yield from _within(getattr(layer, "layers", ()))


def _by_place(dicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{place}.{name}": array for place, named in enumerate(dicts) for name, array in named.items()}
