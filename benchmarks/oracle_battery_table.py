"""How often each derivative keeps its promise |value - exact| <= claimed error, on the battery of hard functions.

Run ``python -m benchmarks.oracle_battery_table [--peers] [--rescaled SEED] [--held-out] [--precisions SEED]``.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.oracle_battery import Case, cases, held_out, rescaled
from benchmarks.oracle_battery_peers import METHODS, Claim, Function
from benchmarks.oracle_precisions import precisions

AT_ZERO = ("kink at 0", "jump at 0")
PLAIN = ("smooth", "noisy", "edge")


@dataclass(frozen=True)
class Outcome:
    """What one method said about one case, and how that compares with the exact slopes."""

    case: Case
    claim: Claim
    distance: float
    exact: float
    evaluations: int
    overhead: float

    @property
    def holds(self) -> bool:
        """Whether the claimed interval holds every exact slope; where there is none, whether it says so."""
        if not math.isfinite(self.distance):
            return self.claim.flagged or not self.claim.error < math.inf
        return self.distance <= self.claim.error * (1 + 1e-12)

    @property
    def silently_wrong(self) -> bool:
        """Far outside a bound that looks good, and no flag: what a reader would have believed."""
        claim = self.claim
        good = claim.error < 1e-3 * abs(claim.value)
        return not self.holds and not claim.flagged and good and not self.distance <= 10 * claim.error

    @property
    def proves(self) -> bool:
        """Whether the bound holds and is below 1e-9 of the exact slope (below 1e-9 where that is 0)."""
        return self.holds and self.claim.error <= 1e-9 * (abs(self.exact) or 1.0)


def measure(method: Callable[[Function], Claim], case: Case) -> Outcome:
    """Run a method on a case; the time spent inside phi does not count."""
    inside, calls = 0.0, 0

    def phi(t: float) -> float:
        nonlocal inside, calls
        calls += 1
        start = time.perf_counter()
        try:
            return case.phi(float(t))
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan
        finally:
            inside += time.perf_counter() - start

    start = time.perf_counter()
    with np.errstate(all="ignore"):
        try:
            claim = method(phi)
        except (ValueError, ArithmeticError, FloatingPointError):
            claim = Claim(math.nan, math.inf, True)
    overhead = time.perf_counter() - start - inside
    slopes = [s for s in case.slopes() if not math.isnan(s)]
    exact = slopes[0] if slopes else math.nan
    distance = max((abs(claim.value - s) for s in slopes), default=math.nan)
    return Outcome(case, claim, distance, exact, calls, overhead)


def share(outcomes: Iterable[Outcome], what: Callable[[Outcome], bool]) -> str:
    """A share in per cent."""
    found = [what(o) for o in outcomes]
    return f"{100 * sum(found) / len(found):.2f}" if found else "-"


def row(name: str, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    plain = [o for o in outcomes if o.case.kind in PLAIN]
    smooth = [o for o in outcomes if o.case.kind == "smooth"]
    at_zero = [o for o in outcomes if o.case.kind in AT_ZERO]
    near = [o for o in outcomes if o.case.kind.endswith("near 0")]
    ratios = [
        o.claim.error / o.distance for o in plain if 0 < o.distance < math.inf and o.claim.error < math.inf
    ]
    figures = (
        share(outcomes, lambda o: o.holds),
        str(sum(o.silently_wrong for o in outcomes)),
        f"{statistics.median(ratios or [math.nan]):.3g}",
        share(smooth, lambda o: o.proves),
        share(at_zero, lambda o: o.claim.flagged),
        str(sum(o.claim.flagged for o in plain)),
        f"{share(near, lambda o: o.holds)} ({share(near, lambda o: o.claim.flagged)})",
        f"{statistics.median(o.evaluations for o in outcomes):.0f}, {max(o.evaluations for o in outcomes)}",
        f"{1e6 * statistics.median(o.overhead for o in outcomes):.0f}",
    )
    return f"| {name} | " + " | ".join(figures) + " |"


HEADER = (
    "| method | bound holds % | silently wrong | claimed/true p50 | smooth proved to 1e-9 % | flagged at 0 % "
    "| false flags | near 0: holds (flagged) % | evaluations p50, max | us outside phi, p50 |\n"
    + "|---" * 10
    + "|"
)


def by_class(outcomes: list[Outcome]) -> str:
    """Coverage, slack and cost by class."""
    lines = [
        "| class | cases | bound holds % | silently wrong | flagged | claimed/true p50 | relative bound p50 "
        "| evaluations p50, max | us outside phi, p50 |",
        "|---" * 9 + "|",
    ]
    for kind in dict.fromkeys(o.case.kind for o in outcomes):
        some = [o for o in outcomes if o.case.kind == kind]
        ratios = [o.claim.error / o.distance for o in some if 0 < o.distance < math.inf] or [math.nan]
        relative = [o.claim.error / abs(o.exact) for o in some if o.exact and math.isfinite(o.exact)] or [
            math.nan
        ]
        lines.append(
            f"| {kind} | {len(some)} | {share(some, lambda o: o.holds)} | {sum(o.silently_wrong for o in some)} "
            f"| {sum(o.claim.flagged for o in some)} | {statistics.median(ratios):.3g} "
            f"| {statistics.median(relative):.2g} "
            f"| {statistics.median(o.evaluations for o in some):.0f}, {max(o.evaluations for o in some)} "
            f"| {1e6 * statistics.median(o.overhead for o in some):.0f} |"
        )
    return "\n".join(lines)


def worst(outcomes: list[Outcome], count: int = 5) -> str:
    """The cases with the largest true error in units of the claimed one."""

    def excess(o: Outcome) -> float:
        return o.distance / o.claim.error if o.claim.error else (math.inf if o.distance else 0.0)

    finite = [o for o in outcomes if math.isfinite(o.distance) and o.claim.error < math.inf]
    lines = ["| true/claimed | case | scale | exact | value | claimed |", "|---" * 6 + "|"]
    for o in sorted(finite, key=excess, reverse=True)[:count]:
        lines.append(
            f"| {excess(o):.3g} | {o.case.kind}: {o.case.name} | {o.case.scale:.3g} | {o.exact:.6g} "
            f"| {o.claim.value:.6g} | {o.claim.error:.2g} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="the other methods beside ours, in the same run")
    parser.add_argument("--rescaled", type=int, metavar="SEED", help="add four rescalings of every case")
    parser.add_argument("--held-out", action="store_true", help="only the half kept for validation")
    parser.add_argument(
        "--precisions",
        type=int,
        metavar="SEED",
        help="functions in low precision instead, drawn by this seed",
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.precisions is not None:
        low = [measure(METHODS["gradcheck.derivative"], case) for case in precisions(options.precisions)]
        print(f"{by_class(low)}\n\nOur worst\n\n{worst(low, 10)}")
        return
    battery = [case for case in cases() if held_out(case)] if options.held_out else cases()
    if options.rescaled is not None:
        battery += rescaled(battery, options.rescaled)
    print(f"{len(battery)} cases\n\n{HEADER}")
    for name, method in METHODS.items():
        outcomes = [measure(method, case) for case in battery]
        print(row(name, outcomes), flush=True)
        if name.startswith("gradcheck"):
            own = outcomes
        if not options.peers:
            break
    print(f"\nOurs by class\n\n{by_class(own)}\n\nOur worst\n\n{worst(own)}")


if __name__ == "__main__":
    main()
