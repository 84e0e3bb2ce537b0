"""How long the studies' trainings take beside loops in the manner of the originals.

``python -m reference_impls.case_studies.speed`` times both in turn, a few hundred steps each, and prints
the ratio; with ``--full`` it also runs each training to the originals' end, by our way alone.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import NamedTuple

from reference_impls.case_studies import (
    as_written,
    column_major,
    functional_layers,
    layer_network,
    logistic_network,
    xor_backprop,
)
from reference_impls.case_studies.history import Array, History

ROUNDS = 5


class Race(NamedTuple):
    """Two ways to one training, in the originals' manner and ours; how many steps to time, and how many in all."""

    name: str
    theirs: Callable[[int], Array]
    ours: Callable[..., History]
    timed_steps: int
    all_steps: int


RACES = [
    Race("logistic_network", as_written.logistic_network, logistic_network.train, 500, 200_000),
    Race("functional_layers", as_written.functional_layers, functional_layers.train, 200, 200),
    Race("layer_network, XOR", as_written.layer_network_xor, layer_network.train, 200, 3000),
    Race(
        "layer_network, digits",
        as_written.layer_network_digits,
        lambda steps: layer_network.digits.train(layer_network.shifted(), steps=steps),
        1,
        50,
    ),
    Race("xor_backprop", as_written.xor_backprop, xor_backprop.train, 140, 140),
    Race("column_major", as_written.column_major, column_major.train, 100, 100),
]


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = perf_counter()
    run()
    return perf_counter() - begin


def race(contest: Race, rounds: int = ROUNDS) -> tuple[float, float]:
    """Seconds a step, theirs and ours: medians over rounds in which both run in turn."""
    steps = contest.timed_steps
    times = [
        (seconds(lambda: contest.theirs(steps)), seconds(lambda: contest.ours(steps=steps)))
        for _ in range(rounds)
    ]
    theirs, ours = (median(column) / steps for column in zip(*times, strict=True))
    return theirs, ours


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line a training."""
    parser = ArgumentParser("python -m reference_impls.case_studies.speed", description=__doc__)
    parser.add_argument("--full", action="store_true", help="run every training to its end as well")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of timing [{ROUNDS}]")
    chosen = parser.parse_args(arguments)
    print(f"{'training':22} {'as written':>12} {'ours':>12} {'ratio':>7} {'all steps':>10} {'expected':>10}")
    for contest in RACES:
        theirs, ours = race(contest, chosen.rounds)
        print(
            f"{contest.name:22} {1e6 * theirs:9.1f} us {1e6 * ours:9.1f} us {theirs / ours:7.2f} "
            f"{contest.all_steps:10,d} {ours * contest.all_steps:8.1f} s",
            end="",
            flush=True,
        )
        if chosen.full:
            taken = seconds(partial(contest.ours, steps=contest.all_steps))
            print(f"  taken {taken:.1f} s", end="")
        print()


if __name__ == "__main__":
    main()
