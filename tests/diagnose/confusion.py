"""Prints how often each mistake is named, kind by kind: ``python -m tests.diagnose.confusion``.

Alone on the corpus of derivations, with ``--checks`` by way of the public checks, with ``--planted`` on mistakes
planted in right gradients; "open" or "heldout" chooses a part of the corpus, ``-v`` prints every case.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter, defaultdict

import numpy as np

import gradcheck.explain.diagnose as catalogue
from gradcheck.explain.diagnose import diagnose
from tests.corpus import specimens
from tests.diagnose.evidence_made import evidence_of

# what is noticed before any number is compared is no matter of the diagnosis
BEFORE = {"mutates_input", "nondeterministic", "kink"}


def main(part: str, verbose: bool) -> None:
    unnamed = unnamed_first = unnamed_second = 0
    first = second = leaf = entries = entry = total = 0
    table: dict[str, Counter[str]] = defaultdict(Counter)
    diagnosing, slowest = 0.0, (0.0, "")
    for specimen in specimens(part):
        if (
            specimen.label != "wrong"
            or specimen.mistake[0] in BEFORE
            or specimen.truth is None
            or specimen.kind not in ("grad", "vjp")
        ):
            continue
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                evidence = evidence_of(specimen.f, specimen.claim, specimen.truth, specimen.args, specimen.argnums,
                                       specimen.kind, inputs=specimen.inputs(specimen.args))  # fmt: skip
        except Exception as error:
            print(f"!! {specimen.name}: {type(error).__name__}: {error}")
            continue
        before = time.perf_counter()
        found = diagnose(evidence)
        spent = time.perf_counter() - before
        slowest, diagnosing = max(slowest, (spent, specimen.name)), diagnosing + spent
        total += 1
        kinds = [d.kind for d in found]
        good = bool(kinds) and kinds[0] in specimen.mistake
        if specimen.mistake[0] == "other":
            unnamed += 1
            unnamed_first += good
            unnamed_second += bool(set(kinds[:2]) & set(specimen.mistake))
            table["other"][kinds[0] if kinds else "-"] += 1
            total -= 1
            if verbose:
                show(specimen, evidence, found, good)
            continue
        first, second = first + good, second + bool(set(kinds[:2]) & set(specimen.mistake))
        right_leaf = not specimen.leaf or (bool(found) and found[0].leaf in specimen.leaf)
        leaf += right_leaf
        right_entry = True
        if specimen.entry is not None:
            entries += 1
            right_entry = bool(found) and any(
                tuple(d.evidence.get("index", ())) == specimen.entry for d in found[:1]
            )
            entry += right_entry
        table[specimen.mistake[0]][kinds[0] if kinds else "-"] += 1
        if (
            not (good and right_leaf and right_entry)
            or verbose
            or (kinds[0] == "other" and specimen.mistake[0] != "other")
        ):
            show(specimen, evidence, found, good)
    print_table(table)
    print(f"mistakes without a kind: {unnamed_first}/{unnamed}, top two {unnamed_second}/{unnamed}")
    print(f"first {first}/{total} = {first / total:.1%}, top two {second}/{total} = {second / total:.1%}, "
          f"leaf {leaf}/{total}, entry {entry}/{entries}, "
          f"other {sum(c['other'] for k, c in table.items() if k != 'other')}; "
          f"{diagnosing:.1f} s, slowest {slowest[0]:.2f} s {slowest[1]}")  # fmt: skip


def show(specimen, evidence, found, good) -> None:
    print(
        f"{'  ' if good else 'x '}{specimen.name}{'' if evidence.tape else ' (no tape)'}: "
        f"wanted {specimen.mistake} in {specimen.leaf}"
    )
    for d in found[:3]:
        print(f"      {d.kind} [{d.leaf}] ({d.certainty}) {d.message[:330]}")


def print_table(table: dict[str, Counter[str]]) -> None:
    print("\nplanted (rows) told first:")
    for planted, told in sorted(table.items()):
        print(f"  {planted:32s}" + ", ".join(f"{kind} {count}" for kind, count in told.most_common()))


def through_checks(part: str, verbose: bool) -> None:
    """The same figures by way of the public checks."""
    import gradcheck

    checks = {"grad": gradcheck.check_grad, "vjp": gradcheck.check_vjp, "jvp": gradcheck.check_jvp,
              "jacobian": gradcheck.check_jacobian, "hessian": gradcheck.check_hessian,
              "hvp": gradcheck.check_hvp}  # fmt: skip
    table: dict[str, Counter[str]] = defaultdict(Counter)
    named = first = second = leaf = entry = entries = unnamed = unnamed_second = 0
    start = time.perf_counter()
    for specimen in specimens(part):
        if specimen.label != "wrong":
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = checks[specimen.kind](specimen.f, specimen.claim, *specimen.args, argnums=specimen.argnums,
                                           raise_on_failure=False)  # fmt: skip
        found, kinds = report.diagnoses, [d.kind for d in report.diagnoses]
        good, near = (
            bool(set(kinds[:1]) & set(specimen.mistake)),
            bool(set(kinds[:2]) & set(specimen.mistake)),
        )
        table[specimen.mistake[0]][kinds[0] if kinds else "-"] += 1
        right_leaf = not specimen.leaf or (bool(found) and found[0].leaf in specimen.leaf)
        if specimen.mistake[0] == "other":
            unnamed, unnamed_second = unnamed + 1, unnamed_second + near
        else:
            named, first, second, leaf = named + 1, first + good, second + near, leaf + right_leaf
        if specimen.entry is not None:
            entries += 1
            entry += bool(found) and tuple(found[0].evidence.get("index", ())) == specimen.entry
        if (specimen.mistake[0] != "other" and not (good and right_leaf)) or verbose:
            print(
                f"{'  ' if good else 'x '}{specimen.name} ({report.verdict}): "
                f"wanted {specimen.mistake} in {specimen.leaf}"
            )
            for d in found[:3]:
                print(f"      {d.kind} [{d.leaf}] ({d.certainty}) {d.message[:300]}")
    print_table(table)
    print(f"through the checks: first {first}/{named} = {first / named:.1%}, top two {second}/{named} "
          f"= {second / named:.1%}, "
          f"leaf {leaf}/{named}, entry {entry}/{entries}; without a kind: top two {unnamed_second}/{unnamed}; "
          f"{time.perf_counter() - start:.1f} s")  # fmt: skip


def planted_table(seed: int, traced: bool, verbose: bool) -> None:
    from tests.diagnose.planted import planted

    table: dict[str, Counter[str]] = defaultdict(Counter)
    first = second = leaf = entry = entries = total = 0
    start = time.perf_counter()
    for case in planted(seed, traced):
        found = diagnose(case.evidence)
        total += 1
        kinds = [d.kind for d in found]
        table[case.kinds[0]][kinds[0]] += 1
        good = kinds[0] in case.kinds
        first, second = first + good, second + bool(set(kinds[:2]) & set(case.kinds))
        leaf += found[0].leaf in case.leaves
        if case.entry is not None:
            entries += 1
            entry += tuple(found[0].evidence.get("index", ())) == case.entry
        if not good or found[0].leaf not in case.leaves or verbose:
            print(f"{'  ' if good else 'x '}{case.name}: wanted {case.kinds} in {case.leaves}")
            for d in found[:3]:
                print(f"      {d.kind} [{d.leaf}] ({d.certainty}) {d.message[:300]}")
    print_table(table)
    print(f"planted, seed {seed}, traced {traced}: first {first}/{total} = {first / total:.1%}, "
          f"top two {second / total:.1%}, "
          f"leaf {leaf}/{total}, entry {entry}/{entries}; {time.perf_counter() - start:.1f} s")  # fmt: skip


if __name__ == "__main__":
    # a hypothesis that breaks down is to be seen here
    catalogue.tested = lambda hypothesis, about, budget: list(hypothesis(about))
    if "--planted" in sys.argv:
        for seed, traced in ((0, True), (1, True), (0, False)):
            planted_table(seed, traced, "-v" in sys.argv)
        sys.exit()
    if "--checks" in sys.argv:
        through_checks(next((a for a in sys.argv[1:] if not a.startswith("-")), "all"), "-v" in sys.argv)
        sys.exit()
    main(next((a for a in sys.argv[1:] if not a.startswith("-")), "all"), "-v" in sys.argv)
