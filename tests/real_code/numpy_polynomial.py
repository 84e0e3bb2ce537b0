"""numpy.polynomial: six bases with derivative and antiderivative of their series."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.polynomial import Chebyshev, Hermite, HermiteE, Laguerre, Legendre, Polynomial

from .shipped import Shipped, elementwise, normal, uniform

PACKAGE = "numpy"
BASES = (Polynomial, Chebyshev, Legendre, Laguerre, Hermite, HermiteE)


def series() -> Iterator[Shipped]:
    """First and second derivative, and the antiderivative read backwards."""
    x = uniform(11, -0.9, 0.9, 6)
    for number, basis in enumerate(BASES):
        p = basis(normal(number, 6))
        shifted = basis(normal(number, 9), domain=[1e3, 3e3])
        name = basis.__name__
        yield elementwise(f"{name}.deriv", PACKAGE, p, p.deriv(), x)
        yield elementwise(f"{name}.deriv(2)", PACKAGE, p.deriv(), p.deriv(2), x)
        yield elementwise(f"{name}.integ", PACKAGE, p.integ(k=1e3), p, x)
        yield elementwise(
            f"{name}.deriv", PACKAGE, shifted, shifted.deriv(), 2e3 + 900 * x, point="wide domain"
        )
        yield elementwise(f"{name}.deriv", PACKAGE, p, p.deriv(), x.astype(np.float32), point="float32")


def ill_conditioned() -> Iterator[Shipped]:
    """Near a multiple root, at the wild end of Wilkinson's polynomial, high degree, a stationary point."""
    wilkinson = Polynomial.fromroots(np.arange(1.0, 21.0))
    yield elementwise(
        "Wilkinson.deriv",
        PACKAGE,
        wilkinson,
        wilkinson.deriv(),
        np.array([1.3, 2.7, 19.4]),
        point="ill-conditioned",
    )
    sevenfold = Polynomial.fromroots([1.0] * 7)
    yield elementwise(
        "sevenfold root.deriv",
        PACKAGE,
        sevenfold,
        sevenfold.deriv(),
        np.array([1.2, 0.7]),
        point="ill-conditioned",
    )
    steep = Chebyshev.basis(200)
    yield elementwise("Chebyshev T200.deriv", PACKAGE, steep, steep.deriv(), np.array([-0.99, 0.3, 0.7]))
    bowl = Polynomial([5.0, 0.0, 3.0])
    yield elementwise("bowl.deriv", PACKAGE, bowl, bowl.deriv(), np.array([0.0, 1e-9, 2.0]), point="optimum")


def old_style() -> Iterator[Shipped]:
    """poly1d and polyder."""
    p = np.poly1d(normal(20, 5))
    x = normal(21, 4)
    yield elementwise("poly1d.deriv", PACKAGE, p, p.deriv(), x)
    coefficients = normal(22, 6)
    yield elementwise(
        "polyder", PACKAGE,
        lambda x: np.polyval(coefficients, x), lambda x: np.polyval(np.polyder(coefficients), x), x,
    )  # fmt: skip


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from series()
    yield from ill_conditioned()
    yield from old_style()
