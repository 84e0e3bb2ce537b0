"""Large arrays, as much at a time as stays in the cache from one step to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from reference_impls.layers.layer import Array

BLOCK = 2**17
"""Entries taken at a time: a megabyte of doubles. Timed from 2^13 on: half a microsecond for every NumPy call weighs
more than a block that outgrows the second-level cache, as long as the third holds it."""


def blocks(x: Array) -> list[slice]:
    """Slices of the first axis, of about `BLOCK` entries each."""
    step = max(1, BLOCK // max(1, x[:1].size))
    return [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]


def room(x: Array) -> Any:
    """A new array for one of the `blocks` of ``x``, in memory as ``x`` lies there."""
    return np.empty_like(x[blocks(x)[0] if len(x) else slice(0)])
