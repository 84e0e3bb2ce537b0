"""How often a printed truth lies within its printed bar, entry by entry, and how wide the bar is.

    python -m benchmarks.balls [--seeds 20] [-k WORD] [--oracles differences]

Claims twice too large are checked, so that truth and bar are printed; the exact derivative is that of the function as
mathematics, in long double.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from benchmarks.precisions import FIRST_SEED
from gradcheck.judge.reasons import Reason
from tests.kinds import kinds
from tests.kinds.kind import scaled

KNOWN = 1e-9
"""Share of the largest entry below which long double itself may have lost the digits that a bar is held against."""

_BESIDE = Reason.BESIDE.told(names="|").words.split("|")[1]
"""What a report says that looked at a leaf beside the point."""


def main() -> None:
    """Print a row for each precision class."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("-k", default="", help="only kinds whose name holds this")
    parser.add_argument("--oracles", default=None)
    given = parser.parse_args()
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for kind in kinds():
        if given.k not in kind.name:
            continue
        for seed in range(FIRST_SEED, FIRST_SEED + given.seeds):
            sample = scaled(kind.draw(seed), 2.0)
            if sample.exact is None:
                continue
            exact = np.asarray(sample.exact(*sample.args))
            report = sample.report(seed=seed, oracles=given.oracles)
            if any(_BESIDE in note for note in report.notes):
                continue  # truth and bar are of another point
            for entry in report.leaves[0].entries:
                mixture = len(entry.index) != exact.ndim  # of the outputs, not an entry of the Jacobian
                if mixture or abs(exact[entry.index]) < KNOWN * np.max(np.abs(exact)):
                    continue
                off = abs(float(entry.truth - exact[entry.index]))
                errors[kind.precision].append((off, entry.bound))
                if off > entry.bound:
                    print(
                        f"  outside: {kind.name}, seed {seed}, {entry.index}: {off:.2g} off, bar {entry.bound:.2g}"
                    )
    print(f"{'precision':12} entries  within the bar   exact  bar / error of the others, median")
    for precision, found in sorted(errors.items()):
        off, bar = np.array(found).T
        other = off > 0.0
        ratio = np.median(bar[other] / off[other])
        held = 100.0 * np.mean(off <= bar)
        print(f"{precision:12} {len(found):7} {held:14.2f} % {np.sum(~other):7}  {ratio:14.1f}")


if __name__ == "__main__":
    main()
