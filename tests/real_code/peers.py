"""Recipes people check derivatives by today, each reduced to one yes or no on the same scalar function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .mutations import checked
from .shipped import Array, Shipped

Scalar = Callable[[Array], float]
Recipe = Callable[[Scalar, Array, Array, np.random.Generator], bool]

MOST = 60  # entries a recipe that walks over all of them is given; the rest are held


def central_recipe(phi: Scalar, x: Array, gradient: Array, _: np.random.Generator) -> bool:
    """Course notes: step 1e-5, relative error above 1e-5 in any entry."""
    numeric = _central(phi, x, 1e-5)
    off = np.abs(numeric - gradient) > 1e-5 * np.maximum(np.abs(numeric), np.abs(gradient))
    return bool((off & (np.abs(numeric - gradient) > 1e-9)).any())


def torch_slow(phi: Scalar, x: Array, gradient: Array, _: np.random.Generator) -> bool:
    """Step 1e-6, atol 1e-5, rtol 1e-3, every entry."""
    return not np.allclose(gradient, _central(phi, x, 1e-6), rtol=1e-3, atol=1e-5)


def scipy_forward(phi: Scalar, x: Array, gradient: Array, _: np.random.Generator) -> bool:
    """check_grad's number, the norm of the difference at step 1.5e-8, held against 1e-6 of the gradient's norm."""
    base = phi(x)
    step = np.sqrt(np.finfo(float).eps)
    numeric = np.array([(phi(x + step * e) - base) / step for e in np.eye(x.size)])
    return bool(np.linalg.norm(numeric - gradient) > 1e-6 * max(1.0, float(np.linalg.norm(gradient))))


def autograd_direction(phi: Scalar, x: Array, gradient: Array, rng: np.random.Generator) -> bool:
    """One normal direction, steps of 5e-7, absolute or relative 1e-6."""
    v = rng.standard_normal(x.size)
    numeric = (phi(x + 5e-7 * v) - phi(x - 5e-7 * v)) / 1e-6
    claimed = float(gradient @ v)
    difference = abs(numeric - claimed)
    return not (difference < 1e-6 or difference < 1e-6 * abs(numeric + claimed))


def jax_direction(phi: Scalar, x: Array, gradient: Array, rng: np.random.Generator) -> bool:
    """One unit direction, step 1e-4, absolute and relative 1e-5."""
    v = rng.standard_normal(x.size)
    v /= np.linalg.norm(v)
    numeric = (phi(x + 1e-4 * v) - phi(x - 1e-4 * v)) / 2e-4
    return not np.isclose(float(gradient @ v), numeric, rtol=1e-5, atol=1e-5)


RECIPES: dict[str, Recipe] = {
    "central differences, 1e-5 (course recipe)": central_recipe,
    "torch.autograd.gradcheck's numbers": torch_slow,
    "scipy.optimize.check_grad < 1e-6": scipy_forward,
    "autograd check_grads's numbers": autograd_direction,
    "jax check_grads's numbers": jax_direction,
}


def accuses(shipped: Shipped, recipe: Recipe, seed: int = 0) -> bool:
    """Whether the recipe calls the claim wrong. NaN accuses, an exception inside f does, too."""
    rng = np.random.default_rng(seed)
    try:
        with np.errstate(all="ignore"):
            return recipe(*scalar_view(shipped, rng), rng)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return True


def _central(phi: Scalar, x: Array, step: float) -> Array:
    return np.array([(phi(x + step * e) - phi(x - step * e)) / (2 * step) for e in np.eye(x.size)])


def scalar_view(shipped: Shipped, rng: np.random.Generator) -> tuple[Scalar, Array, Array]:
    """The claim as a scalar function of at most `MOST` numbers with its gradient, in double precision."""
    numbers = checked(shipped)
    pieces = [np.asarray(shipped.args[n]) for n in numbers]
    x = np.concatenate([p.ravel().astype(float) for p in pieces])
    value = np.asarray(shipped.f(*shipped.args), dtype=float)
    u = rng.standard_normal(value.shape) if value.ndim or shipped.kind != "grad" else np.ones(())
    kept = np.sort(rng.permutation(x.size)[:MOST])

    def whole(x: Array) -> float:
        args, position = list(shipped.args), 0
        for n, piece in zip(numbers, pieces, strict=True):
            part = x[position : position + piece.size].reshape(piece.shape)
            args[n] = float(part) if piece.ndim == 0 else part.astype(piece.dtype)
            position += piece.size
        return float(np.sum(u * np.asarray(shipped.f(*args), dtype=float)))

    if shipped.kind == "jvp":
        v = rng.standard_normal(x.size)
        return (lambda t: whole(x + t[0] * v)), np.zeros(1), np.array([np.sum(u * _push(shipped, v, pieces))])

    def phi(part: Array) -> float:
        moved = x.copy()
        moved[kept] = part
        return whole(moved)

    return phi, x[kept], _pulled(shipped, u, value)[kept]


def _pulled(shipped: Shipped, u: Array, value: Array) -> Array:
    if shipped.kind == "vjp":
        dtype = np.asarray(shipped.f(*shipped.args)).dtype
        result: Any = shipped.claim(u.astype(dtype)[()], *shipped.args)
    else:
        result = shipped.claim(*shipped.args)
    results = result if isinstance(result, tuple | list) else (result,)
    if shipped.kind in ("jacobian", "hessian"):
        return np.concatenate(
            [np.tensordot(u, np.asarray(r, dtype=float), axes=value.ndim).ravel() for r in results]
        )
    return np.concatenate([np.asarray(r, dtype=float).ravel() for r in results])


def _push(shipped: Shipped, v: Array, pieces: list[Array]) -> Array:
    tangents, position = [], 0
    for piece in pieces:
        tangents.append(v[position : position + piece.size].reshape(piece.shape))
        position += piece.size
    tangent = tangents[0] if len(tangents) == 1 else tuple(tangents)
    return np.asarray(shipped.claim(tangent, *shipped.args), dtype=float)
