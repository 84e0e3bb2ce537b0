"""Activation functions and their hand-written pullbacks, each with its derivation.

Every function acts on an array ``z`` of any shape; softmax and log-softmax act along the last axis, one
example a row. A pullback ``name_vjp(upstream, z)`` turns the loss's derivative with respect to the output
into its derivative with respect to ``z``: for ``a = h(z)`` applied entry by entry that is ``upstream *
h'(z)``. float32 stays float32, and no logit of size 1e4 or less overflows or warns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradcheck import Case

Array = np.ndarray[Any, np.dtype[Any]]


def sigmoid(z: Array) -> Array:
    """``1 / (1 + exp(-z))``.

    ``exp(-z)`` overflows for large negative ``z``; its logarithm does not. Since ``log(1 + exp(-z))`` is
    ``logaddexp(0, -z)``, the sigmoid is ``exp(-logaddexp(0, -z))``, accurate also where it is tiny.
    """
    return np.exp(-np.logaddexp(0, -z))


def sigmoid_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `sigmoid`.

    With ``e = exp(-z)`` and ``s = 1 / (1 + e)``, the chain rule gives ``s' = e / (1 + e)**2 = s * e / (1 +
    e)``, and ``e / (1 + e) = 1 - s``, which is the sigmoid of ``-z``. Writing it so keeps its digits where
    ``s`` rounds to 1.
    """
    return upstream * sigmoid(z) * sigmoid(-z)


def tanh(z: Array) -> Array:
    """Hyperbolic tangent, ``(exp(z) - exp(-z)) / (exp(z) + exp(-z))``."""
    return np.tanh(z)


def tanh_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `tanh`.

    ``tanh = sinh / cosh``, so ``tanh' = (cosh**2 - sinh**2) / cosh**2 = 1 - tanh**2 = 1 / cosh**2``. Where ``tanh`` has
    rounded to 1, ``1 - tanh**2`` has no digits left. With ``e = exp(-|z|)``, which never overflows, ``1 / cosh = 2 e /
    (1 + e**2)`` has them all.
    """
    e: Array = np.exp(-np.abs(z))
    sech: Array = 2 * e / (1 + e * e)
    return upstream * sech * sech


def relu(z: Array) -> Array:
    """``max(z, 0)`` (Nair and Hinton, 2010)."""
    return np.maximum(z, 0)


def relu_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `relu`.

    The slope is 1 where ``z > 0`` and 0 where ``z < 0``. At 0 itself any number from 0 to 1 is a subgradient;
    this one takes 0, as most libraries do.
    """
    return upstream * (z > 0)


def leaky_relu(z: Array, slope: float = 0.01) -> Array:
    """``z`` where it is positive, ``slope * z`` elsewhere (Maas, Hannun and Ng, 2013)."""
    return np.where(z > 0, z, slope * z)


def leaky_relu_vjp(upstream: Array, z: Array, slope: float = 0.01) -> Array:
    """Pull ``upstream`` back through `leaky_relu`: the slope is 1 where ``z > 0``, else ``slope``."""
    return np.where(z > 0, upstream, slope * upstream)


def softplus(z: Array) -> Array:
    """``log(1 + exp(z))``, a smooth relu (Dugas et al., 2001), as ``logaddexp(0, z)`` so that nothing overflows."""
    return np.logaddexp(0, z)


def softplus_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `softplus`.

    ``d/dz log(1 + exp(z)) = exp(z) / (1 + exp(z)) = 1 / (1 + exp(-z))``: the sigmoid.
    """
    return upstream * sigmoid(z)


def elu(z: Array, alpha: float = 1.0) -> Array:
    """``z`` where it is positive, ``alpha (exp(z) - 1)`` elsewhere (Clevert, Unterthiner and Hochreiter, 2016)."""
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_vjp(upstream: Array, z: Array, alpha: float = 1.0) -> Array:
    """Pull ``upstream`` back through `elu`.

    The slope is 1 where ``z > 0`` and ``alpha exp(z)`` below; with ``alpha = 1`` the two meet at 0. `numpy.where`
    computes both sides, so the exponential is taken of ``min(z, 0)``, which cannot overflow.
    """
    return np.where(z > 0, upstream, upstream * (alpha * np.exp(np.minimum(z, 0))))


def hard_tanh(z: Array) -> Array:
    """``z`` cut off at -1 and 1 (Collobert, 2004)."""
    return np.clip(z, -1, 1)


def hard_tanh_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `hard_tanh`: the slope is 1 between the two corners and 0 outside, 0 at them."""
    return upstream * (np.abs(z) < 1)


def hard_sigmoid(z: Array) -> Array:
    """``clip((z + 3) / 6, 0, 1)``: a line in the place of the sigmoid (Howard et al., 2019)."""
    return np.clip((z + 3) / 6, 0, 1)


def hard_sigmoid_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `hard_sigmoid`: the slope is 1/6 between -3 and 3, and 0 outside and at them."""
    return upstream * (np.abs(z) < 3) / 6


def softmax(z: Array) -> Array:
    """``exp(z_i) / sum_j exp(z_j)`` along the last axis (Bridle, 1990).

    Adding a constant to a row multiplies numerator and denominator alike. With the row's maximum subtracted
    the largest exponential is 1, so nothing overflows and the sum is at least 1.
    """
    exponentials: Array = np.exp(z - np.max(z, axis=-1, keepdims=True))
    total: Array = np.sum(exponentials, axis=-1, keepdims=True)
    return exponentials / total


def softmax_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `softmax`.

    From ``log p_i = z_i - log sum_k exp(z_k)`` follows ``dp_i/dz_j = p_i (delta_ij - p_j)``. Hence entry
    ``j`` of the pullback is ``sum_i u_i p_i (delta_ij - p_j) = p_j (u_j - sum_i u_i p_i)``.
    """
    p = softmax(z)
    centred: Array = upstream - np.sum(upstream * p, axis=-1, keepdims=True)
    return p * centred


def log_softmax(z: Array) -> Array:
    """``log softmax(z) = z - log sum_j exp(z_j)`` along the last axis, the maximum subtracted first."""
    shifted: Array = z - np.max(z, axis=-1, keepdims=True)
    total: Array = np.sum(np.exp(shifted), axis=-1, keepdims=True)
    return shifted - np.log(total)


def log_softmax_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `log_softmax`.

    The derivative of ``log sum_k exp(z_k)`` with respect to ``z_j`` is ``p_j``, so output ``i`` has the
    derivative ``delta_ij - p_j``, and the pullback's entry ``j`` is ``u_j - p_j * sum_i u_i``.
    """
    drawn: Array = softmax(z) * np.sum(upstream, axis=-1, keepdims=True)
    return upstream - drawn


def step(z: Array) -> Array:
    """Heaviside's step: 1 where ``z >= 0``, else 0."""
    return np.where(z >= 0, np.ones_like(z), np.zeros_like(z))


def step_vjp(upstream: Array, z: Array) -> Array:
    """Pull ``upstream`` back through `step`: 0 everywhere.

    The step is flat wherever it has a derivative, and jumps at 0, where it has none. So 0 is the only true
    answer, and a network learns nothing through this function. A check of it has nothing to measure: it can
    refute a claim that is not 0, but a gradient that reaches the step has been cut off, and the report says
    "not tested".
    """
    return np.zeros_like(upstream * z)


class Activation(NamedTuple):
    """A function of ``z`` and its pullback ``vjp(upstream, z)``."""

    value: Callable[[Array], Array]
    vjp: Callable[[Array, Array], Array]


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(sigmoid, sigmoid_vjp),
    "tanh": Activation(tanh, tanh_vjp),
    "relu": Activation(relu, relu_vjp),
    "leaky_relu": Activation(leaky_relu, leaky_relu_vjp),
    "softplus": Activation(softplus, softplus_vjp),
    "elu": Activation(elu, elu_vjp),
    "hard_tanh": Activation(hard_tanh, hard_tanh_vjp),
    "hard_sigmoid": Activation(hard_sigmoid, hard_sigmoid_vjp),
    "softmax": Activation(softmax, softmax_vjp),
    "log_softmax": Activation(log_softmax, log_softmax_vjp),
    "step": Activation(step, step_vjp),
}
"""Every activation by name."""


def cases() -> list[Case]:
    """Every pullback at random logits in float64 and float32, and `leaky_relu` with a steeper slope."""
    z = 2 * np.random.default_rng(0).standard_normal((4, 5))
    return [
        *(Case(f"activations/{name}", *pair, (z,), kind="vjp") for name, pair in ACTIVATIONS.items()),
        *(
            Case(f"activations/{name}_float32", *pair, (z.astype(np.float32),), kind="vjp")
            for name, pair in ACTIVATIONS.items()
        ),
        Case(
            "activations/leaky_relu_slope_0.3",
            partial(leaky_relu, slope=0.3),
            partial(leaky_relu_vjp, slope=0.3),
            (z,),
            kind="vjp",
        ),
    ]
