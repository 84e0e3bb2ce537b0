"""What a pass could not see is told, and nothing is told where there is nothing."""

import copy
import json
import logging
import pickle
import sys
import sysconfig
import time
import warnings
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy import ones
from scipy import special

import gradcheck
from gradcheck.ask import ambient
from gradcheck.findings import Blind
from gradcheck.unseen.lines import never_run
from gradcheck.unseen.lines import sides as ways
from gradcheck.unseen.moves import moves_made
from tests.unseen.programs import Program, blind, dense, general, layer_backward, layer_forward
from tests.unseen.sides import one_sided, says_which, sides

X = np.array([0.3, -1.2, 2.0])


def check(program: Program, **options):
    return gradcheck.check_grad(
        program.f,
        program.claim,
        *program.args.values(),
        argnums=program.argnums,
        raise_on_failure=False,
        **options,
    )


def test_every_blind_spot_is_told() -> None:
    told, planted = Counter(), Counter()
    for program in blind():
        report = check(program)
        assert report.verdict == "pass", (program.name, report)
        planted[program.blind] += 1
        told[program.blind] += program.blind in {one.kind for one in report.unseen}
    assert set(planted) == set(Blind) - {Blind.UNKNOWN}
    for kind, count in planted.items():
        assert count >= 16
        assert told[kind] >= 0.95 * count, (kind, told[kind], count)


def test_nothing_is_told_where_there_is_nothing() -> None:
    reports = [(program.name, check(program)) for program in general()]
    assert all(report.ok for _, report in reports)
    loud = [(name, report.unseen) for name, report in reports if report.unseen]
    assert len(loud) <= 0.02 * len(reports), loud


def test_a_branch_is_named_with_its_line() -> None:
    program = next(one for one in blind() if one.name.startswith("leaky") and one.blind is Blind.BRANCH)
    (of_f,) = {(one.file, one.line) for one in check(program).unseen if one.where == "f"}
    text = Path(of_f[0]).read_text().splitlines()[of_f[1] - 1]
    assert "np.where(z > 0, z, 0.1 * z)" in text


def _leak(z):
    return z if z > 0 else 0.1 * z


def _leaks(x):
    return sum(_leak(one) for one in x)


def _leaks_grad(x):
    return np.array([1.0 if one > 0 else 0.1 for one in x])


@pytest.mark.parametrize(("point", "sides"), [(np.abs(X), 2), (X, 0)])
def test_a_side_of_a_conditional_expression_that_never_ran_is_named(point, sides) -> None:
    report = gradcheck.check_grad(_leaks, _leaks_grad, point)
    assert [one.kind for one in report.unseen] == [Blind.BRANCH] * sides
    assert all("`else of if one > 0`" in one.message for one in report.unseen if one.where == "grad")


class Model:
    """A loss as a method that calls others."""

    def positive(self, z):
        return np.maximum(z, 0.0)

    def loss(self, x):
        return np.sum(self.positive(x) ** 2)

    def grad(self, x):
        return 2.0 * self.positive(x)


@pytest.mark.parametrize("how", ["method", "closure", "partial"])
def test_branches_below_methods_are_seen(how) -> None:
    model = Model()
    f, claim = {
        "method": (model.loss, model.grad),
        "closure": (lambda x: model.loss(x), lambda x: model.grad(x)),
        "partial": (partial(model.loss), partial(model.grad)),
    }[how]
    assert {one.kind for one in gradcheck.check_grad(f, claim, np.abs(X)).unseen} == {Blind.BRANCH}
    assert not gradcheck.check_grad(f, claim, X).unseen


def _largest_two(x):
    return np.sum(np.sort(x)[-2:] ** 2)


def _largest_two_grad(x):
    g, order = np.zeros_like(x), np.argsort(x)
    g[order[-2:]] = 2.0 * x[order[-2:]]
    return g


def _steps(x):
    return np.sum(x[np.arange(len(x))] ** 2)


@pytest.mark.parametrize(("f", "claim"), [(_largest_two, _largest_two_grad), (_steps, lambda x: 2.0 * x)])
def test_indices_of_an_order_cannot_come_twice(f, claim) -> None:
    assert not gradcheck.check_grad(f, claim, X).unseen


@pytest.mark.parametrize("program", [*one_sided()], ids=lambda one: one.name)
def test_where_a_choice_goes_one_way_its_line_is_told_however_it_is_written(program) -> None:
    told = [one for one in check(program).unseen if one.where == "f"]
    assert told
    assert all(one.kind is Blind.BRANCH and says_which(one.file, one.line) for one in told)


@pytest.mark.parametrize("program", [*sides()], ids=lambda one: one.name)
def test_where_a_choice_goes_both_ways_nothing_is_told_however_it_is_written(program) -> None:
    report = check(program)
    assert report.ok
    assert not report.unseen


def test_what_only_complains_in_the_end_is_no_branch() -> None:
    verbose = False

    def f(x):
        if x.ndim > 1:
            if len(x) > 3:
                raise ValueError("too long")
            elif len(x) > 2:
                raise ValueError("long")
        if len(x) > 100:
            message = f"{len(x)} are too many"
            raise ValueError(message)
        if np.max(x) > 50 and verbose:
            print("large")
            warnings.warn("large", stacklevel=2)
        return np.sum(x**2)

    assert not gradcheck.check_grad(f, lambda x: 2 * x, X).unseen


def test_what_returns_no_number_or_logs_is_no_branch() -> None:
    def f(x):
        if not np.isfinite(x).all():
            return np.nan
        if np.max(x) > 1e6:
            return float("-inf")
        if np.max(x) > 1e5:
            return -np.inf
        if len(x) > 100:
            return None
        if np.max(x) > 1e4:
            logging.getLogger(__name__).warning("large")
        return np.sum(x**2)

    assert not gradcheck.check_grad(f, lambda x: 2 * x, X).unseen


def test_two_filters_of_a_line_are_two() -> None:
    def f(x):
        return sum([t**2 for t in x if t > 0]) + sum([t**3 for t in x if t <= 0])

    line = f.__code__.co_firstlineno + 1
    report = gradcheck.check_grad(f, lambda x: 2 * x, np.abs(X))
    assert {one.message for one in report.unseen} == {
        f"line {line}: `if t > 0` was never passed by",
        f"line {line}: `if t <= 0` never ran",
    }


def test_what_has_no_source_is_told_by_its_line_alone() -> None:
    space = {"np": np}
    exec(compile("def f(x):\n    return np.sum(np.maximum(x, 0) ** 2)\n", "<made>", "exec"), space)
    (one,) = gradcheck.check_grad(space["f"], lambda x: 2 * x, np.abs(X)).unseen
    assert one.message == "line 2: its second operand was never seen"


def _half(x):
    if x > 0:
        return 1
    return 0


def test_what_one_look_has_seen_hides_nothing_from_the_next() -> None:
    first, second = {}, {}
    with moves_made(first, ways):
        for x in (1, -1, 1, -1):
            _half(x)
    with moves_made(second, ways):
        _half(1)
    assert not list(never_run(first))
    assert [told for _, _, told in never_run(second)] == ["`if x > 0` was never passed by"]


def test_an_if_that_never_ran_is_named() -> None:
    def f(x):
        if x[0] > 1.0:
            return np.sum(x**3)
        return np.sum(x**2)

    def grad(x):
        return 3 * x**2 if x[0] > 1.0 else 2 * x

    messages = [one.message for one in gradcheck.check_grad(f, grad, X).unseen]
    assert any("`if x[0] > 1.0` never ran" in message for message in messages)


def test_a_guard_that_raises_is_no_branch() -> None:
    def f(x):
        if x.ndim != 1:
            raise ValueError("one axis")
        return np.sum(x**2)

    assert not gradcheck.check_grad(f, lambda x: 2 * x, X).unseen


def test_zeros_are_looked_at_beside_the_point() -> None:
    def f(W, b):
        return np.sum((W + b) ** 2 + b**3)

    def right(W, b):
        return 2 * (W + b), (2 * (W + b)).sum(0) + 3 * b**2 * len(W)

    def wrong(W, b):  # b**2, which is not seen where b is zero
        return 2 * (W + b), (2 * (W + b)).sum(0)

    args = np.arange(6.0).reshape(3, 2), np.zeros(2)
    (one,) = gradcheck.check_grad(f, right, *args).unseen
    assert one.seen_to
    report = gradcheck.check_grad(f, wrong, *args, raise_on_failure=False)
    (one,) = report.unseen
    assert not one.seen_to
    assert "beside this point, where that is not so, the claim fails" in one.message
    assert report.verdict == "inconclusive"
    assert "right at this very point, and wrong beside it" in report.reasons[0]


def test_a_claim_that_is_meant_for_one_point_is_not_accused() -> None:
    """The derivative at the identity, as it is written for rotations and increments."""
    report = gradcheck.check_jacobian(lambda v: np.sin(v) + v**3, lambda v: np.eye(3), np.zeros(3))
    assert report.ok
    assert "the claim fails" in report.unseen[0].message


def test_what_a_moved_point_may_not_show_is_only_told() -> None:
    """A gradient written for symmetric matrices is right at them."""
    A = np.array([[2.0, 0.5], [0.5, 3.0]])
    report = gradcheck.check_grad(lambda S: np.linalg.slogdet(S)[1], np.linalg.inv, A)
    assert [one.kind for one in report.unseen] == [Blind.SYMMETRIC]


def test_a_bias_that_is_spread_over_the_batch_has_no_lone_axis() -> None:
    program = dense("tanh", 0)
    program.args["b"] = program.args["b"][None, :]
    claim = lambda W, b, X, Y: (program.claim(W, b, X, Y)[0], program.claim(W, b, X, Y)[1][None])  # noqa: E731
    report = gradcheck.check_grad(program.f, claim, *program.args.values(), argnums=(0, 1))
    assert not report.unseen


def test_strict_makes_it_inconclusive() -> None:
    one = next(program for program in blind() if program.blind is Blind.AXIS)
    report = check(one, strict=True)
    assert report.verdict == "inconclusive"
    assert any("has length 1" in reason for reason in report.reasons)
    assert check(dense("tanh", 1), strict=True).ok


def test_strict_is_content_with_what_was_seen_to() -> None:
    one = next(program for program in blind() if program.blind is Blind.CONSTANT)
    assert check(one, strict=True).ok


@pytest.mark.parametrize("number", range(4))
def test_where_nobody_listens_it_is_looked_for_when_it_is_asked_for(number, monkeypatch) -> None:
    program = [*blind()][7 * number]
    heard = check(program)
    monkeypatch.setattr(ambient, "_listeners", [])
    calls = Counter()

    def counted(name, function):
        def called(*args):
            calls[name] += 1
            return function(*args)

        return called

    f, claim = counted("f", program.f), counted("claim", program.claim)
    report = gradcheck.check_grad(f, claim, *program.args.values(), argnums=program.argnums)
    assert (report.evaluations, report.claim_evaluations) == (calls["f"], calls["claim"])
    state, before = np.random.get_state()[1].tobytes(), Counter(calls)  # noqa: NPY002
    quiet = check(program)
    kept = pickle.loads(pickle.dumps(quiet))
    assert kept.unseen == quiet.unseen == heard.unseen
    assert quiet.branches == heard.branches == kept.branches
    assert calls == before
    assert bool(report.unseen) == bool(heard.unseen) and str(report)
    assert max(calls[name] - before[name] for name in calls) <= 3
    assert np.random.get_state()[1].tobytes() == state  # noqa: NPY002


def test_it_is_in_every_view() -> None:
    report = check(next(program for program in blind() if program.blind is Blind.MASK))
    message = report.unseen[0].message
    assert "What this pass did not see" in str(report)
    assert json.loads(report.to_json())["unseen"][0]["message"] == message
    assert json.loads(report.to_json())["unseen"][0]["kind"] == "mask"
    assert "What this pass did not see" in report.to_html()


def test_a_failure_tells_no_blind_spots() -> None:
    one = next(program for program in blind() if program.blind is Blind.AXIS)
    report = gradcheck.check_grad(
        one.f, lambda *a: tuple(2 * g for g in one.claim(*a)), *one.args.values(), argnums=one.argnums,
        raise_on_failure=False,
    )  # fmt: skip
    assert report.verdict == "fail"
    assert not report.unseen


def test_the_callers_tracing_is_put_back() -> None:
    def trace(frame, event, argument):
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        check(dense("leaky", 0))
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("kind", [None, "differences"])
def test_it_costs_a_pass_little(kind) -> None:
    costs = [check(program, oracles=kind).evaluations for program in general()]
    assert np.median(costs) <= 12


def test_a_point_that_is_seen_through_coordinates_is_told_of_as_the_user_knows_it() -> None:
    x = np.random.default_rng(0).standard_normal((20, 20))
    assert not gradcheck.check_jvp(np.sin, lambda v, x: v * np.cos(x), x).unseen
    (one,) = gradcheck.check_jvp(np.sin, lambda v, x: v * np.cos(x), np.ones((20, 20))).unseen
    assert one.kind is Blind.CONSTANT
    assert not one.seen_to


def test_ones_that_numpy_is_given_are_no_cotangent() -> None:
    M = np.array([[2.0, 0.3, 0.1], [0.2, 1.5, 0.4], [0.1, 0.6, 1.2]])

    def f(x):
        return np.sum(np.linalg.solve(M, x)) + np.sum(M @ x)

    def claim(x):
        return np.linalg.solve(M.T, np.ones(3)) + M.T.dot(np.ones(3))

    assert not [one for one in gradcheck.check_grad(f, claim, X).unseen if one.kind is Blind.COTANGENT]


def test_the_row_of_each_label_is_taken_once() -> None:
    labels = np.array([0, 2, 1])

    def f(z):
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        return -np.log(p[np.arange(3), labels]).mean()

    def claim(z):
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        p[np.arange(3), labels] -= 1
        return p / 3

    z = np.random.default_rng(0).standard_normal((3, 3))
    assert not gradcheck.check_grad(f, claim, z).unseen


def test_branches_of_an_installed_function_are_not_told_of_the_callers_line() -> None:
    file = str(Path(sysconfig.get_path("purelib")) / "installed.py")
    space = {"np": np}
    exec(compile("def relu(x):\n    return np.sum(np.maximum(x, 0))\n", file, "exec"), space)
    assert not gradcheck.check_grad(space["relu"], lambda x: np.ones(3), np.abs(X)).unseen
    report = gradcheck.check_layer((np.abs, lambda d, x: d * np.sign(x)), np.abs(X))
    assert [one.where for one in report.unseen] == ["backward"]


@pytest.mark.parametrize("x", [[0.0, 0.0, 1.0, 2.0], [0.0, 0.5, 1.0]])
@pytest.mark.parametrize("f", [lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, x, 0.1 * x)])
def test_what_lies_on_the_kink_shows_no_side(f, x) -> None:
    report = gradcheck.check_vjp(f, lambda u, x: u, np.array(x), strict=True, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert {one.kind for one in report.unseen} == {Blind.BRANCH}


def test_conditions_that_only_raise_are_no_branches() -> None:
    def f(x):
        assert (x > 0).all()
        if np.any(x > 100):
            raise ValueError("too large")
        return np.sum(np.log(x))

    assert not gradcheck.check_grad(f, lambda x: 1 / x, np.abs(X)).unseen


def _switched(x, double):
    if double:
        return 2 * np.sum(x * x)
    return np.sum(x * x)


def test_a_branch_by_a_flag_is_seen() -> None:
    report = gradcheck.check_grad(_switched, lambda x, double: 2 * x, X, False)
    assert [one.message.partition(": ")[2] for one in report.unseen] == ["`if double` never ran"]


@pytest.mark.parametrize(
    "first",
    [
        lambda x: np.sum(np.prod(np.outer(x, x), axis=0)),
        lambda x: np.sum((2 + np.outer(x, x)).prod(axis=1)),
        lambda x: np.sum(np.cumprod(2 + x)),
        lambda x: np.sum(np.multiply.accumulate(x)),
    ],
)
def test_what_stands_behind_a_product_of_entries_is_seen(first) -> None:
    def f(x):
        return 0.0 * first(x) + np.sum(np.maximum(x, 0) ** 2)

    (one,) = gradcheck.check_grad(f, lambda x: 2 * x, np.abs(X)).unseen
    assert "its second operand was never seen" in one.message


def test_beyond_all_bounds_there_is_no_side() -> None:
    def f(x):
        m = -np.inf
        for t in x:
            m = max(m, t)
        y = np.minimum(np.maximum(-np.inf, x), np.inf)
        return m**2 + np.sum(np.clip(y, -np.inf, None) ** 2 * (x < np.inf)) + np.sum(np.clip(x, None, np.inf))

    assert not gradcheck.check_grad(f, lambda x: 2 * x + 1 + 2 * x * (x == x.max()), X).unseen


@pytest.mark.parametrize(
    ("f", "vjp"),
    [
        (np.sinc, lambda c, x: c * (np.cos(np.pi * x) - np.sinc(x)) / x),
        (np.unwrap, lambda c, x: c.copy()),
        (special.logsumexp, lambda c, x: c * special.softmax(x)),
    ],
)
def test_how_a_librarys_function_chooses_is_its_own_affair(f, vjp) -> None:
    def g(x):
        return f(x) + 0.0 * np.sum(np.where(x > 0.5, x, x))

    assert not gradcheck.check_vjp(g, vjp, np.array([0.3, -0.7, 1.1])).unseen


@pytest.mark.parametrize("times", [1, 2, -3])
def test_a_mask_times_a_number_is_no_integers_where_floats_are_due(times) -> None:
    def f(x):
        return np.sum(times * (x > 0) * x**2 + ~(x > 0) * x**3)

    def grad(x):
        on = x > 0
        return 2 * times * on * x + 3 * ~on * x**2

    assert not gradcheck.check_grad(f, grad, X).unseen


def test_choices_among_a_functions_own_numbers_are_none() -> None:
    def f(x):
        w = np.array([0.25, 0.5, 0.25])
        return np.sum(np.clip(w, 0, 1) * np.abs(w) * x**2)

    def grad(x):
        w = np.asarray([0.25, 0.5, 0.25], dtype=float)
        return 2 * np.maximum(w, 0.0) * w * x

    assert not gradcheck.check_grad(f, grad, X).unseen


def test_counts_that_a_function_makes_itself_are_no_integers_where_floats_are_due() -> None:
    def f(x):
        return np.sum(np.sort(x) * np.arange(3))

    def claim(x):
        return np.arange(3)[np.argsort(np.argsort(x))].astype(float)

    assert not gradcheck.check_grad(f, claim, X).unseen


def test_a_queue_keeps_plain_arrays() -> None:
    seen = deque(maxlen=3)

    def f(x):
        seen.append(np.abs(x))
        return np.sum(np.abs(x))

    gradcheck.check_grad(f, np.sign, X)
    assert {type(one) for one in seen} <= {np.ndarray}


def test_coverage_of_the_caller_is_not_lost(tmp_path) -> None:
    (tmp_path / "check.py").write_text(
        "import numpy as np, gradcheck\n"
        "def loss(x):\n    return np.sum(np.where(x > 0, x, 0.1 * x))\n"
        "def grad(x):\n    return np.where(x > 0, 1.0, 0.1)\n"
        "def check():\n    gradcheck.check_grad(loss, grad, np.array([1.0, -1.0]))\n    a = 1\n    return a\n"
        "check()\n"
    )
    seen = []

    def tracer(frame, event, _):
        if frame.f_code.co_name == "check" and event == "line":
            seen.append(frame.f_lineno)
        return tracer

    code = compile((tmp_path / "check.py").read_text(), str(tmp_path / "check.py"), "exec")
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        exec(code, {})
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    assert seen == [7, 8, 9]


@pytest.mark.parametrize("h", [3, 4])
def test_a_batch_of_one_is_told_beside_a_weight_of_its_width(h) -> None:
    rng = np.random.default_rng(0)
    W, x, y = rng.standard_normal((h, 3)), rng.standard_normal((1, 3)), rng.standard_normal((1, h))

    def loss(W, X, Y):
        return np.mean(np.sum((X @ W.T - Y) ** 2, axis=1))

    def grad(W, X, Y):  # without the length of the batch
        return 2 * (X @ W.T - Y).T @ X

    found = gradcheck.check_grad(loss, grad, W, x, y, argnums=0).unseen
    assert {one.where for one in found if one.kind is Blind.AXIS} == {"X", "Y"}


def test_of_each_branch_the_share_that_was_taken_is_told() -> None:
    def f(x):
        return np.sum(np.where(x > 0, x, 0.1 * x)) + np.sum(np.maximum(x, -1.0))

    def claim(x):
        return np.where(x > 0, 1.0, 0.1) + (x > -1.0)

    report = gradcheck.check_grad(f, claim, X)
    told = {(one.where, one.what): one.taken for one in report.branches}
    assert told["f", "where"] == told["f", ">"] == told["grad", "where"] == pytest.approx(2 / 3)
    assert told["f", "maximum"] == pytest.approx(2 / 3)
    assert all("np.where" in one.text for one in report.branches if one.what == "where")
    assert json.loads(report.to_json())["branches"][0]["line"] == report.branches[0].line


@pytest.mark.parametrize(
    ("f", "claim", "what"),
    [
        (lambda x: sum(max(0.0, one) ** 2 for one in x), lambda x: 2 * np.maximum(x, 0), "max"),
        (lambda x: sum(min(0.0, -one) ** 2 for one in x), lambda x: 2 * np.maximum(x, 0), "min"),
        (lambda x: sum(abs(one) for one in x), np.sign, "abs"),
        (lambda x: np.linalg.norm(x, 1), np.sign, "norm"),
        (lambda x: np.linalg.norm(x, ord=np.inf), lambda x: np.sign(x) * (np.abs(x) == abs(x).max()), "norm"),
        (lambda x: np.sum(np.sqrt(x**2)), np.sign, "root of a square"),
        (lambda x: np.sum(np.sqrt(x * x)), np.sign, "root of a square"),
        (lambda x: np.sum(np.square(x) ** 0.5), np.sign, "root of a square"),
    ],
)
def test_absolute_values_and_choices_by_other_names_are_branches(f, claim, what) -> None:
    report = gradcheck.check_grad(f, claim, X)
    assert not [one for one in report.unseen if one.where == "f"]
    assert 0.0 < next(one.taken for one in report.branches if one.what == what) < 1.0
    (one,) = [one for one in gradcheck.check_grad(f, claim, np.abs(X)).unseen if one.where == "f"]
    assert one.kind is Blind.BRANCH


@pytest.mark.parametrize(
    "f", [np.linalg.norm, lambda x: np.sqrt(np.sum(x**2)), lambda x: max(len(x), 2) * x @ x]
)
def test_what_bends_nowhere_near_is_no_branch(f) -> None:
    def claim(x):
        return x / np.linalg.norm(x) if f(2 * x) == 2 * f(x) else 6 * x

    report = gradcheck.check_grad(f, claim, np.abs(X))
    assert not [one for one in report.unseen if one.where == "f"]


def _deep(x, hidden, kind):
    for W in hidden:
        x = np.tanh(W @ x)
    while np.sum(x**2) > 1e6:
        x = x / 2
    match kind:
        case "square":
            return np.sum(x**2)
        case "cube":
            return np.sum(x**3)


@pytest.mark.parametrize(
    ("hidden", "kind", "size", "never"),
    [
        ((), "square", 1.0, ["for W in hidden", "while np.sum(x ** 2) > 1000000.0", "case 'cube'"]),
        ((np.eye(3) + 0.1,), "cube", 1.0, ["while np.sum(x ** 2) > 1000000.0", "case 'square'"]),
        ((), "square", 1e4, ["for W in hidden", "case 'cube'"]),
    ],
)
def test_loops_and_cases_that_never_ran_are_named(hidden, kind, size, never) -> None:
    from autograd import grad  # as good a claim as any

    def claim(x, hidden, kind):
        return grad(lambda x: _deep(x, hidden, kind))(x)

    report = gradcheck.check_grad(_deep, claim, size * X, hidden, kind, argnums=0)
    assert [one.message.partition(": ")[2] for one in report.unseen if one.where == "f"] == [
        f"`{one}` never ran" for one in never
    ]


def _through_variable(W):
    d = np.ones((4, 2))
    return layer_backward(d, W, BATCH)


def _of_other_values(W):
    d = np.ones((4, 2))
    d = d * W.sum()
    return layer_backward(d, W, BATCH)


BATCH = np.random.default_rng(8).standard_normal((4, 3))


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        (_through_variable, True),
        (lambda W: layer_backward(np.full((4, 2), 1.0), W, BATCH), True),
        (lambda W: layer_backward(dout=np.ones((4, 2)), W=W, X=BATCH), True),
        (lambda W: layer_backward(ones((4, 2)), W, BATCH), True),
        (lambda W: layer_backward(np.full((4, 2), 2.0), W, BATCH), False),
        (_of_other_values, False),
        (lambda W: np.ones((4, 1)).T @ layer_forward(W, BATCH), False),
    ],
)
def test_ones_that_reach_a_backward_function_are_told_however_they_are_written(claim, told) -> None:
    report = gradcheck.check_grad(
        lambda W: np.sum(layer_forward(W, BATCH)), claim, np.ones((3, 2)) / 3, raise_on_failure=False
    )
    assert told == (Blind.COTANGENT in {one.kind for one in report.unseen})


def test_a_function_on_a_line_with_others_is_read_alone() -> None:
    cg = gradcheck.check_grad
    report = cg(lambda x: np.sum(np.sin(x)), lambda x: np.cos(x) * 1.0001, X, raise_on_failure=False)
    assert not [note for note in report.notes if "stops early" in note]


def is_followed(frame) -> bool:
    if not hasattr(sys, "monitoring"):
        return sys.gettrace() is not None and frame.f_trace_opcodes
    tools = [number for number in range(6) if sys.monitoring.get_tool(number) == "gradcheck"]
    return any(sys.monitoring.get_local_events(number, frame.f_code) for number in tools)


def test_a_loop_over_entries_is_followed_no_longer_than_it_tells_something() -> None:
    seen = []

    def f(x):
        total = 0.0
        for one in x:
            seen.append(is_followed(sys._getframe()))
            total += one * one if one > 0 else 0.5 * one * one
        return total

    gradcheck.check_grad(f, lambda x: np.where(x > 0, 2 * x, x), np.tile([1.0, -1.0], 50))
    assert 0 < sum(seen) < 10


def test_largest_of_other_things_than_two_numbers_is_no_branch() -> None:
    def f(x):
        longest = max("ab", "c", key=len)
        far = max(x[0], -2.0, key=np.square) ** 2
        return np.sum(x**2) * max(len(longest), 2) + max(x.tolist()) * 0 + far * 0

    report = gradcheck.check_grad(f, lambda x: 4 * x, X, oracles="differences")
    assert not [one for one in report.branches if one.where == "f"]
    assert not [one for one in report.unseen if one.where == "f"]


def _moves(x):
    return np.array([x[0] * x[1], x[1] ** 2, np.sin(x[2])])


def _moves_jacobian(x, factor=2.0):
    return np.array([[x[1], x[0], 0.0], [0.0, factor * x[1], 0.0], [0.0, 0.0, np.cos(x[2])]])


@pytest.mark.parametrize("oracles", [None, "differences"])
def test_a_zero_in_a_vector_whose_entries_have_parts_of_their_own_is_told(oracles) -> None:
    x = np.array([0.7, 0.0, 0.3])

    def wrong(x):
        return _moves_jacobian(x, 3.0)

    (one,) = gradcheck.check_jacobian(_moves, wrong, x, oracles=oracles).unseen
    assert one.message.startswith("x[1] is zero")
    assert "beside this point, where that is not so, the claim fails" in one.message
    (one,) = gradcheck.check_jacobian(_moves, _moves_jacobian, x, oracles=oracles).unseen
    assert one.seen_to
    assert not gradcheck.check_jacobian(_moves, _moves_jacobian, x + 0.1, oracles=oracles).unseen


@pytest.mark.parametrize("x", [[1.0, 0.0, -1.0, 1.0], [0.0, 0.5, *range(1, 40)]])
def test_zeros_of_labels_and_of_many_entries_are_like_others(x) -> None:
    assert not gradcheck.check_grad(
        lambda x: np.sum(np.tanh(x - 3)), lambda x: 1 - np.tanh(x - 3) ** 2, np.array(x)
    ).unseen


def test_a_zero_at_a_kink_is_told_as_a_kink() -> None:
    report = gradcheck.check_vjp(
        lambda x: np.maximum(x, 0), lambda u, x: u * (x > 0), np.array([-1.5, 0.0, 2.0])
    )
    assert not report.unseen


@pytest.mark.parametrize("oracles", [None, "differences"])
def test_arrays_that_are_equal_are_told_and_moved_apart(oracles) -> None:
    def f(a, b):
        return np.sum(np.sin(a) * b)

    def right(a, b):
        return np.cos(a) * b, np.sin(a)

    def wrong(a, b):
        return np.cos(b) * a, np.sin(b)

    (one,) = gradcheck.check_grad(f, right, X, X.copy(), oracles=oracles).unseen
    assert one.message.startswith("a and b are equal")
    assert one.kind is Blind.ROWS
    assert one.seen_to
    report = gradcheck.check_grad(f, wrong, X, X.copy(), oracles=oracles, raise_on_failure=False)
    (one,) = report.unseen
    assert report.verdict == "inconclusive"
    assert "beside this point, where that is not so, the claim fails" in one.message
    assert not gradcheck.check_grad(f, right, X, X[::-1].copy(), oracles=oracles).unseen
    nested = gradcheck.check_grad(lambda p: f(*p), lambda p: list(right(*p)), [X, X.copy()], oracles=oracles)
    assert [one.message.partition(" are")[0] for one in nested.unseen] == ["p[0] and p[1]"]


@pytest.fixture
def unheard(monkeypatch) -> None:
    """As where no plugin listens: what was not seen is looked for when it is asked for."""
    monkeypatch.setattr(ambient, "_listeners", [])


@pytest.mark.parametrize("now", [np.eye(3), 2.0 * np.eye(3) + 1.0, None])
def test_what_was_changed_since_the_check_is_not_told_as_what_it_did_not_see(unheard, now) -> None:
    held = {"A": np.random.default_rng(0).standard_normal((3, 3))}
    f = lambda x: np.sum(np.maximum(held["A"] @ x, 0) ** 2)  # noqa: E731
    claim = lambda x: 2 * held["A"].T @ np.maximum(held["A"] @ x, 0)  # noqa: E731
    report = gradcheck.check_grad(f, claim, X)
    held["A"] = now
    assert [one.kind for one in report.unseen] == [Blind.UNKNOWN]
    assert "answers otherwise than at the check" in str(report)
    assert report.to_dict()["unseen"][0]["kind"] == "unknown"


def test_weights_that_a_training_step_has_changed_in_place_are_seen_to_be_others(unheard) -> None:
    W = np.eye(3)

    def f(x):
        return np.sum(np.tanh(W @ x))

    def claim(x):
        return W.T @ (1 - np.tanh(W @ x) ** 2)

    before, after = (gradcheck.check_grad(f, claim, X) for _ in range(2))
    assert [one.kind for one in before.unseen] == [Blind.SYMMETRIC]
    W -= 0.1 * np.outer(claim(X), X)
    assert [one.kind for one in after.unseen] == [Blind.UNKNOWN]
    assert before.unseen[0].kind is Blind.SYMMETRIC


def test_of_a_layer_what_was_not_seen_is_told_as_it_was_at_the_check(unheard) -> None:
    class Dropout:
        def __init__(self):
            self.training, self.rate, self.W = True, 0.5, np.random.default_rng(0).standard_normal((3, 4))

        def forward(self, x):
            self.x, self.mask = x, 1.0
            if self.training:
                self.mask = (np.random.default_rng(1).random((len(x), 4)) > self.rate) / (1 - self.rate)
            return x @ self.W * self.mask

        def backward(self, d):
            self.dW = self.x.T @ (d * self.mask)
            return (d * self.mask) @ self.W.T

    layer = Dropout()
    report = gradcheck.check_layer(layer, np.random.default_rng(2).standard_normal((5, 3)))
    layer.training = False
    layer.W *= 0.0
    assert not report.unseen


def test_looking_for_it_raises_nothing(unheard) -> None:
    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("outside of a request")

    proxy = None

    def f(x):
        return np.sum(np.maximum(x, 0)) * len([proxy])

    report = gradcheck.check_grad(f, lambda x: np.where(x > 0, 1.0, 0.0), X)
    proxy = Proxy()
    assert [one.kind for one in report.unseen] == [Blind.UNKNOWN]
    assert "looking for it raised RuntimeError" in str(report)


def test_f_may_read_the_report_that_asks_it(unheard) -> None:
    reports = []

    def f(x):
        [str(one) for one in reports]
        return np.sum(np.maximum(x, 0))

    reports.append(gradcheck.check_grad(f, lambda x: np.where(x > 0, 1.0, 0.0), np.abs(X)))
    assert {one.kind for one in reports[0].unseen} == {Blind.BRANCH}
    assert reports[0].branches


def test_what_is_broken_off_is_looked_for_again(unheard) -> None:
    broken = False

    def f(x):
        if broken:
            raise KeyboardInterrupt
        return np.sum(x**2)

    report = gradcheck.check_grad(f, lambda x: 2 * x, np.ones(3))
    broken = True
    with pytest.raises(KeyboardInterrupt):
        str(report)
    broken = False
    assert [one.kind for one in report.unseen] == [Blind.CONSTANT]


def test_branches_of_a_function_with_attributes_are_told() -> None:
    def f(x):
        f.calls += 1
        return np.sum(np.maximum(x, 0))

    f.calls = 0
    report = gradcheck.check_grad(f, lambda x: np.ones(3), np.abs(X))
    assert {one.where for one in report.unseen} == {"f"}


def test_how_a_layer_keeps_its_attributes_is_no_branch() -> None:
    class Module:
        def __init__(self):
            self.W = np.random.default_rng(0).standard_normal((3, 2))

        def __setattr__(self, name, value):
            if isinstance(value, Module):
                vars(self).setdefault("modules", []).append(value)
            vars(self)[name] = value

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, d):
            self.dW = self.x.T @ d
            return d @ self.W.T

    assert not gradcheck.check_layer(Module(), np.random.default_rng(1).standard_normal((4, 3))).unseen


def test_threads_that_read_a_report_at_once_find_the_same(unheard) -> None:
    def f(x):
        time.sleep(0.02)
        return np.sum(np.maximum(x, 0))

    report = gradcheck.check_grad(f, lambda x: np.where(x > 0, 1.0, 0.0), np.abs(X))
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: report.unseen, range(4))]
    assert {one.kind for one in found[0]} == {Blind.BRANCH}
    assert found == 4 * found[:1]
    assert pickle.loads(pickle.dumps(report)) == copy.deepcopy(report) == report


def _rectified(x):
    return np.maximum(x, 0.0)


def _by_mask(u, x):
    h = np.maximum(x, 0.0)
    du = u.copy()
    du[h <= 0] = 0
    return du


def _by_product(u, x):
    h = np.maximum(x, 0.0)
    return u * (h > 0)


def _in_place(u, x):
    h = x.copy()
    h[h < 0] = 0.0
    return np.where(h > 0, u, 0.0)


def _by_out(u, x):
    h = x.copy()
    np.maximum(h, 0.0, out=h)
    mask = h <= 0
    return u * ~mask


def _itself(u, x):
    return u * (x > 0)


@pytest.mark.parametrize("claim", [_by_mask, _by_product, _in_place, _by_out])
def test_the_output_of_a_relu_beside_zero_has_two_sides(claim) -> None:
    assert not gradcheck.check_vjp(_rectified, claim, X, strict=True).unseen
    off = gradcheck.check_vjp(_rectified, claim, np.abs(X)).unseen
    assert {one.where for one in off} == {"f", "vjp"}


def test_a_tie_of_the_point_itself_is_no_side() -> None:
    tied = np.where(X > 0, X, 0.0)
    assert {one.where for one in gradcheck.check_vjp(_rectified, _itself, tied).unseen} == {"f", "vjp"}


def _copied(copy):
    def f(x):
        x = copy(x)
        positive = x > 0
        return x * positive

    return f


@pytest.mark.parametrize(
    "copy",
    [
        np.array, np.asarray, np.copy, np.ascontiguousarray, np.vstack, lambda x: np.concatenate([x]),
        lambda x: np.pad(x, 0), lambda x: 1.0 * x, lambda x: np.dot(np.eye(len(x)), x),
    ],
)  # fmt: skip
def test_a_tie_of_the_point_is_no_side_in_a_copy_of_it(copy) -> None:
    tied = np.array([[0.3, 0.0, 2.0], [0.0, 1.4, 0.7]])
    told = gradcheck.check_vjp(_copied(copy), _itself, tied).unseen
    assert {one.where for one in told if one.kind is Blind.BRANCH} == {"f", "vjp"}


def _by_view(h):
    flat = h.ravel()
    flat[flat < 0] = 0.0
    return h


def _by_copyto(h):
    np.copyto(h, 0.0, where=h < 0)
    return h


def _by_factor(h):
    h *= h > 0
    return h


def _by_loop(h):
    for place in range(len(h)):
        if h[place] < 0:
            h[place] = 0.0
    return h


@pytest.mark.parametrize("cut", [_by_view, _by_copyto, _by_factor, _by_loop])
def test_what_is_cut_off_in_place_has_two_sides_beside_zero(cut) -> None:
    def claim(u, x):
        h = cut(x.copy())
        positive = h > 0
        return u * positive

    x = X.ravel()
    assert not gradcheck.check_vjp(_rectified, claim, x, strict=True).unseen
    assert {one.where for one in gradcheck.check_vjp(_rectified, claim, np.abs(x)).unseen} == {"f", "vjp"}


def _largest(x):
    return x.max(axis=1)


def _of_the_largest(u, x):
    first = x >= x.max(axis=1, keepdims=True)
    return u[:, None] * first


def test_the_largest_of_a_row_is_beside_itself() -> None:
    x = np.array([[0.3, -1.2, 2.0], [0.9, 1.4, -0.7]])
    assert not gradcheck.check_vjp(_largest, _of_the_largest, x, strict=True).unseen


@pytest.mark.parametrize("dtype", [int, float, bool])
def test_labels_of_0_and_1_are_on_both_sides_of_0(dtype) -> None:
    def f(w, labels):
        ours = np.asarray(labels) > 0
        return np.sum(ours * w**2)

    def grad(w, labels):
        ours = labels > 0
        return 2 * ours * w

    labels = np.array([0, 1, 1], dtype)
    assert not gradcheck.check_grad(f, grad, X, labels, argnums=0, strict=True).unseen
    told = gradcheck.check_grad(f, grad, X, np.ones_like(labels), argnums=0).unseen
    assert {one.where for one in told if one.kind is Blind.BRANCH} == {"f", "grad"}


def test_the_root_of_a_square_is_an_absolute_value_in_place_too() -> None:
    def f(x):
        size = x * x
        np.sqrt(size, out=size)
        return size

    def claim(u, x):
        return u * x / np.abs(x)

    assert {one.where for one in gradcheck.check_vjp(f, claim, np.abs(X)).unseen} == {"f", "vjp"}


def test_the_root_of_a_square_and_more_is_smooth() -> None:
    def f(x):
        size = x * x
        size += 0.1
        return np.sqrt(size)

    def claim(u, x):
        return u * x / np.sqrt(x * x + 0.1)

    assert not gradcheck.check_vjp(f, claim, np.abs(X)).unseen
