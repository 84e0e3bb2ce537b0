"""The keywords common to all checks: their types and defaults, stated once, and validated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar

import numpy as np

from gradcheck.ask.ambient import default

if TYPE_CHECKING:
    from concurrent.futures import Executor

Argnums = int | Sequence[int] | None

ORACLES = ("autograd", "differences", "complex_step")


class Keywords(TypedDict, total=False):
    """What every check may be told; `gradcheck.check_grad` says what each means."""

    argnums: Argnums
    rtol: float | None
    oracles: Sequence[str] | None
    seed: int | None
    raise_on_failure: bool
    points: int
    executor: Executor | None
    allow: float | Mapping[str, float] | None
    strict: bool | None


_DEFAULTS: dict[str, Any] = {
    "argnums": None, "rtol": None, "oracles": None, "seed": None, "raise_on_failure": True, "points": 0,
    "executor": None, "allow": None, "strict": None,
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """The keywords, validated."""

    argnums: Argnums
    rtol: float | None
    oracles: tuple[str, ...]
    named: bool  # whether the user named the oracles
    seed: int
    raise_on_failure: bool
    points: int
    executor: Executor | None
    allow: float | Mapping[str, float] | None = None
    strict: bool = False
    budget: float | None = None
    """Seconds that a diagnosis may take, and that the search for a repair may work; None for as many as are usual."""


P = ParamSpec("P")
R = TypeVar("R")


def stated(check: Callable[P, R]) -> Callable[P, R]:
    """The check with its keywords and their defaults spelled out in its signature, for readers and editors."""
    signature = inspect.signature(check)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    types = Keywords.__annotations__
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[name])
        for name, default in _DEFAULTS.items()
    ]
    check.__signature__ = signature.replace(parameters=[*own, *common])  # type: ignore[attr-defined]
    return check


def options_of(check: str, keywords: Keywords) -> Options:
    """The keywords of ``check`` with their defaults.

    Raises
    ------
    TypeError, ValueError
        A keyword that no check has, or a value that none takes.
    """
    strange = next((name for name in keywords if name not in _DEFAULTS), None)
    if strange is not None:
        raise TypeError(
            f"{check}() got an unexpected keyword argument {strange!r}; its keywords are {', '.join(_DEFAULTS)}"
        )
    given: dict[str, Any] = {**_DEFAULTS, **keywords}
    rtol: Any = default("rtol") if given["rtol"] is None else given["rtol"]
    oracles, seed, executor = given["oracles"], given["seed"], given["executor"]
    if rtol is not None and not (isinstance(rtol, float | np.floating) and 0.0 < rtol < 1.0):
        raise ValueError(f"rtol must be a number between 0 and 1, got rtol={rtol!r}")
    wanted = f"oracles must name any of {', '.join(map(repr, ORACLES))}, or be None for all"
    if oracles is not None and not isinstance(oracles, str | tuple | list):
        raise TypeError(f"{wanted}; got oracles={oracles!r}")
    chosen = ORACLES if oracles is None else (oracles,) if isinstance(oracles, str) else tuple(oracles)
    if not chosen or any(name not in ORACLES for name in chosen):
        raise ValueError(f"{wanted}; got oracles={oracles!r}")
    if "complex_step" in chosen:  # it is trusted only where it agrees with differences
        chosen = (*chosen, "differences")
    seed = default("seed") if seed is None else seed
    for name, value in (("seed", seed), ("points", given["points"])):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(f"{name} must be an int of at least 0, got {name}={value!r}")
    if executor is not None and not callable(getattr(executor, "map", None)):
        raise TypeError(
            f"executor must be a concurrent.futures.Executor or have its map(), got executor={executor!r}"
        )
    return Options(
        given["argnums"],
        None if rtol is None else float(rtol),
        chosen,
        oracles is not None,
        int(seed),
        bool(given["raise_on_failure"]),
        int(given["points"]),
        executor,
        _allowed(given["allow"]),
        default("strict") if given["strict"] is None else bool(given["strict"]),
        _budget(),
    )


def _budget() -> float | None:
    budget: Any = default("budget")
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, float | int) or not 0.0 <= budget < float("inf"):
        raise ValueError(f"budget must be a number of seconds, 0 or more, got budget={budget!r}")
    return float(budget)


def _allowed(allow: Any) -> float | Mapping[str, float] | None:
    sizes = list(allow.values()) if isinstance(allow, Mapping) else [] if allow is None else [allow]
    if not all(isinstance(size, float | np.floating) and 0.0 < size < 1.0 for size in sizes):
        raise ValueError(
            "allow must be a relative size between 0 and 1, of a deviation that is meant, or a dict of such sizes by "
            f"leaf, {{'W1': 1e-5}}; got allow={allow!r}"
        )
    return {**allow} if isinstance(allow, Mapping) else allow
