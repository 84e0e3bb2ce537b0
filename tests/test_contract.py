"""The public contract: signatures, keywords, exceptions, the report's fields, and what is left undisturbed."""

import concurrent.futures
import inspect
import json
import multiprocessing
import pickle
import random
import re
import traceback
import warnings

import numpy as np
import pytest

import gradcheck
from gradcheck import GradientMismatch, InconclusiveCheck, Verdict, check_grad, check_vjp

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

CHECKS = ("grad", "vjp", "jvp", "jacobian", "hessian", "hvp", "layer")
COMMON = {
    "rtol": None,
    "oracles": None,
    "seed": None,
    "raise_on_failure": True,
    "points": 0,
    "executor": None,
    "allow": None,
    "strict": None,
    "argnums": None,
}

X = np.array([0.3, -1.2, 2.0])
W = np.array([[0.2, -0.4, 1.0], [0.6, 0.1, -0.7]])


def energy(x):
    return np.sum(np.sin(x) * x)


def energy_grad(x):
    return np.cos(x) * x + np.sin(x)


def energy_wrong(x):
    return np.cos(x) * x


def noisy(x):
    return np.sum(x**2) + random.random()


def loops(x):
    """Not traceable, so that differences alone judge it."""
    total = 0.0
    for value in np.asarray(x, dtype=np.float64).tolist():
        total += value**3
    return total


def loops_grad(x):
    return 3.0 * x**2


def fields(report):
    """The report as data, without the time it took."""
    return {key: value for key, value in report.to_dict().items() if key not in ("seconds", "summary")}


# --- signatures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHECKS)
def test_the_keywords_common_to_all_checks(kind) -> None:
    parameters = inspect.signature(getattr(gradcheck, f"check_{kind}")).parameters

    assert {name: parameters[name].default for name in COMMON} == COMMON
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in COMMON)
    assert any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())


@pytest.mark.parametrize(
    "name",
    [
        "Case",
        "Diagnosis",
        "Estimate",
        "GradientMismatch",
        "InconclusiveCheck",
        "Leaf",
        "Report",
        "Verdict",
        "derivative",
    ],
)
def test_public_names(name) -> None:
    assert getattr(gradcheck, name).__doc__


@pytest.mark.parametrize("kind", CHECKS)
def test_every_check_is_documented(kind) -> None:
    assert inspect.getdoc(getattr(gradcheck, f"check_{kind}"))


def test_the_verdict_is_a_string() -> None:
    assert {str(verdict) for verdict in Verdict} == {"pass", "fail", "inconclusive"}
    assert check_grad(energy, energy_grad, X).verdict == "pass"


# --- exceptions ----------------------------------------------------------------------------------------------


def test_a_pass_returns_its_report() -> None:
    report = check_grad(energy, energy_grad, X)

    assert isinstance(report, gradcheck.Report)
    assert report.ok


def test_a_failure_raises_with_the_report_on_it() -> None:
    with pytest.raises(GradientMismatch) as raised:
        check_grad(energy, energy_wrong, X)

    assert isinstance(raised.value, AssertionError)
    assert raised.value.report.verdict == "fail"
    assert str(raised.value.report) in str(raised.value)


class Doubled:
    """A layer whose backward forgets the 2."""

    def forward(self, x):
        return 2 * x

    def backward(self, cotangent):
        return cotangent


@pytest.mark.parametrize(
    "check",
    [
        lambda: check_grad(energy, energy_wrong, X),
        lambda: check_grad(noisy, energy_grad, X),
        lambda: check_vjp(lambda x: x**3, lambda u, x: u * x**2, X),
        lambda: gradcheck.check_jvp(lambda x: x**3, lambda v, x: v * x**2, X),
        lambda: gradcheck.check_jacobian(lambda x: x**3, lambda x: np.diag(x**2), X),
        lambda: gradcheck.check_hessian(energy, lambda x: np.eye(3), X),
        lambda: gradcheck.check_hvp(energy, lambda v, x: v, X),
        lambda: gradcheck.check_layer(Doubled(), X),
        lambda: gradcheck.Case("wrong", energy, energy_wrong, (X,)).check(),
    ],
)
def test_a_failure_is_raised_where_the_check_is_called(check) -> None:
    with pytest.raises((GradientMismatch, InconclusiveCheck)) as raised:
        check()

    files = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert files == [__file__, __file__]
    assert raised.value.__context__ is None


def test_what_f_or_the_caller_does_wrong_keeps_its_frames() -> None:
    def broken(x):
        raise LookupError("no such table")

    with pytest.raises(TypeError) as misused:
        check_grad(energy, energy_grad, X, argnum=0)
    with pytest.raises((LookupError, InconclusiveCheck)) as raised:
        check_grad(broken, energy_grad, X)

    assert len(misused.traceback) > 2
    assert "no such table" in str(raised.value)


def test_what_cannot_be_told_raises_with_its_reasons() -> None:
    with pytest.raises(InconclusiveCheck) as raised:
        check_grad(noisy, lambda x: 2.0 * x, X)

    assert isinstance(raised.value, AssertionError)
    assert raised.value.report.verdict == "inconclusive"
    assert raised.value.report.reasons


@pytest.mark.parametrize(
    "f, claim, verdict", [(energy, energy_wrong, "fail"), (noisy, lambda x: 2.0 * x, "inconclusive")]
)
def test_raise_on_failure_false_returns_the_report_whatever_it_says(f, claim, verdict) -> None:
    assert check_grad(f, claim, X, raise_on_failure=False).verdict == verdict


def test_the_exceptions_survive_pickling() -> None:
    with pytest.raises(GradientMismatch) as raised:
        check_grad(energy, energy_wrong, X)

    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


# --- misuse --------------------------------------------------------------------------------------------------


def never(*_):
    raise AssertionError("a check that is called wrongly runs nothing")


@pytest.mark.parametrize("kind", [kind for kind in CHECKS if kind != "layer"])
@pytest.mark.parametrize(
    "option, value",
    [
        ("argnums", 1),
        ("argnums", -2),
        ("argnums", (0, 0)),
        ("argnums", "x"),
        ("argnums", 0.0),
        ("argnums", True),
        ("rtol", 0.0),
        ("rtol", 1.5),
        ("rtol", -1e-3),
        ("rtol", float("nan")),
        ("rtol", "sharp"),
        ("seed", -1),
        ("seed", 0.5),
        ("points", -1),
        ("points", 1.5),
    ],
)
def test_misuse_names_the_keyword_and_what_came_before_anything_runs(kind, option, value) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"{option}.*{re.escape(repr(value))}"):
        getattr(gradcheck, f"check_{kind}")(never, never, X, **{option: value})


@pytest.mark.parametrize("kind", [kind for kind in CHECKS if kind != "layer"])
@pytest.mark.parametrize(
    "option, value",
    [
        ("argnums", ()),
        ("oracles", "prophet"),
        ("oracles", ()),
        ("oracles", 3),
        ("executor", 3),
        ("eps", 1e-6),
    ],
)
def test_misuse_names_the_keyword_before_anything_runs(kind, option, value) -> None:
    with pytest.raises((TypeError, ValueError), match=option):
        getattr(gradcheck, f"check_{kind}")(never, never, X, **{option: value})


@pytest.mark.parametrize("kind", [kind for kind in CHECKS if kind != "layer"])
def test_what_cannot_be_called_is_named(kind) -> None:
    check = getattr(gradcheck, f"check_{kind}")

    with pytest.raises(TypeError, match=r"must be callable, got .*=3 "):
        check(3, never, X)
    with pytest.raises(TypeError, match=r"must be callable, got .*ndarray"):
        check(never, X, X)
    with pytest.raises(TypeError, match="no floating-point argument"):
        check(never, never)


# --- argnums -------------------------------------------------------------------------------------------------


def bilinear(a, b, c):
    return np.sum(a * b) * c


GRADIENTS = {0: lambda a, b, c: b * c, 1: lambda a, b, c: a * c, 2: lambda a, b, c: np.sum(a * b)}
ARGS = (X, X**2, 1.5)


@pytest.mark.parametrize("argnum", [0, 1, 2, -1, -3, np.int64(1)])
def test_one_argnum_takes_the_gradient_itself(argnum) -> None:
    report = check_grad(bilinear, GRADIENTS[argnum % 3], *ARGS, argnums=argnum)

    assert [leaf.path for leaf in report.leaves] == ["abc"[argnum % 3]]


@pytest.mark.parametrize("argnums", [(0, 1), (1, 0), [2, 0], (2, 1, 0), (-1, 0), None])
@pytest.mark.parametrize("container", [tuple, list])
def test_several_argnums_take_a_tuple_or_list_in_their_order(argnums, container) -> None:
    order = [argnum % 3 for argnum in (argnums or (0, 1, 2))]

    def claim(*args):
        return container([GRADIENTS[number](*args) for number in order])

    report = check_grad(bilinear, claim, *ARGS, argnums=argnums)

    assert [leaf.path for leaf in report.leaves] == ["abc"[number] for number in order]


def test_a_tuple_of_one_argnum_takes_the_gradient_itself() -> None:
    assert check_grad(bilinear, GRADIENTS[1], *ARGS, argnums=(1,)).ok


def test_arguments_that_are_not_checked_are_not_judged() -> None:
    report = check_grad(
        lambda w, X, labels: np.sum((X @ w)[labels]),
        lambda w, X, labels: X[labels].sum(axis=0),
        X,
        W,
        np.array([0, 1, 1]),
        argnums=0,
    )

    assert [leaf.path for leaf in report.leaves] == ["w"]


def test_all_floating_arguments_are_checked_by_default() -> None:
    report = check_grad(
        lambda w, X, labels: np.sum((X @ w)[labels]),
        lambda w, X, labels: (X[labels].sum(axis=0), np.array([[1.0], [2.0]]) * w),
        X,
        W,
        np.array([0, 1, 1]),
    )

    assert [leaf.path for leaf in report.leaves] == ["w", "X"]


# --- the report ----------------------------------------------------------------------------------------------


def params():
    return {"W": W.copy(), "b": [np.array([0.1, -0.2]), 0.5]}


def net(params, *inputs):
    return np.sum(np.tanh(params["W"] @ inputs[0] + params["b"][0])) * params["b"][1]


def net_grad(params, *inputs):
    h = np.tanh(params["W"] @ inputs[0] + params["b"][0])
    inner = params["b"][1] * (1.0 - h**2)
    return {"W": np.outer(inner, inputs[0]), "b": [inner, np.sum(h)]}, params["W"].T @ inner


def test_leaves_are_named_as_the_signature_names_them() -> None:
    report = check_grad(net, net_grad, params(), X)

    assert [leaf.path for leaf in report.leaves] == [
        "params['W']",
        "params['b'][0]",
        "params['b'][1]",
        "inputs[0]",
    ]
    assert [leaf.shape for leaf in report.leaves] == [(2, 3), (2,), (), (3,)]
    assert {leaf.dtype for leaf in report.leaves} == {"float64"}


def test_a_pass_carries_its_resolution_leaf_by_leaf() -> None:
    report = check_grad(net, net_grad, params(), X)

    assert all(0.0 < leaf.resolution < 1e-6 for leaf in report.leaves)
    assert all(leaf.verdict == "pass" for leaf in report.leaves)
    assert report.diagnoses == ()
    assert report.reasons == ()
    assert 0.0 <= report.miss_probability < 1e-2


@pytest.mark.parametrize("oracles", [None, "differences"])
def test_a_failure_says_which_leaf_by_how_much_and_where(oracles) -> None:
    def wrong(params, *inputs):
        gradient, rest = net_grad(params, *inputs)
        gradient["W"][1, 2] += 0.25
        return gradient, rest

    report = check_grad(net, wrong, params(), X, oracles=oracles, raise_on_failure=False)
    verdicts = {leaf.path: str(leaf.verdict) for leaf in report.leaves}
    worst = report.leaves[0]

    assert verdicts == {
        "params['W']": "fail",
        "params['b'][0]": "pass",
        "params['b'][1]": "pass",
        "inputs[0]": "pass",
    }
    assert worst.worst_index == (1, 2)
    assert worst.max_abs_error == pytest.approx(0.25, rel=1e-6)
    truth = net_grad(params(), X)[0]["W"][1, 2]
    assert worst.max_rel_error == pytest.approx(0.25 / abs(truth), rel=1e-5)
    assert worst.entries[0].index == (1, 2)
    assert worst.entries[0].truth == pytest.approx(truth, rel=1e-7)
    assert worst.entries[0].claimed == pytest.approx(truth + 0.25, rel=1e-12)
    assert report.diagnoses[0].leaf == "params['W']"


@pytest.mark.parametrize(
    "f, claim",
    [(energy, energy_grad), (energy, energy_wrong), (loops, loops_grad), (noisy, lambda x: 2.0 * x)],
)
def test_evaluations_counts_the_calls_of_f_and_of_the_claim(f, claim) -> None:
    calls = {"f": 0, "claim": 0}

    def counted_f(x):
        calls["f"] += 1
        return f(x)

    def counted_claim(x):
        calls["claim"] += 1
        return claim(x)

    report = check_grad(counted_f, counted_claim, X, raise_on_failure=False)

    assert report.evaluations == calls["f"]
    assert report.claim_evaluations == calls["claim"]


@pytest.mark.parametrize("claim", [energy_grad, energy_wrong, lambda x: np.full(3, np.nan), never])
def test_every_view_of_a_report_can_be_had(claim) -> None:
    report = check_grad(energy, claim, X, raise_on_failure=False)
    data = json.loads(report.to_json())

    assert data["verdict"] == str(report.verdict)
    assert data["leaves"][0]["path"] == "x"
    assert {"ok", "diagnoses", "evaluations", "seconds", "seed", "reasons"} <= set(data)
    assert str(report.verdict) in str(report)
    assert "<html" in report.to_html()
    assert str(report.verdict) in report._repr_html_()


def test_seconds_are_measured() -> None:
    assert 0.0 < check_grad(energy, energy_grad, X).seconds < 60.0


# --- rtol ----------------------------------------------------------------------------------------------------


def test_rtol_that_cannot_be_reached_is_inconclusive_not_failed() -> None:
    def coarse(x):
        return float(np.round(np.sum(np.asarray(x) ** 3), 6))

    report = check_grad(coarse, loops_grad, X, rtol=1e-12, raise_on_failure=False, oracles="differences")

    assert report.verdict == "inconclusive"
    assert report.rtol == 1e-12


def test_rtol_makes_no_wrong_gradient_pass() -> None:
    wrong = check_grad(energy, lambda x: 1.01 * energy_grad(x), X, rtol=0.5, raise_on_failure=False)

    assert wrong.verdict == "fail"


# --- more points ---------------------------------------------------------------------------------------------


def test_what_the_given_point_hides_is_found_beside_it() -> None:
    def wrong(x):
        return 2.0 * x**2  # right at 0 alone, where x^3 has the derivative 0

    for points in (0, 2):
        found = check_grad(lambda x: np.sum(x**3), wrong, np.zeros(3), points=points, raise_on_failure=False)
        assert found.verdict == "fail"
        assert "it was looked at beside the point" in " ".join(found.notes)


def test_a_leaf_that_is_zero_at_the_given_point_is_tested_beside_it() -> None:
    report = check_grad(lambda x: np.sum(x**3), lambda x: 3.0 * x**2, np.zeros(3))

    assert report.leaves[0].resolution is not None
    assert report.leaves[0].note == "zero at this point, tested beside it"


def test_more_points_cost_as_much_each() -> None:
    one = check_grad(energy, energy_grad, X)
    four = check_grad(energy, energy_grad, X, points=3)

    assert four.evaluations <= 4 * one.evaluations + 8


# --- determinism ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("oracles", [None, "differences"])
@pytest.mark.parametrize("claim", [net_grad, lambda p, x: ({"W": 1.1 * W, "b": [p["b"][0] * 2, 1.0]}, 2 * x)])
def test_the_same_seed_gives_the_same_report(claim, oracles) -> None:
    def once():
        return check_grad(net, claim, params(), X, seed=7, oracles=oracles, points=1, raise_on_failure=False)

    assert fields(once()) == fields(once())
    assert once().seed == 7


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_the_verdict_does_not_hang_on_the_seed(seed, oracles) -> None:
    off = net_grad(params(), X)[0]["W"].copy()
    off[0, 1] *= 1.0 + 1e-4

    def wrong(params, *inputs):
        gradient, rest = net_grad(params, *inputs)
        return gradient | {"W": off}, rest

    options = {"seed": seed, "oracles": oracles, "raise_on_failure": False}
    assert check_grad(net, net_grad, params(), X, **options).ok
    assert check_grad(net, wrong, params(), X, **options).verdict == "fail"


# --- executors -----------------------------------------------------------------------------------------------


def with_and_without(executor, f, claim, *args, check=check_grad):
    options = {"oracles": "differences", "raise_on_failure": False}
    return (
        fields(check(f, claim, *args, **options)),
        fields(check(f, claim, *args, executor=executor, **options)),
    )


def loops_wrong(x):
    return loops_grad(x) * np.array([1.0, 1.0, 1.001])


def vector(x):
    return np.array([np.sum(x), x[0] * x[1]])


def vector_vjp(u, x):
    return u[0] + u[1] * np.array([x[1], x[0], 0.0])


def test_threads_change_nothing_in_the_report() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        for f, claim in ((loops, loops_grad), (loops, loops_wrong), (energy, energy_wrong)):
            alone, spread = with_and_without(executor, f, claim, X)
            assert spread == alone
        alone, spread = with_and_without(executor, vector, vector_vjp, X, check=check_vjp)
        assert spread == alone


def test_processes_change_nothing_in_the_report() -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        for claim, verdict in ((loops_grad, "pass"), (loops_wrong, "fail")):
            alone, spread = with_and_without(executor, loops, claim, X)
            assert alone["verdict"] == verdict
            assert spread == alone


def test_the_executor_of_a_dask_cluster_changes_nothing_in_the_report() -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=40
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        for claim, verdict in ((loops_grad, "pass"), (loops_wrong, "fail")):
            alone, spread = with_and_without(executor, loops, claim, X)
            assert alone["verdict"] == verdict
            assert spread == alone


def test_the_executor_is_used_and_left_open() -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        seen = []
        submit = executor.submit

        def spying(function, /, *args, **kwargs):
            seen.append(function)
            return submit(function, *args, **kwargs)

        executor.submit = spying
        assert check_grad(loops, loops_grad, X, executor=executor).ok
        assert seen
        assert executor.submit(int, "3").result() == 3


# --- nothing disturbed ---------------------------------------------------------------------------------------


def restless(x):
    """Does to the process all that a user's function may do."""
    np.random.seed(3)  # noqa: NPY002
    random.seed(3)
    np.seterr(all="ignore")
    warnings.simplefilter("always")
    return np.sum(x**2) + 0.0 * np.log(np.float64(0.0) + 1.0)


@pytest.mark.parametrize("claim", [lambda x: 2.0 * x, lambda x: 3.0 * x, lambda x: np.full(3, np.nan), never])
def test_random_state_error_state_and_warnings_are_as_before(claim) -> None:
    np.random.seed(11)  # noqa: NPY002
    random.seed(11)
    before = (np.random.get_state()[1].copy(), random.getstate(), np.geterr(), list(warnings.filters))  # noqa: NPY002

    check_grad(restless, claim, X, raise_on_failure=False)

    state = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(state[1], before[0])
    assert random.getstate() == before[1]
    assert np.geterr() == before[2]
    assert warnings.filters == before[3]


def test_a_check_does_not_draw_from_the_global_generators() -> None:
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    expected = np.random.random(), random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)

    check_grad(noisy, energy_wrong, X, raise_on_failure=False)
    check_grad(energy, energy_wrong, X, raise_on_failure=False)

    assert (np.random.random(), random.random()) == expected  # noqa: NPY002


def test_error_state_and_warnings_are_as_before_after_an_exception() -> None:
    def f(x):
        raise KeyboardInterrupt

    filters = list(warnings.filters)
    with np.errstate(all="raise"):
        with pytest.raises(KeyboardInterrupt):
            check_grad(f, energy_grad, X)
        assert np.geterr() == {"divide": "raise", "over": "raise", "under": "raise", "invalid": "raise"}
    assert warnings.filters == filters


def test_numpy_set_to_raise_does_not_reach_the_check() -> None:
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_grad(energy, energy_grad, X * 1e-200).verdict == "pass"


ARRAYS = {
    "contiguous": lambda: np.linspace(0.5, 2.0, 12).reshape(3, 4),
    "Fortran order": lambda: np.asfortranarray(np.linspace(0.5, 2.0, 12).reshape(3, 4)),
    "transposed": lambda: np.linspace(0.5, 2.0, 12).reshape(4, 3).T,
    "strided": lambda: np.linspace(0.5, 2.0, 48).reshape(6, 8)[::2, ::2],
    "reversed": lambda: np.linspace(0.5, 2.0, 12).reshape(3, 4)[::-1, ::-1],
    "broadcast": lambda: np.broadcast_to(np.linspace(0.5, 2.0, 4), (3, 4)),
    "big-endian": lambda: np.linspace(0.5, 2.0, 12).reshape(3, 4).astype(">f8"),
    "single": lambda: np.linspace(0.5, 2.0, 12, dtype=np.float32).reshape(3, 4),
    "long double": lambda: np.linspace(0.5, 2.0, 12).reshape(3, 4).astype(np.longdouble),
}


@pytest.mark.parametrize("layout", ARRAYS)
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_the_callers_arrays_are_read_alone(layout, oracles) -> None:
    array = ARRAYS[layout]()
    array.flags.writeable = False
    kept = array.copy()
    strides = array.strides

    right = check_grad(lambda x: np.sum(x**3), lambda x: 3 * x**2, array, oracles=oracles, points=1)
    wrong = check_grad(
        lambda x: np.sum(x**3), lambda x: 2.9 * x**2, array, oracles=oracles, raise_on_failure=False
    )

    assert right.ok
    assert wrong.verdict == "fail"
    assert np.array_equal(array, kept)
    assert array.strides == strides
    assert not array.flags.writeable


def test_functions_that_write_do_not_reach_the_callers_arrays() -> None:
    tree = {"W": W.copy(), "b": [X.copy(), 0.5], "n": np.array([1, 2])}

    def f(tree):
        tree["W"] *= 2.0
        tree["b"][0] += 1.0
        tree["n"][:] = 0
        tree["b"][1] = 7.0
        return np.sum(tree["W"] ** 2)

    def claim(tree):
        tree["W"][:] = 0.0
        return tree

    check_grad(f, claim, tree, raise_on_failure=False, points=1)

    assert np.array_equal(tree["W"], W)
    assert np.array_equal(tree["b"][0], X)
    assert tree["b"][1] == 0.5
    assert np.array_equal(tree["n"], [1, 2])


def test_one_array_passed_twice_is_two_arguments() -> None:
    report = check_grad(lambda a, b: np.sum(a * b**2), lambda a, b: (b**2, 2.0 * a * b), X, X)

    assert report.ok
    assert len(report.leaves) == 2
