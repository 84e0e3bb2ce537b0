"""The hand-written gradient beside the one that autograd derives from the loss."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from reference_impls.case_studies.history import Array, Parameters
from reference_impls.case_studies.xor_backprop.network import X, Y, gradient


def autograd_gradient(*parameters: Array) -> Parameters:
    """The derivative of the summed cross-entropy at ``W1, b1, W2, b2``, by autograd.

    The loss is written here once more, with probabilities and their logarithms, so that nothing is shared
    with the derivation that it is compared to.
    """

    def loss(parameters: Parameters) -> Any:
        W1, b1, W2, b2 = parameters
        hidden = 1 / (1 + anp.exp(-(anp.dot(X, W1) + b1)))
        p = 1 / (1 + anp.exp(-(anp.dot(hidden, W2) + b2)))
        return -anp.sum(Y * anp.log(p) + (1 - Y) * anp.log(1 - p))

    return tuple(autograd.grad(loss)(parameters))


def differences(*parameters: Array) -> dict[str, float]:
    """The largest difference between the two gradients of each parameter, over autograd's largest entry."""
    pairs = zip(gradient(X, Y, *parameters), autograd_gradient(*parameters), strict=True)
    return {
        name: float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))
        for name, (ours, theirs) in zip(("W1", "b1", "W2", "b2"), pairs, strict=True)
    }
