"""Functions that round on their way: what they return to so many decimals, or what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tests.kinds.functions import NAMES, function
from tests.kinds.kind import Kind, Sample

VALUES: dict[str, tuple[str, Callable[[float], float]]] = {
    "three decimals": ("f16", lambda value: round(value, 3)),
    "six decimals": ("f32 inside", lambda value: round(value, 6)),
    "six digits, printed": ("f32 inside", lambda value: float(f"{value:.6g}")),
    "twenty bits behind the point": (
        "f32 inside",
        lambda value: float(np.floor(value * 2.0**20 + 0.5) / 2.0**20),
    ),
}

ARGUMENTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "single": ("f32 inside", lambda x: x.astype(np.float32).astype(float)),
    "half": ("f16", lambda x: x.astype(np.float16).astype(float)),
    "half, then single": ("f16", lambda x: x.astype(np.float16).astype(np.float32)),
    "bfloat16": ("bf16", lambda x: x.astype(ml_dtypes.bfloat16).astype(float)),
    "three decimals": ("f16", lambda x: np.round(x, 3)),
    "five decimals, parsed": ("f32 inside", lambda x: np.array([float(f"{entry:.5f}") for entry in x])),
}


def _of_values(rounded: Callable[[float], float]) -> Callable[[int], Sample]:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 8])
        n = int(r.choice([5, 50]))
        f, gradient, _ = function(NAMES[seed % len(NAMES)], n, r, np.float64)
        return Sample("grad", lambda x: rounded(float(f(x))), gradient, (r.standard_normal(n),))

    return draw


def _of_arguments(rounded: Callable[[Any], Any]) -> Callable[[int], Sample]:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 9])
        n = int(r.choice([5, 50]))
        f, gradient, _ = function(NAMES[seed % len(NAMES)], n, r, np.float64)
        return Sample("grad", lambda x: float(f(rounded(x))), gradient, (r.standard_normal(n),))

    return draw


def _of_one_argument(rounded: Callable[[Any], Any]) -> Callable[[int], Sample]:
    """Weights are cast, and biases are not."""

    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 10])
        inputs, scale = r.standard_normal((9, 4)), r.standard_normal((9, 3))

        def f(w: Any, b: Any) -> float:
            return float(np.sum(scale * np.tanh(inputs @ rounded(w.ravel()).reshape(4, 3) + b)))

        def gradient(w: Any, b: Any) -> Any:
            slope = scale * (1.0 - np.tanh(inputs @ w + b) ** 2)
            return inputs.T @ slope, slope.sum(0)

        return Sample("grad", f, gradient, (0.5 * r.standard_normal((4, 3)), r.standard_normal(3)), (0, 1))

    return draw


KINDS = [
    *(Kind(f"rounding/values to {name}", of, _of_values(how)) for name, (of, how) in VALUES.items()),
    *(Kind(f"rounding/arguments to {name}", of, _of_arguments(how)) for name, (of, how) in ARGUMENTS.items()),
    *(
        Kind(f"rounding/weights alone to {name}", of, _of_one_argument(how))
        for name, (of, how) in ARGUMENTS.items()
    ),
]
