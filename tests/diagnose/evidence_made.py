"""Evidence as a failed check would hand it on, made from a function, a claim and a known truth."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.ask.trees import is_floating, leaves, name
from gradcheck.explain.evidence import Evidence, LeafEvidence


def evidence_of(
    f: Callable[..., Any],
    claim: Callable[..., Any],
    truth: Callable[..., Any],
    args: tuple[Any, ...],
    argnums: int | tuple[int, ...] | None = None,
    kind: str = "grad",
    traced: bool = True,
    inputs: tuple[Any, ...] = (),
) -> Evidence:
    """Evidence with ``truth(*inputs, *args)`` for its truth, known to rounding, and f's tape where it has one.

    ``inputs`` is what the claim takes before the arguments: the cotangent of a pullback.
    """
    names = _names(f, args)
    chosen = _chosen(argnums, args)
    claimed, exact = (_pieces(fn(*inputs, *args), argnums, chosen) for fn in (claim, truth))
    found = []
    for number, given, right in zip(chosen, claimed, exact, strict=True):
        if isinstance(args[number], list | tuple | dict):
            given_leaves = dict(leaves(given))
            triples = [
                (path, given_leaves.get(path), t, dict(leaves(args[number]))[path])
                for path, t in leaves(right)
            ]
        else:
            triples = [((), given, right, args[number])]
        for path, mine, true, value in triples:
            found.append(_leaf(name(names[number], path), number, value, mine, true))
    output = np.concatenate([np.ravel(leaf) for _, leaf in leaves(f(*args))])
    result = f(*args)
    if not isinstance(result, list | tuple | dict):
        output = np.asarray(result, dtype=float)
    cotangent = None
    if kind == "vjp":
        cotangent = np.concatenate([np.ravel(leaf) for _, leaf in leaves(inputs[0])])
        cotangent = cotangent.reshape(output.shape)
    return Evidence(
        leaves=tuple(found),
        arguments=tuple(zip(names, args, strict=True)),
        output=output,
        cotangent=cotangent,
        tape=_tape(f, args, chosen) if traced and kind in ("grad", "vjp") else None,
    )


def _tape(f: Callable[..., Any], args: tuple[Any, ...], chosen: list[int]) -> Any:
    try:
        from gradcheck.oracles.tracing import Untraceable, trace
    except ImportError:
        return None

    paths = [(n, *path) for n in chosen for path, leaf in leaves(args[n]) if is_floating(leaf)]
    try:
        return trace(f, args, paths)
    except Untraceable:
        return None


def _leaf(path: str, number: int, value: Any, claimed: Any, truth: Any) -> LeafEvidence:
    truth = np.asarray(truth, dtype=float)
    given = None if claimed is None else np.asarray(claimed)
    widened = None if given is None else given.astype(float)
    dtype = str(np.asarray(value).dtype)
    scale = float(np.max(np.abs(truth), initial=0.0))
    rounding = 1e-4 if dtype == "float32" else 1e-11
    bound = rounding * np.abs(truth) + 1e-6 * rounding * scale * (np.abs(truth) < 1e-14 * scale)
    wrong = (
        widened is None or widened.shape != truth.shape or not bool(np.all(np.abs(widened - truth) <= bound))
    )
    return LeafEvidence(
        path,
        number,
        np.asarray(value, dtype=float),
        widened,
        truth,
        bound,
        wrong,
        dtype,
        str(given.dtype) if given is not None else "float64",
    )


def _names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    parameters = list(inspect.signature(f).parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return [f"args[{i}]" for i in range(len(args))]
    return [p.name for p in parameters][: len(args)]


def _chosen(argnums: int | tuple[int, ...] | None, args: tuple[Any, ...]) -> list[int]:
    if argnums is None:
        return [i for i, arg in enumerate(args) if any(is_floating(leaf) for _, leaf in leaves(arg))]
    return [argnums] if isinstance(argnums, int) else list(argnums)


def _pieces(result: Any, argnums: int | tuple[int, ...] | None, chosen: list[int]) -> list[Any]:
    return [result] if len(chosen) == 1 and not isinstance(argnums, tuple) else list(result)
