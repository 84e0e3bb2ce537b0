"""statsmodels' one-variable functions with their derivatives: links, variances, norms, penalties, copulas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from statsmodels.base import _penalties as penalties
from statsmodels.distributions.copula import transforms
from statsmodels.genmod.families import links, varfuncs
from statsmodels.multivariate.factor_rotation import _gpa_rotation as rotation
from statsmodels.robust import norms

from .shipped import Array, Shipped, elementwise, normal, uniform

PACKAGE = "statsmodels"
PROBABILITY = np.array([0.03, 0.2, 0.41, 0.77, 0.94])
POSITIVE = np.array([0.05, 0.4, 1.3, 7.0, 60.0])
LINE = np.array([-2.3, -0.6, 0.15, 1.1, 2.8])

# link, means in its domain
LINKS: tuple[tuple[str, Any, Array], ...] = (
    ("Logit", links.Logit(), PROBABILITY),
    ("Probit", links.Probit(), PROBABILITY),
    ("CLogLog", links.CLogLog(), PROBABILITY),
    ("LogLog", links.LogLog(), PROBABILITY),
    ("Cauchy", links.Cauchy(), PROBABILITY),
    ("Log", links.Log(), POSITIVE),
    ("LogC", links.LogC(), PROBABILITY),
    ("Identity", links.Identity(), LINE),
    ("Sqrt", links.Sqrt(), POSITIVE),
    ("InversePower", links.InversePower(), POSITIVE),
    ("InverseSquared", links.InverseSquared(), POSITIVE),
    ("Power(1.7)", links.Power(power=1.7), POSITIVE),
    ("NegativeBinomial", links.NegativeBinomial(alpha=0.7), POSITIVE),
)


def link_functions() -> Iterator[Shipped]:
    """First and second derivatives of each link and of its inverse, then both near the ends of the domain."""
    for name, link, mean in LINKS:
        line = np.asarray(link(mean))
        inside: dict[str, Any] = {"within": (0.0, 1.0)} if mean is PROBABILITY else {}
        yield elementwise(f"{name}.deriv", PACKAGE, link, link.deriv, mean, **inside)
        yield elementwise(f"{name}.deriv2", PACKAGE, link.deriv, link.deriv2, mean, **inside)
        yield elementwise(f"{name}.inverse_deriv", PACKAGE, link.inverse, link.inverse_deriv, line)
        yield elementwise(f"{name}.inverse_deriv2", PACKAGE, link.inverse_deriv, link.inverse_deriv2, line)
        yield elementwise(
            f"{name}.deriv", PACKAGE, link, link.deriv, mean.astype(np.float32), point="float32", **inside
        )
        if mean is PROBABILITY:
            ends = np.array([1e-7, 1e-4, 1 - 1e-4, 1 - 1e-7])
            yield elementwise(f"{name}.deriv", PACKAGE, link, link.deriv, ends, point="saturated", **inside)
            tails = np.asarray(link(ends))
            yield elementwise(
                f"{name}.inverse_deriv", PACKAGE, link.inverse, link.inverse_deriv, tails, point="saturated"
            )
        elif mean is POSITIVE:
            yield elementwise(f"{name}.deriv", PACKAGE, link, link.deriv, mean * 1e7, point="unscaled")


def variance_functions() -> Iterator[Shipped]:
    """Variance functions of the exponential families."""
    variances: tuple[tuple[str, Any, Array], ...] = (
        ("constant", varfuncs.constant, LINE),
        ("mu", varfuncs.mu, POSITIVE),
        ("mu_squared", varfuncs.mu_squared, POSITIVE),
        ("mu_cubed", varfuncs.mu_cubed, POSITIVE),
        ("binary", varfuncs.binary, PROBABILITY),
        ("nbinom", varfuncs.nbinom, POSITIVE),
    )
    for name, variance, mean in variances:
        inside = (0.0, 1.0) if mean is PROBABILITY else (-np.inf, np.inf)
        yield elementwise(f"varfuncs.{name}.deriv", PACKAGE, variance, variance.deriv, mean, within=inside)


def robust_norms() -> Iterator[Shipped]:
    """rho, psi and psi's derivative of the M-estimators, inside, outside and beside their breaks."""
    everything: tuple[tuple[Any, float], ...] = (
        (norms.LeastSquares(), 1.0), (norms.HuberT(), 1.345), (norms.RamsayE(), 1.0),
        (norms.AndrewWave(), np.pi * 1.339), (norms.TrimmedMean(), 2.0), (norms.Hampel(), 2.0),
        (norms.TukeyBiweight(), 4.685), (norms.TukeyQuartic(k=3), 3.0), (norms.StudentT(df=4), 1.0),
    )  # fmt: skip
    z = np.array([-9.3, -2.9, -0.7, 0.2, 1.1, 3.4, 7.7])
    for norm, edge in everything:
        name = type(norm).__name__
        yield elementwise(f"{name}.psi", PACKAGE, norm.rho, norm.psi, z)
        yield elementwise(f"{name}.psi_deriv", PACKAGE, norm.psi, norm.psi_deriv, z)
        if edge != 1.0:
            beside = edge * np.array([1 + 1e-7, -1 + 1e-7])
            yield elementwise(f"{name}.psi", PACKAGE, norm.rho, norm.psi, beside, point="kink at 1e-7")


def penalty_functions() -> Iterator[Shipped]:
    """Penalties on coefficients: functions of a vector with gradient, and with the hessian's diagonal."""
    x = np.array([-3.1, -0.8, -0.02, 0.3, 1.9, 4.4])
    weights = np.array([1.0, 2.0, 0.5, 1.0, 3.0, 1.0])
    everything = (
        penalties.L2Univariate(weights),
        penalties.PseudoHuber(0.7, weights),
        penalties.SCAD(0.6, c=3.7, weights=weights),
        penalties.SCADSmoothed(0.6, c=3.7, c0=0.1, weights=weights),
    )
    for penalty in everything:
        name = type(penalty).__name__

        def curvature(x: Array, penalty: Any = penalty) -> Array:
            return np.diag(penalty.deriv2(x))

        yield elementwise(f"{name}.deriv", PACKAGE, penalty.func, penalty.deriv, x)
        yield elementwise(f"{name}.deriv2", PACKAGE, penalty.deriv, penalty.deriv2, x)


def copula_generators() -> Iterator[Shipped]:
    """Archimedean generators and their inverses, up to the fourth derivative."""
    t = np.array([0.05, 0.3, 0.55, 0.9])
    wrong_frank = {
        "label": "wrong",
        "reason": "the sign: the generator falls, its shipped derivative is positive",
    }
    wrong_gumbel = {
        "label": "wrong",
        "reason": "a power of a negative number: NaN for every theta that is no integer",
    }
    for name, theta, wrong in (
        ("Frank", 2.3, {"deriv": wrong_frank}), ("Clayton", 1.4, {}), ("Indep", 1.0, {}),
        ("Gumbel", 1.8, {"deriv2": wrong_gumbel}), ("Gumbel", 3, {}),
    ):  # fmt: skip
        transform = getattr(transforms, f"Transf{name}")()

        def at(method: str, transform: Any = transform, theta: float = theta) -> Any:
            return lambda t: getattr(transform, method)(t, theta)

        chains = (("evaluate", "deriv"), ("deriv", "deriv2"))
        if name != "Indep":
            chains += (("deriv2_inverse", "deriv3_inverse"), ("deriv3_inverse", "deriv4_inverse"))
        for f, derivative in chains:
            title = f"Transf{name}({theta:g}).{derivative}"
            yield elementwise(title, PACKAGE, at(f), at(derivative), t, **wrong.get(derivative, {}))


def rotations() -> Iterator[Shipped]:
    """Factor rotation criteria: half of the sum of squares a matrix is rotated by, with its gradient."""
    L, target = normal(31, 6, 3), normal(32, 6, 3)
    mask = (uniform(33, 0, 1, 6, 3) > 0.4).astype(float)
    criteria: tuple[tuple[str, Any], ...] = (
        ("orthomax(gamma=0)", partial(rotation.orthomax_objective, gamma=0.0)),
        ("orthomax(gamma=1)", partial(rotation.orthomax_objective, gamma=1.0)),
        ("oblimin(gamma=0)", partial(rotation.oblimin_objective, gamma=0.0, rotation_method="oblique")),
        ("oblimin(gamma=0.5)", partial(rotation.oblimin_objective, gamma=0.5, rotation_method="oblique")),
        ("CF(kappa=0.3)", partial(rotation.CF_objective, kappa=0.3, rotation_method="oblique")),
        ("target", lambda L, **_: rotation.vgQ_target(target, L=L)),
        ("partial_target", lambda L, **_: rotation.vgQ_partial_target(target, W=mask, L=L)),
    )
    for name, criterion in criteria:
        yield Shipped(
            f"rotation.{name}", PACKAGE, "grad",
            lambda L, criterion=criterion: criterion(L=L)[0],
            lambda L, criterion=criterion: criterion(L=L)[1],
            (L,), 0,
        )  # fmt: skip


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from link_functions()
    yield from variance_functions()
    yield from robust_norms()
    yield from penalty_functions()
    yield from copula_generators()
    yield from rotations()
