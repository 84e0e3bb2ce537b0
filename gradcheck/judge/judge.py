"""Is the claimed gradient of a pairing right, and how sharp was the look? Questions, facts, one decision."""

from __future__ import annotations

from functools import cache

import numpy as np

from gradcheck.judge.answers import answer
from gradcheck.judge.decide import Judgement, decide
from gradcheck.judge.entrywise import compare
from gradcheck.judge.facts import Case, Fact
from gradcheck.judge.pairing import Pairing
from gradcheck.judge.questions import plan
from gradcheck.judge.rounding import measured
from gradcheck.oracles.answer import Answer


def case_of(
    pairing: Pairing, autograd: Answer | None, rtol: float, strict: bool = False, differences: bool = True
) -> Case:
    """The claim of ``pairing`` beside autograd, where that is heard.

    Without ``differences`` autograd's word is enough for a pass; before a fail they are asked all the same. With
    ``strict`` (the user stated ``rtol``) a leaf that is not resolved to ``rtol`` makes the check inconclusive.
    """
    entries = None if autograd is None else compare(pairing, autograd)
    return Case(pairing, entries, rtol, strict, differences)


def judge(case: Case, generator: np.random.Generator) -> Judgement:
    """Ask every oracle at hand while the facts so far leave questions, and decide."""
    measure = cache(lambda: measured(case.pairing.claim, case.pairing))
    facts: list[Fact] = []
    questions = plan(case, generator)
    question = next(questions, None)
    while question is not None:
        facts.append(answer(question, case, measure))
        try:
            question = questions.send(facts[-1])
        except StopIteration:
            question = None
    return decide(case, facts)
