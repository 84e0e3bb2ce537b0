"""What a check of a function with Python loops costs, in calls of it: ``python -m benchmarks.loops``.

A recurrent net over 30 steps, small and large. A pass with and without the look at what it did not see; a fail up to
its verdict, and its report with the diagnosis. One thread, the processor's time, the least of some rounds: what else
the machine does only ever adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import gradcheck
from benchmarks.machine import machine
from benchmarks.rounds import interleave
from gradcheck.ask.options import options_of
from gradcheck.ask.task import generator_of
from gradcheck.checks import Request, pullback_task
from gradcheck.judge.examine import examine

STEPS = 30
SIZES = {"small": (1, 4, 5), "large": (16, 64, 256)}
"""Examples, inputs and hidden units."""

Arrays = tuple[Any, ...]


def recurrent(batch: int, inputs: int, hidden: int) -> tuple[Callable[..., Any], Callable[..., Any], Arrays]:
    """The summed squared states of a tanh recurrence, its gradient, and the point."""
    r = np.random.default_rng(0)
    x = r.standard_normal((STEPS, batch, inputs))
    point = tuple(r.standard_normal((rows, hidden)) / np.sqrt(rows) / 2 for rows in (inputs, hidden))

    def states(Wx: Any, Wh: Any) -> Any:
        h = np.zeros((STEPS + 1, batch, hidden))
        for t in range(STEPS):
            h[t + 1] = np.tanh(x[t] @ Wx + h[t] @ Wh)
        return h

    def f(Wx: Any, Wh: Any) -> Any:
        return np.sum(states(Wx, Wh) ** 2)

    def gradient(Wx: Any, Wh: Any) -> Any:
        h, dWx, dWh, dh = states(Wx, Wh), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros((batch, hidden))
        for t in reversed(range(STEPS)):
            dz = (dh + 2 * h[t + 1]) * (1 - h[t + 1] ** 2)
            dWx += x[t].T @ dz
            dWh += h[t].T @ dz
            dh = dz @ Wh.T
        return dWx, dWh

    return f, gradient, point


def main() -> None:
    """Print a row for each size."""
    print(f"{machine()}, one thread, NumPy {np.__version__}\n")
    print(
        "| size | f, ms | gradient / f | pass / f | its verdict alone | fail's verdict / f | with its diagnosis |"
    )
    print("|---|---|---|---|---|---|---|")
    for size, sizes in SIZES.items():
        f, gradient, point = recurrent(*sizes)

        def right(u: Any, *args: Any, gradient: Any = gradient) -> Any:
            return tuple(u * one for one in gradient(*args))

        def wrong(u: Any, *args: Any, right: Any = right) -> Any:
            dWx, dWh = right(u, *args)
            return dWx, 0.9 * dWh

        def check(claim: Any, f: Any = f, point: Any = point) -> None:
            gradcheck.check_vjp(f, claim, *point, raise_on_failure=False)

        def verdict(claim: Any, f: Any = f, point: Any = point) -> None:
            options = options_of("check_vjp", {"raise_on_failure": False})
            task = pullback_task(Request("vjp", f, claim, ("f", "vjp"), point, options))
            examine(task, generator_of(options))

        calls: dict[str, Callable[[], Any]] = {
            "f": lambda f=f, point=point: f(*point),
            "gradient": lambda gradient=gradient, point=point: gradient(*point),
            "pass": lambda check=check, right=right: check(right),
            "verdict": lambda verdict=verdict, right=right: verdict(right),
            "fail": lambda verdict=verdict, wrong=wrong: verdict(wrong),
            "report": lambda check=check, wrong=wrong: check(wrong),
        }
        times = {
            name: min(samples) for name, samples in interleave(calls, 7, 0.05, time.process_time).items()
        }
        one = times["f"]
        figures = " | ".join(
            f"{times[name] / one:.1f}" for name in ("gradient", "pass", "verdict", "fail", "report")
        )
        print(f"| {size} | {1e3 * one:.2f} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
