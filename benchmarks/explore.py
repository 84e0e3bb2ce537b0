"""What `gradcheck.explore` finds of claims that are wrong elsewhere, and whether it shrinks them to the smallest.

python -m benchmarks.explore [--seconds S] [--seed N]
"""

from __future__ import annotations

import argparse
import re

import numpy as np
from rich.progress import track

import gradcheck
from tests.exploration.claims import Elsewhere, elsewhere


def dims_of(problem: str) -> dict[str, int]:
    """The lengths that a problem tells: ``n = 1, d = 2``."""
    return {name: int(length) for name, length in re.findall(r"(\w+) = (\d+)", problem)}


def outcome(one: Elsewhere, seconds: float, seed: int, right: bool = False) -> gradcheck.Exploration:
    """The exploration of a wrong claim, or of the right one in its place."""
    claim = one.right if right else one.claim
    return gradcheck.explore(
        one.f, claim, one.shapes, argnums=one.argnums, seconds=seconds, seed=seed, raise_on_failure=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found, small, times = [], [], []
    for one in track(list(elsewhere()), "exploring"):
        seen = outcome(one, options.seconds, options.seed)
        found.append(seen.verdict == "fail")
        if found[-1]:
            small.append(one.smallest(dims_of(seen.problem)))
            times.append(seen.seconds)
        if not found[-1] or not small[-1]:
            print(f"{one.name}: {seen.verdict}, {seen.problem or 'not found'}")
    print(f"found {sum(found)} of {len(found)} ({100 * np.mean(found):.0f} %) within {options.seconds:g} s")
    print(f"shrunk to the smallest {sum(small)} of {len(small)} ({100 * np.mean(small):.0f} %)")
    print(f"seconds until found and shrunk: median {np.median(times):.2g}, most {max(times):.2g}")


if __name__ == "__main__":
    main()
