"""Scalar functions that are hard to differentiate numerically, with derivatives from 60-digit arithmetic.

Every function is written once, over a namespace ``m`` that is `math` for the function under test and mpmath
for the exact slopes. Where the function under test computes more crudely than its formula (float32 inside,
quantised output, an iteration stopped early), the crude version stands beside the formula.
"""

from __future__ import annotations

import math
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

Formula = Callable[[Any, Any], Any]
DIGITS = 60


class Real:
    """`math` under the names mpmath uses."""

    exp, log, sin, cos, tan, atan, asin, acos = (
        math.exp, math.log, math.sin, math.cos, math.tan, math.atan, math.asin, math.acos,
    )  # fmt: skip
    tanh, sinh, cosh, sqrt, erf, expm1, log1p = (
        math.tanh, math.sinh, math.cosh, math.sqrt, math.erf, math.expm1, math.log1p,
    )  # fmt: skip
    asinh, acosh, gamma, loggamma, floor, fabs, pi = (
        math.asinh, math.acosh, math.gamma, math.lgamma, math.floor, math.fabs, math.pi,
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One function, rescaled by ``scale``: phi(t) = implementation(scale t)."""

    name: str
    kind: str
    formula: Formula
    implementation: Callable[[float], float]
    scale: float = 1.0

    def phi(self, t: float) -> float:
        """The function under test."""
        return self.implementation(self.scale * t)

    def slopes(self) -> tuple[float, float]:
        """Exact slopes at 0 from the left and from the right; one is NaN at a domain's edge."""
        left, right = _slopes(self.formula)
        return self.scale * left, self.scale * right


@cache
def _slopes(formula: Formula) -> tuple[float, float]:
    return _slope(formula, -1), _slope(formula, +1)


def _slope(formula: Formula, side: int) -> float:
    """One-sided slope in 60 digits: four steps far below every structure of the battery, extrapolated."""
    with mpmath.workdps(3 * DIGITS):
        m = mpmath.mp
        try:
            centre = formula(m, m.mpf(0))
            steps = [m.mpf(10) ** -k for k in (30, 31, 32, 33)]
            quotients = [(formula(m, side * h) - centre) / (side * h) for h in steps]
        except (ValueError, ZeroDivisionError):
            return math.nan
        if any(isinstance(q, mpmath.mpc) and q.imag != 0 for q in quotients):
            return math.nan
        if abs(quotients[3]) > 10 * abs(quotients[1]) > 0:
            return math.copysign(math.inf, quotients[3])  # it grows like 1/h: a jump
        largest = max(map(abs, quotients))
        for order in (1, 2, 3):
            quotients = [b + (b - a) / (10**order - 1) for a, b in pairwise(quotients)]
        slope = m.re(quotients[0])
        # what three orders of extrapolation leave of a quotient that shrinks with the step is not a slope
        return float(slope) if abs(slope) > m.mpf(10) ** -40 * largest else 0.0


def _plain(formula: Formula) -> Callable[[float], float]:
    return lambda t: formula(Real, t)


# --- smooth ---------------------------------------------------------------------------------------------------

MILD: dict[str, Formula] = {
    "exp": lambda m, t: m.exp(t),
    "sin": lambda m, t: m.sin(t),
    "sin at 1": lambda m, t: m.sin(1 + t),
    "cos at 0.3": lambda m, t: m.cos(0.3 + t),
    "tan at 0.5": lambda m, t: m.tan(0.5 + t),
    "atan at 2": lambda m, t: m.atan(2 + t),
    "tanh at 0.7": lambda m, t: m.tanh(0.7 + t),
    "sinh at 1": lambda m, t: m.sinh(1 + t),
    "log at 3": lambda m, t: m.log(3 + t),
    "sqrt at 2": lambda m, t: m.sqrt(2 + t),
    "1/x at 1.7": lambda m, t: 1 / (1.7 + t),
    "cube at 1.3": lambda m, t: (1.3 + t) ** 3,
    "x^7 at 0.9": lambda m, t: (0.9 + t) ** 7,
    "exp sin": lambda m, t: m.exp(m.sin(0.4 + t)),
    "sin exp": lambda m, t: m.sin(m.exp(0.4 + t)),
    "log1p exp": lambda m, t: m.log1p(m.exp(0.2 + t)),
    "sigmoid at -1": lambda m, t: 1 / (1 + m.exp(1 - t)),
    "gauss at 0.8": lambda m, t: m.exp(-((0.8 + t) ** 2)),
    "erf at 0.5": lambda m, t: m.erf(0.5 + t),
    "gelu at 0.6": lambda m, t: (0.6 + t) * (1 + m.erf((0.6 + t) / m.sqrt(2))) / 2,
    "swish at -0.4": lambda m, t: (t - 0.4) / (1 + m.exp(0.4 - t)),
    "gamma at 2.5": lambda m, t: m.gamma(2.5 + t),
    "x exp(-x) at 0.2": lambda m, t: (0.2 + t) * m.exp(-0.2 - t),
    "sum of squares": lambda m, t: sum((0.1 * i + 0.3 * t) ** 2 for i in range(10)),
    "x^x at 1.2": lambda m, t: m.exp((1.2 + t) * m.log(1.2 + t)),
    "rational": lambda m, t: (1 + t + t * t) / (2 - t + t * t),
    "asinh at 1.5": lambda m, t: m.asinh(1.5 + t),
    "sqrt(1+x^2) at 0.4": lambda m, t: m.sqrt(1 + (0.4 + t) ** 2),
}

SCALED: dict[str, Formula] = {
    "sin 1e4 t": lambda m, t: m.sin(1e4 * t),
    "sin 1e4 t at 1": lambda m, t: m.sin(1 + 1e4 * t),
    "sin 1e8 t": lambda m, t: m.sin(1e8 * t),
    "sin 1e8 t at 0.3": lambda m, t: m.sin(0.3 + 1e8 * t),
    "exp 1e11 t": lambda m, t: m.exp(1e11 * t),
    "sin 1e-4 t": lambda m, t: m.sin(1e-4 * t),
    "exp 1e-4 t": lambda m, t: m.exp(1e-4 * t),
    "exp 1e-8 t": lambda m, t: m.exp(1e-8 * t),
    "sin(1 + 1e-8 t)": lambda m, t: m.sin(1 + 1e-8 * t),
    "log(2 + 1e-11 t)": lambda m, t: m.log(2 + 1e-11 * t),
    "tanh 1e3 t": lambda m, t: m.tanh(1e3 * t),
    "tanh(0.5 + 1e3 t)": lambda m, t: m.tanh(0.5 + 1e3 * t),
    "tanh(0.5 + 1e6 t)": lambda m, t: m.tanh(0.5 + 1e6 * t),
    "exp 100 t": lambda m, t: m.exp(100 * t),
    "exp -300 t": lambda m, t: m.exp(-300 * t),
    "cos 37 t + t": lambda m, t: m.cos(37 * t + 0.2) + t,
    "1e12 exp": lambda m, t: 1e12 * m.exp(t),
    "1e-12 sin": lambda m, t: 1e-12 * m.sin(0.2 + t),
    "1e-200 exp": lambda m, t: 1e-200 * m.exp(t),
    "1e200 sin": lambda m, t: 1e200 * m.sin(0.7 + t),
    "1e-300 exp": lambda m, t: 1e-300 * m.exp(0.3 + t),
    "exp at 690": lambda m, t: m.exp(690 + t),
    "exp at 709": lambda m, t: m.exp(709 + t),
    "exp at 709.7": lambda m, t: m.exp(709.7 + t),
    "exp at -700": lambda m, t: m.exp(-700 + t),
    "square at 1e8": lambda m, t: (1e8 + t) ** 2,
    "square at 1e6, relative": lambda m, t: (1e6 * (1 + t)) ** 2,
    "log at 1e9": lambda m, t: m.log(1e9 + t),
    "sqrt at 1e12": lambda m, t: m.sqrt(1e12 + t),
    "sin at 1e5": lambda m, t: m.sin(1e5 + t),
    "1/x at 1e-4": lambda m, t: 1 / (1e-4 + t),
    "1/x^2 at 1e-3": lambda m, t: 1 / (1e-3 + t) ** 2,
    "tan near its pole": lambda m, t: m.tan(1.57 + t),
    "gamma at 0.01": lambda m, t: m.gamma(0.01 + t),
    "runge 25": lambda m, t: 1 / (1 + 25 * (0.2 + t) ** 2),
    "runge 1e4": lambda m, t: 1 / (1 + 1e4 * (0.01 + t) ** 2),
    "runge 1e8": lambda m, t: 1 / (1 + 1e8 * (1e-4 + t) ** 2),
    "lorentz 1e-5 + line": lambda m, t: t + 1e-10 / (1e-10 + (t - 1e-5) ** 2),
    "gauss 1e3": lambda m, t: m.exp(-((1e3 * t - 0.5) ** 2)),
    "bump beside a line": lambda m, t: t + 1e-2 * m.exp(-((100 * t - 2) ** 2)),
    "two scales 1": lambda m, t: m.sin(t) + 1e-6 * m.sin(1e3 * t),
    "two scales 2": lambda m, t: t + 1e-3 * m.sin(1e4 * t),
    "two scales 3": lambda m, t: t + 1e-3 * m.cos(1e5 * t),
    "two scales 4": lambda m, t: m.exp(t) + 1e-4 * m.sin(3e6 * t + 1),
    "beats": lambda m, t: m.sin(50 * t) * m.cos(3 + t) + m.sin(7 * t),
    "chirp": lambda m, t: m.sin(1 / (0.1 + t)),
    "sharp chirp": lambda m, t: m.sin(1 / (0.01 + t)),
    "steep sigmoid": lambda m, t: 1 / (1 + m.exp(-50 * (t - 0.1))),
    "steeper sigmoid": lambda m, t: 1 / (1 + m.exp(-1e3 * (t - 1e-3))),
    "sigmoid at -30": lambda m, t: 1 / (1 + m.exp(30 - t)),
    "softplus 1e3": lambda m, t: m.log1p(m.exp(1e3 * t)) / 1e3,
    "softplus 1e4 shifted": lambda m, t: m.log1p(m.exp(1e4 * t - 3)) / 1e4,
    "softplus tail": lambda m, t: m.log1p(m.exp(1e4 * t - 12)) / 1e4,
    "sqrt(1e-4 + t^2)": lambda m, t: m.sqrt(1e-4 + t * t),
    "sqrt(1e-6 + t^2) + t": lambda m, t: m.sqrt(1e-6 + t * t) + t,
    "sqrt(1e-10 + t^2) + sin": lambda m, t: m.sqrt(1e-10 + t * t) + m.sin(2 * t),
    "smooth hinge": lambda m, t: m.sqrt(1e-8 + (t - 1e-3) ** 2) + t,
    "pseudo-Huber": lambda m, t: 1e-3 * (m.sqrt(1 + ((t - 5e-4) / 1e-3) ** 2) - 1),
    "x^20 at 1": lambda m, t: (1 + t) ** 20,
    "x^50 at 0.5": lambda m, t: (0.5 + t) ** 50,
    "exp(exp(exp))": lambda m, t: m.exp(m.exp(m.exp(0.2 + t) - 1) - 1),
    "sin(100 x^2) at 1": lambda m, t: m.sin(100 * (1 + t) ** 2),
    "1e4 t + 1e-4 sin": lambda m, t: 1e4 * t + 1e-4 * m.sin(t),
    "cubic, tiny slope": lambda m, t: 1e-6 * t + t**3 + t * t,
    "quadratic, tiny slope": lambda m, t: 1e-8 * t + 1e3 * t * t + 1,
    "quartic": lambda m, t: (t - 0.3) ** 4 - 2 * (t - 0.1) ** 2,
    "log of tiny": lambda m, t: m.log(1e-5 + t * t + 1e-4 * t),
}  # fmt: skip

OFFSET: dict[str, Formula] = {
    "1e3 + sin": lambda m, t: 1e3 + m.sin(0.3 + t),
    "1e6 + exp": lambda m, t: 1e6 + m.exp(t),
    "1e8 + tanh": lambda m, t: 1e8 + m.tanh(0.3 + t),
    "-1e5 + sin 30 t": lambda m, t: -1e5 + m.sin(30 * t),
    "1e4 + 1e-4 t": lambda m, t: 1e4 + 1e-4 * m.sin(t),
    "1e10 + 1e4 sin": lambda m, t: 1e10 + 1e4 * m.sin(t + 1),
    "7.3 + 1e-3 exp": lambda m, t: 7.3 + 1e-3 * m.exp(t),
    "1 + 1e-6 sin": lambda m, t: 1 + 1e-6 * m.sin(1 + t),
    "1 + 1e-9 sin": lambda m, t: 1 + 1e-9 * m.sin(1 + t),
    "1e5 + cubic": lambda m, t: 1e5 + (1 + t) ** 3,
}

CANCELLING: dict[str, Formula] = {
    "(exp x - 1)/x at 1e-6": lambda m, t: (m.exp(1e-6 + t) - 1) / (1e-6 + t),
    "(exp x - 1)/x at 1e-3": lambda m, t: (m.exp(1e-3 + t) - 1) / (1e-3 + t),
    "(1 - cos x)/x^2 at 1e-2": lambda m, t: (1 - m.cos(0.01 + t)) / (0.01 + t) ** 2,
    "(1 - cos x)/x^2 at 1e-3": lambda m, t: (1 - m.cos(1e-3 + t)) / (1e-3 + t) ** 2,
    "(1 - cos x)/x^2 at 1e-4": lambda m, t: (1 - m.cos(1e-4 + t)) / (1e-4 + t) ** 2,
    "sin x / x at 1e-3": lambda m, t: m.sin(1e-3 + t) / (1e-3 + t),
    "sqrt(x^2+1)-x at 1e3": lambda m, t: m.sqrt((1e3 + t) ** 2 + 1) - (1e3 + t),
    "sqrt(x^2+1)-x at 1e4": lambda m, t: m.sqrt((1e4 + t) ** 2 + 1) - (1e4 + t),
    "1 + tanh at -8": lambda m, t: 1 + m.tanh(-8 + t),
    "1 + tanh at -12": lambda m, t: 1 + m.tanh(-12 + t),
    "1 - sigmoid at 20": lambda m, t: 1 - 1 / (1 + m.exp(-20 - t)),
    "log(1+e^x) at -20": lambda m, t: m.log(1 + m.exp(-20 + t)),
    "log cosh": lambda m, t: m.log(m.cosh(0.01 + t)),
    "cube minus cube": lambda m, t: (1000 + t) ** 3 - 1000.0**3,
    "1 - cos": lambda m, t: 1 - m.cos(0.001 + t),
    "expanded (x-1)^7": lambda m, t: _horner([1, -7, 21, -35, 35, -21, 7, -1], 1.05 + t),
    "variance": lambda m, t: _variance([1e4 + i + t * i * i for i in range(6)]),
    "exp - taylor": lambda m, t: m.exp(0.1 + t) - 1 - (0.1 + t) - (0.1 + t) ** 2 / 2,
}

FLAT: dict[str, Formula] = {
    "constant": lambda m, t: 3.7 + 0 * t,
    "zero": lambda m, t: 0 * t,
    "line": lambda m, t: 3.3 * t,
    "line with offset": lambda m, t: 2.7 - 1.3 * t,
    "t^2": lambda m, t: t * t,
    "t^3": lambda m, t: t**3,
    "t^4": lambda m, t: t**4,
    "cos": lambda m, t: m.cos(t),
    "5 + cos 100 t": lambda m, t: 5 + m.cos(100 * t),
    "cosh 1e-3": lambda m, t: m.cosh(1e-3 * t),
    "gauss 1e5": lambda m, t: m.exp(-((1e5 * t) ** 2)),
    "at a minimum": lambda m, t: (t * t - 1) ** 2 + m.sin(t) ** 2,
    "tanh at 25": lambda m, t: m.tanh(25 + t),
    "exp(-x) at 50 + 1": lambda m, t: 1 + m.exp(-50 - t),
    "1e6 + t^2": lambda m, t: 1e6 + t * t,
    "t^3 + 1": lambda m, t: t**3 + 1,
}


def _horner(coefficients: list[int], x: Any) -> Any:
    total = 0 * x
    for c in coefficients:
        total = total * x + c
    return total


def _variance(x: list[Any]) -> Any:
    mean = sum(x) / len(x)
    return sum(v * v for v in x) / len(x) - mean * mean


def _models() -> Iterator[tuple[str, Formula]]:
    """Losses of small models along a random direction."""
    for seed in range(10):
        rng = random.Random(seed)
        spread = (0.3, 1.0, 3.0, 10.0)[seed % 4]
        w = [rng.gauss(0, 1) for _ in range(30)]
        v = [rng.gauss(0, spread) for _ in range(30)]
        x = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(6)]
        y = [rng.choice((0, 1)) for _ in range(6)]
        yield f"logistic loss {seed}", _logistic(w, v, x, y)
        yield f"tanh network {seed}", _network(w, v, x, y)
        yield f"cross-entropy {seed}", _cross_entropy(w, v, x)


def _logistic(w: list[float], v: list[float], x: list[list[float]], y: list[int]) -> Formula:
    def loss(m: Any, t: Any) -> Any:
        z = [sum((w[j] + t * v[j]) * row[j] for j in range(3)) for row in x]
        return sum(m.log(1 + m.exp(-a)) if b else m.log(1 + m.exp(a)) for a, b in zip(z, y, strict=True))

    return loss


def _network(w: list[float], v: list[float], x: list[list[float]], y: list[int]) -> Formula:
    def loss(m: Any, t: Any) -> Any:
        total = 0 * t
        for row, target in zip(x, y, strict=True):
            out = 0 * t
            for k in range(4):
                z = (
                    sum((w[5 * k + j] + t * v[5 * k + j]) * row[j] for j in range(3))
                    + w[5 * k + 3]
                    + t * v[5 * k + 3]
                )
                out = out + (w[5 * k + 4] + t * v[5 * k + 4]) * m.tanh(z)
            total = total + (out - target) ** 2
        return total / 6

    return loss


def _cross_entropy(w: list[float], v: list[float], x: list[list[float]]) -> Formula:
    def loss(m: Any, t: Any) -> Any:
        total = 0 * t
        for i, row in enumerate(x):
            z = [sum((w[3 * k + j] + t * v[3 * k + j]) * row[j] for j in range(3)) for k in range(4)]
            total = total + m.log(sum(m.exp(a) for a in z)) - z[i % 4]
        return total / 6

    return loss


# --- noisy ----------------------------------------------------------------------------------------------------


class Low:
    """NumPy functions rounded to a lower precision after every operation."""

    def __init__(self, dtype: type) -> None:
        self.dtype = dtype
        self.pi = dtype(np.pi)

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        function = getattr(np, {"atan": "arctan"}.get(name, name))
        return lambda x: self.dtype(function(x))


def _low(formula: Formula, dtype: type) -> Callable[[float], float]:
    """The formula with its argument and every function rounded to dtype (constants in it are weak scalars)."""
    namespace = Low(dtype)

    def phi(t: float) -> float:
        with np.errstate(all="ignore"):
            return float(formula(namespace, dtype(t)))

    return phi


def _hash_noise(t: float) -> float:
    """A number in -1..1 that depends on every bit of t."""
    return zlib.crc32(struct.pack("d", t)) / 2**31 - 1.0


def _noisy() -> Iterator[tuple[str, Formula, Callable[[float], float]]]:
    bodies: dict[str, Formula] = {
        "sin(1+t)": lambda m, t: m.sin(1 + t),
        "exp(0.3+t)": lambda m, t: m.exp(0.3 + t),
        "tanh(0.2+t)": lambda m, t: m.tanh(0.2 + t),
        "cubic": lambda m, t: (1.3 + t) ** 3 - t,
        "log(1+exp)": lambda m, t: m.log(1 + m.exp(t - 0.5)),
        "sin(0.2+7t)": lambda m, t: m.sin(0.2 + 7 * t),
        "sin t": lambda m, t: m.sin(t),
    }
    for name, body in bodies.items():
        exact = _plain(body)
        yield f"float32 {name}", body, _low(body, np.float32)
        yield f"float16 {name}", body, _low(body, np.float16)
        yield f"quantised 1e-6 {name}", body, lambda t, f=exact: round(f(t) * 1e6) / 1e6
        yield f"noise 1e-8 {name}", body, lambda t, f=exact: f(t) + 1e-8 * _hash_noise(t)
    sine = bodies["sin(1+t)"]
    exact = _plain(sine)
    yield "float32 output", sine, lambda t: float(np.float32(exact(t)))
    yield "float32 input", sine, lambda t: exact(float(np.float32(t)))
    yield "float32 input, centred", sine, lambda t: exact(float(np.float32(0.7 + t)) - float(np.float32(0.7)))
    yield "float16 output", sine, lambda t: float(np.float16(exact(t)))
    yield "float32 with offset 100", sine, lambda t: float(np.float32(100) + np.float32(exact(t))) - 100
    yield (
        "float32, scaled by pi in double",
        lambda m, t: math.pi * m.sin(1 + t),
        lambda t: math.pi * float(np.float32(exact(t))),
    )
    yield "offset 1e8 of the input", sine, lambda t: exact((1e8 + t) - 1e8)
    yield "offset 1e10 of the input", sine, lambda t: exact((1e10 + t) - 1e10)
    yield "offset 1e12 of the output", sine, lambda t: (1e12 + exact(t)) - 1e12
    yield "offset 1e9 kept", lambda m, t: 1e9 + m.sin(1 + t), lambda t: 1e9 + exact(t)
    yield "quantised 1e-3", sine, lambda t: round(exact(t) * 1e3) / 1e3
    yield "floor 1e-5", sine, lambda t: math.floor(exact(t) * 1e5) / 1e5
    yield "floor 1e-4 of t", bodies["sin t"], lambda t: math.floor(math.sin(t) * 1e4) / 1e4
    yield "quantised 1e-10", sine, lambda t: round(exact(t) * 1e10) / 1e10
    yield "input on a grid of 1e-7", sine, lambda t: exact(round(t * 1e7) / 1e7)
    yield "noise 1e-4", sine, lambda t: exact(t) + 1e-4 * _hash_noise(t)
    yield "noise 1e-12", sine, lambda t: exact(t) + 1e-12 * _hash_noise(t)
    yield "noise 1e-2", sine, lambda t: exact(t) + 1e-2 * _hash_noise(t)
    yield "relative noise 1e-6", sine, lambda t: exact(t) * (1 + 1e-6 * _hash_noise(t))
    yield (
        "relative noise 1e-5 through 0",
        bodies["sin t"],
        lambda t: math.sin(t) * (1 + 1e-5 * _hash_noise(t)),
    )
    yield "bisection to 1e-9", *_bisection(1e-9)
    yield "bisection to 1e-5", *_bisection(1e-5)
    yield "three Newton steps to 1e-6", *_newton(1e-6)
    yield "float32 sum of 300", *_long_sum(np.float32)
    yield "float16 sum of 30", *_long_sum(np.float16, 30)
    yield "float32 dot", *_dot(np.float32)
    yield "float32 loss at 1e3", *_offset_loss(np.float32)


def _bisection(tolerance: float) -> tuple[Formula, Callable[[float], float]]:
    """The root of x^3 + x = 2 + t, bisected until the bracket is short."""

    def formula(m: Any, t: Any) -> Any:
        q = (2 + t) / 2
        root = m.sqrt(q * q + m.mpf(1) / 27)
        return m.cbrt(q + root) - m.cbrt(root - q)

    def phi(t: float) -> float:
        low, high = 0.0, 3.0
        while high - low > tolerance:
            middle = (low + high) / 2
            if middle**3 + middle > 2 + t:
                high = middle
            else:
                low = middle
        return (low + high) / 2

    return formula, phi


def _newton(tolerance: float) -> tuple[Formula, Callable[[float], float]]:
    """Square root of 2 + t by Newton's steps until one is short: jumps where the number of steps changes."""

    def phi(t: float) -> float:
        x = 1.0
        while True:
            move = (x * x - 2 - t) / (2 * x)
            x -= move
            if abs(move) < tolerance:
                return x

    return lambda m, t: m.sqrt(2 + t), phi


def _long_sum(dtype: type, n: int = 300) -> tuple[Formula, Callable[[float], float]]:
    def phi(t: float) -> float:
        total = dtype(0)
        for i in range(n):
            total = dtype(total + dtype(np.exp(dtype(np.float64(dtype(-i / n)) * (1 + t)))))
        return float(total)

    return lambda m, t: sum(m.exp(float(dtype(-i / n)) * (1 + t)) for i in range(n)), phi


def _dot(dtype: type) -> tuple[Formula, Callable[[float], float]]:
    rng = np.random.default_rng(5)
    a, x, v = (rng.normal(size=40).astype(dtype) for _ in range(3))

    def phi(t: float) -> float:
        return float(np.dot(a, (x + dtype(t) * v) ** 2))

    return lambda m, t: sum(
        float(p) * (float(q) + t * float(r)) ** 2 for p, q, r in zip(a, x, v, strict=True)
    ), phi


def _offset_loss(dtype: type) -> tuple[Formula, Callable[[float], float]]:
    return (
        lambda m, t: 1000 + (m.tanh(0.3 + t) - 1) ** 2,
        lambda t: float(dtype(1000) + (np.tanh(dtype(0.3) + dtype(t)) - dtype(1)) ** 2),
    )


# --- edges of the domain --------------------------------------------------------------------------------------


def _right_only(m: Any, t: Any) -> Any:
    if t < 0:
        raise ValueError("t must not be negative")
    return t


EDGE: dict[str, Formula] = {
    "t^1.5": lambda m, t: _right_only(m, t) ** 1.5,
    "t^2.5 + 2t": lambda m, t: m.sqrt(_right_only(m, t)) ** 5 + 2 * t,
    "sin, right only": lambda m, t: m.sin(0.4 + _right_only(m, t)),
    "exp, left only": lambda m, t: m.exp(-_right_only(m, -t)),
    "exp 1e5, right only": lambda m, t: m.exp(-1e5 * _right_only(m, t)),
    "sin 1e-5, right only": lambda m, t: m.sin(1 + 1e-5 * _right_only(m, t)),
    "1e4 + sin, left only": lambda m, t: 1e4 + m.sin(_right_only(m, -t)),
    "(1+t)^1.5 + t sqrt t": lambda m, t: (1 + t) ** 1.5 + _right_only(m, t) * m.sqrt(t),
    "log at 1e-8": lambda m, t: m.log(1e-8 + t),
    "log at 1e-3": lambda m, t: m.log(1e-3 + t),
    "log(1e-6 - t)": lambda m, t: m.log(1e-6 - t),
    "sqrt at 1e-4": lambda m, t: m.sqrt(1e-4 + t),
    "sqrt at 1e-10": lambda m, t: m.sqrt(1e-10 + t),
    "asin near 1": lambda m, t: m.asin(1 - 1e-5 + t),
    "acosh near 1": lambda m, t: m.acosh(1 + 1e-6 + t),
    "both edges": lambda m, t: m.sqrt(1e-4 - t * t) + m.sqrt(2e-2 + t),
    "entropy at 1e-5": lambda m, t: -(1e-5 + t) * m.log(1e-5 + t) - (1 - 1e-5 - t) * m.log(1 - 1e-5 - t),
    "log + 1e3": lambda m, t: 1e3 + m.log(1e-2 + t),
}

# --- kinks and jumps ------------------------------------------------------------------------------------------


def _relu(t: Any) -> Any:
    return t if t > 0 else 0 * t


def _step(t: Any) -> int:
    return 1 if t > 0 else 0


KINK: dict[str, Formula] = {
    "abs": lambda m, t: abs(t),
    "relu": lambda m, t: _relu(t),
    "leaky relu": lambda m, t: t if t > 0 else 0.01 * t,
    "relu + offset": lambda m, t: 3.3 + _relu(t),
    "abs sin": lambda m, t: abs(m.sin(t)),
    "abs sin 1e4": lambda m, t: abs(m.sin(1e4 * t)),
    "abs 1e-4 t": lambda m, t: abs(1e-4 * t),
    "exp abs": lambda m, t: m.exp(-abs(t)),
    "sqrt square": lambda m, t: m.sqrt(t * t) + m.sin(t),
    "abs + square": lambda m, t: abs(t) + 3 * t * t,
    "abs + exp": lambda m, t: abs(t) + m.exp(2 * t),
    "weak 1e-2": lambda m, t: 1e-2 * abs(t) + m.sin(1 + t),
    "weak 1e-4": lambda m, t: 1e-4 * abs(t) + m.cos(3 * t),
    "weak 1e-6": lambda m, t: 1e-6 * abs(t) + m.exp(t),
    "strong 1e6": lambda m, t: 1e6 * _relu(t) + m.exp(t),
    "max of two": lambda m, t: max(m.sin(t), t * t + 3 * t),
    "min of two": lambda m, t: min(m.exp(t), m.exp(-2 * t)),
    "hinge": lambda m, t: _relu(-2 * t) + 0.1 * (t + 1) ** 2,
    "elu 2": lambda m, t: t if t > 0 else 2 * (m.exp(t) - 1),
    "selu": lambda m, t: 1.05 * (t if t > 0 else 1.67 * m.expm1(t)),
    "log1p abs": lambda m, t: m.log1p(abs(t)),
    "abs tanh 50": lambda m, t: abs(m.tanh(50 * t)) + t,
    "l1 and l2": lambda m, t: abs(t) + abs(1 - t) + (2 - t) ** 2,
    "offset 1e4 + abs": lambda m, t: 1e4 + abs(t),
    "max pool": lambda m, t: max(1 + t, 1 - 2 * t, 0.5 + t),
    "kink and oscillation": lambda m, t: abs(t) + m.sin(30 * t),
}  # fmt: skip

JUMP: dict[str, Formula] = {
    "step": lambda m, t: _step(t) + 0 * t,
    "step from the left": lambda m, t: (1 if t >= 0 else 0) + 0 * t,
    "sign": lambda m, t: (t > 0) - (t < 0) + 0 * t,
    "sin + 1e-3 step": lambda m, t: m.sin(t) + 1e-3 * _step(t),
    "exp + 1e-6 step": lambda m, t: m.exp(t) + 1e-6 * _step(-t),
    "floor(1 + t)": lambda m, t: (1 if t >= 0 else 0) + m.sin(2 * t),
    "wrapped angle": lambda m, t: t + 3 if t <= 0 else t + 3 - 2 * m.pi,
    "1e4 step + line": lambda m, t: 1e4 * _step(t) + t,
    "cosine steps": lambda m, t: m.cos(t) if t > 0 else 2 * m.cos(t),
}  # fmt: skip


def _near() -> Iterator[tuple[str, str, Formula]]:
    """Kinks and jumps beside 0."""
    for d in (1e-9, -3e-9, 2e-8, -1e-7, 7e-7, -1e-6, 3e-6, 1e-5, -5e-5, 2e-4, -1e-3):
        yield f"abs(t - {d:g}) + 2t", "kink near 0", lambda m, t, d=d: abs(t - d) + 2 * t
        yield f"relu(t - {d:g}) + sin", "kink near 0", lambda m, t, d=d: _relu(t - d) + m.sin(1 + t)
        yield f"0.01 abs(t - {d:g}) + exp", "kink near 0", lambda m, t, d=d: 0.01 * abs(t - d) + m.exp(t)
    for d in (1e-8, 1e-6, 1e-4):
        yield f"dead zone {d:g}", "kink near 0", lambda m, t, d=d: _relu(t - d) - _relu(-t - d)
        yield f"clip {d:g} + t", "kink near 0", lambda m, t, d=d: max(-d, min(d, t)) + t
        yield f"relu(t - {d:g})", "kink near 0", lambda m, t, d=d: _relu(t - d)
        yield f"max(3t, t + {d:g})", "kink near 0", lambda m, t, d=d: max(3 * t, t + d)
        yield f"abs(sin t - {d:g}) + t^2", "kink near 0", lambda m, t, d=d: abs(m.sin(t) - d) + t * t
        yield f"step(t - {d:g}) + sin", "jump near 0", lambda m, t, d=d: _step(t - d) + m.sin(1 + t)
        yield f"1e-3 step(t + {d:g}) + exp", "jump near 0", lambda m, t, d=d: 1e-3 * _step(t + d) + m.exp(t)


# --- all of it ------------------------------------------------------------------------------------------------


def cases() -> list[Case]:
    """The whole battery."""
    found = []
    smooth = MILD | SCALED | OFFSET | CANCELLING | FLAT | dict(_models())
    for kind, formulas in (
        ("smooth", smooth), ("edge", EDGE), ("kink at 0", KINK), ("jump at 0", JUMP),
    ):  # fmt: skip
        found += [Case(name, kind, formula, _plain(formula)) for name, formula in formulas.items()]
    found += [Case(name, kind, formula, _plain(formula)) for name, kind, formula in _near()]
    # rounded down, sin jumps at every multiple of the grid, and 0 is one
    found += [
        Case(name, "jump at 0" if name == "floor 1e-4 of t" else "noisy", formula, phi)
        for name, formula, phi in _noisy()
    ]
    return found


def held_out(case: Case) -> bool:
    """Half of the battery, chosen by the name: never looked at while the oracle is tuned."""
    return zlib.crc32(case.name.encode()) % 2 == 1


def rescaled(battery: list[Case], seed: int, copies: int = 4) -> list[Case]:
    """Every case with phi(s t), s log-uniform in 1e-2 ... 1e2."""
    rng = random.Random(seed)
    return [replace(case, scale=10 ** rng.uniform(-2, 2)) for case in battery for _ in range(copies)]
