"""Where one pass of the fast form spends its time, call by call: ``python -m benchmarks.breakdown``.

Every NumPy call of a plan is timed by itself. Products are what the floor consists of; the rest is what lies between.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

from benchmarks.nets import NETS, Net
from benchmarks.peers import Call
from benchmarks.rounds import interleave
from reference_impls.fast_mlp import Plan
from reference_impls.parameters import like


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
    steps = dict(calls(net))
    times = {name: median(data) * 1e6 for name, data in interleave(steps, 11, 0.002).items()}
    whole = times.pop("whole pass")
    for name, time in times.items():
        print(f"{time:10.2f} µs  {time / whole:6.1%}  {name}")
    products = sum(time for name, time in times.items() if "product" in name)
    print(f"{products:10.2f} µs  {products / whole:6.1%}  all products")
    print(f"{whole:10.2f} µs  {1:6.1%}  whole pass, from plan to result")


def calls(net: Net) -> Iterator[tuple[str, Call]]:
    """The whole pass, then each of its calls with a name, in order."""
    params, X, targets = net.data
    plan = Plan(params, X, net.hidden, net.loss, like(params))
    plan.run(X, targets)
    yield "whole pass", partial(plan.run, X, targets)
    for number, (title, step) in enumerate(plan.steps(X, targets), start=1):
        yield f"{number:2d} {title}{_shapes(step)}", step


def _shapes(step: Any) -> str:
    arrays = [argument for argument in getattr(step, "args", ()) if hasattr(argument, "shape")]
    return " " + " ".join("x".join(map(str, array.shape)) for array in arrays)


if __name__ == "__main__":
    main()
