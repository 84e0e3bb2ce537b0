"""Units that multiply their input by a gate of it, and their hand-written pullbacks: silu, gelu, hard swish.

All are ``a(z) = z g(z)``, so by the product rule ``a' = g + z g'``; what differs is the gate. Conventions as in
`reference_impls.activations`.
"""

from __future__ import annotations

import math

import numpy as np

from gradcheck import Case
from reference_impls.activations import Activation, Array, sigmoid
from reference_impls.erf import erfc

_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_TANH_SCALE, _TANH_CUBE = math.sqrt(2 / math.pi), 0.044715


def silu(z: Array) -> Array:
    """``z sigmoid(z)``, also called swish (Elfwing, Uchibe and Doya, 2018)."""
    return z * sigmoid(z)


def silu_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `silu`.

    The gate is the sigmoid ``s``, whose slope is ``s (1 - s)``: ``a' = s + z s (1 - s) = s (1 + z (1 - s))``, with ``1
    - s`` written as the sigmoid of ``-z``.
    """
    s = sigmoid(z)
    slope: Array = s * (1 + z * sigmoid(-z))
    return upstream * slope


def gelu(z: Array) -> Array:
    """``z Phi(z)``, ``Phi`` the distribution of a standard normal (Hendrycks and Gimpel, 2016).

    ``Phi(z) = (1 + erf(z / sqrt 2)) / 2`` would lose its digits in the lower tail, ``erfc(-z / sqrt 2) / 2`` does not.
    """
    return z * _phi(z)


def gelu_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `gelu`.

    ``Phi'`` is the normal density ``exp(-z^2 / 2) / sqrt(2 pi)``, so ``a' = Phi(z) + z exp(-z^2 / 2) / sqrt(2 pi)``.
    """
    slope: Array = _phi(z) + z * np.exp(-0.5 * z * z) * _DENSITY
    return upstream * slope


def _phi(z: Array) -> Array:
    gate: Array = 0.5 * erfc(-_ROOT_HALF * z)
    return gate


def gelu_tanh(z: Array) -> Array:
    """``z (1 + tanh(w)) / 2`` with ``w = sqrt(2 / pi) (z + 0.044715 z^3)``: gelu before erf was at hand.

    ``(1 + tanh(w)) / 2`` is the sigmoid of ``2 w``, which keeps its digits where the tanh is near -1.
    """
    return z * sigmoid(2 * _bent(z))


def gelu_tanh_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `gelu_tanh`.

    The gate ``s = sigmoid(2 w)`` has the slope ``2 w' s (1 - s)`` with ``w' = sqrt(2 / pi) (1 + 3 * 0.044715 z^2)``; so
    ``a' = s + 2 z w' s (1 - s) = s (1 + 2 z w' sigmoid(-2 w))``.
    """
    w = _bent(z)
    bent = _TANH_SCALE * (1 + 3 * _TANH_CUBE * z * z)
    slope: Array = sigmoid(2 * w) * (1 + 2 * z * bent * sigmoid(-2 * w))
    return upstream * slope


def _bent(z: Array) -> Array:
    bent: Array = _TANH_SCALE * (z + _TANH_CUBE * z * z * z)
    return bent


def hard_swish(z: Array) -> Array:
    """``z clip((z + 3) / 6, 0, 1)`` (Howard et al., "Searching for MobileNetV3", 2019)."""
    gate: Array = np.clip((z + 3) / 6, 0, 1)
    return z * gate


def hard_swish_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `hard_swish`.

    Between -3 and 3 it is ``(z^2 + 3 z) / 6``, of slope ``z / 3 + 1 / 2``; below it is 0, above ``z``. At -3 and 3 the
    slope jumps; there the outer one is taken.
    """
    inner = np.abs(z) < 3
    slope: Array = inner * (z / 3 + 0.5) + (z >= 3)
    return upstream * slope


GATED: dict[str, Activation] = {
    "silu": Activation(silu, silu_vjp),
    "gelu": Activation(gelu, gelu_vjp),
    "gelu_tanh": Activation(gelu_tanh, gelu_tanh_vjp),
    "hard_swish": Activation(hard_swish, hard_swish_vjp),
}
"""Every gated unit by name."""


def cases() -> list[Case]:
    """Every pullback at random inputs, in float64 and float32."""
    z = 3 * np.random.default_rng(16).standard_normal((4, 5))
    return [
        Case(f"gated/{name}{suffix}", *unit, (z.astype(dtype),), kind="vjp")
        for suffix, dtype in (("", np.float64), ("_float32", np.float32))
        for name, unit in GATED.items()
    ]
