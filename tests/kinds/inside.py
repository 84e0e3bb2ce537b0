"""Lower precision on the way through double code: casts, buffers, constants; half, bfloat16 and float8 as well."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from tests.kinds.functions import NAMES, function
from tests.kinds.kind import Kind, Sample

SINGLE = np.float32


def _cast(name: str, dtype: Any, point: Any, sizes: tuple[int, ...]) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 1])
        n = int(r.choice(sizes))
        f, gradient, exact = function(name, n, r, dtype)
        return Sample("grad", f, gradient, (r.standard_normal(n).astype(point),), exact=exact)

    return draw


def _buffer(seed: int) -> Sample:
    """A recurrence that fills a float32 buffer, as im2col, pooling and recurrent layers do."""
    r = np.random.default_rng([seed, 2])
    W, x = r.standard_normal((4, 4)) / 2, r.standard_normal((6, 4))

    def states(W: Any) -> Any:
        h = np.zeros((7, 4), dtype=SINGLE)
        for t in range(6):
            h[t + 1] = np.tanh(h[t] @ W + x[t])
        return h

    def f(W: Any) -> Any:
        return np.sum(states(W)[1:] ** 2)

    def gradient(W: Any) -> Any:
        h, dW, dh = states(W), np.zeros((4, 4)), np.zeros(4)
        for t in reversed(range(6)):
            dz = (dh + 2 * h[t + 1]) * (1 - h[t + 1] ** 2)
            dW += np.outer(h[t], dz)
            dh = dz @ W.T
        return dW

    return Sample("grad", f, gradient, (W,))


def _constants(seed: int) -> Sample:
    """float32 weights and factors in double code."""
    r = np.random.default_rng([seed, 3])
    A, c = r.standard_normal((5, 8)).astype(SINGLE), SINGLE(2 / 3)
    return Sample(
        "grad",
        lambda x: np.sum(c * np.tanh(A @ x) ** 2),
        lambda x: A.T @ (2 * c * np.tanh(A @ x) * (1 - np.tanh(A @ x) ** 2)),
        (r.standard_normal(8),),
    )


def _rounded(kind: Any, point: Any) -> Any:
    """Every value on the way rounded to a format that NumPy does not compute in."""

    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 4])
        n = int(r.choice([3, 5, 12]))

        def to(v: Any) -> Any:
            return np.asarray(v, SINGLE).astype(kind).astype(SINGLE)

        def f(x: Any) -> Any:
            return np.sum(to(np.sin(to(x))))

        x = r.standard_normal(n).astype(point)
        return Sample(
            "grad", f, lambda x: to(np.cos(to(x))), (x,), exact=lambda x: np.cos(x.astype(np.longdouble))
        )

    return draw


KINDS = [
    *(
        Kind(f"inside/float32, {name}", "f32 inside", _cast(name, SINGLE, np.float64, (5, 50, 500)))
        for name in NAMES
    ),
    *(Kind(f"inside/float16, {name}", "f16", _cast(name, np.float16, np.float64, (5, 20))) for name in NAMES),
    Kind("inside/float32 buffer", "f32 inside", _buffer),
    Kind("inside/float32 constants", "f32 inside", _constants),
    Kind("inside/bfloat16, float32 point", "bf16", _rounded(ml_dtypes.bfloat16, SINGLE)),
    Kind("inside/bfloat16, float64 point", "bf16", _rounded(ml_dtypes.bfloat16, np.float64)),
    Kind("inside/float8, float32 point", "f8", _rounded(ml_dtypes.float8_e4m3, SINGLE), shows=False),
    Kind("inside/float8, float64 point", "f8", _rounded(ml_dtypes.float8_e4m3, np.float64), shows=False),
]
