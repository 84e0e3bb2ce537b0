"""What a pass is worth: layers found in all conventions, stationary points, blind spots told, and what it costs.

python -m benchmarks.passes
"""

from __future__ import annotations

from collections import Counter

import numpy as np

import gradcheck
from tests.layers.made import MADE, planted
from tests.test_nearby import FACTORS, MAKERS, times
from tests.unseen.programs import Program, blind, general
from tests.unseen.sides import one_sided, sides


def layers() -> None:
    """Classes and pairs in all conventions, right and with the mistakes they have room for."""
    found = passed = caught = wrong = 0
    for made in MADE.values():
        report = gradcheck.check_layer(made.make(), *made.inputs(), raise_on_failure=False)
        found += {leaf.path for leaf in report.leaves} == made.leaves
        passed += report.ok
        for mistake in made.mistakes:
            with planted(mistake):
                report = gradcheck.check_layer(made.make(), *made.inputs(), raise_on_failure=False)
            wrong, caught = wrong + 1, caught + (report.verdict == "fail")
    count = len(MADE)
    print(f"layers: parameters all found {found}/{count}, right ones passed {passed}/{count}")
    print(f"layers: wrong ones caught {caught}/{wrong}")


def stationary() -> None:
    """Gradients at stationary points, right and multiplied."""
    passed = right = vacuous = wrong = 0
    for maker in MAKERS:
        for dtype in (np.float64, np.float32):
            for seed in range(10, 18):
                f, grad, args = maker(seed, dtype)
                right, passed = (
                    right + 1,
                    passed + gradcheck.check_grad(f, grad, *args, raise_on_failure=False).ok,
                )
                for factor in FACTORS:
                    report = gradcheck.check_grad(f, times(grad, factor), *args, raise_on_failure=False)
                    wrong, vacuous = wrong + 1, vacuous + report.ok
    print(f"stationary points: right ones passed {passed}/{right}, wrong ones passed {vacuous}/{wrong}")


def blind_spots() -> None:
    """Programs with one blind spot each, and without."""
    told, count = Counter(), Counter()
    for program in (*blind(), *one_sided()):
        count[program.blind] += 1
        told[program.blind] += program.blind in {one.kind for one in _checked(program).unseen}
    for kind in count:
        print(f"blind spots, {kind}: told {told[kind]}/{count[kind]}")
    plain = [_checked(program) for program in (*general(), *sides())]
    loud = sum(bool(report.unseen) for report in plain)
    print(f"no blind spot: told all the same {loud}/{len(plain)}")
    print(f"evaluations of a pass, median {np.median([report.evaluations for report in plain]):g}")


def _checked(program: Program) -> gradcheck.Report:
    return gradcheck.check_grad(
        program.f, program.claim, *program.args.values(), argnums=program.argnums, raise_on_failure=False
    )


if __name__ == "__main__":
    layers()
    stationary()
    blind_spots()
