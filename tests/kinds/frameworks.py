"""JAX in its 32 bits and torch in float32, at float64 and float32 points."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from tests.kinds.kind import Kind, Sample


def _jax(point: Any, sizes: tuple[int, ...]) -> Any:
    def draw(seed: int) -> Sample:
        r = np.random.default_rng([seed, 1])
        n = int(r.choice(sizes))
        A, x = r.standard_normal((4, n)).astype(np.float32) / np.sqrt(n), r.standard_normal(n).astype(point)
        f = (
            lambda x: jnp.sum(jnp.sin(x) ** 2),
            lambda x: jnp.mean(jnp.tanh(A @ x) ** 2),
            lambda x: jax.nn.logsumexp(x) + 0.1 * jnp.sum(x**2),
        )[seed % 3]
        gradient = jax.grad(f)
        return Sample("grad", f, lambda x: np.array(gradient(x)), (x,))

    return draw


def _torch(seed: int) -> Sample:
    r = np.random.default_rng([seed, 2])
    A = torch.tensor(r.standard_normal((4, 8))).float()

    def value(t: Any) -> Any:
        return torch.sum(torch.sin(t) ** 2) if seed % 2 else torch.mean(torch.tanh(A @ t) ** 2)

    def gradient(x: Any) -> Any:
        t = torch.tensor(np.asarray(x)).float().requires_grad_()
        value(t).backward()
        return t.grad.numpy()

    return Sample(
        "grad", lambda x: float(value(torch.tensor(np.asarray(x)).float())), gradient, (r.standard_normal(8),)
    )


KINDS = [
    Kind("frameworks/JAX in 32 bits, float64 point", "jax 32 bit", _jax(np.float64, (5, 50, 500))),
    Kind("frameworks/JAX in 32 bits, float32 point", "jax 32 bit", _jax(np.float32, (5, 50, 500))),
    Kind("frameworks/torch .float() inside", "f32 inside", _torch),
]
