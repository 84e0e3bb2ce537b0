"""The same derivatives elsewhere and with one error planted: verdicts out of sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .shipped import Array, Shipped

MOVES = ("as is", "jitter 5 %", "scale 0.5..2")
ERRORS = ("entry", "leaf", "sign", "zero")
SEEN = {False: 1e-9, True: 1e-4}  # in double, in single precision


def checked(shipped: Shipped) -> tuple[int, ...]:
    """Positions of the arguments the claim is about."""
    if isinstance(shipped.argnums, int):
        return (shipped.argnums,)
    if shipped.argnums is not None:
        return tuple(shipped.argnums)
    return tuple(n for n, arg in enumerate(shipped.args) if np.issubdtype(np.asarray(arg).dtype, np.floating))


def moved(shipped: Shipped, how: str, rng: np.random.Generator) -> Shipped | None:
    """The claim at a point near its own; None where it leaves its domain, or f is not finite, or the claim raises."""
    args = list(shipped.args)
    for n in checked(shipped):
        x = np.asarray(args[n])
        if how == MOVES[1]:
            factor: Any = 1 + 0.05 * rng.standard_normal(x.shape)
        else:
            factor = rng.uniform(0.5, 2.0) if how == MOVES[2] else 1.0
        low, high = shipped.within
        if not np.all((low < x * factor) & (x * factor < high)):
            return None
        args[n] = float(x * factor) if x.ndim == 0 else (x * factor).astype(x.dtype)
    point = f"{shipped.point}, {how}" if shipped.point else how
    elsewhere = replace(shipped, args=tuple(args), point=point)
    return elsewhere if defined(elsewhere) else None


def defined(shipped: Shipped) -> bool:
    """Whether f has a value at the point, and the claim an answer."""
    try:
        with np.errstate(all="ignore"):
            _sample(shipped, np.random.default_rng(0))
            return bool(np.isfinite(np.asarray(shipped.f(*shipped.args), dtype=float)).all())
    except (ValueError, ArithmeticError, TypeError, np.linalg.LinAlgError):
        return False


def planted(shipped: Shipped, rng: np.random.Generator) -> Shipped | None:
    """The claim with one error in one leaf: a factor off by 1e-5 to 0.5 (float32: 3e-3), a sign, or a zero.

    None where no entry of the leaf is large enough for the error to show: one that changes f by less than
    `SEEN` of its value, over a step of the argument's own size, is beyond what f's digits can tell.
    """
    sample = _sample(shipped, rng)
    outputs = sample if isinstance(sample, tuple | list) else (sample,)
    number = int(rng.integers(len(outputs)))
    leaf = np.abs(np.asarray(outputs[number], dtype=float)).ravel()
    single = any(np.asarray(shipped.args[n]).dtype == np.float32 for n in checked(shipped))
    error = str(rng.choice(ERRORS))
    factor = {"sign": -1.0, "zero": 0.0}.get(error, 1 + 10.0 ** rng.uniform(-2.5 if single else -5, -0.3))
    shows = abs(factor - 1) * leaf > SEEN[single] * _value_over_size(shipped)
    candidates = np.flatnonzero(shows & (leaf > 1e-3 * leaf.max(initial=0.0)))
    if candidates.size == 0:
        return None
    index = int(rng.choice(candidates))
    where = slice(None) if error == "leaf" else slice(index, index + 1)

    def spoil(result: Any) -> Any:
        if isinstance(result, tuple | list):
            return type(result)(_scaled(r, where, factor) if n == number else r for n, r in enumerate(result))
        return _scaled(result, where, factor)

    reason = f"planted: {error} {index} of leaf {number} times {factor:.6g}"
    return replace(shipped, claim=_after(shipped.claim, spoil), label="wrong", reason=reason)


def _scaled(result: Any, where: slice, factor: float) -> Any:
    spoiled = np.array(result, copy=True, order="C")
    flat = spoiled.reshape(-1)
    flat[where] *= factor
    return flat.reshape(spoiled.shape)[()] if np.ndim(result) == 0 else flat.reshape(spoiled.shape)


def _after(claim: Callable[..., Any], spoil: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *args: spoil(claim(*args))


def _sample(shipped: Shipped, rng: np.random.Generator) -> Any:
    if shipped.kind == "vjp":
        value = np.asarray(shipped.f(*shipped.args))
        return shipped.claim(rng.standard_normal(value.shape).astype(value.dtype), *shipped.args)
    if shipped.kind == "jvp":
        directions = tuple(_tangent(shipped.args[n], rng) for n in checked(shipped))
        return shipped.claim(directions[0] if len(directions) == 1 else directions, *shipped.args)
    return shipped.claim(*shipped.args)


def _tangent(x: Any, rng: np.random.Generator) -> Array | float:
    v = rng.standard_normal(np.shape(x))
    return float(v) if v.ndim == 0 else v.astype(np.asarray(x).dtype)


def _value_over_size(shipped: Shipped) -> float:
    size = max(float(np.max(np.abs(shipped.args[n]), initial=0.0)) for n in checked(shipped))
    value = float(np.max(np.abs(np.asarray(shipped.f(*shipped.args), dtype=float)), initial=0.0))
    return value / size if size > 0 else 0.0
