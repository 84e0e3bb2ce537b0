"""Where the error lives, whatever made it: zero, constant, one entry, lines, a few entries; else what is left."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import COMMON, EXACT, FITTED, PATTERN, RECOGNISED, REMAINDER, Guess
from gradcheck.explain.diagnose.scale import fitted_factor
from gradcheck.explain.diagnose.sight import batch_sizes
from gradcheck.explain.diagnose.subject import Mask, Subject, norm

SHOWN = 12
_FEW = 0.8
"""Share of the entries that could be wrong up to which where they are says something."""
Indices = NDArray[np.intp]


def zero(subject: Subject) -> Iterator[Guess]:
    """The claim is 0 in every entry and the truth is not."""
    if not np.any(subject.claimed) and subject.scale > 0.0:
        says = "{leaves} {is} claimed to be 0 in every entry; the truth reaches " + f"{subject.scale:.4g}"
        remedy = "Was the gradient never accumulated, returned from a buffer, or cut off at a constant?"
        yield Guess(
            "zero", (subject.number,), COMMON - 0.5, says, remedy, {"largest_truth": subject.scale}, "zero"
        )


def alive(subject: Subject) -> Iterator[Guess]:
    """The truth is 0 in every entry and the claim is not."""
    if subject.scale == 0.0 and np.all(subject.known) and np.any(subject.claimed):
        says = "{leaves} {has} no effect on f here, the truth is 0 in every entry; the claim reaches "
        says += f"{np.max(np.abs(subject.claimed)):.4g}"
        remedy = "Is f constant here: a step, a rounding, a dead unit, a saturated one?"
        figures = {"largest_claim": float(np.max(np.abs(subject.claimed)))}
        yield Guess("extra_term", (subject.number,), FITTED + 0.5, says, remedy, figures, "alive")


def constant(subject: Subject) -> Iterator[Guess]:
    """The claim is one and the same number everywhere and the truth is not."""
    claimed = subject.claimed
    if claimed.size < 2 or not np.any(claimed) or np.ptp(claimed) > 1e-12 * np.max(np.abs(claimed)):
        return
    value = float(claimed.flat[0])
    spread = float(np.ptp(subject.truth[subject.known]))
    if spread > 1e-6 * subject.scale:
        says = f"{{leaves}} {{is}} claimed to be {value:.6g} in every entry; the truth varies by {spread:.4g}"
        cost = RECOGNISED + 0.5 + 2.0 * (claimed.size == 2)
        remedy = "Was a mean or a sum spread over all entries, or a factor that varies left out?"
        yield Guess(
            "constant", (subject.number,), cost, says, remedy, {"value": value, "spread": spread}, value
        )


def single_entry(subject: Subject) -> Iterator[Guess]:
    """One entry wrong of several."""
    if np.count_nonzero(subject.wrong) != 1 or subject.entries < 2:
        return
    index = tuple(int(i) for i in np.argwhere(subject.wrong)[0])
    claimed, truth = float(subject.claimed[index]), float(subject.truth[index])
    others_nonzero = np.count_nonzero(subject.truth[subject.known & ~subject.wrong])
    digits = _digits(claimed, truth)
    says = f"one entry of {{leaves}} is wrong: {_at(index)} is {claimed:.{digits}g}, the truth {truth:.{digits}g}"
    figures = {"index": list(index), "claimed": claimed, "truth": truth, **_relation(claimed, truth)}
    # where all else is 0, one entry is the whole gradient, and a mistake of the whole shows in no other
    cost = COMMON - 0.2 if others_nonzero > 1 else RECOGNISED + 1.0 if others_nonzero else EXACT + 2.0
    remedy = "Look at how that entry is indexed: first, last, a boundary, a branch that only it takes."
    yield Guess("single_entry", (subject.number,), cost, says, remedy, figures, index)


def _digits(one: float, other: float) -> int:
    """As many digits as tell two numbers apart, six at least."""
    size, apart = max(abs(one), abs(other)), abs(one - other)
    return 6 if not 0.0 < apart < math.inf else min(17, max(6, math.ceil(math.log10(size / apart)) + 2))


def lines(subject: Subject) -> Iterator[Guess]:
    """Whole rows or columns wrong, the others right."""
    wrong, known = subject.wrong, subject.known
    count = int(np.count_nonzero(wrong))
    if wrong.ndim < 2 or count < 2 or count == _telling(subject):
        return
    for axis, where, density in _fullest(wrong, known & (subject.truth != 0.0) | wrong):
        if where.size == wrong.shape[axis] or density < 0.6:
            continue
        noun, kind, along = _noun(axis, wrong.ndim)
        single = where.size == 1
        noun += "" if single else "s"
        listed = ", ".join(map(str, where[:SHOWN])) + (", ..." if where.size > SHOWN else "")
        figures = {"axis": axis, kind: where[:64].tolist(), "of": wrong.shape[axis], **_within(subject)}
        says = f"{noun} {listed}{along} of {{leaves}} {'is' if single else 'are'} wrong{_so(figures)}, "
        says += f"the other{'s' if wrong.shape[axis] - where.size > 1 else ''} right"
        cost = PATTERN - 2.0 + 2.0 * (2 * where.size > wrong.shape[axis])
        if figures["there"] != "other":  # what happens there is known as well: nothing is left to explain
            cost -= 2.5 + 0.3 * single
        remedy = (
            f"Look at what is special to {'that' if single else 'those'} {noun}:"
            " a slice, a gate, a class, a sample."
        )
        yield Guess(kind, (subject.number,), cost, says, remedy, figures, (axis, tuple(where[:64])))


def _fullest(wrong: Mask, relevant: Mask) -> list[tuple[int, Indices, float]]:
    """(axis, wrong slices, share of wrong entries in them): the largest share, then the fewest slices."""
    found: list[tuple[float, float, int, Indices]] = []
    for axis, length in enumerate(wrong.shape):
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        where = np.flatnonzero(np.any(wrong, axis=others))
        inside = int(np.count_nonzero(np.take(relevant, where, axis=axis)))
        if wrong.size > length:
            share = int(np.count_nonzero(wrong)) / max(inside, 1)
            found.append((-round(share, 6), where.size / int(length), axis, where))
    best = min(found, key=lambda f: f[:2], default=None)
    return [] if best is None else [(best[2], best[3], -best[0])]


def _telling(subject: Subject) -> int:
    """How many entries could be wrong: one of 0 that is claimed to be 0 is right whatever the mistake."""
    return int(np.count_nonzero(subject.wrong | (subject.known & (subject.truth != 0.0))))


def _noun(axis: int, ndim: int) -> tuple[str, str, str]:
    if axis == 0:
        return "row", "rows", ""
    return ("column", "columns", "") if axis == ndim - 1 else ("slice", "rows", f" along axis {axis}")


def sparse(subject: Subject) -> Iterator[Guess]:
    """A few entries wrong, on no line."""
    count = int(np.count_nonzero(subject.wrong))
    telling = _telling(subject)
    share = count / max(telling, 1)
    if count < 2 or share > _FEW:
        return
    first = [tuple(int(i) for i in index) for index in np.argwhere(subject.wrong)[:SHOWN]]
    figures = {"count": count, "of": subject.entries, "entries": [list(i) for i in first], **_within(subject)}
    listed = ", ".join(_at(i) for i in first[:6]) + (", ..." if count > 6 else "")
    where = _where(subject)
    says = f"{count} of {subject.entries} entries of {{leaves}} are wrong{_so(figures)}{where}: {listed}"
    cost = PATTERN - 1.5 + (2.0 if share > 0.5 else 0.0) - (2.5 if where and count > 2 else 0.0)
    cost -= 1.0 if figures["there"] != "other" and share <= 0.5 else 0.0
    yield Guess(
        "sparse",
        (subject.number,),
        cost,
        says,
        "Look at the branch that those entries take." if share <= 0.5 else "",
        figures,
        "sparse",
    )


def _where(subject: Subject) -> str:
    value, wrong = subject.leaf.value, subject.wrong
    if value.shape != wrong.shape:
        return ""
    for name, mask in (("negative", value < 0), ("positive", value > 0), ("not positive", value <= 0)):
        if np.any(mask) and not np.all(mask) and np.array_equal(wrong, mask & (wrong | (subject.truth != 0))):
            return f" (all those whose own value is {name})"
    return ""


def _within(subject: Subject) -> dict[str, Any]:
    """What relates claim and truth inside the wrong entries."""
    claimed, truth = subject.claimed[subject.wrong], subject.truth[subject.wrong]
    if not np.any(claimed):
        return {"there": "zero"}
    factor = fitted_factor(claimed, truth)
    if (
        factor
        and np.allclose(factor * truth, claimed, rtol=1e-6, atol=1e-9 * subject.scale)
        and truth.size > 1
    ):
        return {"there": "factor", "factor": factor}
    return {"there": "other"}


def _so(figures: dict[str, Any]) -> str:
    if figures["there"] == "zero":
        return " (claimed 0)"
    return f" (there {figures['factor']:.9g} times the truth)" if figures["there"] == "factor" else ""


def other(subject: Subject) -> Iterator[Guess]:
    """What can be said of an error that fits nothing: its size, rank, place, and dependence on signs."""
    size = norm(subject.error) / max(norm(subject.truth[subject.known]), np.finfo(np.float64).tiny)
    count = int(np.count_nonzero(subject.wrong))
    figures: dict[str, Any] = {"relative_error": size, "wrong": count, "of": subject.entries}
    clauses = [
        f"{{leaves}} {{is}} wrong in {count} of {subject.entries} entries, by {size:.3g} relative, in no way known here"
    ]
    for name, clause, value in _traits(subject):
        figures[name] = value
        clauses.append(clause)
    yield Guess("other", (subject.number,), REMAINDER, "; ".join(clauses), "", figures, "other")


def _traits(subject: Subject) -> Iterator[tuple[str, str, Any]]:
    error, truth = subject.error, subject.truth
    if error.ndim == 2 and min(error.shape) > 1 and error.size <= 250_000:
        singular = np.linalg.svd(error / max(float(np.max(np.abs(error))), 1e-300), compute_uv=False)
        rank = int(np.count_nonzero(singular > 1e-7 * singular[0]))
        if rank < min(error.shape):
            yield "rank", f"the error has rank {rank}", rank
            if rank == 1 and batch_sizes(subject.evidence):
                yield "one_sample", "as an error in one sample of the batch or one unit would have", True
    if np.all(subject.known):
        cosine = float(np.sum(error * truth)) / max(norm(error) * norm(truth), 1e-300)
        yield (
            "cosine",
            f"claim and truth enclose an angle with cosine {_cosine(subject):.4f}",
            _cosine(subject),
        )
        if abs(cosine) < 1e-9:
            yield "orthogonal", "the error is orthogonal to the truth", True
    value = subject.leaf.value
    if value.shape == error.shape and np.any(value > 0) and np.any(value < 0):
        positive, negative = norm(error[value > 0]), norm(error[value < 0])
        if min(positive, negative) < 1e-6 * max(positive, negative):
            sign = "negative" if positive < negative else "positive"
            yield "sign_of_inputs", f"only entries whose own value is {sign} are wrong", sign


def _cosine(subject: Subject) -> float:
    claimed: Floats = subject.claimed
    return float(np.sum(claimed * subject.truth)) / max(norm(claimed) * norm(subject.truth), 1e-300)


def _relation(claimed: float, truth: float) -> dict[str, float]:
    return {"ratio": claimed / truth} if truth else {}


def _at(index: tuple[int, ...]) -> str:
    return str(list(index))
