"""A residual block: what layers make of ``x``, on top of ``x`` (He et al., "Deep residual learning", 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck import Case
from reference_impls.layers import linear
from reference_impls.layers.layer import Layer, Sequential


class Residual(Sequential):
    """``y = x + f(x)`` with ``f`` the layers in a row; they must keep the shape.

    ``dx = dy + f``'s pullback of ``dy``: ``x`` acts by itself and through ``f``, and the first of the two paths lets
    ``dy`` through whatever the layers do to it.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        super().__init__(layers)

    def forward(self, x: Any) -> Any:
        """``x + f(x)``."""
        y = super().forward(x)
        if np.shape(y) != np.shape(x):
            raise ValueError(
                f"the layers of a residual block made {np.shape(y)} of {np.shape(x)}: keep the shape"
            )
        return x + y

    def backward(self, dy: Any) -> Any:
        """``dy + f``'s pullback of ``dy``."""
        return dy + super().backward(dy)


def cases() -> list[Case]:
    """Two linear layers; a block in a block; float32."""
    rng = np.random.default_rng(15)
    x = rng.standard_normal((5, 3))

    def layer(inputs: int, outputs: int, dtype: Any = np.float64) -> Layer:
        return Layer(linear.forward, linear.backward, linear.initial_params(inputs, outputs, rng, dtype))

    single = Residual([layer(3, 4, np.float32), layer(4, 3, np.float32)])
    return [
        Case("residual/block", Residual([layer(3, 4), layer(4, 3)]), None, (x,), kind="layer"),
        Case("residual/nested", Residual([Residual([layer(3, 3)]), layer(3, 3)]), None, (x,), kind="layer"),
        Case("residual/float32", single, None, (x.astype(np.float32),), kind="layer"),
    ]
