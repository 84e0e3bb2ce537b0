"""A term too many or too few: a regulariser, a constant, a projection, half of what is symmetric."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from gradcheck.ask.trees import Floats
from gradcheck.explain.diagnose.guess import EXACT, FITTED, RECOGNISED, Guess, thin
from gradcheck.explain.diagnose.scale import fitted_factor
from gradcheck.explain.diagnose.sight import arrays, recognise
from gradcheck.explain.diagnose.subject import Subject, norm


def added_multiple(subject: Subject) -> Iterator[Guess]:
    """Claim minus truth is a multiple of the argument, of its sign, of a constant, or of an array in sight."""
    if subject.entries < 2:
        return
    for what, shape, price in _terms(subject):
        known = subject.known
        coefficient = fitted_factor(subject.error[known], shape[known])
        if (
            not coefficient
            or np.count_nonzero(shape[known]) < 2
            or _along(shape[known], subject.truth[known])
        ):
            continue
        if subject.explained_by(subject.truth + coefficient * shape):
            yield from _term(subject, what, shape, coefficient, price)
            return


def _terms(subject: Subject) -> Iterator[tuple[str, Floats, float]]:
    """(words, array of the leaf's shape, how far-fetched) of terms that people add or forget."""
    shape, value = subject.truth.shape, subject.leaf.value
    yield "a constant", np.ones(shape), 0.0
    own = subject.leaf.path
    if value.shape == shape:
        yield f"{own} (as of an L2 penalty)", value, 0.0
        yield f"sign({own}) (as of an L1 penalty)", np.sign(value), 0.3
        yield f"{own} ** 2", value**2, 1.5
        yield f"{own} ** 3", value**3, 1.5
    for path, array in arrays(subject.evidence):
        if path != own and array.dtype.kind in "fiu" and array.size > 1:
            try:
                yield path, np.broadcast_to(array.astype(np.float64), shape), 1.5
            except ValueError:
                continue
    for number, leaf in enumerate(subject.evidence.leaves):
        if number != subject.number and leaf.truth.shape == shape:
            yield f"the gradient of {leaf.path}", np.where(np.isfinite(leaf.truth), leaf.truth, 0.0), 2.0


def _is_across(one: Floats, other: Floats) -> bool:
    """Whether the two are orthogonal, to rounding."""
    return abs(float(np.sum(one * other))) <= 1e-9 * norm(one) * norm(other)


def _along(one: Floats, other: Floats) -> bool:
    """Whether one is a multiple of the other; then a factor is the simpler story."""
    return abs(float(np.sum(one * other))) >= (1 - 1e-9) * norm(one) * norm(other)


def _term(subject: Subject, what: str, shape: Floats, coefficient: float, price: float) -> Iterator[Guess]:
    invariant, projected = _invariance(subject, shape), _is_across(subject.claimed, shape)
    # a claim that lacks a term of the loss errs against its gradient, and penalties are added to a loss
    missing = coefficient < 0 or invariant is not None or what.startswith("the gradient of")
    cost = RECOGNISED if projected else EXACT - 1.0 if _round(coefficient) or invariant else FITTED
    cost = thin(cost + price, subject.entries, 1)
    quantity = recognise(coefficient, subject.evidence)
    figures = {"term": what, "coefficient": coefficient, "equals": [quantity.meaning] if quantity else []}
    lacks = f"{{leaves}} {{has}} a term too few: claim - truth = {coefficient:.6g} times {what}"
    has = f"{{leaves}} {{has}} a term too many: claim - truth = {coefficient:.6g} times {what}"
    if invariant:
        lacks = (
            f"{{leaves}} {{has}} a term too few: {invariant}; claim - truth = {coefficient:.6g} times {what}"
        )
    if projected:
        lacks = has = (
            f"{{leaves}} {{is}} the truth without its part along {what}: claim - truth = {coefficient:.6g} times that"
        )
    key = (what.replace(subject.leaf.path, "x"), round(coefficient, 9))
    remedy = "Add the derivative of every term of the loss." if missing else "Is that term part of the loss?"
    if projected:
        remedy = "Is it the gradient on a simplex or a sphere, where that of f in every direction is due?"
    first, second = ("missing_term", "extra_term") if missing else ("extra_term", "missing_term")
    yield Guess(first, (subject.number,), cost, lacks if missing else has, remedy, figures, key)
    yield Guess(second, (subject.number,), cost + 1.5, has if missing else lacks, "", figures, key)


def _invariance(subject: Subject, shape: Floats) -> str | None:
    """Why the truth has no component along ``shape``, which the claim has: f does not change along it."""
    truth, known = subject.truth, subject.known
    if not np.all(known) or not _is_across(truth, shape):
        return None
    if np.ptp(shape) == 0.0:
        return "the truth sums to 0 (adding a number to all entries changes nothing), the claim does not"
    return (
        "the truth is orthogonal to it (a projection), the claim is not"
        if shape is subject.leaf.value
        else None
    )


def _round(coefficient: float) -> bool:
    """Whether a person would have typed the number: at most two significant digits."""
    return bool(abs(coefficient - float(f"{coefficient:.1e}")) <= 1e-6 * abs(coefficient))


def of_a_symmetric(subject: Subject) -> Iterator[Guess]:
    """A matrix whose truth is symmetric and the claim half of it, or which is symmetric itself and meant to stay so."""
    truth = subject.truth
    if truth.ndim != 2 or truth.shape[0] != truth.shape[1] or truth.shape[0] < 2 or not np.all(subject.known):
        return
    guesses = _halves(subject) if _is_symmetric(truth) else iter(())
    if _is_symmetric(subject.leaf.value) and _is_symmetric(subject.claimed):
        guesses = chain(guesses, _conventions(subject))
    yield from islice(guesses, 1)


def _is_symmetric(matrix: Floats) -> bool:
    return norm(matrix - matrix.T) <= 1e-9 * norm(matrix)


def _halves(subject: Subject) -> Iterator[Guess]:
    truth, claimed = subject.truth, subject.claimed
    for words, predicted in (("the lower triangle", np.tril(truth)), ("the upper triangle", np.triu(truth))):
        if subject.explained_by(predicted):
            says = f"{{leaves}} {{is}} only {words} of the truth, which is symmetric"
            figures = {"term": words}
            yield Guess(
                "missing_term", (subject.number,), RECOGNISED, says, "Add the other triangle.", figures
            )
    for factor, words in ((1.0, "claim + claim.T"), (0.5, "(claim + claim.T) / 2")):
        whole = factor * (claimed + claimed.T)
        if norm(whole - truth) <= 1e-6 * norm(truth) and not _is_symmetric(claimed):
            says = f"{{leaves}} {{is}} not symmetric, the truth is {words}"
            remedy = "A matrix that enters twice, or as A + A.T, has two terms in its derivative."
            figures = {"term": words}
            yield Guess("missing_term", (subject.number,), RECOGNISED + 1.0, says, remedy, figures, words)


def _conventions(subject: Subject) -> Iterator[Guess]:
    """Derivatives by a symmetric matrix as they stand in tables, where each entry by itself is asked for.

    For G by every entry: (G + G.T) / 2 along symmetric directions, G + G.T - diag(G) by the free entries (Magnus and
    Neudecker, Matrix Differential Calculus, section 3.8).
    """
    truth, name = subject.truth, subject.leaf.path
    for words, predicted in (
        ("(G + G.T) / 2, G being the truth", (truth + truth.T) / 2),
        ("G + G.T - diag(G), G being the truth", truth + truth.T - np.diag(np.diag(truth))),
    ):
        if subject.explained_by(predicted):
            says = f"{{leaves}} {{is}} {words}: a derivative by a matrix that stays symmetric"
            remedy = (
                f"The check moves each entry of {name} by itself, and f may read one triangle only: let f take "
                f"({name} + {name}.T) / 2 for {name}, or return the derivative by every entry."
            )
            yield Guess("extra_term", (subject.number,), RECOGNISED, says, remedy, {"term": words}, words)
