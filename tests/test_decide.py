"""The decision, on facts made by hand: every side and every purpose, and no fact is changed by it."""

import dataclasses

import numpy as np
import pytest

from gradcheck.findings import Verdict
from gradcheck.judge.decide import decide
from gradcheck.judge.entrywise import Entrywise
from gradcheck.judge.facts import Case, Fact, Purpose, Question, Side, supported
from gradcheck.judge.kinks import Kink, Ruling
from gradcheck.judge.reasons import Reason
from gradcheck.judge.slope import HIDDEN, Slope
from gradcheck.oracles.ball import Ball, Relation
from tests.pairings import pairing

X = np.array([0.7, -1.3, 2.1])
V = np.array([1.0, 1.0, 1.0])
ALL = np.ones(3, dtype=bool)
TRUTH = np.array([2.0, 3.0, 5.0])  # 10 along V

PAIRING = pairing(lambda x: float(TRUTH @ x), lambda x: TRUTH, X)
"""The claim of what only differences see: right."""


def ball(value, radius=0.0):
    return Ball(np.asarray(float(value)), np.asarray(float(radius)))


def slope(value, error=1e-9, **fields):
    return Slope(value, value, error, **fields)


def fact(purpose, claimed, found, autograd=None, size=10.0, **fields):
    told = None if autograd is None else ball(autograd)
    return Fact(Question(purpose, V, ALL), ball(claimed), told, found, size, **fields)


def case(claim=TRUTH, autograd=TRUTH, rtol=1e-3, strict=False, differences=True):
    entries = None
    if autograd is not None:
        wide = 1e-12 * np.abs(autograd)
        entries = Entrywise(Ball(np.asarray(claim), wide), Ball(np.asarray(autograd), wide), 0.0 * wide)
    return Case(PAIRING, entries, rtol, strict, differences)


KINKED = Slope(9.0, 11.0, 1e-9, smooth=False)


def ruled(relation, index=0, **fields):
    return Ruling(relation, (Kink(index, 1.0, 3.0, 2.0, relation),), **fields)


# --- which side differences support --------------------------------------------------------------------------

WRONG = np.array([2.0, 3.0, 6.0])  # 11 along V

SIDES = {
    "autograd's": (slope(10.0), Side.AUTOGRAD),
    "autograd's, coarsely": (slope(10.1, 0.2), Side.AUTOGRAD),
    "the claim's": (slope(11.0), Side.CLAIM),
    "the claim's, coarsely": (slope(10.9, 0.2), Side.CLAIM),
    "neither's": (slope(7.0), Side.NEITHER),
    "between the two": (slope(10.5), Side.NEITHER),
    "too coarse": (slope(10.0, 5.0), Side.HIDDEN),
    "not asked": (HIDDEN, Side.HIDDEN),
    "a kink near by, around the claim": (slope(10.5, 3.0, smooth=False), Side.NEAR_KINK),
    "no derivative": (Slope(np.nan, np.nan, np.inf, smooth=False), Side.BROKEN),
    "a jump away from the claim": (slope(20.0, 2.0, smooth=False), Side.BROKEN),
}


@pytest.mark.parametrize("name", SIDES)
def test_whom_differences_support(name) -> None:
    found, side = SIDES[name]

    assert supported(fact(Purpose.ARBITER, 11.0, found, autograd=10.0), magnitude=10.0) is side


def test_a_kink_that_was_ruled_on_is_nobody_s_side() -> None:
    asked = fact(Purpose.ARBITER, 11.0, KINKED, autograd=10.0, ruling=ruled(Relation.AGREE))

    assert supported(asked, magnitude=10.0) is Side.KINK


def test_a_third_answer_too_small_beside_f_is_f_s_rounding() -> None:
    asked = fact(Purpose.ARBITER, 11.0, slope(7.0), autograd=10.0)

    assert supported(asked, magnitude=1e5) is Side.NEITHER
    assert supported(asked, magnitude=1e7) is Side.HIDDEN


# --- a disagreement of claim and autograd --------------------------------------------------------------------


def arbitrated(found, *more, **fields):
    asked = fact(Purpose.ARBITER, 11.0, found, autograd=10.0, **fields)
    return decide(case(claim=WRONG), [asked, *more])


def test_differences_for_autograd_fail_the_claim_at_the_entries_that_differ() -> None:
    found = arbitrated(slope(10.0))

    assert found.verdict is Verdict.FAIL
    assert found.wrong.tolist() == [False, False, True]
    assert found.differences
    assert not found.discredited
    assert np.array_equal(found.truth.value, TRUTH)


@pytest.mark.parametrize("found", [slope(11.0), slope(7.0)], ids=["for the claim", "for neither"])
@pytest.mark.parametrize(
    "seen, verdict",
    [(slope(10.0), Verdict.PASS), (slope(4.0), Verdict.FAIL), (slope(10.0, 5.0), Verdict.INCONCLUSIVE)],
    ids=["agree", "apart", "too coarse"],
)
def test_differences_against_autograd_leave_the_judgement_to_differences(found, seen, verdict) -> None:
    judgement = arbitrated(found, fact(Purpose.GROUP, 10.0, seen))

    assert judgement.verdict is verdict
    assert judgement.discredited
    assert judgement.truth is None
    assert judgement.wrong is None


@pytest.mark.parametrize(
    "guards, verdict",
    [
        ([], Verdict.FAIL),
        ([fact(Purpose.GUARD, 11.0, slope(11.0), autograd=11.0)], Verdict.FAIL),
        ([fact(Purpose.GUARD, 11.0, slope(4.0), autograd=11.0)], Verdict.INCONCLUSIVE),
    ],
    ids=["nothing", "autograd", "nobody"],
)
def test_a_gap_that_rounding_hides_from_differences_is_autograd_s_word_where_it_is_seconded(
    guards, verdict
) -> None:
    judgement = arbitrated(HIDDEN, *guards)

    assert judgement.verdict is verdict
    if verdict is Verdict.FAIL:
        assert judgement.wrong.tolist() == [False, False, True]
        assert not judgement.differences


def test_a_hidden_gap_within_the_margin_is_no_fail() -> None:
    wide = np.full(3, 0.3)
    entries = Entrywise(Ball(WRONG, wide), Ball(TRUTH, wide), np.zeros(3))  # 1 apart: beyond 0.6, within 1.8
    asked = fact(Purpose.ARBITER, 11.0, HIDDEN, autograd=10.0)

    assert entries.apart.any()
    assert decide(dataclasses.replace(case(), entries=entries), [asked]).verdict is Verdict.PASS


def test_a_kink_too_near_is_inconclusive() -> None:
    judgement = arbitrated(slope(10.5, 3.0, smooth=False))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons[0].reason is Reason.NEAR_KINK


def test_where_differences_see_no_derivative_autograd_s_word_counts() -> None:
    judgement = arbitrated(Slope(np.nan, np.nan, np.inf, smooth=False))

    assert judgement.verdict is Verdict.FAIL
    assert not judgement.differences


@pytest.mark.parametrize(
    "relation, verdict",
    [
        (Relation.AGREE, Verdict.PASS),
        (Relation.APART, Verdict.FAIL),
        (Relation.UNTOLD, Verdict.INCONCLUSIVE),
    ],
)
def test_at_a_kink_the_ruling_decides(relation, verdict) -> None:
    judgement = arbitrated(KINKED, ruling=ruled(relation, index=2))

    assert judgement.verdict is verdict
    assert len(judgement.kinks) == 1
    assert judgement.wrong.tolist() == [False, False, relation is not Relation.AGREE]


def test_kinks_that_agree_one_by_one_but_not_together_are_told_as_torn() -> None:
    assert arbitrated(KINKED, ruling=ruled(Relation.APART, torn=True)).torn
    assert not arbitrated(KINKED, ruling=ruled(Relation.APART)).torn


# --- claim and autograd are one ------------------------------------------------------------------------------


def guarded(*facts, **fields):
    return decide(case(**fields), facts)


def test_without_any_question_autograd_s_word_is_a_pass() -> None:
    judgement = guarded(differences=False)

    assert judgement.verdict is Verdict.PASS
    assert not judgement.differences
    assert all(one.resolution < 1e-11 for one in judgement.seen)


def test_a_guard_that_agrees_is_a_pass_and_what_an_explanation_may_lean_on() -> None:
    asked = fact(Purpose.GUARD, 10.0, slope(10.0), autograd=10.0)
    judgement = guarded(asked)

    assert judgement.verdict is Verdict.PASS
    assert judgement.judged is asked
    assert judgement.differences


def test_a_guard_that_cannot_tell_is_a_pass_with_a_remark() -> None:
    judgement = guarded(fact(Purpose.GUARD, 10.0, slope(10.2, 0.1), autograd=10.0))

    assert judgement.verdict is Verdict.PASS
    assert [told.reason for told in judgement.remarks] == [Reason.UNRESOLVED]
    assert not judgement.differences


def test_a_guard_that_disagrees_is_held_against_nobody() -> None:
    one, two = (fact(Purpose.GUARD, 10.0, slope(value), autograd=10.0) for value in (7.0, 6.0))
    judgement = guarded(one, two)

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons[0].reason is Reason.DISAGREE
    assert "6" in judgement.reasons[0].words


def test_the_second_look_of_a_guard_counts() -> None:
    far, near = (fact(Purpose.GUARD, 10.0, slope(value), autograd=10.0) for value in (7.0, 10.0))

    assert guarded(far, near).verdict is Verdict.PASS


@pytest.mark.parametrize("relation", Relation)
def test_a_guard_at_a_kink_is_ruled(relation) -> None:
    judgement = guarded(fact(Purpose.GUARD, 10.0, KINKED, autograd=10.0, ruling=ruled(relation)))
    wanted = {
        Relation.AGREE: Verdict.PASS,
        Relation.APART: Verdict.FAIL,
        Relation.UNTOLD: Verdict.INCONCLUSIVE,
    }

    assert judgement.verdict is wanted[relation]


FLATS = {
    "it stands still": (slope(0.0), {}, Verdict.PASS, None),
    "it moves": (slope(1.0), {}, Verdict.FAIL, None),
    "a jump": (Slope(np.nan, np.nan, np.inf, smooth=False), {}, Verdict.INCONCLUSIVE, Reason.JUMP),
    "it cannot be told": (slope(0.0, 1.0), {"still": False}, Verdict.INCONCLUSIVE, Reason.FLATNESS),
}


@pytest.mark.parametrize("name", FLATS)
def test_entries_claimed_to_be_zero_by_differences_alone(name) -> None:
    found, fields, verdict, reason = FLATS[name]
    nothing = dataclasses.replace(case(autograd=None), pairing=pairing(lambda x: 3.0, np.zeros_like, X))
    judgement = decide(nothing, [fact(Purpose.FLAT, 0.0, found, size=0.0, **fields)])

    assert judgement.verdict is verdict
    assert [told.reason for told in judgement.reasons] == ([reason] if reason else [])


def test_autograd_s_zero_is_believed_where_flatness_cannot_be_told_but_not_beside_a_jump() -> None:
    found, fields, _, _ = FLATS["it cannot be told"]
    unclear = guarded(fact(Purpose.FLAT, 0.0, found, autograd=0.0, size=0.0, **fields))
    jump = guarded(fact(Purpose.FLAT, 0.0, FLATS["a jump"][0], autograd=0.0, size=0.0))

    assert unclear.verdict is Verdict.PASS
    assert [told.reason for told in unclear.remarks] == [Reason.FLATNESS]
    assert jump.verdict is Verdict.INCONCLUSIVE


# --- differences alone ---------------------------------------------------------------------------------------


def alone(*facts, **fields):
    return decide(case(autograd=None, **fields), facts)


GROUPS = {
    "agrees": (slope(10.0), Verdict.PASS, None),
    "apart": (slope(10.1), Verdict.FAIL, None),
    "too coarse": (slope(10.0, 1.0), Verdict.INCONCLUSIVE, Reason.NOISY),
    "at the edge": (slope(10.02, 0.008), Verdict.INCONCLUSIVE, Reason.EDGE),
    "rough": (Slope(np.nan, np.nan, np.inf, smooth=False), Verdict.INCONCLUSIVE, Reason.ROUGH),
}


@pytest.mark.parametrize("name", GROUPS)
def test_a_group(name) -> None:
    found, verdict, reason = GROUPS[name]
    judgement = alone(fact(Purpose.GROUP, 10.0, found))

    assert judgement.verdict is verdict
    assert [told.reason for told in judgement.reasons] == ([reason] if reason else [])
    assert judgement.truth is None


def test_one_group_apart_fails_whatever_the_others_say() -> None:
    good, bad = (fact(Purpose.GROUP, 10.0, slope(value)) for value in (10.0, 10.1))

    assert alone(good, bad).verdict is Verdict.FAIL
    assert alone(bad, good).verdict is Verdict.FAIL


def test_a_group_too_small_to_be_seen_beside_one_that_was_is_no_reason() -> None:
    good, dull = fact(Purpose.GROUP, 10.0, slope(10.0)), fact(Purpose.GROUP, 10.0, slope(10.0, 1.0))

    assert alone(good, dull).verdict is Verdict.PASS


def test_flatness_that_cannot_be_told_beside_a_group_that_was_seen_is_no_reason() -> None:
    good = fact(Purpose.GROUP, 10.0, slope(10.0))
    found, fields, _, _ = FLATS["it cannot be told"]

    assert alone(good, fact(Purpose.FLAT, 0.0, found, size=0.0, **fields)).verdict is Verdict.PASS
    assert alone(good, fact(Purpose.FLAT, 0.0, slope(1.0), size=0.0)).verdict is Verdict.FAIL


def test_a_coarse_look_passes_by_default_and_not_where_rtol_was_stated() -> None:
    wide = 1e-2 * TRUTH
    entries = Entrywise(Ball(TRUTH, wide), Ball(TRUTH, wide), np.zeros(3))
    loose = dataclasses.replace(case(), entries=entries)
    strict = dataclasses.replace(loose, strict=True)

    assert decide(loose, []).verdict is Verdict.PASS
    assert decide(loose, []).miss_probability == 1.0
    assert decide(strict, []).verdict is Verdict.INCONCLUSIVE
    assert decide(strict, []).reasons[0].reason is Reason.COARSE


# --- frozen --------------------------------------------------------------------------------------------------


def copied(value):
    """A deep picture of a dataclass: arrays as bytes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple((field.name, copied(getattr(value, field.name))) for field in dataclasses.fields(value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return tuple(map(copied, value)) if isinstance(value, tuple) else repr(value)


@pytest.mark.parametrize("relation", Relation)
def test_deciding_changes_no_fact_and_no_entry(relation) -> None:
    facts = (
        fact(Purpose.ARBITER, 11.0, KINKED, autograd=10.0, ruling=ruled(relation, index=2)),
        fact(Purpose.GUARD, 10.0, slope(10.0), autograd=10.0),
    )
    made = case(claim=WRONG)
    apart = made.entries.apart.copy()
    before = copied(facts), copied(made.entries)
    first, second = decide(made, facts), decide(made, facts)

    assert (copied(facts), copied(made.entries)) == before
    assert np.array_equal(made.entries.apart, apart)  # a mask of its own is edited, not the one that is kept
    assert copied(first) == copied(second)


@pytest.mark.parametrize(
    "made", [fact(Purpose.GUARD, 1.0, slope(1.0)), case(), slope(1.0), ruled(Relation.AGREE)]
)
def test_facts_are_frozen(made) -> None:
    name = dataclasses.fields(made)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, name, None)


def test_the_order_of_two_groups_changes_no_verdict() -> None:
    values = (slope(10.0), slope(10.0, 1.0), slope(10.1))
    for one in values:
        for other in values:
            pair = fact(Purpose.GROUP, 10.0, one), fact(Purpose.GROUP, 10.0, other)
            assert alone(*pair).verdict is alone(*reversed(pair)).verdict


def test_a_claim_of_which_nothing_was_seen_is_no_pass() -> None:
    judgement = alone(fact(Purpose.FLAT, 0.0, slope(0.0), size=0.0))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons[0].reason is Reason.DROWNED
