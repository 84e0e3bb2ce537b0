"""One shipped derivative with what is known of it, and the two shapes most of them come in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Function = Callable[..., Any]
Kind = Literal["grad", "vjp", "jvp", "jacobian", "hessian", "hvp"]
Label = Literal["right", "wrong", "edge"]


@dataclass(frozen=True)
class Shipped:
    """A function and the derivative its package ships for it.

    Attributes
    ----------
    kind
        Which check judges it: the suffix of ``gradcheck.check_*``.
    label
        "right"; "wrong": not the derivative of f, by an error or by a stated approximation; "edge": right by
        a convention (half of a symmetric argument, only on a manifold, one point of a jump), so that no
        verdict is the only true one.
    reason
        Why it is not "right".
    point
        What is hostile about where it is checked: "fitted optimum", "unscaled columns". Empty where nothing is.
    within
        The open interval that all entries of the checked arguments must stay in for the label to hold: outside
        it a package may clip its argument, and then the derivative it ships is not that of what it computes.
    """

    name: str
    package: str
    kind: Kind
    f: Function
    claim: Function
    args: tuple[Any, ...]
    argnums: int | tuple[int, ...] | None = None
    label: Label = "right"
    reason: str = ""
    point: str = ""
    within: tuple[float, float] = (-np.inf, np.inf)

    @property
    def title(self) -> str:
        """Name and point, unique within its package."""
        return f"{self.name} @ {self.point}" if self.point else self.name

    def at(self, point: str, *args: Any, **changes: Any) -> Shipped:
        """The same derivative at other arguments."""
        return replace(self, args=args, point=point, **changes)


def elementwise(
    name: str, package: str, f: Function, derivative: Function, *args: Any, argnum: int = 0, **known: Any
) -> Shipped:
    """A function that acts on each entry of argument ``argnum``: its pullback multiplies by the derivative."""

    def pullback(cotangent: Array, *args: Any) -> Array:
        return cotangent * derivative(*args)

    return Shipped(name, package, "vjp", f, pullback, args, argnum, **known)


def linear(name: str, package: str, forward: Function, adjoint: Function, x: Array, **known: Any) -> Shipped:
    """A linear map with the adjoint its package ships."""
    return Shipped(name, package, "vjp", forward, lambda cotangent, _: adjoint(cotangent), (x,), **known)


def slope(
    name: str, package: str, f: Function, derivative: Function, *args: Any, argnum: int = 0, **known: Any
) -> Shipped:
    """A function of real numbers to a real number, with its derivative by argument ``argnum``."""
    return Shipped(name, package, "grad", f, derivative, args, argnum, **known)


def normal(seed: int, *shape: int) -> Array:
    """Standard normal numbers, the same at every call."""
    return np.random.default_rng(seed).standard_normal(shape)


def uniform(seed: int, low: float, high: float, *shape: int) -> Array:
    """Uniform numbers, the same at every call."""
    return np.random.default_rng(seed).uniform(low, high, shape)
