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


_PRODUCTS: dict[tuple[int, int], tuple[Callable[..., Any], Callable[..., Any]]] = {
    (2, 2): (lambda g, a, b: g @ b.T, lambda g, a, b: a.T @ g),
    (2, 1): (lambda g, a, b: g[:, None] * b, lambda g, a, b: a.T @ g),
    (1, 2): (lambda g, a, b: b @ g, lambda g, a, b: a[:, None] * g),
    (1, 1): (lambda g, a, b: g * b, lambda g, a, b: g * a),
}
"""By the number of axes of both factors, the adjoints of a product by each."""


def _small_products_first(primitive: Any) -> None:
    """Products of matrices and vectors, by far the commonest, go past the cases autograd tells apart."""
    theirs = primitive_vjps[primitive]

    def maker(argnum: int) -> Callable[..., Callable[[Any], Any]]:
        def pull(ans: Any, a: Any, b: Any) -> Callable[[Any], Any]:
            adjoints = _PRODUCTS.get((np.ndim(a), np.ndim(b)))
            if adjoints is not None:
                adjoint, x = adjoints[argnum], (a, b)[argnum]
                return lambda g: sum_to(adjoint(g, a, b), x)
            general = theirs((argnum,), ans, (a, b), {})
            return lambda g: next(iter(general(g)))

        return pull

    rule(primitive, maker(0), maker(1))


_small_products_first(anp.dot)
_small_products_first(anp.matmul)


def _known_powers_first() -> None:
    """A power that is a plain number other than 0 goes past the cases of ``0**0``."""
    theirs = primitive_vjps[anp.power]

    def by_base(ans: Any, x: Any, y: Any) -> Callable[[Any], Any]:
        if isinstance(y, int | float) and y:
            return lambda g: sum_to(g * (y * x ** (y - 1)), x)
        general = theirs((0,), ans, (x, y), {})
        return lambda g: next(iter(general(g)))

    def by_power(ans: Any, x: Any, y: Any) -> Callable[[Any], Any]:
        general = theirs((1,), ans, (x, y), {})
        return lambda g: next(iter(general(g)))

    rule(anp.power, by_base, by_power)


_known_powers_first()
