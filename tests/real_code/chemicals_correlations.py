"""chemicals: property correlations in plain Python numbers, with temperature derivatives and fitting Jacobians."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from chemicals import dippr, iapws, vapor_pressure, virial, viscosity

from .shipped import Array, Shipped, slope

PACKAGE = "chemicals"

# equation, temperature, the other arguments
EQUATIONS: tuple[tuple[str, float, tuple[float, ...]], ...] = (
    ("EQ100", 300.0, (276370.0, -2090.1, 8.125, -0.014116, 9.3701e-6)),
    ("EQ101", 300.0, (73.649, -7258.2, -7.3037, 4.1653e-6, 2.0)),
    ("EQ102", 300.0, (1.7096e-8, 1.1146, 3.0, 50.0)),
    ("EQ104", 300.0, (0.02222, -26.38, -16750000.0, -3.894e19, 3.133e21)),
    ("EQ105", 300.0, (0.70824, 0.26411, 507.6, 0.27537)),
    ("EQ106", 300.0, (647.096, 0.17766, 2.567, -3.3377, 1.9699)),
    ("EQ107", 300.0, (33363.0, 26790.0, 2610.5, 8896.0, 1169.0)),
    ("EQ114", 20.0, (33.19, 66.653, 6765.9, -123.63, 478.27)),
    ("EQ115", 300.0, (12.0, -3000.0, -1.2, 1e-3, 1e4)),
    ("EQ116", 300.0, (647.096, 17.863, 58.606, -95.396, 213.89, -141.26)),
    ("EQ127", 20.0, (3.3258e4, 3.6199e4, 1.2057e3, 1.5373e7, 3.2122e3, -1.5318e7, 3.2122e3)),
    ("EQ100_reciprocal", 300.0, (1.0, 2.0, 3.0)),
    ("EQ105_reciprocal", 300.0, (0.70824, 0.26411, 507.6, 0.27537)),
    ("EQ106_reciprocal", 300.0, (647.096, 0.17766, 2.567, -3.3377, 1.9699)),
)

# function, derivative, temperature, the other arguments
WAGNER = (190.53, 4596420.0, -6.00435, 1.1885, -0.834082, -1.22833)
TRC = (227.51, -120.0, 8.95894, 510.595, -15.95, 2.41377, -93.74, 7425.9)
YAWS = (42.7918, -2965.83, -12.073, 0.0033269, 1.58609e-6)
PAIRS: tuple[tuple[Any, str, str, float, tuple[float, ...]], ...] = (
    (vapor_pressure, "Antoine", "dAntoine_dT", 100.0, (8.7687, 395.744, -6.469)),
    (vapor_pressure, "dAntoine_dT", "d2Antoine_dT2", 100.0, (8.7687, 395.744, -6.469)),
    (vapor_pressure, "Wagner_original", "dWagner_original_dT", 100.0, WAGNER),
    (vapor_pressure, "dWagner_original_dT", "d2Wagner_original_dT2", 100.0, WAGNER),
    (vapor_pressure, "Wagner", "dWagner_dT", 100.0, WAGNER),
    (vapor_pressure, "dWagner_dT", "d2Wagner_dT2", 100.0, WAGNER),
    (vapor_pressure, "TRC_Antoine_extended", "dTRC_Antoine_extended_dT", 180.0, TRC),
    (vapor_pressure, "dTRC_Antoine_extended_dT", "d2TRC_Antoine_extended_dT2", 180.0, TRC),
    (vapor_pressure, "Yaws_Psat", "dYaws_Psat_dT", 400.0, YAWS),
    (vapor_pressure, "dYaws_Psat_dT", "d2Yaws_Psat_dT2", 400.0, YAWS),
    (vapor_pressure, "Psat_IAPWS", "dPsat_IAPWS_dT", 300.0, ()),
    (vapor_pressure, "Arrhenius_extrapolation", "dArrhenius_extrapolation_dT", 300.0, (400.0, 1e5, -1600.0)),
    (
        vapor_pressure,
        "dArrhenius_extrapolation_dT",
        "d2Arrhenius_extrapolation_dT2",
        300.0,
        (400.0, 1e5, -1600.0),
    ),
    (viscosity, "mu_Yaws", "dmu_Yaws_dT", 300.0, (-9.4406, 1117.6, 0.0137, -0.000015465)),
    (viscosity, "PPDS9", "dPPDS9_dT", 400.0, (1.74793, 1.33728, 482.347, 41.78, 9.963e-05)),
    (iapws, "iapws92_Psat", "iapws92_dPsat_dT", 400.0, ()),
    (iapws, "iapws95_Psat", "iapws95_dPsat_dT", 400.0, ()),
)

# where the derivative stands in a pair that is returned
IN_A_PAIR = {"dPPDS9_dT": 0, "iapws92_dPsat_dT": 0, "iapws95_dPsat_dT": 0}


def temperature_derivatives() -> Iterator[Shipped]:
    """By temperature: one number in, one number out."""
    for name, T, rest in EQUATIONS:
        f = getattr(dippr, name)
        for order in (1, 2) if name in ("EQ101", "EQ105", "EQ106", "EQ115") else (1,):
            yield slope(
                f"{name}(order={order})", PACKAGE,
                lambda T, f=f, rest=rest, k=order: f(T, *rest, order=k - 1),
                lambda T, f=f, rest=rest, k=order: f(T, *rest, order=k), T,
            )  # fmt: skip
    for module, name, derivative, T, rest in PAIRS:
        if hasattr(module, name) and hasattr(module, derivative):  # releases differ
            value, claim = getattr(module, name), getattr(module, derivative)
            # some return the value beside its derivative
            number = IN_A_PAIR.get(derivative)
            yield slope(
                derivative, PACKAGE, lambda T, f=value, rest=rest: f(T, *rest),
                lambda T, g=claim, rest=rest, n=number: g(T, *rest) if n is None else g(T, *rest)[n], T,
            )  # fmt: skip
    for name in ("BVirial_Pitzer_Curl", "BVirial_Abbott", "BVirial_Tsonopoulos"):
        f = partial(getattr(virial, name), Tc=425.2, Pc=38e5, omega=0.193)
        for order in (1, 2, 3):
            yield slope(
                f"{name}(order={order})", PACKAGE, lambda T, f=f, k=order: f(T, order=k - 1),
                lambda T, f=f, k=order: f(T, order=k), 510.0,
            )  # fmt: skip


def water() -> Iterator[Shipped]:
    """IAPWS-95 and IAPWS-97: long sums of powers, derivatives written out up to the fourth."""
    tau, delta = 647.096 / 500.0, 838.025 / 322.0
    by_tau = (
        ("iapws95_A0", "iapws95_dA0_dtau"), ("iapws95_dA0_dtau", "iapws95_d2A0_dtau2"),
        ("iapws95_d2A0_dtau2", "iapws95_d3A0_dtau3"), ("iapws95_Ar", "iapws95_dAr_dtau"),
        ("iapws95_dAr_dtau", "iapws95_d2Ar_dtau2"), ("iapws95_dAr_ddelta", "iapws95_d2Ar_ddeltadtau"),
        ("iapws95_d2Ar_ddelta2", "iapws95_d3Ar_ddelta2dtau"), ("iapws95_d3Ar_ddelta2dtau", "iapws95_d4Ar_ddelta2dtau2"),
    )  # fmt: skip
    by_delta = (
        ("iapws95_Ar", "iapws95_dAr_ddelta"), ("iapws95_dAr_ddelta", "iapws95_d2Ar_ddelta2"),
        ("iapws95_d2Ar_ddelta2", "iapws95_d3Ar_ddelta3"), ("iapws95_dAr_dtau", "iapws95_d2Ar_ddeltadtau"),
    )  # fmt: skip
    for argnum, pairs in ((0, by_tau), (1, by_delta)):
        for name, derivative in pairs:
            yield slope(
                f"{derivative} of {name}",
                PACKAGE,
                getattr(iapws, name),
                getattr(iapws, derivative),
                tau,
                delta,
                argnum=argnum,
            )
    for name, first, point in (
        ("iapws97_G_region1", ("iapws97_dG_dpi_region1", "iapws97_dG_dtau_region1"), (1.4, 0.2)),
        ("iapws97_Gr_region2", ("iapws97_dGr_dpi_region2", "iapws97_dGr_dtau_region2"), (1.4, 0.2)),
        ("iapws97_Gr_region5", ("iapws97_dGr_dpi_region5", "iapws97_dGr_dtau_region5"), (0.8, 0.2)),
    ):
        t, pi = point
        yield slope(first[0], PACKAGE, getattr(iapws, name), getattr(iapws, first[0]), t, pi, argnum=1)
        yield slope(first[1], PACKAGE, getattr(iapws, name), getattr(iapws, first[1]), t, pi, argnum=0)


def fitting_jacobians() -> Iterator[Shipped]:
    """By the coefficients, at a few temperatures."""
    T = np.array([260.0, 300.0, 340.0, 420.0])
    everything: tuple[tuple[str, Any, tuple[float, ...], tuple[float, ...]], ...] = (
        ("EQ101", dippr, (), EQUATIONS[1][2]),
        ("EQ102", dippr, (), EQUATIONS[2][2]),
        ("EQ105", dippr, (), EQUATIONS[4][2]),
        ("EQ107", dippr, (), EQUATIONS[6][2]),
        ("Antoine", vapor_pressure, (), (8.7687, 395.744, -6.469)),
        ("Yaws_Psat", vapor_pressure, (), YAWS),
        ("mu_Yaws", viscosity, (), (-9.4406, 1117.6, 0.0137, -0.000015465)),
    )
    for name, module, held, coefficients in everything:
        function, jacobian = getattr(module, name), getattr(module, f"{name}_fitting_jacobian")

        def f(c: Array, function: Any = function, held: Any = held) -> Array:
            return np.array([function(t, *held, *(float(v) for v in c)) for t in T])

        def claim(c: Array, jacobian: Any = jacobian, held: Any = held) -> Array:
            return np.asarray(jacobian(T, *held, *(float(v) for v in c)))

        yield Shipped(f"{name}_fitting_jacobian", PACKAGE, "jacobian", f, claim, (np.array(coefficients),), 0)


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from temperature_derivatives()
    yield from water()
    yield from fitting_jacobians()
