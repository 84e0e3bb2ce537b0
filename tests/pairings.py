"""Pairings made by hand, for the tests of what judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.ask.point import point
from gradcheck.judge.pairing import Pairing, Traced, step_scale


@dataclass
class Tally:
    """Counts evaluations as a pairing reports them."""

    calls: int = 0
    points: list[Any] = field(default_factory=list)

    def __call__(self, calls: int) -> None:
        self.calls += calls


def pairing(
    f: Callable[..., Any],
    claim: Callable[..., Any],
    x: Any,
    *,
    leaves: Sequence[int] = (),
    tally: Tally | None = None,
    **fields: Any,
) -> Pairing:
    """The pairing of a scalar ``f(x)`` and ``claim(x)`` at a vector, cut into leaves of the given sizes."""
    x = np.asarray(x, dtype=float)
    cuts = np.cumsum(leaves)[:-1] if leaves else []
    where = point(lambda *parts: None, tuple(np.split(x, cuts)), None)

    def value(at: Any) -> float:
        with np.errstate(all="ignore"):
            result = float(f(at))
        return result if np.isfinite(result) else float("nan")

    given: dict[str, Any] = {
        "x": x,
        "claimed": np.asarray(claim(x), dtype=float),
        "slots": where.slots,
        "value": value,
        "claim_at": lambda at: np.asarray(claim(at), dtype=float),
        "base": value(x),
        "magnitude": abs(value(x)),
        "precision": 2.0**-53,
        "unit": 2.0**-53,
        "scale": step_scale(x, where.slots),
        "count": tally or Tally(),
    }
    return Pairing(**{**given, **fields})


def traced(gradient: Callable[..., Any], x: Any) -> Traced:
    """What autograd would say, were ``gradient`` its answer."""
    return Traced(np.asarray(gradient(np.asarray(x, dtype=float)), dtype=float), True, gradient)
