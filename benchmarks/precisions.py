"""Every precision: how many right derivations pass or are accused, how many wrong ones are caught.

    python -m benchmarks.precisions [--seeds 20] [-k WORD] [--oracles differences]

Kinds are those of tests/kinds, drawn by seeds that no test uses. A wrong twin counts where it can be told: where the
right claim passed with a resolution below the twin's error, both relative to the norm of the leaf.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.kinds import kinds
from tests.kinds.kind import Kind, Sample, one_entry, scaled

FIRST_SEED = 1_000
"""Tests draw the seeds below."""

TWINS = {"x 2": (scaled, 2.0), "x 1.1": (scaled, 1.1), "one entry x 1.3": (one_entry, 1.3)}


@dataclass(frozen=True)
class Counted:
    """What became of the right ones and of the wrong ones of a kind."""

    right: Counter[str]
    wrong: dict[str, Counter[str]]
    evaluations: int
    seconds: float


def verdict(sample: Sample, seed: int, oracles: Any) -> tuple[str, float, int]:
    """The verdict, the dullest resolution and the evaluations of f; what is raised is a verdict of its own."""
    try:
        report = sample.report(seed=seed, oracles=oracles)
    except Exception as error:
        return f"{type(error).__name__}!", float("inf"), 0
    dullest = max(
        (1.0 if leaf.resolution is None else leaf.resolution for leaf in report.leaves), default=1.0
    )
    return str(report.verdict), dullest, report.evaluations


def heard(sample: Sample) -> tuple[Sample, list[np.ndarray]]:
    """The same derivation, and what its claim answers."""
    answers: list[np.ndarray] = []

    def claim(*args: Any) -> Any:
        result = sample.claim(*args)
        answers.append(np.array(result[0] if isinstance(result, tuple) else result, dtype=float))
        return result

    return replace(sample, claim=claim), answers


def apart(wrong: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> float:
    """How far the first answers are apart, relative to the right one."""
    return float(np.linalg.norm(wrong[0] - right[0]) / np.linalg.norm(right[0]))


def count(kind: Kind, seeds: Sequence[int], oracles: Any) -> Counted:
    """Draw the kind at every seed, right and spoilt."""
    right: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    evaluations, start = [], time.perf_counter()
    for seed in seeds:
        sample, answers = heard(kind.draw(seed))
        said, dullest, calls = verdict(sample, seed, oracles)
        right[said] += 1
        evaluations.append(calls)
        for name, (spoil, factor) in TWINS.items():
            if kind.shows and said == "pass":
                twin, spoilt = heard(spoil(kind.draw(seed), factor))
                told = verdict(twin, seed, oracles)[0]
                if dullest < apart(spoilt, answers):
                    wrong[name][told] += 1
    return Counted(right, wrong, sorted(evaluations)[len(evaluations) // 2], time.perf_counter() - start)


def _rows(chosen: Sequence[Kind], seeds: Sequence[int], oracles: Any) -> Iterator[tuple[Kind, Counted]]:
    for kind in chosen:
        yield kind, count(kind, seeds, oracles)


def main() -> None:
    """Print a row a kind and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("-k", default="", help="only kinds whose name holds this")
    parser.add_argument("--oracles", default=None)
    given = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + given.seeds)
    right: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    print(f"{'kind':44} {'right':34} {'wrong, where it can be told: caught of':40} f calls  s")
    for kind, counted in _rows([kind for kind in kinds() if given.k in kind.name], seeds, given.oracles):
        right += counted.right
        told = []
        for name, verdicts in counted.wrong.items():
            wrong[name] += verdicts
            told.append(f"{name}: {verdicts['fail']} of {verdicts.total()}")
        print(
            f"{kind.name:44} {dict(counted.right)!s:34} {'; '.join(told):40} {counted.evaluations:5} "
            f"{counted.seconds:5.1f}",
            flush=True,
        )
    print(f"\nright: {dict(right)} of {right.total()}")
    for name, verdicts in wrong.items():
        print(f"wrong, {name}: {dict(verdicts)} of {verdicts.total()}")


if __name__ == "__main__":
    main()
