"""scipy beside its special functions: optimize's test function, splines, distributions, matrix functions, losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import fft, interpolate, linalg, optimize, signal, stats
from scipy.optimize._lsq.least_squares import IMPLEMENTED_LOSSES

from .shipped import Array, Shipped, elementwise, linear, normal

PACKAGE = "scipy"


def rosenbrock() -> Iterator[Shipped]:
    """Rosen with gradient, hessian and hessian product, from its valley to far outside."""
    gradient = Shipped("rosen_der", PACKAGE, "grad", optimize.rosen, optimize.rosen_der, (normal(101, 6),), 0)
    hessian = Shipped(
        "rosen_hess", PACKAGE, "jacobian", optimize.rosen_der, optimize.rosen_hess, (normal(102, 6),), 0
    )
    product = Shipped(
        "rosen_hess_prod", PACKAGE, "jvp", optimize.rosen_der, lambda v, x: optimize.rosen_hess_prod(x, v),
        (normal(103, 6),), 0,
    )  # fmt: skip
    for plain in (gradient, hessian, product):
        yield plain
        yield plain.at("optimum", np.ones(5))
        yield plain.at(
            "fitted optimum", optimize.minimize(optimize.rosen, np.zeros(4), jac=optimize.rosen_der).x
        )
        yield plain.at("unscaled", np.array([1e4, -3e3, 1e-3, 2.0]))
    yield gradient.at("20,000 entries", normal(104, 20_000))
    yield gradient.at("float32", normal(105, 6).astype(np.float32))


def splines() -> Iterator[Shipped]:
    """Every interpolator's derivative, between and at its knots."""
    knots = np.linspace(0.0, 5.0, 11)
    values = np.sin(knots) + 0.1 * normal(106, 11)
    x = np.array([0.23, 1.37, 2.61, 4.08, 4.93])
    makers: dict[str, Any] = {
        "CubicSpline": interpolate.CubicSpline(knots, values),
        "Akima1DInterpolator": interpolate.Akima1DInterpolator(knots, values),
        "PchipInterpolator": interpolate.PchipInterpolator(knots, values),
        "make_interp_spline(k=5)": interpolate.make_interp_spline(knots, values, k=5),
        "make_smoothing_spline": interpolate.make_smoothing_spline(knots, values, lam=0.1),
        "UnivariateSpline(k=4)": interpolate.UnivariateSpline(knots, values, k=4, s=0.1),
        "PPoly": interpolate.PPoly(normal(107, 5, 10), knots),
        "BPoly": interpolate.BPoly.from_derivatives(knots, np.column_stack([values, np.cos(knots)])),
    }
    for name, spline in makers.items():
        yield elementwise(f"{name}.derivative", PACKAGE, spline, spline.derivative(), x)
        yield elementwise(f"{name}.derivative(2)", PACKAGE, spline.derivative(), spline.derivative(2), x)
        yield elementwise(f"{name}.antiderivative", PACKAGE, spline.antiderivative(), spline, x)
        if name in ("CubicSpline", "Akima1DInterpolator", "PchipInterpolator", "make_interp_spline(k=5)"):
            # once continuously differentiable or more: a knot is no kink of f itself
            yield elementwise(
                f"{name}.derivative", PACKAGE, spline, spline.derivative(), knots[1:-1], point="knots"
            )
    broken = interpolate.make_interp_spline(knots, values, k=1)
    yield elementwise("make_interp_spline(k=1).derivative", PACKAGE, broken, broken.derivative(), x)
    yield elementwise(
        "make_interp_spline(k=1).derivative", PACKAGE, broken, broken.derivative(), knots[2:5], point="kink"
    )
    yield elementwise(
        "make_interp_spline(k=1).derivative",
        PACKAGE,
        broken,
        broken.derivative(),
        knots[2:5] + 1e-7,
        point="kink at 1e-7",
    )
    wide = interpolate.CubicSpline(1e6 + 1e-3 * knots, values)
    yield elementwise(
        "CubicSpline.derivative", PACKAGE, wide, wide.derivative(), 1e6 + 1e-3 * x, point="large offset"
    )
    surface = interpolate.RectBivariateSpline(knots, knots, np.outer(np.sin(knots), np.cos(knots)))
    y = x[::-1].copy()
    yield elementwise(
        "RectBivariateSpline(dx=1)",
        PACKAGE,
        lambda a, b: surface(a, b, grid=False),
        lambda a, b: surface(a, b, dx=1, grid=False),
        x,
        y,
        argnum=0,
        within=(0.0, 5.0),
    )
    yield elementwise(
        "RectBivariateSpline(dy=1)",
        PACKAGE,
        lambda a, b: surface(a, b, grid=False),
        lambda a, b: surface(a, b, dy=1, grid=False),
        x,
        y,
        argnum=1,
        within=(0.0, 5.0),
    )
    for kind in (interpolate.KroghInterpolator, interpolate.BarycentricInterpolator):
        through = kind(knots[:6], values[:6])
        yield elementwise(
            f"{kind.__name__}.derivative", PACKAGE, through, through.derivative, np.array([0.23, 1.37, 2.2])
        )


def distributions() -> Iterator[Shipped]:
    """Pdf is cdf's derivative; both have code of their own."""
    line, ray = np.array([-2.1, -0.4, 0.3, 1.7]), np.array([0.3, 0.9, 1.8, 4.1])
    unit = np.array([0.05, 0.3, 0.62, 0.9])
    everything: tuple[tuple[str, tuple[float, ...], Array], ...] = (
        ("norm", (), line), ("t", (4.5,), line), ("cauchy", (), line), ("logistic", (), line), ("gumbel_r", (), line),
        ("gumbel_l", (), line), ("laplace", (), line), ("hypsecant", (), line), ("genlogistic", (1.7,), line),
        ("dgamma", (1.7,), line), ("dweibull", (1.7,), line), ("skewcauchy", (0.3,), line), ("exponnorm", (1.5,), line),
        ("johnsonsu", (0.4, 1.3), line), ("tukeylambda", (0.3,), line), ("skewnorm", (2.0,), line),
        ("gennorm", (1.3,), line), ("loglaplace", (2.2,), ray), ("expon", (), ray), ("gamma", (2.3,), ray),
        ("chi2", (3.3,), ray), ("weibull_min", (1.7,), ray), ("lognorm", (0.7,), ray), ("rayleigh", (), ray),
        ("maxwell", (), ray), ("nakagami", (1.4,), ray), ("invgamma", (2.4,), ray), ("invgauss", (0.8,), ray),
        ("fisk", (2.3,), ray), ("burr", (2.3, 1.2), ray), ("burr12", (2.3, 1.2), ray), ("halfnorm", (), ray),
        ("halfcauchy", (), ray), ("genpareto", (0.3,), ray), ("lomax", (1.9,), ray), ("levy", (), ray),
        ("foldnorm", (1.1,), ray), ("gompertz", (0.6,), ray), ("exponweib", (1.6, 0.8), ray), ("f", (5.0, 7.0), ray),
        ("kappa3", (1.5,), ray), ("mielke", (2.1, 1.7), ray), ("rice", (0.8,), ray), ("ncx2", (3.0, 1.2), ray),
        ("beta", (2.3, 1.4), unit), ("arcsine", (), unit), ("powerlaw", (1.7,), unit),
        ("johnsonsb", (0.4, 1.3), unit), ("bradford", (0.7,), unit), ("truncexpon", (2.0,), unit), ("wald", (), ray),
        ("vonmises", (1.7,), line), ("genextreme", (-0.2,), line),
        ("pearson3", (0.6,), line), ("crystalball", (1.2, 2.5), line),
    )  # fmt: skip
    for name, shapes, x in everything:
        family = getattr(stats, name)(*shapes)
        yield elementwise(f"stats.{name}.cdf/pdf", PACKAGE, family.cdf, family.pdf, x)
    for name in ("norm", "logistic", "gumbel_r", "cauchy"):
        family = getattr(stats, name)()
        yield elementwise(f"stats.{name}.sf/pdf", PACKAGE, family.sf, lambda x, d=family: -d.pdf(x), line)
        yield elementwise(
            f"stats.{name}.logcdf",
            PACKAGE,
            family.logcdf,
            lambda x, d=family: np.exp(d.logpdf(x) - d.logcdf(x)),
            line,
        )
        yield elementwise(
            f"stats.{name}.ppf", PACKAGE, family.ppf, lambda q, d=family: 1 / d.pdf(d.ppf(q)), unit
        )
        yield elementwise(
            f"stats.{name}.cdf/pdf",
            PACKAGE,
            family.cdf,
            family.pdf,
            np.array([-6.0, 5.5, 8.0]),
            point="saturated",
        )
        yield elementwise(
            f"stats.{name}.cdf/pdf", PACKAGE, family.cdf, family.pdf, line.astype(np.float32), point="float32"
        )


def matrices_and_transforms() -> Iterator[Shipped]:
    """Expm's Frechet derivative, and linear maps with their inverse or mirror image as adjoint."""
    A = 0.5 * normal(108, 4, 4)
    for name, at in (("", A), ("unscaled", 12 * A)):
        yield Shipped(
            "linalg.expm_frechet", PACKAGE, "jvp", linalg.expm,
            lambda E, A: linalg.expm_frechet(A, E, compute_expm=False), (at,), 0, point=name,
        )  # fmt: skip
    x, kernel = normal(109, 16), normal(110, 5)
    for kind in (2, 3, 4):
        for transform in ("dct", "dst"):
            forward, inverse = getattr(fft, transform), getattr(fft, f"i{transform}")
            yield linear(
                f"fft.{transform}(type {kind}, ortho)", PACKAGE, lambda x, f=forward, k=kind: f(x, k, norm="ortho"),
                lambda u, f=inverse, k=kind: f(u, k, norm="ortho"), x,
            )  # fmt: skip
    yield linear(
        "signal.convolve/correlate",
        PACKAGE,
        lambda x: signal.convolve(x, kernel),
        lambda u: signal.correlate(u, kernel, "valid"),
        x,
    )
    yield linear(
        "signal.fftconvolve/correlate",
        PACKAGE,
        lambda x: signal.fftconvolve(x, kernel),
        lambda u: signal.correlate(u, kernel, "valid"),
        x,
    )
    toeplitz = (np.append(1.0, normal(111, 5)), np.append(1.0, normal(112, 5)))
    yield linear(
        "linalg.matmul_toeplitz",
        PACKAGE,
        lambda x: linalg.matmul_toeplitz(toeplitz, x),
        lambda u: linalg.matmul_toeplitz(toeplitz[::-1], u),
        normal(113, 6)[:, None],
    )


def robust_losses() -> Iterator[Shipped]:
    """least_squares' rho functions, first and second derivative from one table."""
    z = np.array([0.03, 0.4, 0.97, 1.8, 55.0])
    for name, rho in IMPLEMENTED_LOSSES.items():
        if rho is None:
            continue

        def row(number: int, rho: Any = rho) -> Any:
            def values(z: Array) -> Array:
                table = np.empty((3, z.size))
                rho(z, table, cost_only=False)
                return table[number]

            return values

        yield elementwise(f"least_squares.{name} rho'", PACKAGE, row(0), row(1), z)
        yield elementwise(f"least_squares.{name} rho''", PACKAGE, row(1), row(2), z)


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from rosenbrock()
    yield from splines()
    yield from distributions()
    yield from matrices_and_transforms()
    yield from robust_losses()
