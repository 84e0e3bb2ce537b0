"""How often slips of an expression are caught, mended and proved, and how long that takes.

python -m benchmarks.repairs [--two | --mistakes | --described] [--each N] [--seed S] [--every N] [-k WORDS] [--verbose]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import gradcheck
from gradcheck import Report, Verdict
from tests.blame.described import described
from tests.corpus import specimens
from tests.corpus.specimen import Specimen
from tests.slips import Slip, pairs, slips

CHECKS = {
    kind: getattr(gradcheck, f"check_{kind}") for kind in ("grad", "vjp", "jvp", "jacobian", "hessian", "hvp")
}


def outcome(slip: Slip) -> tuple[str, float, str]:
    """What became of a slip: "not caught", "unmended", "named", "wrongly", "mended"; seconds; the repair.

    "mended there" is where the first blame is at its line, "mended near" where the second is; "named" is what is not
    mended and still told: its line is blamed, or the first diagnosis is of its kind at one of its leaves.
    """
    try:
        report = checked(slip.specimen)
    except (TypeError, ValueError) as error:
        return "not caught", 0.0, f"{type(error).__name__}: {error}"
    if report.verdict is not Verdict.FAIL:
        return "not caught", 0.0, str(report.verdict)
    start = time.perf_counter()
    blamed = report.blamed
    seconds = time.perf_counter() - start
    said = "; ".join(f"{b.line}:{b.column} {b.expression} -> {b.repair}" for b in blamed.blame)
    if not any(blame.proved for blame in blamed.blame):
        return "named" if _named(report, slip) else "unmended", seconds, said or blamed.remark
    if slip.line and not _mends(report.patch, slip):
        return "wrongly", seconds, said
    there = [blame.line <= slip.line <= blame.end_line for blame in blamed.blame[:2]]
    where = " there" if there[0] else " near" if any(there) else ""
    return f"mended{where}", seconds, said


def _named(report: Report, slip: Slip) -> bool:
    if any(blame.line <= slip.line <= blame.end_line for blame in report.blame[:1]):
        return True
    first, one = report.diagnoses[:1], slip.specimen
    return any(said.kind in one.mistake and (not said.leaf or said.leaf in one.leaf) for said in first)


def checked(one: Specimen) -> Report:
    """The report on a specimen."""
    return CHECKS[one.kind](one.f, one.claim, *one.args, argnums=one.argnums, raise_on_failure=False)


def _mends(patch: str, slip: Slip) -> bool:
    """Whether the check passes when the patch is applied to the file, as anybody would."""
    subprocess.run(["patch", "--silent", slip.path], input=patch, text=True, check=True)
    mended = slip.again()
    return mended is not None and checked(mended).verdict is Verdict.PASS


def mistakes(each: int, seed: int, folder: Path, part: str) -> Iterator[Slip]:
    """The wrong derivations of the corpus, as slips at no known place."""
    for one in specimens(part):
        if one.label == "wrong":
            kind = one.mistake[0] if one.mistake else "none"
            yield Slip(one, kind, "", 0, 0, "", "", lambda: None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=2, help="slips in each right derivation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="all", help="of the corpus: all, open, heldout")
    parser.add_argument("-k", default="", help="only specimens with this in their name")
    planted = parser.add_mutually_exclusive_group()
    planted.add_argument("--two", dest="made", action="store_const", const=pairs, default=slips,
                         help="two slips in each program, in leaves apart and one behind the other")  # fmt: skip
    planted.add_argument("--mistakes", dest="made", action="store_const", const=mistakes,
                         help="the wrong derivations of the corpus")  # fmt: skip
    planted.add_argument("--described", dest="made", action="store_const", const=described,
                         help="mistakes of published code and of reports, by their description")  # fmt: skip
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth program")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    took = []
    with tempfile.TemporaryDirectory() as folder:
        programs = given.made(given.each, given.seed, Path(folder), given.part)
        for slip in islice(programs, 0, None, given.every):
            if given.k not in slip.specimen.name:
                continue
            what, seconds, said = outcome(slip)
            counts[slip.kind, what] += 1
            if what != "not caught":
                took.append(seconds)
            if given.verbose or what in ("not caught", "unmended", "named", "wrongly"):
                place = f"{slip.line}:{slip.column} {slip.was!r} -> {slip.now!r}" if slip.line else slip.kind
                print(f"{what:12} {seconds:5.2f} s  {slip.specimen.name}: {place}   [{said}]", flush=True)
    _table(counts)
    caught = sum(n for (_, what), n in counts.items() if what != "not caught")
    mended = sum(n for (_, what), n in counts.items() if what.startswith("mended"))
    there, near = (
        sum(n for (_, what), n in counts.items() if what == f"mended {where}") for where in ("there", "near")
    )
    named = sum(n for (_, what), n in counts.items() if what == "named")
    print(
        f"mended and proved {mended} of {caught} caught ({100 * mended / caught:.1f} %), the first blame at the slip "
        f"{there}, one of two {there + near}; of the others {named} named"
    )
    print(f"seconds from fail to blame: median {statistics.median(took):.2f}, most {max(took):.2f}")


def _table(counts: Counter[tuple[str, str]]) -> None:
    kinds = sorted({kind for kind, _ in counts})
    columns = ("not caught", "unmended", "named", "wrongly", "mended", "mended near", "mended there")
    print(f"\n{'what':30}" + "".join(f"{column:>14}" for column in columns))
    for kind in [*kinds, "all"]:
        row = [
            sum(n for (k, w), n in counts.items() if w == column and kind in (k, "all")) for column in columns
        ]
        print(f"{kind:30}" + "".join(f"{n:14}" for n in row))


if __name__ == "__main__":
    main()
