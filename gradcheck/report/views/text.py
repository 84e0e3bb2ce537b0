"""A report as text: the verdict at a glance, the leaves worst first, and on a failure what is wrong.

Plain strings, so that a failing test needs nothing but this to explain itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from gradcheck.findings import (
    NOBODY,
    SLIGHT,
    STOPPED,
    Blame,
    Blamed,
    Blind,
    Diagnosis,
    Findings,
    Leaf,
    Verdict,
)
from gradcheck.report.views.figures import (
    count,
    duration,
    entry_figures,
    figure,
    index,
    is_right,
    shape,
    upwards,
)
from gradcheck.report.views.layout import columns, item, paragraph
from gradcheck.report.views.source import pointed

ROWS = 12
"""Leaves shown of each verdict; the report object holds them all."""

ENTRIES, TABLES = 6, 4
"""Entries shown of a leaf, half as many where several leaves are wrong; leaves whose entries are shown."""

UNSEEN = 6
"""Blind spots of a pass that are shown."""

LIKELY = 2
"""Diagnoses shown even if uncertain, the likeliest and its rival; and the likeliest of every leaf."""

DULL = 0.1
"""A resolution beyond this is as good as none: half as much again would have passed."""

DERIVATIVES = {
    "grad": "gradient", "vjp": "VJP", "jvp": "JVP", "jacobian": "Jacobian", "hessian": "Hessian",
    "hvp": "HVP", "layer": "backward pass",
}  # fmt: skip

BLIND = {
    Blind.AXIS: "axes of length 1", Blind.ROWS: "equal rows or arrays", Blind.CONSTANT: "constant arrays",
    Blind.SYMMETRIC: "symmetric matrices", Blind.BRANCH: "branches never taken",
    Blind.INDEX: "indices without repeats", Blind.MASK: "masks all true or all false",
    Blind.DROPOUT: "dropout or training that is off", Blind.COTANGENT: "cotangents of ones",
    Blind.INTEGERS: "integers for floats", Blind.UNKNOWN: "what is not known",
}  # fmt: skip
"""What was not seen, of each kind, in the plural."""

_ORDER = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}


def render(findings: Findings, blamed: Blamed = NOBODY) -> str:
    """The whole report, ending without a line break; of a failure with the expressions to blame."""
    # beside an edit that was run, a second guess at what it mends is no help
    diagnoses = partial(_diagnoses, likely=1 if blamed.patch else LIKELY, blame=blamed.blame)
    remarks = partial(_remarks, patch=blamed.patch)

    def search(_: Findings) -> str:
        return paragraph(blamed.remark and sentence(blamed.remark))

    parts = {
        Verdict.PASS: (_leaf_table, _sharpness, _unseen, remarks),
        Verdict.FAIL: (_leaf_table, _entries, diagnoses, search, remarks, _advice),
        Verdict.INCONCLUSIVE: (_reasons, _leaf_table, diagnoses, remarks, _advice),
    }[findings.verdict]
    source = (pointed(blame) for blame in blamed.blame)
    blocks = [
        headline(findings),
        paragraph(findings.subject),
        *source,
        *(part(findings) for part in parts),
    ]
    return "\n\n".join(block for block in blocks if block)


def headline(findings: Findings) -> str:
    """The verdict in one line, with what it cost and who judged."""
    said = {Verdict.PASS: _passed, Verdict.FAIL: _failed, Verdict.INCONCLUSIVE: _undecided}[findings.verdict]
    oracles = ", ".join(oracle.name for oracle in findings.oracles if oracle.used) or "none"
    evaluations = count(findings.evaluations, "evaluation")
    cost = f"{evaluations} of f, {duration(findings.seconds)}, seed {findings.seed}"
    return f"{findings.verdict}: {said(findings)}; {cost}; oracles: {oracles}"


def gist(findings: Findings) -> str:
    """The verdict for who reads one line alone: what is wrong, or why it could not be decided."""
    why = [*findings.reasons, *map(named, worth_telling(findings.diagnoses))]
    if findings.verdict is Verdict.PASS or not why:
        return headline(findings)
    where = [_failed(findings)] if any(leaf.verdict is Verdict.FAIL for leaf in findings.leaves) else []
    return " ".join(f"{findings.verdict}: {'; '.join([*where, why[0]])}".split())


def resolution(leaves: Iterable[float | None]) -> float | None:
    """The resolution that holds for every tested leaf, from each leaf's own; None where none was tested."""
    return max((leaf for leaf in leaves if leaf is not None), default=None)


def severity(verdict: str, error: float | None, resolved: float | None) -> tuple[int, float, float]:
    """Sorts failed leaves first, by the size of their error, then undecided ones, then the dullest passes."""
    return _ORDER[Verdict(verdict)], -_or_inf(error), -_or_inf(resolved)


def worst_first(leaves: Iterable[Leaf]) -> list[Leaf]:
    """The leaves in the order of their `severity`."""
    return sorted(leaves, key=lambda leaf: severity(leaf.verdict, leaf.max_rel_error, leaf.resolution))


def _or_inf(x: float | None) -> float:
    return math.inf if x is None or math.isnan(x) else x


def _sharpness_of(leaves: Iterable[Leaf]) -> float | None:
    return resolution(leaf.resolution for leaf in leaves)


def _passed(findings: Findings) -> str:
    bound, name = _sharpness_of(findings.leaves), DERIVATIVES[findings.check]
    untested = sum(leaf.resolution is None for leaf in findings.leaves)
    if bound is None:
        return f"the {name} agrees, to no resolution: see what is said of each leaf"
    if untested:
        return (
            f"every tested leaf of the {name} is right to {upwards(bound)} or better, {untested} not tested"
        )
    dull = [leaf for leaf in findings.leaves if leaf.resolution is not None and leaf.resolution > DULL]
    sharp = _sharpness_of(leaf for leaf in findings.leaves if leaf not in dull)
    if dull and sharp is not None:
        paths = ", ".join(leaf.path for leaf in dull[:ROWS]) + (", ..." if len(dull) > ROWS else "")
        rest = f"hardly tested here ({upwards(bound)})"
        return f"the {name} is right to {upwards(sharp)} or better, but for {paths}, {rest}"
    whole = f"the {name}" if len(findings.leaves) == 1 else f"every leaf of the {name}"
    return f"{whole} is right to {upwards(bound)} or better"


def _failed(findings: Findings) -> str:
    name = DERIVATIVES[findings.check]
    wrong = [leaf for leaf in findings.leaves if leaf.verdict is Verdict.FAIL]
    if not wrong:
        right = findings.diagnoses and all(leaf.verdict is Verdict.PASS for leaf in findings.leaves)
        return (
            f"{spelled(findings.diagnoses[0].kind)}; the values of the {name} are right"
            if right
            else f"the {name} is wrong"
        )
    paths = ", ".join(leaf.path for leaf in wrong[:ROWS]) + (", ..." if len(wrong) > ROWS else "")
    if len(findings.leaves) == 1:
        return f"the {name} is wrong in {paths}"
    which = f"{len(wrong)} of {len(findings.leaves)}"
    if len(wrong) == len(findings.leaves):
        which = "both" if len(wrong) == 2 else f"all {len(wrong)}"
    return f"the {name} is wrong in {which} leaves: {paths}"


def _undecided(findings: Findings) -> str:
    right = [leaf.path for leaf in findings.leaves if leaf.verdict is Verdict.PASS]
    if findings.unchecked and len(right) == len(findings.leaves):
        unchecked = ", ".join(findings.unchecked)
        return f"the {DERIVATIVES[findings.check]} is right for {', '.join(right)}; {unchecked} not checked"
    return f"no telling whether the {DERIVATIVES[findings.check]} is right"


def _leaf_table(findings: Findings) -> str:
    if not findings.leaves:
        return ""
    shown: list[Leaf] = []
    rest: list[str] = []
    ordered = worst_first(findings.leaves)
    for verdict in _ORDER:
        alike = [leaf for leaf in ordered if leaf.verdict is verdict]
        shown += alike[:ROWS]
        if hidden := alike[ROWS:]:
            rest.append(f"  and {len(hidden)} more: {verdict}, {_rest_of(hidden)} (see report.leaves)")
    blank = "none" if findings.verdict is Verdict.PASS else ""  # a pass must own up to what it left untested
    header = ("leaf", "shape", "dtype", "verdict", "resolution", "largest relative error", "worst entry", "")
    return "\n".join([*columns([header, *(_leaf_row(leaf, blank) for leaf in shown)]), *rest])


def _rest_of(hidden: Sequence[Leaf]) -> str:
    bound = _sharpness_of(hidden)
    return "not tested" if bound is None else f"resolution {upwards(bound)} or better"


def _leaf_row(leaf: Leaf, blank: str) -> tuple[str, ...]:
    error = "" if leaf.max_rel_error is None else figure(leaf.max_rel_error)
    worst = index(leaf.worst_index) if leaf.worst_index else ""
    resolved = blank if leaf.resolution is None else upwards(leaf.resolution)
    return leaf.path, shape(leaf.shape), leaf.dtype, leaf.verdict.value, resolved, error, worst, leaf.note


def _sharpness(findings: Findings) -> str:
    if _sharpness_of(findings.leaves) is None:
        return ""
    return paragraph(sharpness(findings.rtol, findings.miss_probability))


def sharpness(rtol: float, miss_probability: float | None) -> str:
    """How likely a pass is to have missed what should be caught; nothing where that is not known."""
    if miss_probability is None:
        return ""
    error = f"An error of a relative {figure(rtol)} in any one tested leaf"
    if miss_probability == 0:
        return f"{error} could not have gone unnoticed."
    if miss_probability > 0.5:
        return f"{error} may well go unnoticed: see the resolution of each."
    return f"{error} goes unnoticed with a probability of at most {upwards(miss_probability)}."


def _entries(findings: Findings) -> str:
    wrong = [leaf for leaf in worst_first(findings.leaves) if leaf.verdict is Verdict.FAIL and leaf.entries]
    rows = ENTRIES if len(wrong) == 1 else ENTRIES // 2
    return "\n\n".join(
        _entry_table(leaf, entries_title(findings.weighted, _is_of_the_sum(leaf)), rows)
        for leaf in wrong[:TABLES]
    )


def _is_of_the_sum(leaf: Leaf) -> bool:
    # an entry of a dense Jacobian has the output's index before the leaf's
    return len(leaf.entries[0].index) == len(leaf.shape)


def entries_title(weighted: str, of_one_number: bool) -> str:
    """What the entries of a leaf are: of the derivative itself, or of the one number that a check makes of f."""
    return f"worst entries first ({weighted})" if weighted and of_one_number else "worst entries first"


def _entry_table(leaf: Leaf, title: str, rows: int) -> str:
    header = ("index", "yours", "truth", "+-", "yours / truth", "error / bound")
    wrong = [entry for entry in leaf.entries if not is_right(entry)]
    table = columns([header, *map(entry_figures, (wrong or leaf.entries)[:rows])])
    return "\n".join([f"{leaf.path}, {title}", *table])


def _diagnoses(findings: Findings, likely: int, blame: Sequence[Blame]) -> str:
    told = worth_telling(findings.diagnoses, blame)
    if not told:
        return ""
    first = {diagnosis.leaf: diagnosis for diagnosis in reversed(told)}
    shown = [
        diagnosis
        for place, diagnosis in enumerate(told)
        if place < likely or diagnosis.certainty == "certain" or diagnosis is first[diagnosis.leaf]
    ]
    hidden = len(told) - len(shown) if likely > 1 else 0
    rest = [f"  and {count(hidden, 'less likely guess', 'less likely guesses')} (see report.diagnoses)"] * (
        hidden > 0
    )
    return "\n".join(["What is wrong", *(item(named(each)) for each in shown), *rest])


def named(one: Diagnosis) -> str:
    """A diagnosis in a sentence or two, with the name of the mistake in front."""
    doubt = {"certain": "", "likely": ", likely", "possible": ", possibly"}[one.certainty]
    return f"{spelled(one.kind)}{doubt}: {sentence(one.message)} {one.advice}".rstrip()


def worth_telling(diagnoses: Sequence[Diagnosis], blame: Sequence[Blame] = ()) -> list[Diagnosis]:
    """The diagnoses without those that call the same by another name.

    Of what an edit was proved to mend nothing that is merely possible is told, and no advice: the edit says where.
    """
    mended = {leaf for one in blame if one.proved for leaf in one.leaves}
    told = [one for one in diagnoses if "synonym_of" not in one.evidence]
    beyond = [one for one in told if not mended.issuperset(one.evidence.get("leaves", [one.leaf]))]
    return [
        one if one in beyond else replace(one, advice="")
        for one in told
        if one in beyond or one.certainty != "possible"
    ]


def spelled(kind: str) -> str:
    """The word for people: ``missing term``."""
    return kind.replace("_", " ")


def sentence(words: str) -> str:
    """With its full stop."""
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _reasons(findings: Findings) -> str:
    if not findings.reasons:
        return ""
    return "\n".join(["What stands in the way", *map(item, map(sentence, findings.reasons))])


def _unseen(findings: Findings) -> str:
    """What the pass could not see, one line each, what a moved point has shown last."""
    told = sorted(findings.unseen, key=lambda one: one.seen_to)
    if not told:
        return ""
    lines = [
        item(f"{one.message}{' at this point; a point off it passed, too' if one.seen_to else ''}")
        for one in told
    ]
    more = [f"  and {len(told) - UNSEEN} more (see report.unseen)"] if len(told) > UNSEEN else []
    return "\n".join(["What this pass did not see", *lines[:UNSEEN], *more])


def _advice(findings: Findings) -> str:
    replay = f"To replay exactly this check, give it seed={findings.seed}."
    if not any(leaf.entries for leaf in findings.leaves):
        return replay
    off = [leaf.max_rel_error for leaf in findings.leaves if leaf.verdict is Verdict.FAIL]
    if all(size is not None and size <= SLIGHT for size in off):
        return replay
    name = DERIVATIVES[findings.check]
    fault = f"Neither f nor a tolerance is at fault: the {name} is off by more than +- leaves open."
    return f"{paragraph(fault)}\n{replay}"


def _remarks(findings: Findings, patch: str) -> str:
    idle = [oracle for oracle in findings.oracles if not oracle.used and oracle.note]
    return "\n".join(
        map(
            paragraph,
            [*worth_noting(findings.notes, patch), *(unused(oracle.name, oracle.note) for oracle in idle)],
        )
    )


def worth_noting(notes: Iterable[str], patch: str) -> list[str]:
    """The remarks without those that are none where all that is wrong is mended."""
    return [note for note in notes if not (patch and note.startswith(STOPPED))]


def unused(oracle: str, why: str) -> str:
    """Why an oracle had no part in the verdict."""
    return f"{oracle}: not applicable, because {why}"
