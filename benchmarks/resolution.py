"""Does the resolution keep its word? Errors of 1, 3 and 10 resolutions planted, and the share of checks that pass.

    python -m benchmarks.resolution [--seeds 20] [-k WORD] [--oracles differences]

A resolution is the relative error (of the leaf's largest entry) that is caught with 99 % probability: of errors three
times as large fewer than 1 % may pass. Planted are a factor on the whole leaf, errors of random signs in all entries,
and one in a single entry at random.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.precisions import FIRST_SEED
from tests.kinds import kinds
from tests.kinds.kind import Sample

MULTIPLES = (1.0, 3.0, 10.0)


def _factor(g: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    return g * (1.0 + size)


def _signs(g: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    return g + size * np.max(np.abs(g), initial=0.0) * rng.choice((-1.0, 1.0), g.shape)


def _entry(g: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    spoilt = np.array(g)
    spoilt.reshape(-1)[rng.integers(g.size)] += size * np.max(np.abs(g), initial=0.0)
    return spoilt


MISTAKES: dict[str, Callable[..., np.ndarray]] = {"factor": _factor, "signs": _signs, "one entry": _entry}


def spoilt(sample: Sample, mistake: str, size: float, seed: int) -> Sample:
    """The sample with the first leaf of its claim spoilt, in the leaf's own dtype; the same error at each call."""

    def leaf(value: Any) -> Any:
        array = np.asarray(value)
        rng = np.random.default_rng([seed, 11])
        return MISTAKES[mistake](array.astype(float), size, rng).astype(array.dtype)[()]

    def claim(*args: Any) -> Any:
        result = sample.claim(*args)
        return (leaf(result[0]), *result[1:]) if isinstance(result, tuple) else leaf(result)

    return replace(sample, claim=claim)


def main() -> None:
    """Print the share of passes for each precision, mistake and multiple of the resolution."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("-k", default="", help="only kinds whose name holds this")
    parser.add_argument("--oracles", default=None)
    given = parser.parse_args()
    passed: dict[tuple[str, str, float], Counter[bool]] = defaultdict(Counter)
    for kind in kinds():
        # products are linear in what they are given: a spoilt product is another claim at every call
        if given.k not in kind.name or "jvp" in kind.name or "hvp" in kind.name:
            continue
        for seed in range(FIRST_SEED, FIRST_SEED + given.seeds):
            report = kind.draw(seed).report(seed=seed, oracles=given.oracles)
            resolution = report.leaves[0].resolution
            if not report.ok or resolution is None or resolution > 0.3:
                continue
            for mistake in MISTAKES:
                for multiple in MULTIPLES:
                    wrong = spoilt(kind.draw(seed), mistake, multiple * resolution, seed)
                    ok = wrong.report(seed=seed + 1, oracles=given.oracles).ok
                    passed[kind.precision, mistake, multiple][ok] += 1
                    if ok and multiple >= 3.0:
                        print(
                            f"  passed: {kind.name}, seed {seed}, {mistake} of {multiple:g} x {resolution:.2g}"
                        )
    print(f"{'precision':12} {'mistake':10} " + " ".join(f"{f'{m:g} R passes':>14}" for m in MULTIPLES))
    for precision in sorted({key[0] for key in passed}):
        for mistake in MISTAKES:
            row = [passed[precision, mistake, multiple] for multiple in MULTIPLES]
            shares = " ".join(f"{c[True]:5} of {c.total():5}" for c in row)
            print(f"{precision:12} {mistake:10} {shares}")
    three = sum((counts for key, counts in passed.items() if key[2] == 3.0), Counter())
    print(f"errors of 3 resolutions that pass: {three[True]} of {three.total()}")


if __name__ == "__main__":
    main()
