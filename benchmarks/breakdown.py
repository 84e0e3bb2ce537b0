"""Where one pass of the fast form spends its time, call by call: ``python -m benchmarks.breakdown``.

Every NumPy call of a plan is timed in its place within a pass, where it finds in the cache what the calls before it
have left there. Products are what the floor consists of; the rest is what lies between.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.nets import NETS, Net
from benchmarks.peers import floor
from reference_impls.fast_mlp import Plan
from reference_impls.parameters import arrays, like

PASSES = 300


def main(arguments: list[str] | None = None) -> None:
    """Print microseconds and share for each call of one net's plan."""
    names = sorted({net.name for net in NETS})
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.breakdown", description=__doc__.splitlines()[0]
    )
    parser.add_argument("net", nargs="?", choices=names, default="784-128-64-10 relu, 256", metavar="NET")
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    options = parser.parse_args(arguments)
    net = next(net for net in NETS if (net.name, net.dtype) == (options.net, options.dtype))
    report(net)


def report(net: Net) -> None:
    """Print the breakdown of ``net``."""
    params, X, targets = net.data
    plan = Plan(params, X, net.hidden, net.loss, like(params))
    plan.run(X, targets)
    steps = plan.steps(X, targets)
    calls = [memory(net), floor(net), lambda: plan.run(X, targets), *(step for _, step in steps)]
    moved, least, whole, *times = spent(calls)
    for number, ((title, step), time) in enumerate(zip(steps, times, strict=True), start=1):
        print(f"{time:10.2f} µs  {time / whole:6.1%}  {number:2d} {title}{_shapes(step)}")
    products = sum(time for (title, _), time in zip(steps, times, strict=True) if title == "product")
    print(f"{products:10.2f} µs  {products / whole:6.1%}  all products")
    print(f"{whole:10.2f} µs  {1:6.1%}  whole pass, from plan to result")
    print(f"{least:10.2f} µs  {least / whole:6.1%}  floor: its products by themselves")
    print(
        f"{moved:10.2f} µs  {moved / whole:6.1%}  memory: parameters copied, each read once and written once"
    )


def memory(net: Net) -> Callable[[], object]:
    """The least that a batch of one can take: its gradients are as large as the parameters, which it must read."""
    params, _, _ = net.data
    pairs = list(zip(arrays(like(params)), arrays(params), strict=True))
    return lambda: [np.copyto(to, of) for to, of in pairs]


def spent(steps: Sequence[Callable[[], object]]) -> list[float]:
    """Microseconds of each of ``steps``, which follow one another in every pass: the slowest of its fastest quarter."""
    taken = np.empty((PASSES, len(steps)))
    for row in taken:
        for place, step in enumerate(steps):
            start = perf_counter()
            step()
            row[place] = perf_counter() - start
    return list(1e6 * np.quantile(taken, 0.25, axis=0))


def _shapes(step: Any) -> str:
    arrays = [argument for argument in getattr(step, "args", ()) if hasattr(argument, "shape")]
    return " " + " ".join("x".join(map(str, array.shape)) for array in arrays)


if __name__ == "__main__":
    main()
