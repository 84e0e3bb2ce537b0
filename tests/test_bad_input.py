"""Bad input: the right verdict or a clear error that names the argument, and nothing of the caller's changed."""

import re
import warnings

import numpy as np
import pytest

import gradcheck
from gradcheck import check_grad, check_hvp, check_jacobian, check_vjp

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

X = np.array([1.0, -2.0, 3.0])


def square(x):
    return np.sum(x**2)


def double(x):
    return 2.0 * x


def told(report):
    """Everything the report says, on one line."""
    return re.sub(r"\s+", " ", str(report))


def verdict_of(f, claim, *args, **options):
    return check_grad(f, claim, *args, raise_on_failure=False, **options)


# --- NaN and infinities --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_input_that_is_not_finite_is_named_with_its_place(bad) -> None:
    report = verdict_of(square, double, np.array([1.0, bad, 3.0]))

    assert report.verdict == "inconclusive"
    assert f"its argument x holds {bad} at [1]" in told(report)


def test_a_data_argument_that_is_not_finite_is_named() -> None:
    data = {"batch": [np.ones(3), np.array([1.0, 2.0, np.nan])]}
    report = verdict_of(
        lambda w, data: np.sum(w * data["batch"][1]),
        lambda w, data: data["batch"][1] * 1.0,
        X,
        data,
        argnums=0,
    )

    assert report.verdict == "inconclusive"
    assert "data['batch'][1] holds nan at [2]" in told(report)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.log(np.sum(x) - 2.0 - 1.0),
        lambda x: np.sum(x) / np.float64(0.0),
        lambda x: np.exp(1e4 * x[0]),
    ],
)
def test_f_not_finite_at_a_finite_point_is_inconclusive(f) -> None:
    report = verdict_of(f, double, X)

    assert report.verdict == "inconclusive"
    assert re.search(r"f is (nan|-?inf) at this point", told(report))


def test_an_output_entry_that_is_not_finite_is_named() -> None:
    report = check_vjp(np.log, lambda u, x: u / x, np.array([1.0, 2.0, -1.0, 3.0]), raise_on_failure=False)

    assert report.verdict == "inconclusive"
    assert "nan at entry 2 of its output" in told(report)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_a_claim_that_is_not_finite_where_f_is_fails_at_its_place(bad, oracles) -> None:
    report = verdict_of(square, lambda x: np.array([2.0, bad, 6.0]), X, oracles=oracles)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "nonfinite"
    assert report.diagnoses[0].leaf == "x"
    assert report.leaves[0].worst_index == (1,)


def test_nan_in_a_claim_of_many_entries_is_found() -> None:
    def claim(x):
        gradient = 2.0 * x
        gradient[31_415] = np.nan
        return gradient

    report = verdict_of(square, claim, np.linspace(1.0, 2.0, 50_000))

    assert report.verdict == "fail"
    assert report.leaves[0].worst_index == (31_415,)


# --- shape, structure, count ---------------------------------------------------------------------------------

PAIR = (X, np.array([[0.5, -1.5], [2.0, 1.0]]))


def of_pair(a, b):
    return np.sum(a**2) + np.sum(b**3)


@pytest.mark.parametrize(
    "claim, came",
    [
        (lambda x: 2.0 * x[:, None], "(3, 1)"),
        (lambda x: 2.0 * x[:2], "(2,)"),
        (lambda x: np.append(2.0 * x, 0.0), "(4,)"),
        (lambda x: np.sum(2.0 * x), "()"),
        (lambda x: (2.0 * x,), "(1, 3)"),
        (lambda x: np.outer(x, x), "(3, 3)"),
    ],
)
def test_a_gradient_of_the_wrong_shape_fails_and_both_shapes_are_told(claim, came) -> None:
    report = verdict_of(square, claim, X)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "shape"
    assert re.search(rf"x has shape {re.escape(came)} where .*\(3,\)", told(report))


def test_a_shape_that_broadcasts_to_the_right_one_fails() -> None:
    bias = np.zeros(2)
    batch = np.arange(6.0).reshape(3, 2)

    report = verdict_of(lambda b: np.sum((batch + b) ** 2), lambda b: 2.0 * (batch + b), bias)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "shape"


@pytest.mark.parametrize(
    "claim",
    [
        lambda a, b: (2.0 * a, 3.0 * b**2, a + 1.0),
        lambda a, b: (),
        lambda a, b: {"a": 2.0 * a, "c": 3.0 * b**2},
    ],
)
def test_a_wrong_count_of_gradients_fails_and_the_arguments_are_named(claim) -> None:
    report = verdict_of(of_pair, claim, *PAIR)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "shape"
    assert "wanted a tuple of 2 gradients, for a, b in that order" in told(report)


@pytest.mark.parametrize(
    "claim, leaf",
    [
        (lambda a, b: (None, 3.0 * b**2), "a"),
        (lambda a, b: (2.0 * a, "none"), "b"),
        (lambda a, b: (2.0 * a, [[1.0], [2.0, 3.0]]), "b"),
        (lambda a, b: (2.0 * a, np.array([["p", 1], [2, 3]], dtype=object)), "b"),
    ],
)
def test_what_is_no_array_of_numbers_fails_in_its_leaf(claim, leaf) -> None:
    report = verdict_of(of_pair, claim, *PAIR)

    assert report.verdict == "fail"
    assert (report.diagnoses[0].kind, report.diagnoses[0].leaf) == ("shape", leaf)
    assert {one.path: str(one.verdict) for one in report.leaves}[leaf] == "fail"


@pytest.mark.parametrize(
    "claim, leaf",
    [
        (lambda p: {"W": 2.0 * p["W"]}, "p['b'][1]"),
        (lambda p: {"W": 2.0 * p["W"], "b": [np.ones(2)]}, "p['b'][1]"),
        (lambda p: [2.0 * p["W"], [np.ones(2), 1.0]], "p['W']"),
        (lambda p: {"w": 2.0 * p["W"], "b": [np.ones(2), 1.0]}, "p['W']"),
        (lambda p: None, "p['W']"),
    ],
)
def test_a_missing_leaf_of_a_tree_is_named(claim, leaf) -> None:
    params = {"W": X.copy(), "b": [np.zeros(2), 0.5]}

    report = verdict_of(lambda p: np.sum(p["W"] ** 2) + np.sum(p["b"][0]) + p["b"][1], claim, params)

    assert report.verdict == "fail"
    assert leaf in [diagnosis.leaf for diagnosis in report.diagnoses if diagnosis.kind == "shape"]


@pytest.mark.gradcheck(budget=2.0)
def test_gradients_of_swapped_arguments_of_one_shape_fail() -> None:
    report = verdict_of(lambda a, b: np.sum(a * b**2), lambda a, b: (2.0 * a * b, b**2), X, X + 0.5)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "swapped_leaves"


# --- dtypes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad, word",
    [
        (np.array([1, 2, 3]), "int64"),
        (np.array([True, False]), "bool"),
        (np.array([1.0, 2.0], dtype=object), "object"),
        (3, "int"),
        (None, "None"),
        ("text", "str"),
        ([], "empty list"),
    ],
)
def test_nothing_to_differentiate_is_a_type_error_that_names_what_came(bad, word) -> None:
    with pytest.raises(TypeError, match=rf"no floating-point argument .*x: .*{word}.*astype\(float\)"):
        check_grad(square, double, bad)


@pytest.mark.parametrize("bad", [np.array([1.0, 2.0j]), 2.0 + 1.0j, {"z": np.array([1j])}])
def test_complex_arguments_are_a_type_error_whose_advice_loses_no_data(bad) -> None:
    with pytest.raises(
        TypeError, match=r"argument 'x' is .*complex numbers are not supported.*imaginary part"
    ):
        check_grad(square, double, bad)


@pytest.mark.parametrize("bad", [np.array([1, 2, 3]), np.array([1j, 2, 3]), np.array([True] * 3), 2, "mean"])
def test_argnums_of_what_has_no_derivative_is_a_type_error_that_names_it(bad) -> None:
    with pytest.raises(TypeError, match=r"argument 'b' \(argnums 1\)"):
        check_grad(lambda a, b: np.sum(a), lambda a, b: np.ones_like(a), X, bad, argnums=1)


@pytest.mark.parametrize(
    "data",
    [np.array([0, 2, 1]), np.array([True, False, True]), np.array(["a", "b", "c"]), None, "mean", len, 7],
)
def test_data_of_any_other_kind_is_passed_on_as_it_is(data) -> None:
    seen = []

    def f(x, data):
        seen.append(data)
        return np.sum(x**2)

    report = verdict_of(f, lambda x, data: 2.0 * x, X, data)

    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["x"]
    assert all(type(one) is type(data) and np.array_equal(one, data) for one in seen[:2])


def test_integer_leaves_beside_floating_ones_are_left_alone() -> None:
    params = {"W": X.copy(), "step": 3, "index": np.array([0, 2])}

    report = verdict_of(
        lambda p: np.sum(p["W"][p["index"]] ** 2) * p["step"],
        lambda p: {"W": 6.0 * p["W"] * np.array([1.0, 0.0, 1.0]), "step": 0, "index": None},
        params,
    )

    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["p['W']"]


def test_a_complex_gradient_of_a_real_argument_fails() -> None:
    report = verdict_of(square, lambda x: 2.0 * x + 0j, X)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "dtype"
    assert "complex" in told(report)


def test_an_integer_gradient_is_judged_by_its_values_and_noted() -> None:
    right = verdict_of(square, lambda x: (2 * x).astype(int), X)
    wrong = verdict_of(square, lambda x: (2.4 * x).astype(int), X)

    assert right.ok
    assert "int64" in told(right)
    assert wrong.verdict == "fail"


def test_a_list_of_numbers_is_a_gradient() -> None:
    assert verdict_of(square, lambda x: [2.0, -4.0, 6.0], X).ok
    assert verdict_of(square, lambda x: [2.0, -4.0, 6.01], X).verdict == "fail"


# --- sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_nothing_but_empty_arrays_is_a_value_error_that_names_them(shape) -> None:
    with pytest.raises(ValueError, match=r"nothing to check: x .*size 0"):
        check_grad(square, double, np.zeros(shape))


def test_an_empty_array_beside_others_is_not_in_the_way() -> None:
    report = verdict_of(
        lambda a, b: np.sum(a**2) + np.sum(b), lambda a, b: (2.0 * a, np.ones((0, 2))), X, np.zeros((0, 2))
    )

    assert report.ok
    assert report.leaves[1].note == "no entries"
    assert report.leaves[1].resolution is None


@pytest.mark.parametrize(
    "value", [3.0, np.array(3.0), np.float64(3.0), np.float32(3.0), np.array(3.0, np.float32)]
)
def test_numbers_and_arrays_without_axes(value) -> None:
    assert verdict_of(lambda x: x**2, lambda x: 2.0 * x, value).ok
    wrong = verdict_of(lambda x: x**2, lambda x: 3.0 * x, value)

    assert wrong.verdict == "fail"
    assert wrong.leaves[0].shape == ()
    assert wrong.leaves[0].worst_index == ()


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 3, 1), (3, 1)])
def test_axes_of_length_one(shape) -> None:
    x = np.linspace(1.0, 2.0, int(np.prod(shape))).reshape(shape)

    assert verdict_of(square, double, x).ok
    assert verdict_of(square, lambda x: np.squeeze(2.0 * x), x).verdict == "fail"


# --- what f returns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f", [lambda x: x**2, lambda x: np.zeros(0), lambda x: [x[0], x[1]], lambda x: (x[0], x)]
)
def test_more_or_less_than_one_number_where_a_scalar_is_due_is_a_value_error(f) -> None:
    with pytest.raises(
        ValueError, match=r"f must return a scalar for check_grad.*check_vjp or check_jacobian"
    ):
        check_grad(f, double, X)


@pytest.mark.parametrize("f", [lambda x: np.sum(x**2, keepdims=True), lambda x: [np.sum(x**2)]])
def test_one_number_in_an_array_or_a_list_is_a_scalar(f) -> None:
    assert verdict_of(f, double, X).ok


@pytest.mark.parametrize(
    "f, word",
    [
        (lambda x: None, "None"),
        (lambda x: "0.5", "str"),
        (lambda x: np.sum(x) * 1j, "complex128"),
        (lambda x: object(), "object"),
        (lambda x: {"loss": None}, "None"),
    ],
)
def test_f_that_returns_no_number_is_inconclusive_and_told(f, word) -> None:
    report = verdict_of(f, double, X)

    assert report.verdict == "inconclusive"
    assert re.search(rf"f\S* returned {word}\b.* where real numbers are needed", told(report))


# --- exceptions ----------------------------------------------------------------------------------------------


def boom(*_):
    raise RuntimeError("kaboom")


def test_f_that_raises_is_inconclusive_and_its_exception_told() -> None:
    report = verdict_of(boom, double, X)

    assert report.verdict == "inconclusive"
    assert "f raised RuntimeError: kaboom (in boom, test_bad_input.py" in told(report)


def test_f_that_raises_beside_the_point_is_never_charged_to_the_claim() -> None:
    def f(x):
        if not np.array_equal(x, X):
            raise ValueError("out of my table")
        return np.sum(x**2)

    report = verdict_of(f, double, X, oracles="differences")

    assert report.verdict == "inconclusive"
    assert report.reasons
    assert verdict_of(f, double, X).verdict != "fail"


def test_a_claim_that_raises_fails_and_its_exception_is_told() -> None:
    report = verdict_of(square, boom, X)

    assert report.verdict == "fail"
    assert "grad raised RuntimeError: kaboom (in boom, test_bad_input.py" in told(report)


def test_a_claim_that_takes_other_arguments_fails() -> None:
    report = verdict_of(square, lambda: X, X)

    assert report.verdict == "fail"
    assert "grad raised TypeError" in told(report)
    assert "must accept the arguments that f accepts" in told(report)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_let_through(interruption) -> None:
    def f(x):
        raise interruption

    with pytest.raises(interruption):
        check_grad(f, double, X)


# --- writing into arguments ----------------------------------------------------------------------------------


def halving(x):
    x *= 0.5
    return np.sum(x**2) * 4.0


def doubling(x):
    x *= 2.0
    return x.copy()


@pytest.mark.parametrize(
    "f, claim, who, right",
    [
        (halving, double, "f", True),
        (square, doubling, "grad", True),
        (halving, lambda x: 3.0 * x, "f", False),
        (square, lambda x: doubling(x) * 1.5, "grad", False),
    ],
)
def test_writing_into_an_argument_fails_and_says_whether_the_derivative_is_right(
    f, claim, who, right
) -> None:
    mine = X.copy()

    report = verdict_of(f, claim, mine)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"
    assert f"{who} writes into its argument x" in told(report)
    assert ("Apart from that, the derivative itself is right" in told(report)) is right
    assert np.array_equal(mine, X)


def test_writing_into_data_is_found_and_the_leaf_named() -> None:
    data = {"running": [np.zeros(2), np.ones(3)]}

    def f(w, data):
        data["running"][1] += 0.1
        return np.sum(w**2)

    report = verdict_of(f, lambda w, data: 2.0 * w, X, data, argnums=0)

    assert report.verdict == "fail"
    assert (report.diagnoses[0].kind, report.diagnoses[0].leaf) == ("mutates_input", "data['running'][1]")
    assert np.array_equal(data["running"][1], np.ones(3))


def test_writing_into_the_cotangent_fails() -> None:
    def vjp(u, x):
        u *= 2.0 * x
        return u.copy()

    report = check_vjp(lambda x: x**2, vjp, X, raise_on_failure=False)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"
    assert "vjp writes into its cotangent" in told(report)


def test_handing_out_the_argument_itself_as_the_gradient_fails() -> None:
    report = verdict_of(lambda x: 0.5 * np.sum(x**2), lambda x: x, X)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"
    assert "grad returns the memory of its argument x" in told(report)
    assert "the derivative itself is right" in told(report)


def test_a_view_of_the_argument_is_its_memory_too() -> None:
    matrix = np.arange(1.0, 7.0).reshape(2, 3)

    report = verdict_of(lambda a: 0.5 * np.sum(a**2), lambda a: a.T.reshape(3, 2).T, matrix)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"


# --- randomness and state ------------------------------------------------------------------------------------


def test_f_that_draws_from_the_global_state_is_inconclusive() -> None:
    report = verdict_of(lambda x: np.sum(x**2) + 1e-3 * np.random.rand(), double, X)  # noqa: NPY002

    assert report.verdict == "inconclusive"
    assert "f is random" in told(report)


def test_f_that_draws_from_its_own_generator_is_inconclusive() -> None:
    generator = np.random.default_rng(3)

    report = verdict_of(lambda x: np.sum(x**2 * (generator.random(3) > 0.5)), double, X)

    assert report.verdict == "inconclusive"
    assert "f is random" in told(report)
    assert report.evaluations == 3  # two that differ, and one beside: terms may cancel here


def test_f_that_seeds_itself_is_a_function() -> None:
    def f(x):
        return np.sum((x * np.random.default_rng(0).normal(size=3)) ** 2)

    mask = np.random.default_rng(0).normal(size=3)

    assert verdict_of(f, lambda x: 2.0 * x * mask**2, X).ok
    assert verdict_of(f, lambda x: 2.0 * x * mask, X).verdict == "fail"


def test_a_claim_that_draws_random_numbers_fails() -> None:
    generator = np.random.default_rng(4)

    report = verdict_of(square, lambda x: 2.0 * x + 1e-4 * generator.normal(size=3), X)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "nondeterministic"
    assert "grad changes from call to call" in told(report)


def test_a_claim_that_lives_on_the_last_forward_pass_is_no_random_one() -> None:
    kept = {}

    def f(x):
        kept["x"] = np.array(x)
        return np.sum(x**2)

    assert verdict_of(f, lambda x: 2.0 * x, X).ok


# --- printing ------------------------------------------------------------------------------------------------


def test_what_f_and_claim_print_is_theirs(capsys) -> None:
    def f(x):
        print("forward", float(np.sum(np.asarray([1.0]))))
        return np.sum(x**2)

    report = verdict_of(f, double, X)

    assert report.ok
    assert set(capsys.readouterr().out.splitlines()) == {"forward 1.0"}


def test_a_report_prints_nothing_by_itself(capsys) -> None:
    verdict_of(square, lambda x: 3.0 * x, X)

    assert capsys.readouterr() == ("", "")


# --- argnums left out ----------------------------------------------------------------------------------------

BATCH, TARGET, WEIGHTS = np.arange(12.0).reshape(4, 3), np.ones(4), X


def loss(X, y, w):
    return np.mean((X @ w - y) ** 2)


def loss_grad(X, y, w):
    return X.T @ (X @ w - y) / 2.0


def test_argnums_left_out_checks_those_that_fit_and_says_so() -> None:
    report = verdict_of(loss, loss_grad, BATCH, TARGET, WEIGHTS)

    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["w"]
    assert "argnums was left out: what came is the gradient of w" in told(report)


def test_argnums_left_out_and_a_wrong_gradient_of_those_that_fit() -> None:
    report = verdict_of(loss, lambda *args: 1.1 * loss_grad(*args), BATCH, TARGET, WEIGHTS)

    assert report.verdict == "fail"
    assert [leaf.path for leaf in report.leaves] == ["w"]


def test_argnums_left_out_where_several_arguments_fit() -> None:
    def affine(X, w, b):
        return np.mean((X @ w + b) ** 2)

    def claim(X, w, b):
        return X.T @ (X @ w + b) / 2.0, 2.0 * np.mean(X @ w + b)

    report = verdict_of(affine, claim, BATCH, WEIGHTS, 0.5)

    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["w", "b"]


def test_the_call_that_everybody_makes_first() -> None:
    def net(W1, b1, W2, b2, X, y):
        return np.mean((np.tanh(X @ W1 + b1) @ W2 + b2 - y) ** 2)

    def backward(W1, b1, W2, b2, X, y):
        h = np.tanh(X @ W1 + b1)
        out = 2.0 * (h @ W2 + b2 - y) / y.size
        hidden = (out @ W2.T) * (1.0 - h**2)
        return X.T @ hidden, hidden.sum(axis=0), h.T @ out, out.sum(axis=0)

    r = np.random.default_rng(1).standard_normal
    report = verdict_of(net, backward, r((3, 4)), r(4), r((4, 2)), r(2), r((5, 3)), r((5, 2)))

    assert report.ok
    assert [leaf.path for leaf in report.leaves] == ["W1", "b1", "W2", "b2"]


def test_argnums_left_out_where_a_tree_fits() -> None:
    def affine(p, X):
        return np.mean((X @ p["w"] + p["b"]) ** 2)

    def claim(p, X):
        residual = X @ p["w"] + p["b"]
        return {"w": X.T @ residual / 2.0, "b": 2.0 * np.mean(residual)}

    report = verdict_of(affine, claim, {"w": WEIGHTS, "b": 0.5}, BATCH)

    assert report.ok
    assert {leaf.path for leaf in report.leaves} == {"p['w']", "p['b']"}


def test_argnums_left_out_where_it_could_be_any_of_several_is_misuse() -> None:
    with pytest.raises(TypeError, match=r"fits several choices.*a \(argnums=0\); b \(argnums=1\)"):
        check_grad(lambda a, b: np.sum(a * b), lambda a, b: b, X, X + 1.0)


def test_where_no_choice_of_argnums_fits_none_is_proposed() -> None:
    report = verdict_of(loss, lambda X, y, w: np.ones(7), BATCH, TARGET, WEIGHTS)

    assert report.verdict == "fail"
    assert "to check that" not in told(report)


# --- traces left behind --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f, claim, x",
    [
        (lambda x: np.sum(np.log(x)), lambda x: 1.0 / x, np.array([0.0, 1.0])),
        (lambda x: np.sum(np.exp(x)), np.exp, np.array([800.0, 1.0])),
        (lambda x: np.sum(np.sqrt(x)), lambda x: 0.5 / np.sqrt(x), np.array([0.0, 1.0])),
        (lambda x: np.sum(x**2), lambda x: x / 0.0, X),
        (lambda x: np.sum(x**2), lambda x: 2.0 * x, np.array([1e300, 1.0])),
    ],
)
def test_no_numpy_warning_leaks(f, claim, x) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        verdict_of(f, claim, x)

    assert not caught


@pytest.mark.parametrize(
    "wrong",
    [lambda x: 3.0 * x, lambda x: np.full(3, np.nan), lambda x: x[:2] * 2.0, boom, doubling, lambda x: None],
)
def test_every_failure_raises_a_mismatch_that_carries_and_prints_its_report(wrong) -> None:
    with pytest.raises(gradcheck.GradientMismatch) as raised:
        check_grad(square, wrong, X)

    assert raised.value.report.verdict == "fail"
    assert not raised.value.report.ok
    assert str(raised.value) == str(raised.value.report)
    assert raised.value.report.diagnoses


# --- trees, containers, classes of arrays ---------------------------------------------------------------------


def with_a_key_too_many(p):
    return {"W": 2.0 * p["W"], "b": np.ones(2), "c": 1.0}


def test_a_key_too_many_fails() -> None:
    params = {"W": X.copy(), "b": np.zeros(2)}

    report = verdict_of(lambda p: np.sum(p["W"] ** 2) + np.sum(p["b"]), with_a_key_too_many, params)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "shape"


def test_an_entry_too_many_in_a_list_fails() -> None:
    report = verdict_of(lambda p: np.sum(p[0] ** 2), lambda p: [2.0 * p[0], 3.0 * p[0]], [X])

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "shape"


def test_a_list_for_a_dict_of_tangents_fails() -> None:
    def hvp(v, p):
        return [2.0 * p["b"] * v["a"] + 2.0 * p["a"] * v["b"], 2.0 * p["a"] * v["a"]]

    report = check_hvp(
        lambda p: np.sum(p["a"] ** 2 * p["b"]), hvp, {"a": X, "b": X + 1.5}, raise_on_failure=False
    )

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "shape"


def rebinding(p):
    p["b"] += 1.0
    return {"W": 2.0 * p["W"], "b": 1.0}


def adding(p):
    p["cache"] = 2.0 * p["W"]
    return {"W": p["cache"].copy(), "b": 1.0}


def dropping(p):
    p.pop("b")
    return {"W": 2.0 * p["W"], "b": 1.0}


@pytest.mark.parametrize("claim", [rebinding, adding, dropping])
def test_changing_a_container_is_writing_into_the_argument(claim) -> None:
    params = {"W": X.copy(), "b": 0.5}

    report = verdict_of(lambda p: np.sum(p["W"] ** 2) + p["b"], claim, params)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"
    assert list(params) == ["W", "b"]
    assert params["b"] == 0.5


def test_growing_a_list_argument_is_writing_into_it() -> None:
    def f(w, log):
        log.append(1)
        return np.sum(w**2)

    log = []
    report = verdict_of(f, lambda w, log: 2.0 * w, X, log, argnums=0)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"
    assert log == []


def test_a_jacobian_of_an_f_with_several_outputs_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"f must return one array for check_jacobian"):
        check_jacobian(lambda x: (x**2, x), lambda x: np.eye(3), X)


@pytest.mark.parametrize("claim", [lambda x: (2.0 * x).astype(np.float32), lambda x: 2.0 * x + 0j])
def test_a_leaf_of_the_wrong_dtype_is_marked(claim) -> None:
    report = verdict_of(square, claim, X)

    assert report.verdict == "fail"
    assert report.leaves[0].verdict == "fail"


def test_a_jump_at_the_point_is_not_passed() -> None:
    report = verdict_of(lambda x: int(np.sum(x)), lambda x: 0.0 * x, X)  # 1 | 2

    assert report.verdict == "inconclusive"


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "make", [lambda: np.matrix([[1.0, 2.0]]), lambda: np.ma.masked_array([1.0, 2.0], mask=[0, 1])]
)
def test_subclasses_of_arrays_get_a_reason_that_is_true(make) -> None:
    try:
        report = verdict_of(lambda x: np.sum(np.multiply(x, x)), double, make())
    except TypeError as refusal:
        assert "x" in str(refusal)
    else:
        assert "too rough" not in str(report)


def test_a_point_at_infinity_has_no_derivative() -> None:
    # a ufunc names its argument in later NumPys alone
    report = gradcheck.check_vjp(
        lambda x: np.tanh(x), lambda u, x: u, np.array([1.0, np.inf]), raise_on_failure=False
    )
    assert report.verdict == "inconclusive"
    assert "x holds inf at [1]" in report.reasons[0]


def test_numbers_whose_product_is_none_are_judged() -> None:
    x = np.array([1e-200, 1e-200])
    assert (
        gradcheck.check_grad(lambda x: np.sum(x * x), lambda x: 3 * x, x, raise_on_failure=False).verdict
        == "fail"
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_sigmoid_far_out_is_not_held_against_a_number_that_was_lost(seed) -> None:
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def vjp(u, x):
        s = sigmoid(x)
        return u * s * (1 - s)

    x = 300 * np.random.default_rng(seed).standard_normal(8)
    assert gradcheck.check_vjp(sigmoid, vjp, x, raise_on_failure=False).verdict != "fail"
    x[0] = 0.5
    assert gradcheck.check_vjp(sigmoid, vjp, x).ok


def _endless(kind):
    held = [X] if kind is list else {"x": X}
    (held.append(held) if kind is list else held.update(itself=held))
    return held


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("check", [check_grad, check_vjp, gradcheck.check_hessian])
def test_an_argument_that_contains_itself_is_refused_by_name(check, kind) -> None:
    held = _endless(kind)
    for args in ((held,), (X, held)):
        with pytest.raises(
            ValueError, match=rf"argument '(p|rest)' is a {kind.__name__} that contains itself"
        ):
            check(
                (lambda p: 0.0) if len(args) == 1 else lambda x, rest: square(x),
                lambda *args: args,
                *args,
                argnums=0,
            )
    with pytest.raises(ValueError, match="input 0 is a "):
        gradcheck.check_layer((lambda x: x, lambda d: d), held)
    with pytest.raises(ValueError, match=r"shapes\['p'\] is a "):
        gradcheck.explore(lambda x, p: square(x), double, {"x": "n", "p": held})


@pytest.mark.parametrize("kind", [list, dict])
def test_an_answer_that_contains_itself_is_wrong(kind) -> None:
    for check in (check_grad, gradcheck.check_hessian):
        report = check(square, lambda x: _endless(kind), X, raise_on_failure=False)
        assert report.verdict == "fail"
        assert "contains itself" in told(report)


@pytest.mark.parametrize("x", [[1.0, 2.0], (1.0, 2.0), [[1.0, 2.0], [3.0, 4.0]]])
def test_a_list_where_f_wants_an_array_is_told_how_to_be_one(x) -> None:
    report = gradcheck.check_grad(
        lambda x: np.sum(0.5 * x @ np.eye(2)), lambda x: x, x, raise_on_failure=False
    )
    assert any("does it want an array, numpy.array(x)?" in reason for reason in report.reasons)


def test_a_list_of_whole_numbers_is_told_how_to_be_an_array_of_floats() -> None:
    with pytest.raises(TypeError, match=r"for example numpy.array\(x, dtype=float\)"):
        gradcheck.check_grad(lambda x: x[0] ** 2, lambda x: [2 * x[0]], [1, 2])
    with pytest.raises(TypeError, match=r"for example x.astype\(float\)"):
        gradcheck.check_grad(lambda x: x[0] ** 2, lambda x: 2 * x, np.array([1, 2]))
