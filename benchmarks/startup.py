"""What importing gradcheck costs, beside numpy and autograd, and what a start of pytest pays for the plugin.

``python -m benchmarks.startup`` starts a process for each figure, in turns, and prints medians of the processor's time.
The last column is the share that is gradcheck's own, in units of numpy's import: of the same run, so that it can be
compared from machine to machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from statistics import median
from tempfile import TemporaryDirectory

STAGES = {
    "numpy": "import numpy",
    "and autograd": "import numpy, autograd, autograd.numpy",
    "and gradcheck": "import numpy, autograd, autograd.numpy, gradcheck",
    "and a checker": "import numpy, autograd, autograd.numpy, gradcheck; gradcheck.check_grad",
    "and a pass": (
        "import numpy, autograd, autograd.numpy, gradcheck;"
        "gradcheck.check_grad(lambda x: numpy.sum(x**2), lambda x: 2 * x, numpy.arange(3.0))"
    ),
}
"""What is run, each with all that comes before."""

PLUGIN = {
    "pytest": "import pytest",
    "and the plugin": "import pytest, gradcheck.pytest_plugin",
}

_TIMED = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def seconds(code: str, cache: str) -> float:
    """Of the processor, for ``code`` in a process of its own, which keeps what it compiles in the folder ``cache``."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", _TIMED.format(code)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return float(done.stdout)


def measured(stages: dict[str, str], rounds: int) -> dict[str, float]:
    """The median of each stage, rounds taken in turns; the first, in which all is compiled, is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in stages}
    with TemporaryDirectory() as cache:
        for number in range(rounds + 1):
            for name, code in stages.items():
                spent = seconds(code, cache)
                if number:
                    taken[name].append(spent)
    return {name: median(each) for name, each in taken.items()}


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description="What importing gradcheck costs, beside numpy and autograd.")
    parser.add_argument("--rounds", type=int, default=9, help="processes of each kind [9]")
    rounds = parser.parse_args().rounds
    for stages in (STAGES, PLUGIN):
        found = measured(stages, rounds)
        unit = next(iter(found.values()))
        before = 0.0
        print(f"{'':16}{'ms in all':>10}{'ms more':>10}{f'in units of {next(iter(found))}':>24}")
        for name, spent in found.items():
            print(
                f"{name:16}{1e3 * spent:10.1f}{1e3 * (spent - before):10.1f}{(spent - before) / unit:24.2f}"
            )
            before = spent
        print()


if __name__ == "__main__":
    main()
