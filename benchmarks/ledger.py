"""The ledger: verdict, first diagnosis, resolution and evaluations of every case, and what a change moves.

    python -m benchmarks.ledger --out new.json [--part corpus kinds real fresh] [--seeds 5] [--library ANOTHER/TREE]
    python -m benchmarks.ledger --compare old.json new.json

``--library`` takes gradcheck from another tree (a worktree of an older commit), the cases always from this one.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PARTS = ("corpus", "kinds", "real", "fresh")
CUT_OFF = 60
"""Seconds after which a case is given up, and told so."""

Case = tuple[str, str, Callable[[], Any]]
"""Name, label ("right", "wrong", ...) and the check."""


def cases(part: str, seeds: int) -> Iterator[Case]:
    """The cases of a part; those of kinds and fresh ones for so many seeds."""
    yield from {"corpus": _corpus, "kinds": _kinds, "real": _real, "fresh": _fresh}[part](seeds)


def _corpus(seeds: int) -> Iterator[Case]:
    import gradcheck
    from tests.corpus import specimens

    for s in specimens():
        for oracles in (None, "differences"):
            name = f"corpus/{s.name}" + (" (differences)" if oracles else "")
            check = getattr(gradcheck, f"check_{s.kind}")
            options = {"argnums": s.argnums, "oracles": oracles, "raise_on_failure": False}
            yield name, s.label, lambda s=s, check=check, o=options: check(s.f, s.claim, *s.args, **o)


def _kinds(seeds: int) -> Iterator[Case]:
    from benchmarks.precisions import FIRST_SEED, TWINS
    from tests.kinds import kinds

    for kind in kinds():
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            name = f"kinds/{kind.name}, seed {seed}"
            yield name, "right", lambda k=kind, n=seed: k.draw(n).report(seed=n)
            for twin, (spoil, factor) in TWINS.items() if kind.shows else ():
                yield (
                    f"{name}, {twin}", "wrong", lambda k=kind, n=seed, s=spoil, f=factor: s(k.draw(n), f).report(seed=n)
                )  # fmt: skip


def _real(seeds: int) -> Iterator[Case]:
    import gradcheck
    from tests.real_code.collection import collect

    for s in collect()[0]:
        check = getattr(gradcheck, f"check_{s.kind}")
        options = {"argnums": s.argnums, "seed": 0, "raise_on_failure": False}
        name = f"real/{s.package}/{s.title}"
        yield name, s.label, lambda s=s, check=check, o=options: check(s.f, s.claim, *s.args, **o)


def _fresh(seeds: int) -> Iterator[Case]:
    import numpy as np

    import gradcheck
    from benchmarks.verdicts_fresh import moved_arguments, planted
    from tests.corpus import specimens

    for s in (s for s in specimens() if s.label == "right" and s.kind in ("grad", "vjp")):
        check = getattr(gradcheck, f"check_{s.kind}")
        for k in range(seeds):
            rng = np.random.default_rng([41, k, *s.name.encode()])
            with np.errstate(all="ignore"):
                args = moved_arguments(s, rng)
                plant = None if args is None else planted(s, args, rng)
            options = {"argnums": s.argnums, "raise_on_failure": False}
            if args is not None:
                yield (
                    f"fresh/{s.name}, moved {k}", "right",
                    lambda s=s, a=args, check=check, o=options: check(s.f, s.claim, *a, **o),
                )  # fmt: skip
            if plant is not None and plant[2] >= 10.0:
                yield (
                    f"fresh/{s.name}, moved {k}, {plant[0]}", "wrong",
                    lambda s=s, a=args, c=plant[3], check=check, o=options: check(s.f, c, *a, **o),
                )  # fmt: skip


def _expire(*_: Any) -> None:
    raise TimeoutError(f"not done in {CUT_OFF} s")


def entry(label: str, check: Callable[[], Any]) -> dict[str, Any]:
    """A row of the ledger; a case that raises is a row, too."""
    import numpy as np

    start = time.perf_counter()
    signal.signal(signal.SIGALRM, _expire)
    signal.alarm(CUT_OFF)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            report = check()
        row = {
            "verdict": str(report.verdict),
            "diagnosis": report.diagnoses[0].kind if report.diagnoses else "",
            "resolution": max((leaf.resolution for leaf in report.leaves if leaf.resolution), default=None),
            "evaluations": report.evaluations,
        }
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        row = {
            "verdict": f"raised {type(error).__name__}",
            "diagnosis": "",
            "resolution": None,
            "evaluations": 0,
        }
    finally:
        signal.alarm(0)
    return {"label": label, **row, "seconds": round(time.perf_counter() - start, 4)}


WANTED = {"right": "pass", "wrong": "fail", "random": "inconclusive", "kink": "pass", "edge": ""}


def goodness(row: dict[str, Any]) -> int:
    """2 for the verdict that the label asks for, 1 for an abstention, 0 for the opposite or a crash."""
    if row["verdict"] == WANTED.get(row["label"], ""):
        return 2
    return 1 if row["verdict"] == "inconclusive" or row["label"] == "edge" else 0


def compare(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Print which rows moved, worse ones first, and the sums."""
    both = [name for name in new if name in old]
    moved = [(goodness(new[name]) - goodness(old[name]), name) for name in both]
    for change, name in sorted(moved):
        if old[name]["verdict"] != new[name]["verdict"]:
            sense = "worse" if change < 0 else "better" if change > 0 else "other"
            print(
                f"{sense:7} {new[name]['label']:7} {old[name]['verdict']} -> {new[name]['verdict']}: {name}"
            )
    renamed = sum(
        old[name]["diagnosis"] != new[name]["diagnosis"]
        for name in both
        if old[name]["verdict"] == new[name]["verdict"] == "fail"
    )
    counts = Counter("worse" if change < 0 else "better" if change > 0 else "same" for change, _ in moved)
    print(f"\n{len(both)} cases in both: {dict(counts)}; first diagnosis of a fail changed in {renamed}")
    for title, rows in (("old", old), ("new", new)):
        for part in sorted({name.split("/")[0] for name in both}):
            mine = [rows[name] for name in both if name.split("/")[0] == part]
            told = []
            for label in ("right", "wrong", "kink", "random"):
                verdicts = Counter(row["verdict"] for row in mine if row["label"] == label)
                calls = sorted(row["evaluations"] for row in mine if row["label"] == label)
                if calls:
                    told.append(f"{label} {dict(verdicts)}, {calls[len(calls) // 2]} f calls")
            print(f"{title} {part:7} {'; '.join(told)}")


def main() -> None:
    """Write a ledger, or compare two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--library", type=Path, help="a tree to take gradcheck from")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("OLD", "NEW"))
    given = parser.parse_args()
    if given.compare:
        old, new = (json.loads(path.read_text()) for path in given.compare)
        compare(old, new)
        return
    if given.library:
        sys.path.insert(0, str(given.library.resolve()))
    rows = {
        name: entry(label, check) for part in given.part for name, label, check in cases(part, given.seeds)
    }
    if given.out:
        given.out.write_text(json.dumps(rows, indent=0))
    print(
        f"{len(rows)} cases; {dict(Counter(goodness(row) for row in rows.values()))} (2 as wanted, 1 undecided, 0 not)"
    )


if __name__ == "__main__":
    main()
