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
from tests.kinds import kinds
from tests.kinds.kind import scaled

KNOWN = 1e-9
"""Share of the largest entry below which long double itself may have lost the digits that a bar is held against."""


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
            leaf = sample.report(seed=seed, oracles=given.oracles).leaves[0]
            for entry in leaf.entries:
                mixture = len(entry.index) != exact.ndim  # of the outputs, not an entry of the Jacobian
                if mixture or abs(exact[entry.index]) < KNOWN * np.max(np.abs(exact)):
                    continue
                off = abs(float(entry.truth - exact[entry.index]))
                errors[kind.precision].append((off, entry.bound))
                if off > entry.bound:
                    print(
                        f"  outside: {kind.name}, seed {seed}, {entry.index}: {off:.2g} off, bar {entry.bound:.2g}"
                    )
    print(f"{'precision':12} entries  within the bar  bar / error, median")
    for precision, found in sorted(errors.items()):
        off, bar = np.array(found).T
        ratio = np.median(bar / np.maximum(off, 1e-300))
        print(f"{precision:12} {len(found):7} {100.0 * np.mean(off <= bar):14.2f} %  {ratio:14.1f}")


if __name__ == "__main__":
    main()
