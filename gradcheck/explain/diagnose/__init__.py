"""Says which mistake a wrong derivative holds: hypotheses that predict the claim from the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from gradcheck.explain.diagnose.budget import Budget
from gradcheck.explain.diagnose.catalogue import LAST_WORD, OF_A_LEAF, OF_THE_CHAIN, OF_THE_WHOLE
from gradcheck.explain.diagnose.circuit import circuit_of
from gradcheck.explain.diagnose.guess import PATTERN, Guess
from gradcheck.explain.diagnose.ranking import price, ranked, settled
from gradcheck.explain.diagnose.scale import scale
from gradcheck.explain.diagnose.subject import subjects
from gradcheck.explain.evidence import Evidence
from gradcheck.findings import Diagnosis

T = TypeVar("T")
# The largest relative error that passes for a second, small mistake.
TWO_MISTAKES = 1e-3
LONG = 100


def diagnose(evidence: Evidence, budget: Budget | None = None) -> tuple[Diagnosis, ...]:
    """The mistakes that explain a failed check, most likely first.

    Every hypothesis of the catalogue predicts from the true derivative what the claim would be had that
    mistake been made, and is kept only where the prediction is the claim, within the oracle's own bounds. Among
    those kept, the ones that explain all wrong leaves with the least are told first, their rivals after them.

    Parameters
    ----------
    evidence
        Claim beside truth for each leaf, and what f was computed from.
    budget
        How long it may take, without end by default; told what was not tried.

    Returns
    -------
    tuple of Diagnosis
        Empty only where no leaf is wrong.
    """
    budget = budget or Budget()
    with np.errstate(all="ignore"):
        guesses = [guess for hypothesis in OF_THE_WHOLE for guess in tested(hypothesis, evidence, budget)]
        for subject in subjects(evidence):
            guesses += [guess for hypothesis in OF_A_LEAF for guess in tested(hypothesis, subject, budget)]
            guesses += tested(LAST_WORD, subject, Budget())  # there is something to say, however late it is
        if not settled(guesses, evidence):
            guesses += _chain(evidence, budget)
            if price(guesses, evidence) >= PATTERN:
                guesses += [guess.approximate() for guess in _nearly(evidence, budget)]
        return tuple(ranked(guesses, evidence))


def _nearly(evidence: Evidence, budget: Budget) -> list[Guess]:
    """Guesses at a mistake that has a small second one beside it."""
    leaves = subjects(evidence, slack=TWO_MISTAKES)
    factors = [guess for subject in leaves for guess in tested(scale, subject, budget)]
    return factors + _chain(evidence, budget, slack=TWO_MISTAKES)


def _chain(evidence: Evidence, budget: Budget, slack: float = 0.0) -> list[Guess]:
    """Guesses at one altered derivative; with ``slack``, at one that has a small second mistake beside it."""
    found = {subject.number: subject for subject in subjects(evidence, slack)}
    circuit = circuit_of(evidence, found, budget)
    if circuit is None:
        return []
    # a function that takes many steps has too many places for a mistake beside another
    if slack and len(circuit.nodes) > LONG:
        return []
    return [guess for hypothesis in OF_THE_CHAIN for guess in tested(hypothesis, circuit, budget)]


def tested(hypothesis: Callable[[T], Iterator[Guess]], about: T, budget: Budget) -> list[Guess]:
    """What the hypothesis has to say within the budget; nothing where it breaks down.

    The check has failed already when this runs, and its report must not be lost to an oddity of the function
    under check: a rule of autograd's that cannot take what is handed to it, an argument that is no array.
    """
    found: list[Guess] = []
    try:
        if not budget.spent:
            found.extend(hypothesis(about))
    except Exception:
        return []
    if budget.spent:
        budget.gives_up(hypothesis.__name__)
    return found
