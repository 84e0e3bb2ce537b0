"""The whole leaf off by one factor: -1, a number in sight, some other number; or by a factor a line."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import COMMON, EXACT, FITTED, PATTERN, RECOGNISED, Guess, thin
from gradcheck.explain.diagnose.sight import Quantity, Sort, arrays, meanings, recognise
from gradcheck.explain.diagnose.subject import Subject, norm, subjects
from gradcheck.explain.evidence import Evidence

# A factor nearer to 1 than this is a small error first, whatever its cause.
NEARLY_ONE = 0.02


def fitted_factor(claimed: Floats, truth: Floats) -> float:
    """The factor that turns ``truth`` into ``claimed`` best, in the sense of least squares; 0 for a truth of 0."""
    peak = float(np.max(np.abs(truth), initial=0.0))
    if peak == 0.0 or not np.isfinite(peak):
        return 0.0
    unit = truth / peak
    return float(np.sum(unit * (claimed / peak)) / np.sum(unit * unit))


def sign(subject: Subject) -> Iterator[Guess]:
    """The claim is minus the truth."""
    if subject.explained_by(-subject.truth):
        yield Guess(
            "sign",
            (subject.number,),
            COMMON,
            "{leaves} {has} the wrong sign: the claim is -1 times the truth in every entry",
            "Look for a lost or doubled minus, or for arguments swapped in a difference.",
            {"factor": -1.0},
        )


def _resolved(subject: Subject, factor: float) -> bool:
    """For a claim that is next to nothing beside the truth: whether it is a multiple all the same."""
    claimed = subject.claimed[subject.known]
    gap = np.max(np.abs(factor * subject.truth[subject.known] - claimed))
    return bool(abs(factor) > 1e-6 or gap <= 1e-9 * np.max(np.abs(claimed)))


def scale(subject: Subject) -> Iterator[Guess]:
    """The claim is the truth times one number."""
    factor = fitted_factor(subject.claimed[subject.known], subject.truth[subject.known])
    if _fits(subject, factor):
        yield from _told((subject,), factor)


def common_factor(evidence: Evidence) -> Iterator[Guess]:
    """Several leaves, few entries in each, off by one and the same number."""
    wrong = tuple(subjects(evidence))
    if len(wrong) < 2 or len(wrong) < sum(leaf.wrong for leaf in evidence.leaves):
        return
    claimed = np.concatenate([subject.claimed[subject.known] for subject in wrong])
    factor = fitted_factor(claimed, np.concatenate([subject.truth[subject.known] for subject in wrong]))
    if all(_fits(subject, factor) for subject in wrong):
        yield from _told(wrong, factor)


def _fits(subject: Subject, factor: float) -> bool:
    # beyond a hundred million the truth is all rounding about 0
    return (
        factor not in (0.0, 1.0)
        and abs(factor) <= 1e8
        and _resolved(subject, factor)
        and subject.explained_by(factor * subject.truth, gain=abs(factor))
        and not subject.explained_by(-subject.truth)
    )


def _told(wrong: tuple[Subject, ...], factor: float) -> Iterator[Guess]:
    evidence, numbers = wrong[0].evidence, tuple(subject.number for subject in wrong)
    entries = sum(int(np.count_nonzero(subject.truth[subject.known])) for subject in wrong)
    precision = max(1e-6, *(3.0 * _share(subject) for subject in wrong))
    quantity = recognise(factor, evidence, min(precision, 1e-2 * abs(abs(factor) - 1.0) + 1e-9))
    figures: dict[str, Any] = {"factor": factor, "entries": entries}
    key: Hashable = (len(wrong) > 1, round(factor, 6))
    minus, size = "minus " if factor < 0 else "", _spelled(factor)
    if quantity is not None:
        others = [m for m in meanings(factor, evidence, precision) if m != quantity.meaning]
        # the number itself, and further arrays with the same axis, tell nothing more
        others = [m for m in others if m != f"{abs(factor):g}" and "the length of axis" not in m]
        figures["equals"] = [quantity.meaning, *others]
        says = f"{{leaves}} {{is}} {minus}{size} times the truth; {size} is {quantity.meaning}"
        if quantity.sort is Sort.NUMBER:
            spelled = size if float(size) == quantity.value else quantity.meaning
            says = f"{{leaves}} {{is}} {minus}{spelled} times the truth"
        says += f" (also {' and '.join(others)})" if others else ""
        cost = RECOGNISED + quantity.weight + (abs(factor - 1.0) < NEARLY_ONE)
        yield Guess("scale", numbers, cost, says, _remedy(factor, quantity), figures, key)
        return
    cost = thin(FITTED - 1.0 if entries > 2 else FITTED + 1.0, entries, 1)
    cost += 4.0 * (abs(factor - 1.0) < NEARLY_ONE)
    says = f"{{leaves}} {{is}} {minus}{size} times the truth in every entry, a number that equals nothing in sight"
    remedy = "Look for a constant that was lost."
    if len(wrong) > 1:
        remedy = "One factor over all of them: is this the gradient of another function than f?"
    alone = sum(subject.entries for subject in wrong) == 1
    if alone:
        says, key = "{leaves}, one number, {is} off by a factor that equals nothing in sight", 0.0
    yield Guess("scale", numbers, cost, says, remedy, figures, key)
    if alone:
        says = "{leaves}, one number, {is} off: a term may be left out"
        figures = {"error": float(wrong[0].error[wrong[0].known].sum())}
        yield Guess("missing_term", numbers, cost + 1.0, says, "", figures, key)


def _share(subject: Subject) -> float:
    known = subject.known
    return norm(subject.leaf.bound[known]) / norm(subject.truth[known])


def _spelled(factor: float) -> str:
    """The size of the factor, with more digits where it is next to 1."""
    return f"{abs(factor):.{6 if abs(abs(factor) - 1.0) > 1e-4 else 10}g}"


def _remedy(factor: float, quantity: Quantity) -> str:
    if abs(factor) in (2.0, 0.5):
        return "Look at the derivative of a square, and at a 1/2 in the loss."
    verb = "Divide" if abs(factor) > 1 else "Multiply"
    size = abs(factor) if abs(factor) > 1 else 1 / abs(factor)
    by = f"{verb} by {size:.6g}"
    if quantity.sort is Sort.ANGLE:
        return f"{by}: are angles in degrees where radians are due, or the other way round?"
    if quantity.sort is Sort.SIZE or size == round(size):  # any whole number may be that of the samples
        return f"{by}: is the loss a mean where the gradient is a sum, or the other way round?"
    return f"{by}: look for a constant that was lost, or taken twice."


def scale_by_line(subject: Subject) -> Iterator[Guess]:
    """The claim is the truth times a factor for each line along one axis: a weight for each sample, say."""
    truth, claimed = subject.truth, subject.claimed
    if truth.ndim < 1 or truth.size < 4 or not np.all(subject.known) or not np.any(claimed):
        return
    for axis in range(truth.ndim):
        others = tuple(a for a in range(truth.ndim) if a != axis)
        square = np.sum(truth * truth, axis=others, keepdims=True)
        if truth.ndim == 1 or np.any(square == 0.0):
            continue
        factors = np.sum(truth * claimed, axis=others, keepdims=True) / square
        if np.ptp(factors) < 1e-6 * np.max(np.abs(factors)) or np.any(np.abs(factors - 1.0) < 1e-9):
            continue
        if truth.size // factors.size < 2 or not subject.explained_by(
            factors * truth, gain=np.max(abs(factors))
        ):
            continue
        yield _by_line(subject, factors.ravel(), axis)
        return


def _by_line(subject: Subject, factors: Floats, axis: int) -> Guess:
    source = _proportional(subject, factors)
    figures = {"axis": axis, "factors": factors[:8].tolist()}
    if source is None:
        says = f"{{leaves}} {{is}} the truth times a factor that changes along axis {axis}"
        return Guess("scale", (subject.number,), PATTERN - 1.0, says, "", figures, axis)
    figures["equals"] = [source]
    says = f"{{leaves}} {{is}} the truth times a factor that changes along axis {axis} as {source} does"
    return Guess("scale", (subject.number,), EXACT - 0.5, says, "", figures, (axis, source))


def _proportional(subject: Subject, factors: Floats) -> str | None:
    for path, array in arrays(subject.evidence):
        if array.size != factors.size or array.dtype.kind == "b":
            continue
        values = array.astype(np.float64).ravel()
        if np.ptp(values) == 0.0:
            continue
        for meaning, power in (
            ("", 1.0),
            ("1 / ", -1.0),
            ("the square of ", 2.0),
            ("1 / the square of ", -2.0),
        ):
            with np.errstate(all="ignore"):
                candidate = values**power
            if not np.all(np.isfinite(candidate)) or not np.any(candidate):
                continue
            constant = fitted_factor(factors, candidate)
            if constant and np.allclose(
                constant * candidate, factors, rtol=1e-6, atol=1e-9 * np.max(abs(factors))
            ):
                return f"{'' if abs(constant - 1) < 1e-6 else f'{constant:.4g} times '}{meaning}{path}"
    return None
