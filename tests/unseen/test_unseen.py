"""What a pass could not see is told, and nothing is told where there is nothing."""

import json
import sys
from collections import Counter, deque

import numpy as np
import pytest
from numpy import ones

import gradcheck
from gradcheck.findings import Blind
from tests.unseen.programs import blind, check, dense, general, layer_backward, layer_forward

X = np.array([0.3, -1.2, 2.0])


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


@pytest.mark.parametrize("times", [1, 2, -3])
def test_a_mask_times_a_number_is_no_integers_where_floats_are_due(times) -> None:
    def f(x):
        return np.sum(times * (x > 0) * x**2 + ~(x > 0) * x**3)

    def grad(x):
        on = x > 0
        return 2 * times * on * x + 3 * ~on * x**2

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
