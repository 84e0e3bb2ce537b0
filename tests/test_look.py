"""The first look: is f a function at this point, is the claim one, do they leave their arguments alone?"""

import numpy as np
import pytest

from gradcheck.ask.calls import Counted, undisturbed
from gradcheck.ask.look import alike, look_at_claim, look_at_function
from gradcheck.ask.point import point
from gradcheck.ask.reading import read

X = np.array([1.0, -2.0, 3.0])


def looked(f, *args):
    with undisturbed():
        return look_at_function(Counted(f, "f"), point(lambda x, data=None: x, args, None))


def asked(claim, *args):
    where = point(lambda x, data=None: x, args, 0)
    counted = Counted(claim, "grad")
    with undisturbed():
        look = look_at_function(Counted(lambda *_: 1.0, "f"), where)
        found = look_at_claim(counted, lambda at: read(where, counted(*at), "grad"), where, look)
    return found, counted.calls


def test_f_is_called_twice_and_its_output_kept() -> None:
    counted = Counted(lambda x: {"a": x**2, "b": float(np.sum(x))}, "f")
    look = look_at_function(counted, point(lambda x: x, (X,), None))

    assert counted.calls == 2
    assert look.reasons == ()
    assert look.conduct == ()
    assert np.array_equal(look.y, [1, 4, 9, 2])
    assert np.array_equal(look.output["a"], X**2)


def test_an_output_that_is_an_argument_or_a_buffer_is_copied() -> None:
    buffer = np.empty(3)

    def f(x):
        return np.multiply(x, 2.0, out=buffer)

    look = looked(f, X)
    buffer[:] = 0.0

    assert np.array_equal(look.output, 2.0 * X)
    assert np.array_equal(look.y, 2.0 * X)


@pytest.mark.parametrize(
    "f, words",
    [
        (lambda x: 1.0 / 0, "f raised ZeroDivisionError"),
        (lambda x: None, "f returned None"),
        (lambda x: np.nan, "f is nan at this point"),
        (lambda x: np.log(x), "f is nan at entry 1 of its output"),
        (lambda x: np.inf, "f is inf at this point"),
    ],
)
def test_reasons(f, words) -> None:
    look = looked(f, X)

    assert len(look.reasons) == 1
    assert words in look.reasons[0]


def test_a_random_f_is_seen_by_its_second_call() -> None:
    values = iter(range(10))

    assert "f is random" in looked(lambda x: float(next(values)), X).reasons[0]


@pytest.mark.parametrize("place", [0, 3, 9])
def test_what_two_calls_returned_is_shown_where_and_as_far_as_it_differs(place) -> None:
    other = np.ones(10)
    other[place] += 3e-10
    values = iter([np.ones(10), other])

    (reason,) = looked(lambda x: next(values), X).reasons

    assert "1.0000000003" in reason
    assert reason.count("...") == 2 * (2 if place == 3 else 1)


def test_an_f_with_outputs_of_different_sizes_is_seen() -> None:
    values = iter([np.ones(2), np.ones(3)])

    assert looked(lambda x: next(values), X).reasons


def test_rounding_from_call_to_call_is_no_randomness() -> None:
    values = iter([1.0, 1.0 + 2.0**-52])

    assert looked(lambda x: next(values), X).reasons == ()


@pytest.mark.parametrize("noise, kept", [(1e-13, True), (1e-12, True), (1e-9, False), (1e-3, False)])
def test_run_to_run_noise_is_measured_up_to_what_the_precision_explains(noise, kept) -> None:
    values = iter([1.1, 1.1 * (1.0 + noise)])
    look = looked(lambda x: next(values), X)

    assert (look.reasons == ()) is kept
    if kept:
        assert look.spread == pytest.approx([1.1 * noise], rel=1e-2)


@pytest.mark.parametrize("noise, kept", [(5e-15, True), (1e-9, False)])
def test_rounding_of_terms_that_cancel_is_held_against_their_size(noise, kept) -> None:
    values = iter([1e-16, noise])

    def f(x):  # a sum whose terms cancel at X and nowhere else, in another order each time
        return next(values) if np.array_equal(x, X) else np.sum(x - X)

    assert (looked(f, X).reasons == ()) is kept


@pytest.mark.parametrize("noise, kept", [(5e-15, True), (1e-9, False)])
def test_a_claim_at_an_optimum_may_round_from_call_to_call(noise, kept) -> None:
    rng = np.random.default_rng(0)

    def claim(x):
        return 2.0 * (x - X) + noise * rng.standard_normal(3)

    found, _ = asked(claim, X)

    assert (found.conduct == ()) is kept


def test_overflow_in_single_precision_alone_is_lived_with() -> None:
    look = looked(lambda x: np.log(np.sum(np.exp(x))), np.float32([100.0, 3.0]))

    assert look.reasons == ()
    assert look.y == pytest.approx([100.0])


def test_writing_is_noted_and_the_next_call_gets_a_copy() -> None:
    def f(x):
        x *= 2.0
        return np.sum(x)

    look = looked(f, X)

    assert look.reasons == ()
    assert [diagnosis.kind for diagnosis in look.conduct] == ["mutates_input"]


def test_the_reading_is_that_of_the_first_call() -> None:
    found, calls = asked(lambda x: 2.0 * x, X)

    assert calls == 2
    assert found.conduct == ()
    assert np.array_equal(found.reading.flat, 2.0 * X)


def test_a_claim_that_raises_has_no_reading() -> None:
    def claim(x):
        raise KeyError("cache")

    found, _ = asked(claim, X)

    assert found.reading is None
    assert "grad raised KeyError: 'cache'" in found.conduct[0].message


def test_a_claim_that_accumulates_is_not_a_function() -> None:
    total = np.zeros(3)

    def claim(x):
        np.add(total, 2.0 * x, out=total)  # the gradient of the last call was never cleared
        return total.copy()

    found, _ = asked(claim, X)

    assert [diagnosis.kind for diagnosis in found.conduct] == ["nondeterministic"]


def test_a_claim_that_writes_into_data_is_noted_by_name() -> None:
    def claim(x, data):
        data["seen"] += 1.0
        return 2.0 * x

    found, _ = asked(claim, X, {"seen": np.zeros(2)})

    assert found.conduct[0].kind == "mutates_input"
    assert "data['seen']" in found.conduct[0].message


@pytest.mark.parametrize(
    "one, other, expected",
    [
        (X, X.copy(), True),
        (X, X * (1.0 + 1e-15), True),
        (X, X * (1.0 + 1e-11), False),
        (np.array([np.nan, 1.0]), np.array([np.nan, 1.0]), True),
        (np.array([np.nan, 1.0]), np.array([1.0, 1.0]), False),
        (X, X[:2], False),
        (np.array([1e300, 1e-3]), np.array([1e300, 2e-3]), True),
        (np.zeros(2), np.zeros(2), True),
    ],
)
def test_two_results_are_one_but_for_rounding(one, other, expected) -> None:
    assert alike(one, other, 1e-13) is expected
