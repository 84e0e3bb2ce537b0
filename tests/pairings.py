"""Pairings made by hand, for the tests of what judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.ask.point import point, step_scale
from gradcheck.ask.random_rounding import Run, rolled, running
from gradcheck.judge.pairing import Pairing
from gradcheck.oracles.answer import Answer


@dataclass
class Tally:
    """Counts evaluations as a pairing reports them."""

    calls: int = 0
    points: list[Any] = field(default_factory=list)

    def __call__(self, calls: int) -> None:
        self.calls += calls


def answer(gradient: Callable[..., Any], x: Any, unit: float = 2.0**-53, **fields: Any) -> Answer:
    """What the claim or autograd would say, were ``gradient`` its answer; its code cannot be met."""

    def at(point: Any) -> Any:
        found = gradient(np.asarray(point, dtype=float))
        return None if found is None else np.asarray(found, dtype=float)

    return Answer(at(x), unit, at, lambda count: [], **fields)


def met(gradient: Callable[..., Any], x: Any, unit: float = 2.0**-53, seed: int = 0) -> Answer:
    """What the claim would say, were ``gradient`` its answer; its code is met by runs with random rounding.

    ``x`` keeps its dtype on its way to ``gradient``, at moved points as well.
    """
    point_of = np.asarray(x)

    def at(point: Any) -> Any:
        return np.asarray(gradient(np.asarray(point).astype(point_of.dtype)), dtype=float)

    def runs(count: int) -> list[Any]:
        generator, found = np.random.default_rng(seed), []
        plain = Run(None, unit, 1.0)
        for run in [plain, *(Run(generator, unit, 1.0) for _ in range(count))]:
            with running(run):
                again = np.asarray(gradient(rolled((point_of.copy(),))[0])).astype(float)
            if run is not plain and run.choices == plain.choices:
                found.append(again)
        return found

    return Answer(at(point_of), unit, at, runs)


def pairing(
    f: Callable[..., Any],
    claim: Callable[..., Any],
    x: Any,
    *,
    leaves: Sequence[int] = (),
    tally: Tally | None = None,
    unit: float = 2.0**-53,
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
        "claim": answer(claim, x, unit),
        "slots": where.slots,
        "value": value,
        "base": value(x),
        "magnitude": abs(value(x)),
        "precision": 2.0**-53,
        "precise": False,
        "grid": 0.0,
        "spread": 0.0,
        "scale": step_scale(x, where.slots),
        "count": tally or Tally(),
    }
    return Pairing(**{**given, **fields})
