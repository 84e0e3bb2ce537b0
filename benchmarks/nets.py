"""The networks that are timed, with inputs of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from reference_impls import mlp
from reference_impls.losses import example

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Net:
    """One problem: layer sizes, batch, activation, loss and dtype; its arrays are the same in every process."""

    sizes: tuple[int, ...]
    batch: int
    hidden: str
    loss: str
    dtype: str

    @property
    def name(self) -> str:
        """What a table calls it, "784-128-10 relu, 256"."""
        return f"{'-'.join(map(str, self.sizes))} {self.hidden}, {self.batch}"

    @property
    def tiny(self) -> bool:
        """Whether Python loops over its entries are a sensible rival."""
        return max(self.sizes) < 10

    @cached_property
    def data(self) -> tuple[mlp.Parameters, Array, Array]:
        """Parameters, inputs and targets."""
        rng = np.random.default_rng(0)
        params = mlp.initial_parameters(self.sizes, rng, np.dtype(self.dtype))
        X = rng.standard_normal((self.batch, self.sizes[0])).astype(self.dtype)
        _, targets = example(self.loss, (self.batch, self.sizes[-1]), rng)
        return params, X, targets if targets.dtype.kind == "i" else targets.astype(self.dtype)


SHAPES = [
    ((2, 2, 1), 4, "binary_cross_entropy_with_logits"),
    ((3, 4, 1), 4, "mse_mean"),
    ((784, 128, 64, 10), 1, "softmax_cross_entropy"),
    ((784, 128, 64, 10), 32, "softmax_cross_entropy"),
    ((784, 128, 64, 10), 256, "softmax_cross_entropy"),
    ((784, 128, 10), 256, "softmax_cross_entropy"),
    ((1024, 1024, 1024, 10), 512, "softmax_cross_entropy"),
]
NETS = [
    Net(sizes, batch, hidden, loss, dtype)
    for sizes, batch, loss in SHAPES
    for hidden in ("relu", "sigmoid")
    for dtype in ("float64", "float32")
]
