"""astropy.modeling: fit_deriv, the Jacobian of each model by its parameters, as its fitters use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from astropy.modeling import functional_models, physical_models, polynomial, powerlaws

from .shipped import Array, Shipped

PACKAGE = "astropy"
LINE = np.array([0.35, 0.8, 1.45, 2.2, 3.7])
OTHER = np.array([1.3, -0.4, 0.7, 2.1, 0.2])

# module, model, parameters
ONE: tuple[tuple[Any, str, tuple[float, ...]], ...] = (
    (functional_models, "Gaussian1D", (1.7, 1.2, 0.8)),
    (functional_models, "Lorentz1D", (1.7, 1.2, 0.8)),
    (functional_models, "Voigt1D", (1.2, 1.7, 0.8, 0.5)),
    (functional_models, "Moffat1D", (1.7, 1.2, 0.8, 2.3)),
    (functional_models, "Sine1D", (1.7, 0.23, 0.1)),
    (functional_models, "Cosine1D", (1.7, 0.23, 0.1)),
    (functional_models, "Tangent1D", (1.7, 0.023, 0.1)),
    (functional_models, "ArcSine1D", (5.7, 0.23, 0.1)),
    (functional_models, "ArcCosine1D", (5.7, 0.23, 0.1)),
    (functional_models, "ArcTangent1D", (1.7, 0.23, 0.1)),
    (functional_models, "Linear1D", (1.7, -0.3)),
    (functional_models, "Const1D", (1.7,)),
    (functional_models, "Shift", (1.7,)),
    (functional_models, "Scale", (1.7,)),
    (functional_models, "Multiply", (1.7,)),
    (functional_models, "RedshiftScaleFactor", (0.7,)),
    (functional_models, "KingProjectedAnalytic1D", (1.7, 0.9, 4.2)),
    (functional_models, "Logarithmic1D", (1.7, 0.9)),
    (functional_models, "Exponential1D", (1.7, 0.9)),
    (powerlaws, "PowerLaw1D", (1.7, 1.2, 0.8)),
    (powerlaws, "BrokenPowerLaw1D", (1.7, 1.2, 0.8, 2.1)),
    (powerlaws, "SmoothlyBrokenPowerLaw1D", (1.7, 1.2, 0.8, 2.1, 0.3)),
    (powerlaws, "ExponentialCutoffPowerLaw1D", (1.7, 1.2, 0.8, 2.5)),
    (powerlaws, "LogParabola1D", (1.7, 1.2, 0.8, 0.4)),
    (powerlaws, "Schechter1D", (1.7, -20.2, -0.7)),
    (physical_models, "Drude1D", (1.7, 1.2, 0.8)),
    (physical_models, "Plummer1D", (1.7, 1.2)),
)
TWO: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("Gaussian2D", (1.7, 1.2, 0.4, 0.8, 1.3, 0.5)),
    ("Lorentz2D", (1.7, 1.2, 0.4, 0.8)),
    ("Moffat2D", (1.7, 1.2, 0.4, 0.8, 2.3)),
    ("Planar2D", (1.7, -0.3, 0.5)),
)
WRONG = {
    "Drude1D": "by x_0: -x / x_0 stands for -x / x_0**2, and the width's own term is counted twice",
    "Hermite2D": "f is in error: its recurrence in y counts on from the degree in x",
}


def parameter_jacobian(
    name: str, model: Any, inputs: tuple[Array, ...], params: Array, **known: Any
) -> Shipped:
    """``evaluate`` by the vector of all parameters, ``fit_deriv`` with one column a parameter."""

    def f(params: Array) -> Array:
        return np.asarray(model.evaluate(*inputs, *params))

    def jacobian(params: Array) -> Array:
        columns = model.fit_deriv(*inputs, *params)
        return np.stack([np.broadcast_to(c, inputs[0].shape) for c in columns], axis=-1)

    if name in WRONG:
        known.update(label="wrong", reason=WRONG[name])
    return Shipped(f"{name}.fit_deriv", PACKAGE, "jacobian", f, jacobian, (params,), 0, **known)


def models() -> Iterator[Shipped]:
    """All models at an ordinary point; those with a scale of their own also in unscaled units and float32."""
    for module, name, params in ONE:
        model = getattr(module, name)()
        x = LINE - 21 if name == "Schechter1D" else LINE
        yield parameter_jacobian(name, model, (x,), np.array(params))
        if name in ("Gaussian1D", "Lorentz1D", "Moffat1D", "PowerLaw1D", "BrokenPowerLaw1D", "Drude1D"):
            # a spectrum in metres and janskys
            micro = np.array(
                [
                    p * (1e7 if n == 0 else 1e-6 if n < (2 if "Power" in name else 3) else 1)
                    for n, p in enumerate(params)
                ]
            )
            yield parameter_jacobian(name, model, (1e-6 * x,), micro, point="unscaled columns")
    for name, params in TWO:
        yield parameter_jacobian(name, getattr(functional_models, name), (LINE, OTHER), np.array(params))
    peak = functional_models.Gaussian1D
    far = np.array([1.2 + 1e-9, 1.2, 9.0])
    yield parameter_jacobian("Gaussian1D", peak, (far,), np.array([1.7, 1.2, 0.8]), point="optimum")


def polynomials() -> Iterator[Shipped]:
    """Linear in their coefficients: fit_deriv is the design matrix."""
    for name in ("Polynomial1D", "Chebyshev1D", "Legendre1D", "Hermite1D"):
        model = getattr(polynomial, name)(4)
        yield linear_in_coefficients(name, model, (LINE / 4,))
    for name in ("Chebyshev2D", "Legendre2D", "Hermite2D"):
        yield linear_in_coefficients(name, getattr(polynomial, name)(2, 3), (LINE / 4, OTHER / 4))
    yield linear_in_coefficients("Polynomial2D", polynomial.Polynomial2D(3), (LINE, OTHER))


def linear_in_coefficients(name: str, model: Any, inputs: tuple[Array, ...]) -> Shipped:
    """A polynomial model by the vector of its coefficients."""
    coefficients = np.cos(np.arange(float(len(model.param_names))))

    def f(c: Array) -> Array:
        return np.asarray(model.evaluate(*inputs, *c))

    def jacobian(c: Array) -> Array:
        return np.asarray(model.fit_deriv(*inputs, *c))

    known = {"label": "wrong", "reason": WRONG[name]} if name in WRONG else {}
    return Shipped(f"{name}.fit_deriv", PACKAGE, "jacobian", f, jacobian, (coefficients,), 0, **known)


def derivatives() -> Iterator[Shipped]:
    """Everything this module checks."""
    yield from models()
    yield from polynomials()
