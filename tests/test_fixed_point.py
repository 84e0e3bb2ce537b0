"""Functions that round: their values to so many decimals, or bits behind the point, or their arguments."""

import ml_dtypes
import numpy as np
import pytest

import gradcheck
from gradcheck import Verdict

SEEDS = range(4)

ROUNDED = {
    "six decimals": lambda value: round(float(value), 6),
    "six digits": lambda value: float(f"{value:.6g}"),
    "twenty bits behind the point": lambda value: int(value * 2**20) / 2**20,
}


def log_sum_exp(random):
    def f(z):
        return np.log(np.sum(np.exp(z - z.max()))) + z.max()

    def gradient(z):
        e = np.exp(z - z.max())
        return e / e.sum()

    return f, gradient, 3.0 * random.normal(size=7)


def log_determinant(random):
    def f(factor):
        return np.linalg.slogdet(factor @ factor.T + np.eye(4))[1]

    def gradient(factor):
        return 2.0 * np.linalg.solve(factor @ factor.T + np.eye(4), factor)

    return f, gradient, random.normal(size=(4, 4))


def hinge(random):
    inputs, labels = random.normal(size=(12, 4)), np.sign(random.normal(size=12))

    def f(w):
        return np.mean(np.maximum(1.0 - labels * (inputs @ w), 0.0))

    def gradient(w):
        return -inputs.T @ (labels * (labels * (inputs @ w) < 1.0)) / 12.0

    return f, gradient, random.normal(size=4)


def least_squares(random):
    inputs, targets = random.normal(size=(30, 5)), random.normal(size=30)

    def f(w):
        return np.mean((inputs @ w - targets) ** 2)

    def gradient(w):
        return inputs.T @ (inputs @ w - targets) / 15.0

    return f, gradient, random.normal(size=5)


FUNCTIONS = [log_sum_exp, log_determinant, hinge, least_squares]


def checked(make, rounding, seed, factor):
    f, gradient, x = make(np.random.default_rng(seed))
    report = gradcheck.check_grad(
        lambda x: ROUNDED[rounding](f(x)), lambda x: factor * gradient(x), x, raise_on_failure=False
    )
    return report, gradient(x)


@pytest.mark.parametrize("rounding", ROUNDED)
@pytest.mark.parametrize("make", FUNCTIONS)
def test_right_gradients_of_rounded_values_pass(make, rounding) -> None:
    assert [checked(make, rounding, seed, 1.0)[0].verdict for seed in SEEDS] == [Verdict.PASS] * len(SEEDS)


@pytest.mark.parametrize("rounding", ROUNDED)
@pytest.mark.parametrize("make", FUNCTIONS)
def test_twice_the_gradient_fails_beside_a_truth_that_holds(make, rounding) -> None:
    report, truth = checked(make, rounding, SEEDS[0], 2.0)

    assert report.verdict is Verdict.FAIL
    for entry in report.leaves[0].entries:
        assert abs(entry.truth - truth[entry.index]) <= entry.bound


def test_a_step_function_does_not_pass_for_a_rounded_smooth_one() -> None:
    x = np.random.default_rng(0).normal(size=6)
    right = gradcheck.check_grad(lambda x: np.mean(x > 0.1), lambda x: np.zeros(6), x, raise_on_failure=False)
    wrong = gradcheck.check_grad(
        lambda x: np.mean(x > 0.1), lambda x: np.full(6, 0.1), x, raise_on_failure=False
    )

    assert (right.verdict, wrong.verdict) == (Verdict.PASS, Verdict.FAIL)


ARGUMENTS = {
    "eight digits": lambda x: np.vectorize(lambda value: float(f"{value:.8g}"))(x),
    "single precision": lambda x: np.float32(x).astype(float),
    "half precision": lambda x: np.float16(x).astype(float),
    "bfloat16": lambda x: x.astype(ml_dtypes.bfloat16).astype(float),
    "bfloat16 in single precision": lambda x: x.astype(ml_dtypes.bfloat16).astype(np.float32),
    "three decimals": lambda x: np.round(x, 3),
    "24 bits behind the point": lambda x: np.rint(x * 2**24).astype(np.int64) / 2**24,
}


@pytest.mark.parametrize("rounding", ARGUMENTS)
@pytest.mark.parametrize("make", [log_sum_exp, log_determinant, least_squares])
def test_an_f_that_rounds_its_arguments_is_judged_over_longer_steps(make, rounding) -> None:
    verdicts = {1.0: [], 3.0: []}
    for seed in SEEDS:
        f, gradient, x = make(np.random.default_rng(seed))
        for factor, told in verdicts.items():
            report = gradcheck.check_grad(
                lambda x, f=f: f(ARGUMENTS[rounding](x)),
                lambda x, gradient=gradient, factor=factor: factor * gradient(x),
                x,
                raise_on_failure=False,
            )
            told.append(report.verdict)

    assert verdicts == {1.0: [Verdict.PASS] * len(SEEDS), 3.0: [Verdict.FAIL] * len(SEEDS)}


@pytest.mark.parametrize("rounding", ["eight digits", "single precision", "24 bits behind the point"])
@pytest.mark.parametrize("make", [log_sum_exp, hinge, least_squares])
def test_the_truth_of_an_f_that_rounds_its_arguments_holds(make, rounding) -> None:
    f, gradient, x = make(np.random.default_rng(1))
    report = gradcheck.check_grad(
        lambda x: f(ARGUMENTS[rounding](x)), lambda x: 1.3 * gradient(x), x, raise_on_failure=False
    )

    assert report.verdict is Verdict.FAIL
    assert report.leaves[0].entries
    for entry in report.leaves[0].entries:
        assert abs(entry.truth - gradient(x)[entry.index]) <= entry.bound


def test_a_gradient_in_single_precision_is_as_precise_as_an_f_that_casts_to_it() -> None:
    f, gradient, x = least_squares(np.random.default_rng(0))
    report = gradcheck.check_grad(
        lambda x: f(np.float32(x).astype(float)), lambda x: gradient(x).astype(np.float32), x
    )

    assert any("float32" in note for note in report.notes)


def test_a_trace_that_holds_rounded_arguments_for_constant_is_contradicted_where_differences_show() -> None:
    for seed in SEEDS:
        x, c = np.random.default_rng(seed).normal(size=(2, 4, 8))

        def f(x, c=c):
            x = ARGUMENTS["24 bits behind the point"](x)
            return np.sum(c * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5))

        def gradient(x, c=c):
            size = np.sqrt(x.var(1, keepdims=True) + 1e-5)
            n = (x - x.mean(1, keepdims=True)) / size
            return (c - c.mean(1, keepdims=True) - n * (c * n).mean(1, keepdims=True)) / size

        assert gradcheck.check_grad(f, gradient, x, raise_on_failure=False).verdict is Verdict.PASS
