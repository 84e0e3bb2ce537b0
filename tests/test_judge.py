"""The judge: catches every wrong derivative, accuses no right one, says how sharp it was, at a steady cost."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradcheck import check_grad, check_vjp
from gradcheck.findings import Verdict
from gradcheck.judge.judge import case_of, judge
from gradcheck.judge.reasons import Reason
from tests.pairings import Tally, answer, pairing

ORACLES = pytest.mark.parametrize("oracles", [None, "differences"])
PROFILE = settings(derandomize=True, max_examples=40, deadline=None)
X = np.array([0.7, -1.3, 2.1, 0.4])


def report_of(f, claim, *args, **options):
    return check_grad(f, claim, *args, raise_on_failure=False, **options)


# --- the judge alone -----------------------------------------------------------------------------------------


def waves(x):
    return float(np.sum(np.sin(2.0 * x)))


def waves_grad(x):
    return 2.0 * np.cos(2.0 * x)


def judged(claim, trace=None, f=waves, x=X, rtol=1e-3, **fields):
    made = pairing(f, claim, x, **fields)
    told = None if trace is None else answer(trace, x, whole=True)
    with np.errstate(all="ignore"):
        return judge(case_of(made, told, rtol), np.random.default_rng(0))


@pytest.mark.parametrize("trace", [None, waves_grad])
def test_right_and_wrong(trace) -> None:
    assert judged(waves_grad, trace).verdict is Verdict.PASS
    assert judged(lambda x: 1.0001 * waves_grad(x), trace).verdict is Verdict.FAIL


def test_a_wrong_autograd_is_not_believed() -> None:
    broken = judged(waves_grad, lambda x: 0.5 * waves_grad(x))

    assert broken.verdict is Verdict.PASS
    assert broken.discredited


def test_a_blindness_common_to_claim_and_autograd_is_not_passed() -> None:
    # both leave out a factor that f has: the traced function is another one
    both = judged(lambda x: 0.5 * waves_grad(x), lambda x: 0.5 * waves_grad(x))

    assert both.verdict is not Verdict.PASS
    assert both.verdict is Verdict.FAIL or both.reasons[0].reason is Reason.DISAGREE


def test_where_all_three_differ_the_claim_fails() -> None:
    assert judged(lambda x: 0.5 * waves_grad(x), lambda x: 0.7 * waves_grad(x)).verdict is Verdict.FAIL


def test_the_entries_that_are_wrong_are_marked_where_autograd_speaks() -> None:
    found = judged(lambda x: waves_grad(x) * [1.0, 1.0, 1.001, 1.0], waves_grad)

    assert found.verdict is Verdict.FAIL
    assert found.wrong.tolist() == [False, False, True, False]


def test_a_pass_costs_four_evaluations_of_f() -> None:
    for trace in (None, waves_grad):
        tally = Tally()
        judged(waves_grad, trace, tally=tally)
        assert tally.calls == 4


# --- detection -----------------------------------------------------------------------------------------------


def params():
    generator = np.random.default_rng(7)
    return {"W": generator.normal(size=(5, 4)), "b": generator.normal(size=5), "v": generator.normal(size=5)}


INPUTS = np.random.default_rng(8).normal(size=(6, 4))


def net(p):
    return np.sum(np.tanh(INPUTS @ p["W"].T + p["b"]) @ p["v"])


def net_grad(p):
    hidden = np.tanh(INPUTS @ p["W"].T + p["b"])
    inner = (1.0 - hidden**2) * p["v"]
    return {"W": inner.T @ INPUTS, "b": inner.sum(axis=0), "v": hidden.sum(axis=0)}


@pytest.mark.parametrize("leaf", ["W", "b", "v"])
@pytest.mark.parametrize("error", [1e-6, -1e-6, 1e-4, 0.5])
def test_a_small_relative_error_in_one_leaf(leaf, error) -> None:
    report = report_of(net, lambda p: net_grad(p) | {leaf: (1.0 + error) * net_grad(p)[leaf]}, params())

    assert report.verdict == "fail", str(report)
    assert [one.path for one in report.leaves if one.verdict == "fail"] == [f"p['{leaf}']"]


@pytest.mark.parametrize("leaf", ["W", "b", "v"])
@pytest.mark.parametrize("error", [1e-4, 0.5])
def test_a_relative_error_in_one_leaf_by_differences_alone(leaf, error) -> None:
    report = report_of(
        net,
        lambda p: net_grad(p) | {leaf: (1.0 + error) * net_grad(p)[leaf]},
        params(),
        oracles="differences",
    )

    assert report.verdict == "fail", str(report)


@ORACLES
@pytest.mark.parametrize("index", [(0, 0), (2, 3), (4, 1)])
def test_a_single_wrong_entry(index, oracles) -> None:
    def wrong(p):
        gradient = net_grad(p)
        gradient["W"][index] *= 1.0001
        return gradient

    report = report_of(net, wrong, params(), oracles=oracles)

    assert report.verdict == "fail", str(report)
    assert report.leaves[0].worst_index == index


@ORACLES
@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_scaled_functions(factor, oracles) -> None:
    def scaled(p):
        return factor * net(p)

    def claim(by):
        return lambda p: {name: by * factor * part for name, part in net_grad(p).items()}

    assert report_of(scaled, claim(1.0), params(), oracles=oracles).ok
    assert report_of(scaled, claim(1.0 + 1e-5), params(), oracles=oracles).verdict == "fail"


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_no_absolute_floor(factor) -> None:
    report = report_of(lambda x: factor * np.sum(x**3), np.zeros_like, X)

    assert report.verdict == "fail"


@ORACLES
@pytest.mark.parametrize("huge", [1e3, 1e6])
def test_a_small_leaf_beside_a_huge_one(huge, oracles) -> None:
    tree = {"huge": huge * np.linspace(1.0, 2.0, 500), "small": np.array([0.3, -0.2])}

    def f(p):
        return np.sum(p["huge"]) + 10.0 * np.sum(np.sin(p["small"]))

    def claim(by):
        return lambda p: {"huge": np.ones(500), "small": by * 10.0 * np.cos(p["small"])}

    right = report_of(f, claim(1.0), tree, oracles=oracles)
    wrong = report_of(f, claim(1.01), tree, oracles=oracles)

    assert right.ok, str(right)
    assert wrong.verdict == "fail" or wrong.leaves[1].resolution is None, str(wrong)
    assert oracles or wrong.verdict == "fail"


def test_swapped_leaves() -> None:
    report = report_of(lambda a, b: np.sum(a * b**2), lambda a, b: (2.0 * a * b, b**2), X, X + 3.0)

    assert report.verdict == "fail"


@ORACLES
def test_an_error_for_some_signs_of_the_inputs(oracles) -> None:
    def leaky(by):
        return lambda x: np.where(x > 0.0, 1.0, by)

    def f(x):
        return np.sum(np.where(x > 0.0, x, 0.1 * x))

    assert report_of(f, leaky(0.1), X, oracles=oracles).ok
    assert report_of(f, leaky(0.1001), X, oracles=oracles).verdict == "fail"


@ORACLES
def test_zero_where_f_moves(oracles) -> None:
    for index in range(4):
        keep = np.arange(4) != index
        report = report_of(lambda x: np.sum(x**3), lambda x, keep=keep: 3.0 * x**2 * keep, X, oracles=oracles)
        assert report.verdict == "fail", str(report)


# --- no false alarms -----------------------------------------------------------------------------------------


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def in_place(x):
    z = x.copy()
    z[z < 0.0] *= 0.1
    z += 1.0
    z[0] = z[1] * z[2]
    return np.sum(z**2)


def in_place_grad(x):
    slope = np.where(x < 0.0, 0.1, 1.0)
    z = slope * x + 1.0
    g = 2.0 * z
    g[1] += 2.0 * z[1] * z[2] ** 2
    g[2] += 2.0 * z[2] * z[1] ** 2
    g[0] = 0.0
    return g * slope


def filled(x):
    rows = np.zeros((len(x), 3))
    for number, value in enumerate(x):
        rows[number] = [value, value**2, 1.0]
    return np.sum(rows[:, 0] * rows[:, 1])


bent = np.vectorize(lambda t: t**3 if t > 0.0 else np.sin(t))
PICK = np.array([0, 0, 2, 3, 2])

RIGHT = {
    "large offset": (lambda x: 1e6 + 1e-3 * np.sum(np.sin(x)), lambda x: 1e-3 * np.cos(x), X),
    "saturated": (lambda x: np.sum(sigmoid(x)), lambda x: sigmoid(x) * (1.0 - sigmoid(x)), 30.0 * X),
    "nearly saturated": (
        lambda x: np.sum(np.tanh(x)),
        lambda x: 1.0 - np.tanh(x) ** 2,
        np.array([18.0, 0.3]),
    ),
    "tiny inputs": (lambda x: np.sum(np.sin(1e8 * x)), lambda x: 1e8 * np.cos(1e8 * x), 1e-8 * X),
    "huge inputs": (lambda x: np.sum(np.sin(1e-8 * x)), lambda x: 1e-8 * np.cos(1e-8 * x), 1e8 * X),
    "mixed scales": (lambda x: np.sum(x**2), lambda x: 2.0 * x, np.array([1e-8, 1.0, 1e8, -1e3])),
    "in-place writes": (in_place, in_place_grad, X),
    "a filled array": (filled, lambda x: 3.0 * x**2, X),
    "np.vectorize": (lambda x: bent(x).sum(), lambda x: np.where(x > 0.0, 3.0 * x**2, np.cos(x)), X),
    "a loop over floats": (lambda x: sum(float(v) ** 3 for v in x), lambda x: 3.0 * x**2, X),
    "einsum": (lambda x: np.einsum("i,ij,j->", x, np.eye(4) * 2.0, x), lambda x: 4.0 * x, X),
    "fancy indexing": (
        lambda x: np.sum(x[PICK] ** 2),
        lambda x: 2.0 * x * np.bincount(PICK, minlength=4),
        X,
    ),
    "a minimum": (lambda x: np.sum((x - X) ** 2), lambda x: 2.0 * (x - X), X),
    "an optimum in noise": (
        lambda x: np.sum((np.vander(np.linspace(0.1, 1.0, 9), 4) @ x - np.linspace(0.0, 1.0, 9) ** 2.5) ** 2),
        lambda x: (
            2.0
            * np.vander(np.linspace(0.1, 1.0, 9), 4).T
            @ (np.vander(np.linspace(0.1, 1.0, 9), 4) @ x - np.linspace(0.0, 1.0, 9) ** 2.5)
        ),
        np.linalg.lstsq(np.vander(np.linspace(0.1, 1.0, 9), 4), np.linspace(0.0, 1.0, 9) ** 2.5, rcond=None)[
            0
        ],
    ),
    "the edge of a domain": (lambda x: np.sum(x**1.5), lambda x: 1.5 * np.sqrt(x), np.array([0.0, 1.0, 2.0])),
    "axes of length one": (lambda x: np.sum(x**2 * 3.0), lambda x: 6.0 * x, X.reshape(1, 4, 1)),
    "a constant": (lambda x: 3.0, lambda x: np.zeros_like(x), X),
}


@ORACLES
@pytest.mark.parametrize("name", RIGHT)
def test_right_derivations_pass(name, oracles) -> None:
    report = report_of(*RIGHT[name], oracles=oracles)

    assert report.ok, str(report)


@ORACLES
@pytest.mark.parametrize("name", [name for name in RIGHT if name not in ("a constant", "a minimum")])
def test_their_wrong_twins_do_not(name, oracles) -> None:
    f, claim, x = RIGHT[name]
    tilted = np.linspace(1.0, 1.3, x.size).reshape(x.shape)
    report = report_of(f, lambda x: claim(x) * tilted, x, oracles=oracles)

    # at an optimum the gradient is rounding, and differences do not see what saturation or an offset hides
    hidden = name == "an optimum in noise" or (oracles and name in HIDDEN)
    assert report.verdict == "fail" or hidden, str(report)


HIDDEN = ("large offset", "saturated", "nearly saturated")

SINGLES = {
    "tanh": (lambda x: np.sum(np.tanh(x)), lambda x: np.float32(1.0) - np.tanh(x) ** 2),
    "products": (lambda x: np.prod(x), lambda x: np.prod(x) / x),
    "single inside": (
        lambda x: np.sum(np.sin(x.astype(np.float32))),
        lambda x: np.cos(x.astype(np.float32)),
    ),
    "softmax": (
        lambda x: np.log(np.sum(np.exp(x - x.max()))) + x.max() - x[0],
        lambda x: np.exp(x - x.max()) / np.sum(np.exp(x - x.max())) - np.eye(4, dtype=np.float32)[0],
    ),
}


@ORACLES
@pytest.mark.parametrize("name", SINGLES)
def test_single_precision(name, oracles) -> None:
    f, claim = SINGLES[name]
    x = X.astype(np.float32)

    right = report_of(f, claim, x, oracles=oracles)
    wrong = report_of(f, lambda x: claim(x) * np.float32([1.0, 1.0, 1.1, 1.0]), x, oracles=oracles)

    assert right.ok, str(right)
    assert wrong.verdict == "fail", str(wrong)


# --- properties ----------------------------------------------------------------------------------------------

powers = st.floats(-8.0, 8.0)
choices = st.sampled_from([None, "differences"])


def quadratic(seed, size, x_power, f_power):
    generator = np.random.default_rng(seed)
    length, height = 10.0**x_power, 10.0**f_power
    root = generator.normal(size=(size, size)) / length
    b = generator.normal(size=size) / length

    def f(x):
        return height * (np.sum((root @ x) ** 2) + b @ x)

    def gradient(x):
        return height * (2.0 * root.T @ (root @ x) + b)

    return f, gradient, generator.normal(size=size) * length


@PROFILE
@given(st.integers(0, 10**6), st.integers(1, 12), powers, powers, choices)
def test_right_quadratic_forms_pass(seed, size, x_power, f_power, oracles) -> None:
    report = report_of(*quadratic(seed, size, x_power, f_power), oracles=oracles)

    assert report.ok, str(report)
    assert report.evaluations <= 12


@PROFILE
@given(st.integers(0, 10**6), st.integers(1, 12), powers, powers, st.floats(-6.0, 0.0), choices)
def test_wrong_quadratic_forms_fail(seed, size, x_power, f_power, error, oracles) -> None:
    f, gradient, x = quadratic(seed, size, x_power, f_power)

    report = report_of(f, lambda x: (1.0 + 10.0**error) * gradient(x), x, oracles=oracles)

    assert report.verdict == "fail", str(report)


ACTIVATIONS = {
    "tanh": (np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1.0 - sigmoid(z))),
    "softplus": (lambda z: np.logaddexp(0.0, z), sigmoid),
    "sine": (np.sin, np.cos),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: (z > 0.0) * 1.0),
}


def composition(seed, name, x_power, f_power):
    generator = np.random.default_rng(seed)
    activation, slope = ACTIVATIONS[name]
    length, height = 10.0**x_power, 10.0**f_power
    x, W, v = (
        generator.normal(size=3) * length,
        generator.normal(size=(4, 3)) / length,
        generator.normal(size=4),
    )

    def f(x, W, v):
        return height * np.sum(v * activation(W @ x))

    def gradient(x, W, v):
        inner = height * v * slope(W @ x)
        return W.T @ inner, np.outer(inner, x), height * activation(W @ x)

    return f, gradient, (x, W, v)


@PROFILE
@given(st.integers(0, 10**6), st.sampled_from(list(ACTIVATIONS)), powers, powers, choices)
def test_right_compositions_pass(seed, name, x_power, f_power, oracles) -> None:
    f, gradient, args = composition(seed, name, x_power, f_power)

    assert report_of(f, gradient, *args, oracles=oracles).ok


@PROFILE
@given(
    st.integers(0, 10**6),
    st.sampled_from(list(ACTIVATIONS)),
    powers,
    powers,
    st.floats(-6.0, 0.3),
    st.integers(0, 2),
    choices,
)
def test_compositions_with_a_wrong_leaf_fail(seed, name, x_power, f_power, error, leaf, oracles) -> None:
    f, gradient, args = composition(seed, name, x_power, f_power)
    assume(np.any(gradient(*args)[leaf]))  # all relus dead: a factor changes nothing

    def wrong(*args):
        parts = list(gradient(*args))
        parts[leaf] = parts[leaf] * (1.0 + 10.0**error)
        return tuple(parts)

    report = report_of(f, wrong, *args, oracles=oracles)

    assert report.verdict != "pass", str(report)
    assert error < -5.0 or report.verdict == "fail", str(report)
    failed = [number for number, one in enumerate(report.leaves) if one.verdict == "fail"]
    assert failed in ([leaf], []), str(report)


@PROFILE
@given(
    st.integers(0, 10**6),
    st.sampled_from(list(ACTIVATIONS)),
    st.floats(-5.0, 1.0),
    st.integers(0, 2),
    choices,
)
def test_verdict_leaves_and_diagnoses_tell_one_story(seed, name, error, leaf, oracles) -> None:
    f, gradient, args = composition(seed, name, 0.0, 0.0)

    def claim(*args):
        parts = list(gradient(*args))
        parts[leaf] = parts[leaf] * (1.0 + 10.0**error)
        return tuple(parts)

    report = report_of(f, claim, *args, oracles=oracles)

    assert bool(report.diagnoses) == (report.verdict == "fail")
    assert any(one.verdict == "fail" for one in report.leaves) == (report.verdict == "fail")
    assert bool(report.reasons) == (report.verdict == "inconclusive")
    assert report.ok or not all(one.verdict == "pass" for one in report.leaves)


# --- vacuous checks ------------------------------------------------------------------------------------------


@ORACLES
def test_a_dead_leaf_is_noted_as_not_tested(oracles) -> None:
    tree = {"W": -np.ones((3, 2)), "v": np.ones(3), "c": 0.5}
    x = np.array([1.0, 2.0])

    def hidden(p):
        return np.maximum(-1.0 - (p["W"] @ x) ** 2, 0.0)  # wherever W is, none of it comes alive

    def f(p):
        return np.sum(p["v"] * hidden(p)) + p["c"] ** 2

    def claim(p):
        return {"W": np.zeros((3, 2)), "v": hidden(p), "c": 2.0 * p["c"]}

    report = report_of(f, claim, tree, oracles=oracles)
    leaves = {leaf.path: leaf for leaf in report.leaves}

    assert report.ok
    for path in ("p['W']", "p['v']"):
        assert leaves[path].resolution is None
        assert leaves[path].note.startswith("not tested")
        assert path in str(report)
    assert "zero here and nearby" in str(report)
    assert leaves["p['c']"].resolution < 1e-6


def test_a_zero_claim_where_f_is_flat_in_rounding_alone_is_not_passed_as_tested() -> None:
    report = report_of(lambda x: 1e6 + 1e-12 * np.sum(x**3), np.zeros_like, X, oracles="differences")

    assert report.verdict != "fail" or report.leaves[0].resolution is None
    assert report.leaves[0].resolution is None


@ORACLES
def test_no_leaf_that_passes_untested_is_without_a_note(oracles) -> None:
    report = report_of(
        lambda a, b: np.sum(a) * 1e12 + 1e-12 * np.sum(b),
        lambda a, b: (a * 0 + 1e12, b * 0 + 1e-12),
        X,
        X,
        oracles=oracles,
    )

    assert report.verdict != "fail"
    assert all(leaf.resolution is not None or leaf.note for leaf in report.leaves) or not report.ok


# --- cost ----------------------------------------------------------------------------------------------------


def evaluations(size, leaves=1, oracles=None):
    generator = np.random.default_rng(0)
    tree = [generator.normal(size=size) for _ in range(leaves)]

    def f(tree):
        return sum(np.sum(np.sin(part)) for part in tree)

    report = check_grad(f, lambda tree: [np.cos(part) for part in tree], tree, oracles=oracles)
    return report.evaluations, report.claim_evaluations


def entries_of_one_scale(size, oracles):
    x = np.linspace(0.5, 1.5, size)
    report = check_grad(lambda x: np.sum(np.sin(x)), np.cos, x, oracles=oracles)
    return report.evaluations, report.claim_evaluations


@ORACLES
def test_a_pass_costs_the_same_for_any_number_of_entries(oracles) -> None:
    costs = {size: entries_of_one_scale(size, oracles) for size in (1, 10, 1_000, 100_000, 1_000_000)}

    assert len(set(costs.values())) == 1, costs
    assert costs[1][0] <= 8
    assert costs[1][1] <= 3


@ORACLES
def test_a_pass_costs_the_same_for_any_number_of_leaves(oracles) -> None:
    costs = {leaves: evaluations(4, leaves, oracles) for leaves in (1, 3, 30, 300)}

    assert max(calls for calls, _ in costs.values()) <= 30, costs
    assert costs[300][0] <= costs[3][0] + 8, costs


def test_the_probability_of_a_miss_is_stated() -> None:
    alone = check_grad(net, net_grad, params(), oracles="differences")
    both = check_grad(net, net_grad, params())

    assert 0.0 < alone.miss_probability < 1e-3
    assert both.miss_probability < 1e-3


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("factor, verdict", [(1.0, "pass"), (2.0, "fail"), (1.1, "fail")])
def test_squares_that_overflow_or_vanish_hide_nothing(scale, factor, verdict) -> None:
    report = check_grad(
        lambda x: scale * np.sum(np.sin(x)),
        lambda x: factor * scale * np.cos(x),
        np.array([0.3, -1.2, 0.7]),
        oracles=("differences",),
        raise_on_failure=False,
    )

    assert report.verdict == verdict
    if verdict == "pass":
        assert report.leaves[0].resolution < 1e-3
    else:
        assert report.leaves[0].note == ""


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("seed", range(6))
def test_a_leaf_that_is_right_in_low_precision_is_not_accused_beside_one_that_is_not_finite(
    dtype, seed
) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((100, 3)).astype(dtype)
    w, b = rng.standard_normal(3).astype(dtype), rng.standard_normal(3).astype(dtype)

    def pull(u, w, b):
        return np.full_like(w, np.inf), u.sum(axis=0)

    report = check_vjp(lambda w, b: X * w + b, pull, w, b, raise_on_failure=False)

    assert {leaf.path: leaf.verdict for leaf in report.leaves} == {"w": "fail", "b": "pass"}
    by_path = {leaf.path: leaf for leaf in report.leaves}
    assert by_path["b"].resolution > np.finfo(dtype).eps


@pytest.mark.parametrize("seed", range(6))
def test_what_underflows_in_half_precision_is_zero(seed) -> None:
    rng = np.random.default_rng(seed)
    z = (rng.standard_normal((5, 4)) * 12).astype(np.float16)  # saturated: shares down to 1e-12

    def loss(z):
        shifted = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[:, 0])

    def gradient(z):
        shares = np.exp(z - z.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        shares[:, 0] -= 1
        return shares / np.float16(len(z))

    assert check_grad(loss, gradient, z, raise_on_failure=False).verdict == "pass"
    assert check_grad(loss, lambda z: 2 * gradient(z), z, raise_on_failure=False).verdict == "fail"
