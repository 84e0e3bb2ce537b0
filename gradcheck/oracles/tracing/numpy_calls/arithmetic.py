"""The commonest operations, with rules of a few operations each.

autograd's own rules for these ask for shapes and types through several layers, which costs more than the
arithmetic wherever arrays are small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps

from gradcheck.oracles.tracing.moves import rule, sum_to

rule(
    anp.add,
    lambda ans, x, y: lambda g: sum_to(g, x),
    lambda ans, x, y: lambda g: sum_to(g, y),
)
rule(
    anp.subtract,
    lambda ans, x, y: lambda g: sum_to(g, x),
    lambda ans, x, y: lambda g: sum_to(-g, y),
)
rule(
    anp.multiply,
    lambda ans, x, y: lambda g: sum_to(g * y, x),
    lambda ans, x, y: lambda g: sum_to(g * x, y),
)
# ans / y instead of x / y**2, which overflows or vanishes for |y| beyond 1e154 or below 1e-154
rule(
    anp.divide,
    lambda ans, x, y: lambda g: sum_to(g / y, x),
    lambda ans, x, y: lambda g: sum_to(-g * ans / y, y),
)
rule(anp.negative, lambda ans, x: lambda g: -g)
rule(anp.positive, lambda ans, x: lambda g: g)
rule(anp.exp, lambda ans, x: lambda g: g * ans)
rule(anp.log, lambda ans, x: lambda g: g / x)


def _matrices_first(primitive: Any) -> None:
    """Two matrices, by far the commonest product, go past the cases autograd tells apart."""
    theirs = primitive_vjps[primitive]

    def maker(argnum: int) -> Callable[..., Callable[[Any], Any]]:
        def pull(ans: Any, a: Any, b: Any) -> Callable[[Any], Any]:
            if np.ndim(a) == np.ndim(b) == 2:
                return (lambda g: sum_to(g @ b.T, a)) if argnum == 0 else (lambda g: sum_to(a.T @ g, b))
            general = theirs((argnum,), ans, (a, b), {})
            return lambda g: next(iter(general(g)))

        return pull

    rule(primitive, maker(0), maker(1))


_matrices_first(anp.dot)
_matrices_first(anp.matmul)
