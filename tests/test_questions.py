"""The plan of a check: which questions, in the light of which facts, and at what cost."""

import numpy as np
import pytest

from gradcheck.findings import Verdict
from gradcheck.judge.entrywise import compare
from gradcheck.judge.facts import Case, Fact, Purpose
from gradcheck.judge.judge import case_of, judge
from gradcheck.judge.kinks import Ruling
from gradcheck.judge.questions import plan
from gradcheck.judge.slope import HIDDEN, Slope
from gradcheck.oracles.ball import Ball, Relation
from tests.pairings import Tally, answer, pairing

X = np.array([0.7, -1.3, 2.1, 0.4])


def waves(x):
    return float(np.sum(np.sin(2.0 * x)))


def waves_grad(x):
    return 2.0 * np.cos(2.0 * x)


def wrong(x):
    return waves_grad(x) * [1.0, 1.0, 1.1, 1.0]


def case(claim=waves_grad, autograd=waves_grad, f=waves, x=X, rtol=1e-3, differences=True, **fields):
    made = pairing(f, claim, x, **fields)
    told = None if autograd is None else compare(made, answer(autograd, x))
    return Case(made, told, rtol, False, differences)


def asked(made, *replies, seed=0):
    """The questions of a plan whose facts are ``replies``, the last one again and again."""
    questions, conversation = [], plan(made, np.random.default_rng(seed))
    reply = None
    try:
        while len(questions) < 50:
            question = next(conversation) if reply is None else conversation.send(reply)
            questions.append(question)
            made_by = replies[min(len(questions), len(replies)) - 1]
            reply = made_by(question, made)
    except StopIteration:
        return questions
    raise AssertionError("the plan asks without end")


def seeing(value=None, error=1e-9, **fields):
    """A fact maker: differences say ``value`` (None: what the claim says)."""

    def reply(question, made):
        claimed = float(made.pairing.claim.value @ question.v)
        told = claimed if value is None else value
        autograd = None
        if made.entries is not None:
            autograd = Ball(np.asarray(made.entries.autograd.value @ question.v), np.asarray(0.0))
        claim = Ball(np.asarray(claimed), np.asarray(0.0))
        return Fact(
            question, claim, autograd, Slope(told, told, error), made.pairing.span(question.v), **fields
        )

    return reply


def for_autograd(question, made):
    return seeing(float(made.entries.autograd.value @ question.v))(question, made)


def hidden(question, made):
    fact = seeing()(question, made)
    return Fact(question, fact.claim, fact.autograd, HIDDEN, fact.size)


def purposes(questions):
    return [question.purpose for question in questions]


def test_agreement_is_guarded_by_one_question() -> None:
    assert purposes(asked(case(), seeing())) == [Purpose.GUARD]


def test_a_guard_that_differs_is_asked_again_in_another_direction() -> None:
    first, second = asked(case(), seeing(1e3))

    assert first.purpose is second.purpose is Purpose.GUARD
    assert not np.array_equal(first.v, second.v)


def test_without_differences_agreement_asks_nothing() -> None:
    assert asked(case(differences=False), seeing()) == []


@pytest.mark.parametrize("differences", [True, False])
def test_a_disagreement_is_put_to_differences_along_the_entries_that_differ(differences) -> None:
    made = case(wrong, differences=differences)
    (question,) = asked(made, for_autograd)

    assert question.purpose is Purpose.ARBITER
    assert np.flatnonzero(question.v).tolist() == [2]
    assert float(made.entries.gap @ question.v) > 0.0


def test_many_disagreements_count_in_one_sense() -> None:
    for seed in range(20):
        scale = 1.0 + 0.1 * np.random.default_rng(seed).normal(size=4)
        made = case(lambda x, scale=scale: waves_grad(x) * scale)
        question = asked(made, for_autograd, seed=seed)[0]
        assert np.all(made.entries.gap * question.v >= 0.0)


@pytest.mark.parametrize("reply", [seeing(), seeing(1e3)], ids=["the claim", "neither"])
def test_where_autograd_is_not_supported_differences_are_asked_alone(reply) -> None:
    questions = asked(case(wrong), reply, seeing())

    assert purposes(questions) == [Purpose.ARBITER, Purpose.GROUP]


def test_where_the_gap_is_hidden_a_guard_is_asked() -> None:
    assert purposes(asked(case(wrong), hidden, seeing())) == [Purpose.ARBITER, Purpose.GUARD]


def test_differences_alone_ask_in_groups_from_large_to_small_and_along_zeros_at_last() -> None:
    slopes = np.array([1e6, 1.0, 1e-6, 0.0])
    made = case(lambda x: slopes, None, lambda x: float(slopes @ x))
    questions = asked(made, seeing(error=1e-12))

    assert purposes(questions)[-1] is Purpose.FLAT
    masks = [np.flatnonzero(question.mask).tolist() for question in questions]
    assert masks[-1] == [3]
    assert sorted({index for mask in masks[:-1] for index in mask}) in ([0, 1, 2], [0, 1])
    assert masks[0][0] == 0


def test_a_group_that_is_apart_ends_it() -> None:
    slopes = np.array([1e9, 1e9, 1.0, 0.0])
    made = case(lambda x: slopes, None, lambda x: float(slopes @ x))

    assert purposes(asked(made, seeing(0.0))) == [Purpose.GROUP]


def test_a_claim_of_zeros_alone_is_asked_whether_f_stands_still() -> None:
    for autograd in (None, np.zeros_like):
        (question,) = asked(case(np.zeros_like, autograd, lambda x: 3.0), seeing(0.0))
        assert question.purpose is Purpose.FLAT
        assert question.mask.all()


def test_a_kink_that_is_untold_ends_the_groups() -> None:
    untold = seeing(ruling=Ruling(Relation.UNTOLD, ()))

    assert purposes(asked(case(autograd=None), untold)) == [Purpose.GROUP]


def test_a_dull_look_at_many_entries_buys_further_directions_but_not_many() -> None:
    x = np.linspace(0.5, 1.5, 100)
    made = case(waves_grad, None, x=x)
    error = 2e-4 * made.pairing.span(x)
    questions = asked(made, seeing(error=error))

    groups = [question for question in questions if question.purpose is Purpose.GROUP]
    assert 1 < len(groups) <= 36
    assert len({question.v.tobytes() for question in groups}) == len(groups)


def test_the_plan_ends_however_noisy_the_facts() -> None:
    slopes = 10.0 ** np.random.default_rng(0).uniform(-8, 2, 200)
    x = np.ones(200)
    for error in (0.0, 1e-9, 1e-3, 1.0, np.inf):
        made = case(lambda x: slopes, None, lambda x: float(slopes @ x), x)
        assert len(asked(made, seeing(error=error))) <= 40


def test_the_same_seed_asks_the_same_directions() -> None:
    one, again, other = (asked(case(), seeing(), seed=seed)[0].v for seed in (1, 1, 2))

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("autograd", [None, waves_grad])
def test_a_pass_costs_four_evaluations(size, autograd) -> None:
    tally = Tally()
    x = np.linspace(0.6, 1.4, size)
    made = pairing(waves, waves_grad, x, tally=tally)
    told = None if autograd is None else answer(autograd, x, whole=True)
    judgement = judge(case_of(made, told, 1e-3), np.random.default_rng(0))

    assert judgement.verdict is Verdict.PASS
    assert tally.calls == 4
