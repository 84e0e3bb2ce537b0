"""scipy.special: functions that ship with their derivative, or with the function that is it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special

from .shipped import Array, Shipped, elementwise

PACKAGE = "scipy.special"
X = np.array([0.31, 0.93, 1.7, 4.2, 9.6])
Pair = tuple[str, Callable[..., Any], Callable[..., Any], Any]

MATHIEU = "derivative by the angle in radians, f takes degrees: off by pi/180"
COARSE = "f is the inaccurate one: the integral is right to 6e-6 only, its slope at 4.2 is 13 times the airy function"


def part(f: Callable[..., Any], *before: Any, take: int) -> Callable[[Array], Array]:
    """One of the arrays a function returns, as a function of its last argument."""
    return lambda x: f(*before, x)[take]


def orders() -> Iterator[Pair]:
    """Bessel functions and their derivatives by recurrence."""
    for v in (0, 2.5, 7):
        yield f"jv({v:g})/jvp", lambda x, v=v: special.jv(v, x), lambda x, v=v: special.jvp(v, x), X
        yield f"yv({v:g})/yvp", lambda x, v=v: special.yv(v, x), lambda x, v=v: special.yvp(v, x), X
        yield f"iv({v:g})/ivp", lambda x, v=v: special.iv(v, x), lambda x, v=v: special.ivp(v, x), X
        yield f"kv({v:g})/kvp", lambda x, v=v: special.kv(v, x), lambda x, v=v: special.kvp(v, x), X
    yield "jvp/jvp(n=2)", lambda x: special.jvp(3, x), lambda x: special.jvp(3, x, 2), X
    yield "kvp/kvp(n=2)", lambda x: special.kvp(3, x), lambda x: special.kvp(3, x, 2), X
    for name in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"):
        f = getattr(special, name)
        for n in (0, 3):
            yield (
                f"{name}({n})",
                lambda x, f=f, n=n: f(n, x),
                lambda x, f=f, n=n: f(n, x, derivative=True),
                X,
            )


def neighbours() -> Iterator[Pair]:
    """A function whose derivative is, up to sign or factor, another one shipped beside it."""
    probability = np.array([0.02, 0.3, 0.5, 0.77, 0.98])
    line = np.array([-3.1, -0.4, 0.2, 1.3, 2.9])
    yield "gammaln/digamma", special.gammaln, special.digamma, X
    yield "loggamma/psi", lambda x: special.loggamma(x), special.psi, X
    yield "digamma/polygamma(1)", special.digamma, lambda x: special.polygamma(1, x), X
    yield "polygamma(2)/polygamma(3)", lambda x: special.polygamma(2, x), lambda x: special.polygamma(3, x), X
    yield "log_expit/expit", special.log_expit, lambda x: special.expit(-x), line
    yield "j0/j1", special.j0, lambda x: -special.j1(x), X
    yield "y0/y1", special.y0, lambda x: -special.y1(x), X
    yield "i0/i1", special.i0, special.i1, X
    yield "k0/k1", special.k0, lambda x: -special.k1(x), X
    yield "itj0y0/j0", part(special.itj0y0, take=0), special.j0, X
    yield "itj0y0/y0", part(special.itj0y0, take=1), special.y0, X
    yield "iti0k0/i0", part(special.iti0k0, take=0), special.i0, X
    yield "itstruve0/struve", special.itstruve0, lambda x: special.struve(0, x), X
    yield "itmodstruve0/modstruve", special.itmodstruve0, lambda x: special.modstruve(0, x), X
    yield "airy Ai/Ai'", part(special.airy, take=0), part(special.airy, take=1), line
    yield "airy Bi/Bi'", part(special.airy, take=2), part(special.airy, take=3), line
    yield "ber/berp", special.ber, special.berp, X
    yield "bei/beip", special.bei, special.beip, X
    yield "ker/kerp", special.ker, special.kerp, X
    yield "kei/keip", special.kei, special.keip, X
    yield "entr/log", special.entr, lambda x: -1 - np.log(x), X
    yield "spence/log", special.spence, lambda x: -np.log(x) / (x - 1), X
    yield (
        "log_ndtr/erfcx",
        special.log_ndtr,
        lambda x: np.sqrt(2 / np.pi) / special.erfcx(-x / np.sqrt(2)),
        line,
    )
    yield "pbdv", lambda x: special.pbdv(1.5, x)[0], lambda x: special.pbdv(1.5, x)[1], line
    yield "pbvv", lambda x: special.pbvv(0.5, x)[0], lambda x: special.pbvv(0.5, x)[1], line
    yield "pbwa", lambda x: special.pbwa(0.7, x)[0], lambda x: special.pbwa(0.7, x)[1], line
    yield (
        "pro_ang1",
        part(special.pro_ang1, 1, 2, 0.7, take=0),
        part(special.pro_ang1, 1, 2, 0.7, take=1),
        probability,
    )
    yield (
        "obl_ang1",
        part(special.obl_ang1, 1, 2, 0.7, take=0),
        part(special.obl_ang1, 1, 2, 0.7, take=1),
        probability,
    )
    yield (
        "pro_rad1",
        part(special.pro_rad1, 1, 2, 0.7, take=0),
        part(special.pro_rad1, 1, 2, 0.7, take=1),
        1 + X,
    )
    yield "obl_rad1", part(special.obl_rad1, 1, 2, 0.7, take=0), part(special.obl_rad1, 1, 2, 0.7, take=1), X
    yield (
        "mathieu_modcem1",
        part(special.mathieu_modcem1, 2, 3.0, take=0),
        part(special.mathieu_modcem1, 2, 3.0, take=1),
        X[:3],
    )
    yield (
        "eval_chebyt/eval_chebyu",
        lambda x: special.eval_chebyt(9, x),
        lambda x: 9 * special.eval_chebyu(8, x),
        probability,
    )
    yield (
        "eval_hermite",
        lambda x: special.eval_hermite(6, x),
        lambda x: 12 * special.eval_hermite(5, x),
        line,
    )
    yield (
        "eval_genlaguerre",
        lambda x: special.eval_genlaguerre(5, 0.5, x),
        lambda x: -special.eval_genlaguerre(4, 1.5, x),
        X,
    )
    yield (
        "eval_gegenbauer",
        lambda x: special.eval_gegenbauer(5, 0.7, x),
        lambda x: 1.4 * special.eval_gegenbauer(4, 1.7, x),
        probability,
    )
    yield (
        "legendre_p",
        lambda x: special.legendre_p(5, x)[0],
        lambda x: special.legendre_p(5, x, diff_n=1)[1],
        probability,
    )
    yield (
        "assoc_legendre_p",
        lambda x: special.assoc_legendre_p(5, 2, x)[0],
        lambda x: special.assoc_legendre_p(5, 2, x, diff_n=1)[1],
        probability,
    )


def everywhere() -> Iterator[Shipped]:
    """All pairs at ordinary points, and the plainest of them where users also stand."""
    for name, f, derivative, x in (*orders(), *neighbours()):
        yield elementwise(name, PACKAGE, f, derivative, x)
    mathieu = (part(special.mathieu_cem, 2, 3.0, take=0), part(special.mathieu_cem, 2, 3.0, take=1))
    yield elementwise("mathieu_cem", PACKAGE, *mathieu, 20 * X, label="wrong", reason=MATHIEU)
    integral = part(special.itairy, take=0)
    yield elementwise(
        "itairy/airy", PACKAGE, integral, part(special.airy, take=0), X, label="edge", reason=COARSE
    )


def hostile() -> Iterator[Shipped]:
    """Tails, poles, large arguments, float32."""
    single = X.astype(np.float32)
    yield elementwise("gammaln/digamma", PACKAGE, special.gammaln, special.digamma, single, point="float32")
    yield elementwise("j0/j1", PACKAGE, special.j0, lambda x: -special.j1(x), single, point="float32")
    yield elementwise(
        "gammaln/digamma",
        PACKAGE,
        special.gammaln,
        special.digamma,
        np.array([1e-8, 1e5, 1e12]),
        point="unscaled",
    )
    yield elementwise(
        "gammaln/digamma",
        PACKAGE,
        special.gammaln,
        special.digamma,
        np.array([-1.001, -2.5, -7 + 1e-4]),
        point="beside a pole",
    )
    yield elementwise(
        "digamma/polygamma(1)",
        PACKAGE,
        special.digamma,
        lambda x: special.polygamma(1, x),
        np.array([1.4616321449683623, 1e-6, 1e9]),
        point="unscaled",
    )
    yield elementwise(
        "log_expit/expit",
        PACKAGE,
        special.log_expit,
        lambda x: special.expit(-x),
        np.array([-700.0, -40, 25, 36.9]),
        point="saturated",
    )
    yield elementwise(
        "log_ndtr/erfcx",
        PACKAGE,
        special.log_ndtr,
        lambda x: np.sqrt(2 / np.pi) / special.erfcx(-x / np.sqrt(2)),
        np.array([-30.0, -1e3, -5]),
        point="saturated",
    )
    yield elementwise(
        "jv(0)/jvp",
        PACKAGE,
        lambda x: special.jv(0, x),
        lambda x: special.jvp(0, x),
        np.array([3.8317059702075125, 1e3, 1e5]),
        point="optimum",
    )
    yield elementwise(
        "kv(0)/kvp",
        PACKAGE,
        lambda x: special.kv(0, x),
        lambda x: special.kvp(0, x),
        np.array([1e-6, 300.0, 600.0]),
        point="saturated",
    )
    yield elementwise(
        "airy Ai/Ai'",
        PACKAGE,
        part(special.airy, take=0),
        part(special.airy, take=1),
        np.array([-200.0, -50, 20]),
        point="unscaled",
    )


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from everywhere()
    yield from hostile()
