"""Scalar functions whose values, arguments or parts are rounded, drawn by a seed: what opaque code in low precision is.

A class names what is rounded: the values (float32, float16, bfloat16, text with six digits), every step on the way,
the argument alone (a look-up through a float32 buffer, ``x.astype(bfloat16)``), a part beside one in double, an
iteration stopped early. The exact slope is that of the formula without rounding.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.oracle_battery import Case, Formula, Real

Phi = Callable[[float], float]
Rounding = Callable[[float], float]

# Significant bits; the range of exponents is not what is tried here.
BITS = {"float32": 24, "float16": 11, "bfloat16": 8}


def rounded(bits: int) -> Rounding:
    """Rounding to so many significant bits, to nearest, ties to even."""

    def to(x: float) -> float:
        mantissa, exponent = math.frexp(x)
        return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)

    return to


@dataclass(frozen=True)
class Body:
    """A function of one number u, of which phi takes a weighted sum over the places u = a + b t."""

    name: str
    of: Formula


BODIES = (
    Body("sine", lambda m, u: m.sin(u)),
    Body("exponential", lambda m, u: m.exp(u / 2)),
    Body("line", lambda m, u: 1.7 * u),
    Body("square", lambda m, u: u * u + 3),
    Body("tanh", lambda m, u: m.tanh(u)),
    Body("logarithm", lambda m, u: m.log(2 + u * u)),
    Body("offset", lambda m, u: 10 + m.sin(u)),
    Body("rational", lambda m, u: 1 / (2 + u * u)),
)


@dataclass(frozen=True)
class Drawn:
    """Places, speeds and weights: phi(t) = sum of w body(a + b t)."""

    body: Body
    places: tuple[tuple[float, float, float], ...]

    def formula(self, m: Any, t: Any) -> Any:
        """Exactly, over a namespace."""
        return sum(w * self.body.of(m, a + b * t) for a, b, w in self.places)

    def phi(self, argument: Rounding, value: Rounding) -> Phi:
        """With arguments rounded before, and the sum rounded after, every addition."""

        def phi(t: float) -> float:
            total = 0.0
            for a, b, w in self.places:
                total = value(total + value(w * value(self.body.of(Real, argument(a + b * t)))))
            return total

        return phi


def drawn(rng: random.Random, body: Body) -> Drawn:
    """One place or eight, weights near 1, speeds of 1/30 to 30."""
    count, speed = rng.choice((1, 1, 8)), 10.0 ** rng.uniform(-1.5, 1.5)
    return Drawn(
        body,
        tuple((rng.gauss(0, 1), speed * rng.gauss(0, 1), rng.uniform(0.5, 1.5)) for _ in range(count)),
    )


def _same(x: float) -> float:
    return x


def _text(x: float) -> float:
    return float(f"{x:.6f}")


def _classes() -> dict[str, Callable[[random.Random, Drawn], tuple[Formula, Phi]]]:
    found: dict[str, Callable[[random.Random, Drawn], tuple[Formula, Phi]]] = {}
    for name, bits in BITS.items():
        to = rounded(bits)
        found[f"{name} values"] = lambda rng, d, to=to: (d.formula, _after(to, d.phi(_same, _same)))
        found[f"{name} inside"] = lambda rng, d, to=to: (d.formula, d.phi(to, to))
        found[f"{name} argument"] = lambda rng, d, to=to: (d.formula, d.phi(to, _same))
    found["float32 table"] = lambda rng, d: (d.formula, _after(_single, d.phi(_single, _same)))
    found["text, six digits"] = lambda rng, d: (d.formula, _after(_text, d.phi(_same, _same)))
    found["float32 part"] = _part
    found["loose Newton"] = _loose_newton
    found["loose fixed point"] = _loose_fixed_point
    return found


def _after(to: Rounding, phi: Phi) -> Phi:
    return lambda t: to(phi(t))


def _single(x: float) -> float:
    return float(np.float32(x))


def _part(rng: random.Random, d: Drawn) -> tuple[Formula, Phi]:
    """A part in single precision beside one in double, from a third of it to a thousand times as large."""
    share, other = 10.0 ** rng.uniform(-3, 0.5), drawn(rng, rng.choice(BODIES))
    crude, fine = d.phi(_single, _single), other.phi(_same, _same)
    return (
        lambda m, t: d.formula(m, t) + share * other.formula(m, t),
        lambda t: crude(t) + share * fine(t),
    )


def _loose_newton(rng: random.Random, d: Drawn) -> tuple[Formula, Phi]:
    """The root x of x**3 + x = c + s t, by Newton's steps from 1 until one is short."""
    c, s, tolerance = rng.uniform(0.5, 20), 10.0 ** rng.uniform(-1.5, 1.5), 10.0 ** rng.uniform(-6, -1)

    def phi(t: float) -> float:
        x = 1.0
        for _ in range(100):
            move = (x**3 + x - c - s * t) / (3 * x * x + 1)
            x -= move
            if abs(move) < tolerance:
                break
        return x

    def formula(m: Any, t: Any) -> Any:
        q = (c + s * t) / 2
        root = m.sqrt(q * q + m.mpf(1) / 27)
        return m.cbrt(q + root) - m.cbrt(root - q)

    return formula, phi


def _loose_fixed_point(rng: random.Random, d: Drawn) -> tuple[Formula, Phi]:
    """The square root of c + s t by x <- x - r (x**2 - c - s t), which gains a fixed share of the error a step."""
    c, s, tolerance = rng.uniform(0.5, 4), 10.0 ** rng.uniform(-1.5, 0.0), 10.0 ** rng.uniform(-10, -3)
    share = rng.uniform(0.3, 0.9)

    def phi(t: float) -> float:
        x = math.sqrt(c)
        rate = share / (2 * x)
        for _ in range(1000):
            move = rate * (x * x - c - s * t)
            x -= move
            if abs(move) < tolerance:
                break
        return x

    return lambda m, t: m.sqrt(c + s * t), phi


CLASSES = _classes()


def precisions(seed: int, copies: int = 5) -> Iterator[Case]:
    """``copies`` functions of every class and body; the same ones for the same seed."""
    for kind, build in CLASSES.items():
        for body in BODIES:
            for copy in range(copies):
                rng = random.Random(f"{seed} {kind} {body.name} {copy}")
                formula, phi = build(rng, drawn(rng, body))
                yield Case(f"{body.name} {copy}", kind, formula, phi)
