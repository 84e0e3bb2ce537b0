"""Whatever is handed in: a verdict, or one clear sentence; never a foreign exception, a crash or a hang."""

from __future__ import annotations

import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from gradcheck import check_grad, check_hessian, check_jacobian, check_vjp

X = np.array([0.7, -1.3, 2.1])


def square(x):
    return np.sum(x**2)


def double(x):
    return 2.0 * x


# --- other libraries -----------------------------------------------------------------------------------------


def in_a_process_of_its_own(source):
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.split(), done.stderr


@pytest.mark.parametrize("glue", ["float(F(x))", "float(F(np.tanh(x)))", "float(F(x[::-1]))"])
def test_casadi_does_not_kill_the_interpreter(glue) -> None:
    pytest.importorskip("casadi")
    code, said, errors = in_a_process_of_its_own(
        "import casadi as ca, numpy as np, gradcheck\n"
        "X = ca.SX.sym('x', 3); F = ca.Function('F', [X], [ca.sumsqr(X)])\n"
        f"f = lambda x: {glue}\n"
        "print(gradcheck.check_grad(f, lambda x: 0 * x + 7.0, np.ones(3), raise_on_failure=False).verdict)"
    )

    assert (code, said) == (0, ["fail"]), errors


def test_a_helper_that_unwraps_until_a_plain_number_comes() -> None:
    def plain(v):
        while type(v) is not float:
            v = v.item()
        return v

    assert check_grad(lambda x: plain(np.sum(x**2)), double, X).ok


def test_a_tensor_that_requires_grad() -> None:
    torch = pytest.importorskip("torch")

    def f(x):
        return torch.sum(torch.tensor(np.asarray(x), requires_grad=True) ** 2)

    report = check_grad(f, double, X, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert "detach" in report.reasons[0]
    with pytest.raises(TypeError, match=r"grad returned a tensor.*detach"):
        check_grad(square, f, X)


def test_a_user_s_own_primitive_is_judged_by_its_function_not_by_its_rule() -> None:
    import autograd
    from autograd.extend import defvjp, primitive

    def make(rule):
        @primitive
        def log_sum_exp(x):
            return np.log(np.sum(np.exp(x)))

        defvjp(log_sum_exp, rule)
        return log_sum_exp

    right = make(lambda ans, x: lambda g: g * np.exp(x - ans))
    wrong = make(lambda ans, x: lambda g: g * np.exp(x) * ans)
    for outer in (lambda f: f, lambda f: lambda x: f(x) ** 2 + f(2.0 * x)):
        f, g = outer(right), outer(wrong)
        assert check_grad(f, autograd.grad(f), X).ok
        assert check_grad(g, autograd.grad(g), X, raise_on_failure=False).verdict == "fail"


# --- what comes back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr_array", "coo_array", "csc_array", "dia_array", "csr_matrix"])
def test_sparse_jacobians_are_named_with_the_remedy(form) -> None:
    sparse = pytest.importorskip("scipy.sparse")

    with pytest.raises(TypeError, match=r"jac returned a sparse matrix.*toarray"):
        check_jacobian(np.sin, lambda x: getattr(sparse, form)(np.diag(np.cos(x))), X)


def test_linear_operators_are_named_with_the_remedy() -> None:
    linalg = pytest.importorskip("scipy.sparse.linalg")

    with pytest.raises(TypeError, match=r"jac returned a linear operator.*check_jvp and check_vjp"):
        check_jacobian(np.sin, lambda x: linalg.aslinearoperator(np.diag(np.cos(x))), X)


def test_a_value_and_its_gradient_in_one() -> None:
    def both(x):
        return square(x), double(x)

    with pytest.raises(ValueError, match=r"f must return a scalar.*pair.*\(value, gradient\).*\[0\]"):
        check_grad(both, both, X)
    with pytest.raises(TypeError, match=r"grad returned a pair.*\(value, gradient\).*\[1\]"):
        check_grad(square, both, X)


class NoWords(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class NoArray:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")


def looped():
    inner: list = []
    inner.append(inner)
    return inner


def raising(x):
    raise NoWords


@pytest.mark.parametrize(
    "f, claim, verdict",
    [
        (square, lambda x: 10**400, "fail"),
        (square, lambda x: looped(), "fail"),
        (square, lambda x: NoArray(), "fail"),
        (square, raising, "fail"),
        (raising, double, "inconclusive"),
        (lambda x: NoArray(), double, "inconclusive"),
        (lambda x: looped(), double, "inconclusive"),
    ],
)
def test_objects_of_every_kind_end_in_a_verdict(f, claim, verdict) -> None:
    assert check_grad(f, claim, X, raise_on_failure=False).verdict == verdict


@pytest.mark.parametrize("check", [check_jacobian, check_hessian])
@pytest.mark.parametrize("x", [1.5, np.float64(1.5), np.array(1.5)])
def test_wrong_dense_derivatives_of_a_single_number_fail(check, x) -> None:
    assert check(lambda x: x**3, lambda x: 5.0 * x, x, raise_on_failure=False).verdict == "fail"


def test_a_wrong_hessian_over_several_shapes_fails() -> None:
    def f(a, b):
        return np.sum(a**3) * np.sum(b**2)

    def hessian(a, b):
        aa, ab = np.diag(6.0 * a) * np.sum(b**2), np.multiply.outer(3.0 * a**2, 2.0 * b)
        return [[aa, ab], [np.moveaxis(ab, 0, -1), 2.1 * np.sum(a**3) * np.eye(4).reshape(2, 2, 2, 2)]]

    report = check_hessian(f, hessian, X, np.ones((2, 2)), raise_on_failure=False)
    assert report.verdict == "fail"


@pytest.mark.parametrize("f", [lambda x: x[:0], lambda x: {"a": np.zeros((0, 2))}, lambda x: []])
def test_an_empty_output_is_told(f) -> None:
    report = check_vjp(f, lambda u, x: np.zeros_like(x), X, raise_on_failure=False)

    assert report.verdict == "inconclusive"
    assert "no entries" in report.reasons[0]


# --- when things go wrong later ------------------------------------------------------------------------------


@pytest.mark.parametrize("last", range(1, 25))
@pytest.mark.parametrize("claim, wanted", [(lambda x: 3.0 * x**2, "fail"), (lambda x: 2.0 * x**2, "pass")])
def test_an_f_that_stops_working_after_some_calls(last, claim, wanted) -> None:
    calls = [0]

    def f(x):
        calls[0] += 1
        if calls[0] > last:
            raise RuntimeError("out of licences")
        return float(np.sum(np.array(x.tolist()) ** 3))

    assert check_grad(f, claim, X, raise_on_failure=False).verdict != wanted


def test_checks_in_threads_leave_the_warnings_as_they_were() -> None:
    before, state = list(warnings.filters), np.geterr()
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda k: check_grad(square, double, X + k), range(100)))

    assert all(report.ok for report in reports)
    assert (warnings.filters, np.geterr()) == (before, state)


# --- what is handed in ---------------------------------------------------------------------------------------


def test_an_object_that_holds_arrays_is_not_passed_over_in_silence() -> None:
    model = SimpleNamespace(w=X)

    with pytest.raises(
        TypeError, match=r"'model' is a SimpleNamespace that holds floating-point arrays \(w\)"
    ):
        check_grad(lambda model, x: np.sum(model.w * x), lambda model, x: model.w, model, X)
    assert check_grad(
        lambda model, x: np.sum(model.w * x), lambda model, x: model.w.copy(), model, X, argnums=1
    ).ok
