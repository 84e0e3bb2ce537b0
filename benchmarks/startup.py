"""What importing gradcheck costs, beside numpy and autograd, and what a start of pytest pays for the plugin.

``python -m benchmarks.startup`` starts a process for each figure, in turns, and prints medians of the processor's time.
The last column is in units of the first import, of the same run, so that it can be compared from machine to machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from statistics import median
from tempfile import TemporaryDirectory

LIBRARY = {
    "numpy": "import numpy",
    "autograd": "import autograd, autograd.numpy",
    "gradcheck": "import gradcheck",
    "first checker": "gradcheck.check_grad",
    "first pass": "gradcheck.check_grad(lambda x: numpy.sum(x**2), lambda x: 2 * x, numpy.arange(3.0))",
    "first failure": (
        "gradcheck.check_grad(lambda x: numpy.sum(x**2), lambda x: 3 * x, numpy.arange(3.0), raise_on_failure=False)"
    ),
}
"""Steps of a program, one after the other."""

PLUGIN = {"pytest": "import pytest", "gradcheck's plugin": "import gradcheck.pytest_plugin"}

_TIMED = "{}\nimport time\nstart = time.process_time()\n{}\nprint(time.process_time() - start)"


def seconds(before: str, step: str, cache: str) -> float:
    """Of the processor, for one step after others, in a process that keeps what it compiles in the folder ``cache``."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", _TIMED.format(before, step)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def measured(steps: Mapping[str, str], rounds: int) -> dict[str, float]:
    """The median of each step, rounds taken in turns; the first, in which all is compiled, is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    lines = list(steps.values())
    with TemporaryDirectory() as cache:
        for number in range(rounds + 1):
            for place, (name, step) in enumerate(steps.items()):
                spent = seconds("\n".join(lines[:place]), step, cache)
                if number:
                    taken[name].append(spent)
    return {name: median(each) for name, each in taken.items()}


def main() -> None:
    """Print both tables."""
    parser = ArgumentParser(description="What importing gradcheck costs, beside numpy and autograd.")
    parser.add_argument("--rounds", type=int, default=9, help="processes of each kind [9]")
    rounds = parser.parse_args().rounds
    for steps in (LIBRARY, PLUGIN):
        found = measured(steps, rounds)
        first, unit = next(iter(found.items()))
        print(f"{'':20}{'ms':>8}{f'times {first}':>16}")
        for name, spent in found.items():
            print(f"{name:20}{1e3 * spent:8.1f}{spent / unit:16.2f}")
        print()


if __name__ == "__main__":
    main()
