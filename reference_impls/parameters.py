"""The parameters of a network as arrays in memory: a list with one ``{"W": ..., "b": ...}`` a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Layer = dict[str, Array]
Parameters = list[Layer]


def empty_layer(inputs: int, outputs: int, dtype: Any = np.float64) -> Layer:
    """Uninitialised ``{"W": (inputs, outputs), "b": (outputs,)}`` with ``b`` right behind ``W`` in memory.

    Both are ordinary arrays. That they lie side by side lets `reference_impls.fast_mlp` take both as one
    array.
    """
    whole = np.empty((inputs + 1, outputs), dtype)
    return {"W": whole[:-1], "b": whole[-1]}


def like(params: Parameters) -> Parameters:
    """Uninitialised arrays of the shapes and dtypes of ``params``, each ``W`` with its ``b`` side by side."""
    return [empty_layer(len(layer["W"]), len(layer["b"]), layer["W"].dtype) for layer in params]


def copies(params: Parameters) -> Parameters:
    """The same numbers in memory of their own."""
    made = like(params)
    for copy, layer in zip(made, params, strict=True):
        copy["W"][...], copy["b"][...] = layer["W"], layer["b"]
    return made


def arrays(params: Parameters) -> list[Array]:
    """Every ``W`` and ``b``, first layer first."""
    return [array for layer in params for array in (layer["W"], layer["b"])]


def side_by_side(layer: Layer) -> Array | None:
    """The array (inputs + 1, outputs) whose first rows are ``W`` and whose last is ``b``, if there is one."""
    W, b = layer["W"], layer["b"]
    whole = W.base
    if whole is None or b.base is not whole or whole.shape != (len(W) + 1, len(b)):
        return None
    # W without the last row, and b without the others, leave one place for each
    apart = not np.may_share_memory(W, whole[-1]) and not np.may_share_memory(b, whole[:-1])
    plain = W.strides == whole.strides and b.strides == whole.strides[1:] and whole.flags.c_contiguous
    return whole if apart and plain and whole.dtype == W.dtype == b.dtype else None


def are(params: Parameters, bound: list[tuple[Array, Array]]) -> bool:
    """Whether the arrays of ``params`` are the very ones in ``bound``."""
    return len(params) == len(bound) and all(map(_is, params, bound))


def _is(layer: Layer, pair: tuple[Array, Array]) -> bool:
    return layer["W"] is pair[0] and layer["b"] is pair[1]
