"""A failure points at the expression and proves the edit that mends it."""

from __future__ import annotations

import json
import linecache
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Report, Verdict
from tests.blame.programs import NETWORK, made, network, patched

ALL = (0, 1, 2, 3)


def failed(module: ModuleType, args: tuple[Any, ...], **keywords: Any) -> Report:
    report = gradcheck.check_grad(module.loss, module.gradient, *args, raise_on_failure=False, **keywords)
    assert report.verdict is Verdict.FAIL
    return report


def test_the_very_expression_is_named_with_what_it_is_and_what_mends_it(tmp_path: Path) -> None:
    report = failed(made(tmp_path, NETWORK, ("a1.T @ d2", "z1.T @ d2")), network(), argnums=ALL)
    (blame,) = report.blame
    assert (blame.line, blame.end_line, blame.column, blame.end_column) == (14, 14, 10, 12)
    assert (blame.expression, blame.repair, blame.leaves, blame.proved) == ("z1", "a1", ("W2",), True)
    assert Path(blame.file).name == "program.py" and blame.function == "gradient"
    assert (
        blame.message
        == "z1 is X @ W1 + b1 of f. With a1 in its place, every leaf is right (tried at 3 points)"
    )
    assert "-    dW2 = z1.T @ d2\n+    dW2 = a1.T @ d2\n" in report.patch


def test_a_file_that_was_written_and_loaded_anew_is_read_anew(tmp_path: Path) -> None:
    """As a notebook does that loads a module again; what has read the file before keeps its lines."""
    for _ in range(2):
        report = failed(made(tmp_path, NETWORK, ("a1.T @ d2", "z1.T @ d2")), network(), argnums=ALL)
        assert report.blame[0].line == 14
        linecache.getlines(report.blame[0].file)
        comment = ("def gradient", "# by hand\n\n\ndef gradient")
        report = failed(made(tmp_path, NETWORK, comment, ("d2.sum(0)", "d2.sum(1)")), network(), argnums=ALL)
        assert (report.blame[0].line, report.blame[0].repair) == (18, "0")
        linecache.getlines(report.blame[0].file)


def test_the_text_report_underlines_it_above_the_entries(tmp_path: Path) -> None:
    report = failed(made(tmp_path, NETWORK, ("a1.T @ d2", "z1.T @ d2")), network(), argnums=ALL)
    text = str(report)
    shown = (
        "program.py:14:11  in gradient\n    dW2 = z1.T @ d2\n          ^^\n"
        "    z1 is X @ W1 + b1 of f. With a1 in its place, every leaf is right (tried at 3 points)\n"
        "  - dW2 = z1.T @ d2\n  + dW2 = a1.T @ d2\n"
    )
    assert shown in text and text.index(shown) < text.index("worst entries first")


def test_json_and_html_have_it_too(tmp_path: Path) -> None:
    report = failed(made(tmp_path, NETWORK, ("a1.T @ d2", "z1.T @ d2")), network(), argnums=ALL)
    (blame,) = json.loads(report.to_json())["blame"]
    assert blame["repair"] == "a1" and blame["line"] == 14
    assert "<mark>z1</mark>.T @ d2" in report.to_html()
    assert pickle.loads(pickle.dumps(report)).blame == report.blame


SLIPS = {
    "operand transposed": ("d2 @ W2.T * (z1 > 0)", "d2 @ W2 * (z1 > 0)"),
    "factor": ("2 * (a1 @ W2 + b2 - y) / y.size", "(a1 @ W2 + b2 - y) / y.size"),
    "number of entries": ("/ y.size", "/ len(y)"),
    "activation": (" * (z1 > 0)", ""),
    "sign": ("2 * (a1 @ W2 + b2 - y) /", "2 * (a1 @ W2 + b2 + y) /"),
    "mean for sum": ("d1.sum(0)", "d1.mean(0)"),
    "axis": ("d2.sum(0)", "d2.sum(1)"),
    "of the other layer": ("d1.sum(0)", "d2.sum(0)"),
    "data": ("X.T @ d1", "X.T @ (z1 > 0)"),
    "order of the leaves": ("X.T @ d1, d1.sum(0)", "d1.sum(0), X.T @ d1"),
    "comparison": ("(z1 > 0)", "(z1 < 0)"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_the_patch_makes_the_gradient_right_at_other_points(tmp_path: Path, slip: tuple[str, str]) -> None:
    module = made(tmp_path, NETWORK, slip)
    report = failed(module, network(), argnums=ALL)
    assert report.blame and all(blame.proved for blame in report.blame)
    mended = patched(Path(report.blame[0].file), report.patch)
    for seed in (5, 6, 7):
        gradcheck.check_grad(mended.loss, mended.gradient, *network(seed), argnums=ALL)


def test_two_mistakes_in_different_leaves_are_one_patch(tmp_path: Path) -> None:
    report = failed(
        made(tmp_path, NETWORK, ("a1.T @ d2", "z1.T @ d2"), ("d2.sum(0)\n", "d2.mean(0)\n")),
        network(),
        argnums=ALL,
    )
    assert sorted(blame.leaves for blame in report.blame) == [("W2",), ("b2",)]
    assert all(blame.proved for blame in report.blame)
    mended = patched(Path(report.blame[0].file), report.patch)
    gradcheck.check_grad(mended.loss, mended.gradient, *network(9), argnums=ALL)


RIDGE = """
    import numpy as np


    def loss(w, X, y, lam):
        return 0.5 * np.sum((X @ w - y) ** 2) + 0.5 * lam * w @ w


    def gradient(w, X, y, lam):
        return X.T @ (X @ w - y) + lam * w
"""


def test_a_forgotten_term_is_written_in_the_names_of_the_user(tmp_path: Path) -> None:
    draw = np.random.default_rng(3).standard_normal
    module = made(tmp_path, RIDGE, (" + lam * w\n", "\n"))
    (blame,) = failed(module, (draw(5), draw((9, 5)), draw(9), 0.7), argnums=0).blame
    assert blame.proved and blame.repair == "X.T @ (X @ w - y) + lam * w"


KINDS_OF_FUNCTION = """
    import functools
    import numpy as np


    def loss(x):
        return np.sum(np.sin(x) ** 2)


    def logged(function):
        @functools.wraps(function)
        def call(*args):
            return function(*args)
        return call


    def helper(x):
        return np.cos(x)


    def by_helper(x):
        def local(u):
            return 2 * u * np.sin(x)
        return local(helper(x))


    @logged
    def decorated(x):
        return 2 * np.sin(x) * np.cos(x)


    class Model:
        def gradient(self, x):
            return self.__slope(x) * np.cos(x)

        def __slope(self, x):
            return 2 * np.sin(x)


    def closure(factor):
        def gradient(x):
            return factor * np.sin(x) * np.cos(x)
        return gradient


    shortened = lambda x: np.sin(2 * x) * 1
    method, closed = Model().gradient, closure(2)
"""


@pytest.mark.parametrize(
    ("claim", "slip"),
    [
        ("by_helper", ("return 2 * u * np.sin(x)", "return 2 * u + np.sin(x)")),
        ("decorated", ("return 2 * np.sin(x) * np.cos(x)", "return 3 * np.sin(x) * np.cos(x)")),
        ("method", ("return 2 * np.sin(x)\n", "return 2 / np.sin(x)\n")),
        ("method", ("self.__slope(x) * np.cos(x)", "self.__slope(x) * np.sin(x)")),
        ("closed", ("factor * np.sin(x)", "factor - np.sin(x)")),
        ("shortened", ("np.sin(2 * x) * 1", "np.cos(2 * x) * 1")),
    ],
)
def test_functions_of_every_kind_are_mended(tmp_path: Path, claim: str, slip: tuple[str, str]) -> None:
    module = made(tmp_path, KINDS_OF_FUNCTION, slip)
    module.gradient = getattr(module, claim)
    report = failed(module, (np.array([0.3, -1.2, 2.0]),))
    assert report.blame and report.blame[0].proved
    wanted = next(
        number
        for number, line in enumerate((tmp_path / "program.py").read_text().split("\n"), 1)
        if slip[1].strip() in line
    )
    assert report.blame[0].line == wanted


HOSTILE = """
    import numpy as np

    calls = []
    path = None


    def loss(x):
        return np.sum(x ** 2)


    def gradient(x):
        global path
        calls.append(len(calls))
        k = 0
        while k != 3:  # an edit of it never ends
            k = k + 1
        if k != 3:
            path.write_text("spoilt")
        return 3 * x
"""


def test_nothing_that_is_tried_reaches_the_user(tmp_path: Path) -> None:
    module = made(tmp_path, HOSTILE)
    module.path = tmp_path / "precious.txt"
    module.path.write_text("precious")
    report = failed(module, (np.array([1.0, -2.0, 0.5]),))
    code, count = module.gradient.__code__, len(module.calls)
    (blame,) = report.blame
    assert blame.repair == "2" and blame.proved
    assert module.path.read_text() == "precious"
    assert module.gradient.__code__ is code and len(module.calls) == count


METHODS = """
import numpy as np


class Loss:
    def __init__(self, X, y):
        self.X, self.y = X, y

    def residual(self, z):
        return np.exp(z) - self.y

    def value(self, w):
        z = self.X @ w
        return np.sum(np.exp(z) - self.y * z)

    def gradient(self, w):
        X, z = self.X, self.X @ w
        d = self.residual(z)
        return X.T @ d
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("X.T @ d", "self.T @ d"), ("self.residual(z)", "z.residual(z)"), ("self.residual(z)", "w.residual(z)")],
)
def test_whose_an_attribute_is(tmp_path: Path, right: str, wrong: str) -> None:
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(6, 3)), 0.4 * rng.normal(size=3)
    module = made(tmp_path, METHODS, (right, wrong))
    loss = module.Loss(X, rng.poisson(2.0, 6).astype(float))
    report = gradcheck.check_grad(loss.value, loss.gradient, w, raise_on_failure=False)
    owner, meant = wrong.partition(".")[0], right.partition(".")[0]
    assert [(one.expression, one.repair, one.proved) for one in report.blame] == [(owner, meant, True)]


OPAQUE = """
import math
import numpy as np


A = np.random.default_rng(0).normal(size=(5, 3))


def softplus(x):
    return np.array([math.log1p(math.exp(float(repr(float(v))))) for v in A @ x])


def loss(x):
    return float(softplus(x).sum())


def gradient(x):
    z = A @ x
    s = 1 / (1 + np.exp(-z))
    return A.T @ s


def vjp(u, x):
    s = 1 / (1 + np.exp(-(A @ x)))
    return A.T @ (u * s)
"""


@pytest.mark.parametrize("examples", [4, 5, 9])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("A.T @ s", "A @ s"),  # raises
        ("A.T @ s", "z.T @ s"),  # is of another shape
        ("A.T @ s", "A.T @ x"),
        ("np.exp(-z)", "np.exp(-A)"),
        ("A.T @ (u", "A @ (u"),
        ("A.T @ (u * s)", "A.T @ s"),
        ("u * s", "A * s"),
    ],
)
def test_a_claim_that_is_none_is_mended_where_no_oracle_traces_f(
    tmp_path: Path, right: str, wrong: str, examples: int
) -> None:
    module = made(tmp_path, OPAQUE, ("(5, 3)", f"({examples}, 3)"), (right, wrong))
    x = np.array([0.3, -0.7, 1.1])
    check, f, claim = (
        (gradcheck.check_vjp, module.softplus, module.vjp)
        if "u" in right
        else (gradcheck.check_grad, module.loss, module.gradient)
    )
    report = check(f, claim, x, raise_on_failure=False)
    assert report.verdict is Verdict.FAIL
    assert report.blame and report.blame[0].proved, report.blamed.remark


OBSERVED = """
import numpy as np


class Param(np.ndarray):
    def copy(self):
        raise TypeError("observed arrays are copied by their model")


scale = np.array([0.5, 1.5, 2.0]).view(Param)


def loss(x):
    return np.sum(np.asarray(scale * np.sin(x)))


def gradient(x):
    return np.asarray(scale * np.cos(x))
"""


def test_arrays_that_refuse_to_be_copied_are_looked_at(tmp_path: Path) -> None:
    module = made(tmp_path, OBSERVED, ("np.cos(x)", "np.sin(x)"))
    report = gradcheck.check_grad(module.loss, module.gradient, np.arange(3.0) + 0.3, raise_on_failure=False)
    assert report.blame[0].repair == "np.cos(x)" and report.blame[0].proved


def test_without_source_it_says_so() -> None:
    space: dict[str, Any] = {}
    exec("def gradient(x):\n    return 3 * x", space)
    report = gradcheck.check_grad(
        lambda x: np.sum(x**2), space["gradient"], np.ones(3), raise_on_failure=False
    )
    assert report.blame == () and report.patch == ""
    assert "the claim has no source here" in str(report)


def test_what_no_edit_mends_is_not_blamed_by_proof(tmp_path: Path) -> None:
    module = made(
        tmp_path, RIDGE, ("return X.T @ (X @ w - y) + lam * w", "return np.array([0.3, 0.1, 0.4, 0.1, 0.5])")
    )
    draw = np.random.default_rng(3).standard_normal
    report = failed(module, (draw(5), draw((9, 5)), draw(9), 0.7), argnums=0)
    assert not any(blame.proved for blame in report.blame)
    assert "No edit of one expression makes a wrong leaf right" in str(report)


def test_what_is_right_at_one_point_alone_is_not_proved(tmp_path: Path) -> None:
    """Beside the point f is not defined, so that no second one can tell a repair from an accident."""
    text = """
        import numpy as np


        def loss(x):
            if abs(x[0] - 1.0) > 0:
                raise ValueError("only here")
            return np.sum(x ** 2)


        def gradient(x):
            return 3 * x
    """
    report = failed(made(tmp_path, text), (np.array([1.0, 2.0, 4.0]),), oracles="autograd")
    assert report.patch == "" and not any(blame.proved for blame in report.blame)


LOGISTIC = """
    import numpy as np


    def loss(W, b, x, y):
        p = 1 / (1 + np.exp(-(x @ W + b)))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


    def gradient(W, b, x, y):
        p = 1 / (1 + np.exp(-(x @ W + b)))
        d = (p - y) / len(y)
        return x.T @ d, d.sum()
"""


@pytest.mark.parametrize("examples", [6, 9])
def test_of_two_mistakes_neither_is_mended_where_both_leaves_hang(tmp_path: Path, examples: int) -> None:
    """Half of the labels are 1, so that the sigmoid of -z, too, makes the bias right, by accident."""
    draw = np.random.default_rng(0).standard_normal
    args = (draw(6), 0.1, draw((examples, 6)), (np.arange(examples) < examples // 2) * 1.0)
    module = made(tmp_path, LOGISTIC, ("x.T @ d, d.sum()", "x[::-1].T @ d, -d.sum()"))
    report = failed(module, args, argnums=(0, 1))
    assert sorted((blame.leaves, blame.line) for blame in report.blame) == [(("W",), 12), (("b",), 12)]
    assert all(blame.proved for blame in report.blame)
