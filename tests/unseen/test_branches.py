"""Branches of f and of the claim that a point never takes are named with their lines."""

import json
import logging
import sys
import sysconfig
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import special

import gradcheck
from gradcheck.findings import Blind
from gradcheck.unseen.lines import never_run
from gradcheck.unseen.lines import sides as ways
from gradcheck.unseen.moves import moves_made
from tests.unseen.programs import blind, check
from tests.unseen.sides import one_sided, says_which, sides

X = np.array([0.3, -1.2, 2.0])


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


def test_branches_of_an_installed_function_are_not_told_of_the_callers_line() -> None:
    file = str(Path(sysconfig.get_path("purelib")) / "installed.py")
    space = {"np": np}
    exec(compile("def relu(x):\n    return np.sum(np.maximum(x, 0))\n", file, "exec"), space)
    assert not gradcheck.check_grad(space["relu"], lambda x: np.ones(3), np.abs(X)).unseen
    report = gradcheck.check_layer((np.abs, lambda d, x: d * np.sign(x)), np.abs(X))
    assert [one.where for one in report.unseen] == ["backward"]


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


def test_choices_among_a_functions_own_numbers_are_none() -> None:
    def f(x):
        w = np.array([0.25, 0.5, 0.25])
        return np.sum(np.clip(w, 0, 1) * np.abs(w) * x**2)

    def grad(x):
        w = np.asarray([0.25, 0.5, 0.25], dtype=float)
        return 2 * np.maximum(w, 0.0) * w * x

    assert not gradcheck.check_grad(f, grad, X).unseen


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
