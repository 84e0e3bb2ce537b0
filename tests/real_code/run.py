"""Judge every shipped derivative and print what came of it.

python -m tests.real_code.run                      # as shipped, package by package
python -m tests.real_code.run --fresh 11 12        # moved points and planted errors, these seeds
python -m tests.real_code.run --peers              # other recipes at the hostile points
python -m tests.real_code.run --only sklearn_losses --oracles differences
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gradcheck

from .collection import MODULES, collect
from .mutations import MOVES, moved, planted
from .peers import RECIPES, accuses
from .shipped import Shipped


@dataclass(frozen=True)
class Outcome:
    """One verdict beside what is known."""

    shipped: Shipped
    verdict: str
    reason: str
    evaluations: int
    seconds: float

    @property
    def expected(self) -> bool:
        """Whether the verdict is the label's; of an edge either is."""
        return {"right": "pass", "wrong": "fail"}.get(self.shipped.label, self.verdict) == self.verdict


def judge(shipped: Shipped, seed: int = 0, oracles: Sequence[str] | None = None) -> Outcome:
    """Check one derivative; an exception other than a verdict is a verdict of its own, "error"."""
    check = getattr(gradcheck, f"check_{shipped.kind}")
    start = time.perf_counter()
    try:
        report = check(
            shipped.f, shipped.claim, *shipped.args,
            argnums=shipped.argnums, seed=seed, oracles=oracles, raise_on_failure=False,
        )  # fmt: skip
    except Exception as error:  # the table must survive a checker that does not
        return Outcome(shipped, "error", f"{type(error).__name__}: {error}", 0, time.perf_counter() - start)
    told = [*report.reasons, *(f"{d.kind} in {d.leaf}: {d.message}" for d in report.diagnoses)]
    reason = next(iter(told), "").splitlines()
    return Outcome(
        shipped, str(report.verdict), reason[0] if reason else "", report.evaluations, report.seconds
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Verdicts and costs, a line a package."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.shipped.package].append(outcome)
        groups["all"].append(outcome)
    lines = [f"{'package':<18}{'right: pass fail inconcl error':>34}{'wrong: caught of':>18}{'edge: pass of':>15}"
             f"{'f evaluations: median (right, wrong) mean max':>50}{'ms: median':>12}{'total s':>9}"]  # fmt: skip
    for package in (*sorted(groups.keys() - {"all"}), "all"):
        lines.append(_line(package, groups[package]))
    return "\n".join(lines)


def _line(package: str, group: Sequence[Outcome]) -> str:
    by_label = {label: [o for o in group if o.shipped.label == label] for label in ("right", "wrong", "edge")}
    count = {
        v: sum(o.verdict == v for o in by_label["right"]) for v in ("pass", "fail", "inconclusive", "error")
    }
    caught = sum(o.verdict == "fail" for o in by_label["wrong"])
    passed = sum(o.verdict == "pass" for o in by_label["edge"])

    def median(of: Iterable[Outcome]) -> str:
        calls = [o.evaluations for o in of if o.evaluations]
        return f"{np.median(calls):.0f}" if calls else "-"

    calls = [o.evaluations for o in group if o.evaluations] or [0]
    medians = f"{median(group)} ({median(by_label['right'])}, {median(by_label['wrong'])})"
    evaluations = f"{medians} {np.mean(calls):.0f} {max(calls)}"
    return (
        f"{package:<18}{count['pass']:>16}{count['fail']:>5}{count['inconclusive']:>8}{count['error']:>5}"
        f"{caught:>13} /{len(by_label['wrong']):>3}{passed:>10} /{len(by_label['edge']):>3}{evaluations:>50}"
        f"{1e3 * np.median([o.seconds for o in group]):>12.1f}{sum(o.seconds for o in group):>9.1f}"
    )


def unexpected(outcomes: Sequence[Outcome]) -> str:
    """Every verdict that is not the label's, with the report's own first reason."""
    lines = [
        f"{o.shipped.label} -> {o.verdict}: {o.shipped.package}/{o.shipped.title} "
        f"[{o.evaluations} calls]\n      {(o.shipped.reason + ' | ') if o.shipped.reason else ''}{o.reason}"
        for o in outcomes
        if not o.expected
    ]
    return "\n".join(lines) if lines else "every verdict is as expected"


def fresh(everything: Sequence[Shipped], seed: int, oracles: Sequence[str] | None) -> list[Outcome]:
    """Right claims at moved points, and each with one planted error."""
    rng = np.random.default_rng(seed)
    outcomes = []
    for shipped in (s for s in everything if s.label == "right"):
        for move in MOVES:
            elsewhere = moved(shipped, move, rng)
            if elsewhere is None:
                continue
            outcomes.append(judge(elsewhere, seed, oracles))
            spoiled = planted(elsewhere, rng)
            if spoiled is not None:
                outcomes.append(judge(spoiled, seed, oracles))
    return outcomes


def compare(everything: Sequence[Shipped]) -> str:
    """False alarms of other recipes beside ours, on right claims at hostile points and elsewhere."""
    right = [s for s in everything if s.label == "right"]
    wrong = [s for s in everything if s.label == "wrong"]
    lines = [
        f"{'recipe':<44}{'hostile right ones accused':>28}{'other right ones accused':>26}{'wrong ones caught':>19}"
    ]
    hostile, plain = [s for s in right if s.point], [s for s in right if not s.point]
    judges = {name: (lambda s, r=recipe: accuses(s, r)) for name, recipe in RECIPES.items()}
    judges["ours"] = lambda s: judge(s).verdict == "fail"
    for name, alarm in judges.items():
        a, b, c = (sum(map(alarm, group)) for group in (hostile, plain, wrong))
        lines.append(
            f"{name:<44}{a:>20} / {len(hostile):<5}{b:>18} / {len(plain):<5}{c:>12} / {len(wrong):<4}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 when every verdict is as expected."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=MODULES, choices=MODULES, metavar="MODULE")
    parser.add_argument("--oracles", nargs="+", default=None)
    parser.add_argument(
        "--fresh", nargs="+", type=int, metavar="SEED", help="moved points and planted errors"
    )
    parser.add_argument("--peers", action="store_true", help="other recipes at the same points")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own, raised on purpose at hostile points
        everything, missing = collect(options.only)
        for name, reason in missing.items():
            print(f"{name} left out: {reason}")
        if options.peers:
            print(compare(everything))
            return 0
        if options.fresh:
            outcomes = [o for seed in options.fresh for o in fresh(everything, seed, options.oracles)]
        else:
            outcomes = [judge(shipped, oracles=options.oracles) for shipped in everything]
    print(table(outcomes))
    print(unexpected(outcomes))
    if options.json:
        rows = [
            {"package": o.shipped.package, "name": o.shipped.title, "kind": o.shipped.kind, "label": o.shipped.label,
             "verdict": o.verdict, "reason": o.reason, "evaluations": o.evaluations, "seconds": o.seconds}
            for o in outcomes
        ]  # fmt: skip
        options.json.write_text(json.dumps(rows, indent=1))
    return 0 if all(o.expected for o in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
