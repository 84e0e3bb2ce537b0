"""Verdicts on the corpus: what each checker catches, accuses and costs; and whether ours names the mistake.

python -m benchmarks.verdicts            # ours and the peers that are installed, one run
python -m benchmarks.verdicts --ours     # ours alone, with the diagnoses
python -m benchmarks.verdicts --part heldout
python -m benchmarks.verdicts --fresh 5000 --seed 7     # out of sample: moved points, planted errors
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradcheck
from benchmarks import verdicts_fresh
from benchmarks.verdicts_checkers import PEERS, peer_verdict
from tests.corpus import specimens
from tests.corpus.specimen import Specimen

SIZES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 0.0)


@dataclass(frozen=True)
class Outcome:
    """What one checker said of one specimen; ``report`` where the checker is ours."""

    specimen: Specimen
    verdict: str
    evaluations: int
    seconds: float
    report: Any = None


def ours(s: Specimen) -> Outcome:
    """Our verdict at the defaults."""
    start = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        check = getattr(gradcheck, f"check_{s.kind}")
        report = check(s.f, s.claim, *s.args, argnums=s.argnums, raise_on_failure=False)
    return Outcome(s, str(report.verdict), report.evaluations, time.perf_counter() - start, report)


def theirs(make: Callable[[], Any], entries: Sequence[Specimen]) -> list[Outcome]:
    """A peer's verdicts at its defaults; ImportError where it is not installed."""
    check, outcomes = make(), []
    for s in entries:
        start = time.perf_counter()
        verdict, evaluations = peer_verdict(check, s)
        outcomes.append(Outcome(s, verdict, evaluations, time.perf_counter() - start))
    return outcomes


def share(outcomes: Sequence[Outcome], *verdicts: str) -> str:
    """How many of the outcomes that were run have one of the verdicts."""
    run = [o for o in outcomes if o.verdict != "not run"]
    hits = sum(o.verdict in verdicts for o in run)
    return f"{hits}/{len(run)}" + (f" ({100 * hits / len(run):.1f} %)" if run else "")


def labelled(outcomes: Sequence[Outcome], *labels: str) -> list[Outcome]:
    """The outcomes of specimens with one of these labels."""
    return [o for o in outcomes if o.specimen.label in labels]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table with aligned columns."""
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    for row in (header, ["-" * w for w in widths], *rows):
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |")


def summary(results: dict[str, list[Outcome]]) -> None:
    """One line a checker: detection, false alarms, kinks, random functions, cost."""
    rows = []
    for name, outcomes in results.items():
        right, wrong = labelled(outcomes, "right"), labelled(outcomes, "wrong")
        calls = [o.evaluations for o in outcomes if o.verdict != "not run"]
        rows.append(
            [
                name, share(wrong, "fail"), share(right, "fail"), share(right, "inconclusive"),
                share(labelled(outcomes, "kink"), "pass"), share(labelled(outcomes, "kink"), "fail"),
                share(labelled(outcomes, "random"), "inconclusive", "fail"),
                f"{np.median([o.evaluations for o in right]):.0f}, {np.median([o.evaluations for o in wrong]):.0f}",
                f"{np.mean(calls):.1f}", f"{np.percentile(calls, 90):.0f}", str(max(calls)),
                f"{sum(o.seconds for o in outcomes):.1f}",
            ]
        )  # fmt: skip
    table(
        (
            "checker", "wrong caught", "right accused", "right inconclusive", "kinks passed", "kinks failed",
            "random not passed", "f calls: median right, wrong", "mean", "p90", "max", "seconds",
        ),
        rows,
    )  # fmt: skip


def detection(results: dict[str, list[Outcome]], title: str, group: Callable[[Specimen], str]) -> None:
    """Wrong ones caught, by a property of the specimen."""
    groups = defaultdict(lambda: defaultdict(list))
    for name, outcomes in results.items():
        for o in labelled(outcomes, "wrong"):
            groups[group(o.specimen)][name].append(o)
    print(f"\nCaught, {title}\n")
    rows = [
        [key, *(share(groups[key][name], "fail").split(" ")[0] for name in results)] for key in sorted(groups)
    ]
    table(("", *results), rows)


def size_class(s: Specimen) -> str:
    """The decade of a wrong claim's error."""
    if s.truth is None or not np.isfinite(s.size) or s.size == 0:
        return "9  not a matter of size"
    for k, bound in enumerate(SIZES):
        if s.size >= bound:
            return f"{k}  >= {bound:g}"
    raise AssertionError(s.size)


def failures(outcomes: Sequence[Outcome]) -> None:
    """Every verdict that is not as it should be, by name."""
    wanted = {"right": "pass", "kink": "pass", "wrong": "fail", "random": "inconclusive"}
    missed = [o for o in outcomes if o.verdict != wanted[o.specimen.label]]
    print(f"\nNot as expected: {len(missed)} of {len(outcomes)}")
    for o in missed:
        reasons = "; ".join(o.report.reasons)[:160] if o.report is not None else ""
        size = f", error {o.specimen.size:.1e}" if o.specimen.label == "wrong" else ""
        print(f"  {o.specimen.name}: {o.specimen.label}{size} -> {o.verdict}. {reasons}")


def named(outcomes: Sequence[Outcome]) -> None:
    """How well failures are diagnosed: kind, leaf and entry, with what was said instead."""
    failed = [o for o in labelled(outcomes, "wrong") if o.verdict == "fail" and o.specimen.mistake]
    nameable = [o for o in failed if o.specimen.mistake[0] != "other"]
    kinds = [[d.kind for d in o.report.diagnoses] for o in nameable]
    pairs = list(zip(nameable, kinds, strict=True))
    exact = sum(said[:1] == [o.specimen.mistake[0]] for o, said in pairs)
    first = sum(bool(said) and said[0] in o.specimen.mistake for o, said in pairs)
    two = sum(bool(set(said[:2]) & set(o.specimen.mistake)) for o, said in pairs)
    print(f"\nDiagnosis of {len(nameable)} wrong ones with a named kind ({len(failed)} in all)\n")
    other = sum(o.report.diagnoses[0].kind == "other" for o in failed if o.report.diagnoses)
    with_leaf = [o for o in failed if o.specimen.leaf]
    leaf = sum(
        {x.path for x in o.report.leaves if x.verdict == "fail"} == set(o.specimen.leaf) for o in with_leaf
    )
    with_entry = [o for o in failed if o.specimen.entry is not None]
    entry = sum(_worst(o) == o.specimen.entry for o in with_entry)
    table(
        ("figure", "reached"),
        [
            ["kind as expected, first diagnosis", _ratio(exact, len(pairs))],
            ["kind acceptable, first diagnosis", _ratio(first, len(pairs))],
            ["kind acceptable, first two", _ratio(two, len(pairs))],
            ["other, of all failures", _ratio(other, len(failed))],
            ["wrong leaves exactly those", _ratio(leaf, len(with_leaf))],
            ["entry right where one is wrong", _ratio(entry, len(with_entry))],
        ],
    )
    confusion = Counter((o.specimen.mistake[0], said[0] if said else "nothing") for o, said in pairs)
    print("\nExpected kind -> first diagnosis, where they differ")
    for (wanted, got), count in confusion.most_common():
        if wanted != got:
            names = [
                o.specimen.name
                for o, said in pairs
                if (o.specimen.mistake[0], (said or ["nothing"])[0]) == (wanted, got)
            ]
            print(f"  {wanted} -> {got}: {count}  ({'; '.join(names[:4])})")
    for o in with_leaf:
        found = {x.path for x in o.report.leaves if x.verdict == "fail"}
        if found != set(o.specimen.leaf):
            print(f"  leaves of {o.specimen.name}: {sorted(found)}, not {sorted(o.specimen.leaf)}")
    for o in with_entry:
        if _worst(o) != o.specimen.entry:
            print(f"  entry of {o.specimen.name}: {_worst(o)}, not {o.specimen.entry}")


def _ratio(hits: int, total: int) -> str:
    return f"{hits}/{total} ({100 * hits / max(total, 1):.1f} %)"


def _worst(o: Outcome) -> tuple[int, ...] | None:
    return next((x.worst_index for x in o.report.leaves if x.path in o.specimen.leaf), None)


def slowest(outcomes: Sequence[Outcome], count: int = 8) -> None:
    """The dearest checks, in time and in evaluations."""
    print("\nDearest checks of ours")
    for o in sorted(outcomes, key=lambda o: -o.seconds)[:count]:
        print(f"  {o.seconds:6.2f} s  {o.specimen.name}")
    for o in sorted(outcomes, key=lambda o: -o.evaluations)[:count]:
        print(f"  {o.evaluations:6d} evaluations  {o.specimen.name} ({o.specimen.label})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; exit 1 where ours is wrong about a specimen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    parser.add_argument("--part", default="all", choices=("all", "open", "heldout"))
    parser.add_argument(
        "--fresh", type=int, metavar="N", help="N checks at moved points, half with planted errors"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moved points and planted errors")
    parser.add_argument("--jobs", type=int, default=1, help="processes for --fresh")
    options = parser.parse_args(arguments)
    entries = specimens(options.part)
    if options.fresh:
        return verdicts_fresh.run(options.part, options.fresh, options.seed, options.jobs)
    results = {"gradcheck": [ours(s) for s in entries]}
    comparable = [s for s in entries if s.kind in ("grad", "vjp")]
    print(f"{len(entries)} derivations: {dict(Counter(s.label for s in entries))}")
    if not options.ours:
        for name, make in PEERS.items():
            try:
                results[name] = theirs(make, comparable)
            except ImportError as error:
                print(f"{name}: not installed ({error.name})")
        print(f"Peers are run on the {len(comparable)} gradients and pullbacks.")
    print()
    summary(results)
    detection(results, "by size of the error", size_class)
    detection(results, "by kind of mistake", lambda s: s.mistake[0])
    failures(results["gradcheck"])
    named(results["gradcheck"])
    slowest(results["gradcheck"])
    wrong = [
        o
        for o in labelled(results["gradcheck"], "right", "wrong")
        if o.verdict != ("pass" if o.specimen.label == "right" else "fail")
    ]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
