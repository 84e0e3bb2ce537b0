"""One point from the first look to the judgement: precision, noise and randomness of f and claim."""

import numpy as np
import pytest

from gradcheck import check_grad, check_hvp, check_jvp, check_vjp
from tests.kinds import kinds
from tests.kinds.kind import scaled

X = np.array([0.7, -1.3, 2.1, 0.4])
W = np.random.default_rng(0).normal(size=(3, 4))


def report_of(f, claim, *args, **options):
    return check_grad(f, claim, *args, raise_on_failure=False, **options)


def f(x):
    return np.sum(np.tanh(W @ x))


def grad(x):
    return W.T @ (1.0 - np.tanh(W @ x) ** 2)


SINGLE_W = W.astype(np.float32)


def single_f(x):
    return np.sum(np.tanh(SINGLE_W @ x.astype(np.float32)))


def single_grad(x):
    return SINGLE_W.T @ (np.float32(1.0) - np.tanh(SINGLE_W @ x.astype(np.float32)) ** 2)


ORACLES = pytest.mark.parametrize("oracles", [None, "differences"])


# --- precision -----------------------------------------------------------------------------------------------


@ORACLES
def test_a_single_precision_claim_of_a_single_precision_f_passes_at_a_double_point_with_a_remark(
    oracles,
) -> None:
    report = report_of(single_f, single_grad, X, oracles=oracles)

    assert report.ok, str(report)
    assert any("float32" in note for note in report.notes)


@pytest.mark.parametrize(("kind", "seed"), [("log-sum-exp", 87), ("log-sum-exp", 1000), ("tanh layer", 106)])
def test_half_precision_is_not_taken_for_less_where_a_few_values_lack_its_last_bits(kind, seed) -> None:
    (drawn,) = (one for one in kinds() if one.name == f"inside/float16, {kind}")

    report = scaled(drawn.draw(seed), 2.0).report(seed=seed)

    assert report.verdict == "fail", str(report)
    assert not [note for note in report.notes if "beside the point" in note], str(report)


@ORACLES
def test_its_wrong_twin_fails(oracles) -> None:
    report = report_of(single_f, lambda x: np.float32(1.1) * single_grad(x), X, oracles=oracles)

    assert report.verdict == "fail", str(report)
    assert "dtype" not in [diagnosis.kind for diagnosis in report.diagnoses]


@ORACLES
def test_a_single_precision_claim_of_a_double_f_fails_as_dtype(oracles) -> None:
    report = report_of(f, lambda x: grad(x).astype(np.float32), X, oracles=oracles)

    assert report.verdict == "fail", str(report)
    assert report.diagnoses[0].kind == "dtype"


def test_a_half_precision_claim_of_a_single_precision_f_fails_as_dtype() -> None:
    report = report_of(single_f, lambda x: single_grad(x).astype(np.float16), X)

    assert report.verdict == "fail", str(report)
    assert report.diagnoses[0].kind == "dtype"


def test_a_double_claim_of_a_single_precision_point_passes_without_a_remark() -> None:
    report = report_of(f, grad, X.astype(np.float32))

    assert report.ok, str(report)
    assert not any("float32" in note for note in report.notes)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [4.0, 6.0, 8.0])
def test_a_saturated_single_precision_unit_is_not_accused(size, seed) -> None:
    """1 - tanh^2 in float32 keeps two digits of 1e-5; that is rounding of the claim's own."""
    generator = np.random.default_rng(seed)
    a = generator.normal(size=3).astype(np.float32)
    x = (size * a / np.sum(a**2)).astype(np.float32)
    report = report_of(lambda x: np.tanh(a @ x), lambda x: (np.float32(1.0) - np.tanh(a @ x) ** 2) * a, x)

    assert report.verdict != "fail", str(report)


def slope(x):
    return np.float32(1.0) - np.tanh(x) ** 2


LINEAR = {
    "vjp": (check_vjp, np.tanh, lambda u, x: slope(x) * u),
    "jvp": (check_jvp, np.tanh, lambda v, x: slope(x) * v),
    "hvp": (
        check_hvp,
        lambda x: np.sum(np.tanh(x)),
        lambda v, x: np.float32(-2.0) * np.tanh(x) * slope(x) * v,
    ),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", LINEAR)
def test_the_other_kinds_of_claims_in_single_precision(kind, seed) -> None:
    check, function, claim = LINEAR[kind]
    x = np.random.default_rng(seed).normal(size=4).astype(np.float32)
    tilted = np.float32([1.0, 1.0, 1.1, 1.0])

    assert check(function, claim, x, raise_on_failure=False).ok
    wrong = check(function, lambda v, x: tilted * claim(v, x), x, raise_on_failure=False)
    assert wrong.verdict == "fail", str(wrong)


# --- run-to-run noise ----------------------------------------------------------------------------------------


class Noisy:
    """A function any two calls of which differ by up to a share, as threads and accelerators make it."""

    def __init__(self, function, share, seed=0):
        self.function, self.share = function, share
        self.generator = np.random.default_rng(seed)
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        plain = np.asarray(self.function(np.asarray(x)))
        return plain * (1.0 + self.share * self.generator.uniform(-0.5, 0.5, plain.shape))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noisy", ["f", "claim", "both"])
def test_noise_from_run_to_run_widens_the_bar_and_passes(noisy, seed) -> None:
    value = Noisy(f, 1e-12, seed) if noisy in ("f", "both") else f
    claim = Noisy(grad, 1e-12, seed) if noisy in ("claim", "both") else grad
    report = report_of(value, claim, X, seed=seed)
    quiet = report_of(f, grad, X, seed=seed)

    assert report.ok, str(report)
    assert report.leaves[0].resolution >= quiet.leaves[0].resolution


@pytest.mark.parametrize("seed", range(5))
def test_an_error_far_above_the_noise_fails(seed) -> None:
    wrong = Noisy(lambda x: grad(x) * [1.0, 1.0, 1.001, 1.0], 1e-12, seed)

    assert report_of(Noisy(f, 1e-12, seed), wrong, X, seed=seed).verdict == "fail"
    assert report_of(f, wrong, X, seed=seed).verdict == "fail"


@pytest.mark.parametrize("seed", range(5))
def test_a_dropout_mask_drawn_anew_is_inconclusive(seed) -> None:
    generator = np.random.default_rng(seed)

    def dropped(x):
        return np.sum(np.tanh(W @ x) * (generator.random(3) < 0.5))

    report = report_of(dropped, grad, X, seed=seed)

    assert report.verdict == "inconclusive", str(report)
    assert "random" in report.reasons[0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("drift", [1e-6, 1e-3])
def test_a_drift_from_call_to_call_is_inconclusive(drift, seed) -> None:
    """Running means, warm starts: each call begins where the last one ended."""
    calls = [seed]

    def drifting(x):
        calls[0] += 1
        return f(x) * (1.0 + drift * calls[0])

    report = report_of(drifting, grad, X, seed=seed)

    assert report.verdict == "inconclusive", str(report)
    assert "keeps state" in report.reasons[0]


@pytest.mark.parametrize("drift", [1e-6, 1e-3])
def test_a_claim_that_drifts_is_nondeterministic(drift) -> None:
    calls = [0]

    def drifting(x):
        calls[0] += 1
        return grad(x) * (1.0 + drift * calls[0])

    report = report_of(f, drifting, X)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "nondeterministic"


def test_an_f_that_turns_random_after_its_first_calls_is_not_held_against_the_claim() -> None:
    """Two calls that agree by luck: before a fail f is asked a third time."""
    calls = [0]

    def turning(x):
        calls[0] += 1
        return f(x) * (1.0 if calls[0] <= 2 else 1.5 + 0.1 * calls[0])

    report = report_of(turning, grad, X, oracles="differences")

    assert report.verdict == "inconclusive", str(report)
    assert "keeps state" in report.reasons[0]


def test_noise_costs_no_evaluations_without_bound() -> None:
    quiet, loud = Noisy(f, 0.0), Noisy(f, 1e-12)
    report_of(quiet, grad, X)
    report_of(loud, Noisy(grad, 1e-12), X)

    assert loud.calls <= quiet.calls + 40


@pytest.mark.parametrize("size", [8.0, 10.0, 12.0, 15.0])
def test_a_zero_that_single_precision_leaves_of_a_saturated_unit_is_not_accused_by_differences(size) -> None:
    """1 - tanh(10)^2 is 8e-9, and 0 in float32: double precision sees f move."""
    x = np.float32([size, 0.4])
    report = report_of(
        lambda x: np.sum(np.tanh(x)), lambda x: np.float32(1.0) - np.tanh(x) ** 2, x, oracles="differences"
    )

    assert report.verdict != "fail", str(report)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("curved", [False, True])
def test_sums_over_centred_data_in_single_precision_are_not_accused(curved, seed) -> None:
    """What is left of a column of float32 numbers that were centred is rounding, and no argument takes part in it."""
    generator = np.random.default_rng(seed)
    A = generator.normal(size=(200, 4)).astype(np.float32)
    A -= A.mean(axis=0)
    w = generator.normal(size=4).astype(np.float32)
    two = np.float32(2.0 * curved)
    report = report_of(lambda w: np.sum(A @ w) + curved * np.sum(w**2), lambda w: A.sum(axis=0) + two * w, w)

    assert report.verdict != "fail", str(report)


@pytest.mark.parametrize("seed", [47, 77, 126])
def test_outputs_that_cancel_in_single_precision_keep_autograd_s_voice(seed) -> None:
    """The value in double is held against f's in single: relative to what f adds up, not to what is left of it."""
    generator = np.random.default_rng(seed)
    a = generator.normal(size=5).astype(np.float32)
    W, three, one = generator.normal(size=(4, 5)).astype(np.float32), np.float32(3.0), np.float32(1.0)
    report = report_of(
        lambda W: np.sum(np.tanh(W @ a * three)),
        lambda W: (three * (one - np.tanh(W @ a * three) ** 2))[:, None] * a,
        W,
        seed=seed,
    )

    assert report.oracles[0].used, report.oracles[0].note
    assert report.ok, str(report)


# --- overflow in a narrow type ------------------------------------------------------------------------------------
GROWING = {
    "exp": (np.exp, np.exp),
    "cosh": (np.cosh, np.sinh),
    "square": (lambda x: (1e20 * x) ** 2, lambda x: 2e20 * (1e20 * x)),
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_claim_that_overflows_where_f_does_is_not_accused(name, dtype) -> None:
    g, prime = GROWING[name]
    x = np.array([0.5, 250.0], dtype)
    with np.errstate(over="ignore"):
        report = report_of(lambda x: np.sum(g(x)), prime, x)
    assert report.verdict == "inconclusive"
    assert "f is inf at this point" in report.reasons[0]


@pytest.mark.parametrize("value", [-700.0, -200.0])
def test_where_a_zero_is_looked_at_beside_the_point_f_has_not_overflowed(value) -> None:
    with np.errstate(over="ignore"):
        assert report_of(lambda x: np.sum(np.exp(x)), np.exp, np.array([value], np.float32)).verdict == "pass"


def test_a_claim_that_overflows_where_f_does_not_is_accused_as_ever() -> None:
    def log_sum_exp(x):
        return np.max(x) + np.log(np.sum(np.exp(x - np.max(x))))

    with np.errstate(over="ignore", invalid="ignore"):
        report = report_of(log_sum_exp, lambda x: np.exp(x) / np.sum(np.exp(x)), np.float32([100.0, 3.0]))
    assert report.verdict == "fail"


# --- a function that is zero everywhere -----------------------------------------------------------------------------
def normalized(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def normalized_backward(d, x):
    n, s = normalized(x), np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return (d - d.mean(-1, keepdims=True) - n * (d * n).mean(-1, keepdims=True)) / s


ZERO_EVERYWHERE = {
    "odd of two": (
        lambda x: np.sum(np.sin(normalized(x))),
        lambda x: normalized_backward(np.cos(normalized(x)), x),
    ),
    "sum": (lambda x: np.sum(normalized(x)), lambda x: normalized_backward(np.ones_like(x), x)),
    "weighted": (
        lambda x: 0.3 * np.sum(normalized(x) * 0.7),
        lambda x: normalized_backward(0.3 * 0.7 * np.ones_like(x), x),
    ),
    "cube": (lambda x: np.sum(normalized(x) ** 3), lambda x: normalized_backward(3 * normalized(x) ** 2, x)),
}


@pytest.mark.parametrize("name", ZERO_EVERYWHERE)
@pytest.mark.parametrize("shape", [(1, 2), (4, 5)])
def test_what_rounding_leaves_of_a_derivative_that_is_zero_everywhere_is_not_accused(name, shape) -> None:
    f, claim = ZERO_EVERYWHERE[name]
    for seed in range(6):
        x = np.random.default_rng(seed).standard_normal(shape)
        assert report_of(f, claim, x, seed=seed).verdict != "fail"


@pytest.mark.parametrize("many", [1.0, 1e4, 1e8, 1e10])
@pytest.mark.parametrize("name", ZERO_EVERYWHERE)
def test_nor_where_it_is_many_times_that(name, many) -> None:
    f, claim = ZERO_EVERYWHERE[name]
    for seed in range(6):
        x = np.random.default_rng(seed).standard_normal((6, 4))
        assert report_of(lambda x: many * f(x), lambda x: many * claim(x), x).verdict != "fail"


@pytest.mark.parametrize("off", [1e-6, 1e-3, 1.0])
@pytest.mark.parametrize("name", ZERO_EVERYWHERE)
def test_what_is_left_of_terms_that_cancel_has_no_few_digits_behind_which_a_wrong_claim_hides(
    name, off
) -> None:
    f, claim = ZERO_EVERYWHERE[name]
    for seed in range(12):
        x = np.random.default_rng(seed).standard_normal((6, 4))
        assert report_of(f, lambda x: claim(x) + off * np.sin(x), x).verdict == "fail"
