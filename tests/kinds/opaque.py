"""What no tracer sees into: values through bytes, tables and text, in single and half precision, of any size."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.kinds.functions import NAMES, function
from tests.kinds.kind import Kind, Sample


def _through_bytes(x: Any) -> Any:
    return np.frombuffer(np.asarray(x, float).tobytes(), float)


def _opaque(dtype: Any, n: int) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, n])
        f, gradient, exact = function(NAMES[seed % len(NAMES)], n, r, dtype)
        return Sample(
            "grad",
            lambda x: float(f(_through_bytes(x))),
            lambda x: gradient(np.asarray(x)),
            (r.standard_normal(n),),
            exact=exact,
        )

    return draw


def _text(seed: int) -> Sample:
    """A program that prints six decimals."""
    r = np.random.default_rng([seed, 6])
    x = r.standard_normal(4)
    return Sample(
        "grad", lambda x: float(f"{np.sum(np.sin(_through_bytes(x)) * [1, 2, 3, 4]):.6f}"),
        lambda x: np.cos(x) * [1.0, 2.0, 3.0, 4.0], (x,),
    )  # fmt: skip


def _double(seed: int) -> Sample:
    r = np.random.default_rng([seed, 7])
    n = int(r.choice([5, 50, 500]))
    f, gradient, exact = function(NAMES[seed % len(NAMES)], n, r, np.float64)
    return Sample(
        "grad", lambda x: float(f(_through_bytes(x))), gradient, (r.standard_normal(n),), exact=exact
    )


KINDS = [
    *(Kind(f"opaque/float32, n = {n}", "f32 inside", _opaque(np.float32, n)) for n in (5, 50, 500, 5000)),
    Kind("opaque/float16, n = 5", "f16", _opaque(np.float16, 5), shows=False),
    Kind("opaque/six decimals", "f32 inside", _text),
    Kind("opaque/float64", "f64", _double),
]
