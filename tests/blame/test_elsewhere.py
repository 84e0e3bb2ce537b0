"""A repair is tried at another size too, so that no number stands where a length is due."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck.explain.blame import synthesis
from tests.blame.programs import made, patched
from tests.blame.test_blame import failed


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the time runs out, it shall not be long."""
    monkeypatch.setattr("gradcheck.explain.blame.blamed.SECONDS", 3.0)


LINEAR = """
    import numpy as np


    def loss(w, X, y):
        return np.mean((X @ w - y) ** 2)


    def gradient(w, X, y):
        return 2 / len(y) * X.T @ (X @ w - y)
"""


def regression(rows: int, seed: int) -> tuple[Any, ...]:
    draw = np.random.default_rng([rows, seed]).standard_normal
    return draw(3), draw((rows, 3)), draw(rows)


@pytest.mark.parametrize("rows", [2, 4, 5])
@pytest.mark.parametrize("was", ["2 * ", "3 / len(y) * ", "2 * len(y) * "])
def test_what_is_proved_holds_for_any_number_of_rows(tmp_path: Path, rows: int, was: str) -> None:
    report = failed(made(tmp_path, LINEAR, ("2 / len(y) * ", was)), regression(rows, 0), argnums=0)
    (blame,) = report.blame
    assert blame.proved and "of this size" not in blame.message
    mended = patched(Path(blame.file), report.patch)
    for other in (1, 3, 7):
        gradcheck.check_grad(mended.loss, mended.gradient, *regression(other, 1), argnums=0)


def test_what_is_right_at_this_size_alone_is_not_proved(tmp_path: Path) -> None:
    """What is due there, 2 / len(X), is no edit of one number."""
    text = LINEAR.replace("2 / len(y) * X.T @ (X @ w - y)", "sum(5 * x * (x @ w - t) for x, t in zip(X, y))")
    text = text.replace(
        "np.mean((X @ w - y) ** 2)", "mean_square(*np.hsplit(np.column_stack([X @ w, y]), 2))"
    )
    text += "\n\n    def mean_square(a, b):\n        return np.mean((a - b) ** 2)\n"
    report = failed(made(tmp_path, text), regression(4, 0), argnums=0)
    assert report.patch == "" and not any(blame.proved for blame in report.blame)
    for blame in report.blame:
        assert "that is no proof, for something is wrong with 8 for 4 rows of X, y" in blame.message


def test_where_no_other_size_can_be_tried_it_is_said(tmp_path: Path) -> None:
    text = LINEAR.replace("np.mean(", "np.mean(np.reshape(y, 4)) + np.mean(")
    report = failed(made(tmp_path, text, ("2 / len(y)", "3 / len(y)")), regression(4, 0), argnums=0)
    (blame,) = report.blame
    assert blame.proved and "(tried at 3 points of this size)" in blame.message


def test_the_length_is_thought_of_before_the_number() -> None:
    assert next(synthesis._constants(2.0, [("len(X)", 2.0)])) == "len(X)"
    assert list(synthesis._constants(2.0, [("len(X)", 3.0)])) == ["2"]
    assert next(synthesis._constants(-0.5, [("len(X)", 4.0)])) == "-2 / len(X)"


POWER = """
    import numpy as np


    def loss(w, x):
        return np.sum((w ** 2) ** 0.75 * x)


    def gradient(w, x):
        return np.where(w == 0.0, 0.0, 1.5 * (w ** 2) ** 0.75 * x)
"""


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_repair_divides_by_zero_or_takes_one_sign_for_another(tmp_path: Path, seed: int) -> None:
    """Over w it is right wherever np.where looks, and in each seed the signs of x are those of w."""
    draw = np.random.default_rng(seed).standard_normal
    w = draw(4)
    x = np.abs(draw(4)) * np.sign(w)
    w[seed] = 0.0
    report = failed(made(tmp_path, POWER), (w, x), argnums=0)
    (blame,) = report.blame
    assert blame.proved
    mended = patched(Path(blame.file), report.patch)
    with np.errstate(all="raise"):
        mended.gradient(w, x)
    gradcheck.check_grad(mended.loss, mended.gradient, -w, x, argnums=0)


@pytest.mark.parametrize("more", [0, 2])
def test_what_was_written_for_one_size_is_not_asked_at_another(tmp_path: Path, more: int) -> None:
    """F reads two entries of however many, and the gradient has two: at three rows nothing could be right."""
    module = made(
        tmp_path,
        """
        import numpy as np

        def f(x):
            return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

        def claim(x):
            return np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0])])
        """,
    )
    report = gradcheck.check_grad(
        module.f, module.claim, np.array([0.3, -0.7]) + more, raise_on_failure=False
    )
    (blame,) = report.blame
    assert blame.proved and blame.repair == "x[0] ** 2"


def test_a_jacobian_is_written_of_what_is_called(tmp_path: Path) -> None:
    module = made(
        tmp_path,
        """
        import numpy as np

        def softmax(z):
            e = np.exp(z - z.max())
            return e / e.sum()

        def claim(z):
            return np.diag(softmax(z) * (1 - softmax(z)))
        """,
    )
    z = np.random.default_rng(0).standard_normal(4)
    report = gradcheck.check_jacobian(module.softmax, module.claim, z, raise_on_failure=False)
    (blame,) = report.blame
    assert blame.proved and blame.repair == "np.diag(softmax(z)) - np.outer(softmax(z), softmax(z))"


def test_a_derivative_that_is_one_is_written_as_a_number(tmp_path: Path) -> None:
    """And as a float, which alone has the dtype of the argument; not of sizes that happen to make it."""
    module = made(
        tmp_path,
        """
        import numpy as np

        def f(w, b):
            return np.array([1.0, 0.5]) @ w + b

        def claim(w, b):
            d = f(w, b) - 0.2
            return d * np.array([1.0, 0.5]), d
        """,
    )
    report = gradcheck.check_grad(module.f, module.claim, np.array([0.3, 0.6]), 0.5, raise_on_failure=False)
    assert all(one.proved for one in report.blame)
    assert "+    d = 1.0" in report.patch.splitlines()


FIELD = """
    import numpy as np

    HEAT = 0.25


    def loss(u, dt, heat):
        r = (u[1:] - u[:-1]) / dt + heat * u[1:] ** 3
        return np.sum(r ** 2)


    def gradient(u, dt, heat):
        r = (u[1:] - u[:-1]) / dt + heat * u[1:] ** 3
        g = np.zeros_like(u)
        g[1:] += 2 * r * (1 / dt + 3 * heat * u[1:] ** 2)
        g[:-1] -= 2 * r / dt
        return g


    def globally(u, dt):
        return loss(u, dt, HEAT)


    def global_gradient(u, dt):
        r = (u[1:] - u[:-1]) / dt + HEAT * u[1:] ** 3
        g = np.zeros_like(u)
        g[1:] += 2 * r * (1 / dt + 3 * HEAT * u[1:] ** 2)
        g[:-1] -= 2 * r / dt
        return g
"""


@pytest.mark.parametrize("step", [0.5, 2.0])
@pytest.mark.parametrize(
    "mistake",
    [
        ("g[:-1] -= 2 * r / dt", "g[:-1] -= 2 * r"),
        ("g[:-1] -= 2 * r / dt", "pass"),
        ("(1 / dt + 3 * heat", "(dt + 3 * heat"),
        ("3 * heat * u[1:] ** 2", "3 * u[1:] ** 2"),
    ],
)
@pytest.mark.parametrize("held", [False, True])
def test_what_is_proved_holds_for_other_settings(
    tmp_path: Path, step: float, mistake: tuple[str, str], held: bool
) -> None:
    """A half is a number, and one over the step of two; a quarter the heat, and the step squared."""
    names = ("globally", "global_gradient") if held else ("loss", "gradient")
    before, after = (part.replace("heat", "HEAT") if held else part for part in mistake)
    head, sep, tail = FIELD.partition("def global_gradient")
    text = head + sep + tail.replace(before, after) if held else head.replace(before, after) + sep + tail
    module = made(tmp_path, text)
    rest = () if held else (0.25,)
    u = np.random.default_rng(0).standard_normal(6)
    report = gradcheck.check_grad(
        getattr(module, names[0]),
        getattr(module, names[1]),
        u,
        step,
        *rest,
        argnums=0,
        raise_on_failure=False,
    )
    assert report.verdict == "fail"
    assert all(blame.proved for blame in report.blame) and report.blame
    mended = patched(tmp_path / "program.py", report.patch)
    mended.HEAT = 0.37
    for dt in (0.3, 0.7):
        rest = () if held else (0.37,)
        f, claim = getattr(mended, names[0]), getattr(mended, names[1])
        assert gradcheck.check_grad(f, claim, u, dt, *rest, argnums=0).ok


@pytest.mark.parametrize("change", ["axis=1)", "axis=0)[None]"])
def test_a_claim_of_a_wrong_shape_is_mended_where_f_takes_more_parameters_than_it_reads(
    tmp_path: Path, change: str
) -> None:
    module = made(
        tmp_path,
        """
        import numpy as np

        X = np.random.default_rng(0).standard_normal((7, 3))

        def loss(p):
            q = p[:-1]
            z = X @ q[: X.shape[1]]
            return np.sum(np.log(1 + p[-1] ** 2 * z**2))

        def gradient(p):
            q, s = p[:-1], p[-1]
            z = X @ q[: X.shape[1]]
            outer = 2 * s * z / (1 + s**2 * z**2)
            rows = np.concatenate([s * outer[:, None] * X, (z * outer)[:, None]], axis=1)
            return np.sum(rows, axis=0)
        """,
        ("axis=0)", change),
    )

    report = failed(module, (np.array([0.3, -0.5, 0.8, 1.2]),))

    assert [blame.proved for blame in report.blame] == [True], str(report)


BEYOND = {
    "probabilities": (
        """
        import numpy as np

        Y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])

        def loss(p):
            q = np.clip(p, 1e-7, 1 - 1e-7)
            return -np.mean(Y * np.log(q) + (1 - Y) * np.log(1 - q))

        def gradient(p):
            return (p - Y) / (p * (1 - p)) / len(p)
        """,
        ("(1 - p))", "(1 + p))"),
        lambda draw: (draw.uniform(0.1, 0.9, 5),),
    ),
    "a variance beside a mean": (
        """
        import numpy as np

        Y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])

        def loss(t):
            m, s = t[:5], np.maximum(t[5:], 1e-8)
            return np.sum(np.log(s) + (m - Y) ** 2 / s)

        def gradient(t):
            m, s = t[:5], t[5:]
            return np.concatenate([2 * (m - Y) / s, 1 / s - (m - Y) ** 2 / s**2])
        """,
        ("s - (m - Y)", "s + (m - Y)"),
        lambda draw: (np.concatenate([draw.standard_normal(5), draw.uniform(0.5, 2.0, 5)]),),
    ),
    "scales of a likelihood": (
        """
        import numpy as np

        def loss(s, x):
            return np.sum(np.log(np.maximum(s, 1e-12)) + np.abs(x) / np.maximum(s, 1e-12))

        def gradient(s, x):
            return len(x) / s - np.sum(np.abs(x), axis=0) / s**2
        """,
        ("/ s**2", "/ s"),
        lambda draw: (draw.uniform(0.5, 2.0, 3), draw.standard_normal((4, 3))),
    ),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", BEYOND)
def test_where_a_guard_of_f_begins_a_claim_need_not_go_on(tmp_path: Path, name: str, seed: int) -> None:
    text, change, at = BEYOND[name]
    args = at(np.random.default_rng(seed))
    argnums = 0 if len(args) > 1 else None
    report = failed(made(tmp_path, text, change), args, argnums=argnums)
    assert [blame.proved for blame in report.blame] == [True], str(report)


def test_a_claim_that_stands_still_with_f_is_asked_there(tmp_path: Path) -> None:
    text = """
        import numpy as np

        def loss(x, w):
            return np.sum(w * np.maximum(x, 0))

        def gradient(x, w):
            return np.where(x > 0, np.abs(w), 0)
        """
    args = np.array([0.5, 1.0, 2.0]), np.array([0.3, 0.2, 0.7])
    report = failed(made(tmp_path, text, ("np.abs(w)", "3 * w * x")), args, argnums=0)
    assert report.blame and report.blame[0].proved


OF_A_LIST = """
    import numpy as np


    def loss(params, x, y):
        h = x
        for W in params[:-1]:
            h = np.tanh(h @ W)
        return 0.5 * np.sum((h @ params[-1] - y) ** 2)


    def gradient(params, x, y):
        hs = [x]
        for W in params[:-1]:
            hs.append(np.tanh(hs[-1] @ W))
        d = hs[-1] @ params[-1] - y
        grads = [hs[-1].T @ d]
        for i in range(len(params) - 2, -1, -1):
            d = (d @ params[i + 1].T) * (1 - hs[i + 1] ** 2)
            grads.insert(0, hs[i].T @ d)
        return grads
"""
ACCIDENTS = {
    "labels of one class": (
        """
        import numpy as np


        def loss(w, X, y, eps=1e-6):
            p = np.clip(1 / (1 + np.exp(-(X @ w))), eps, 1 - eps)
            return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


        def gradient(w, X, y, eps=1e-6):
            p = 1 / (1 + np.exp(-(X @ w)))
            inside = (p > p) & (p < 1 - eps)
            d = inside * (p - y) / len(y)
            return X.T @ d
        """,
        lambda draw, even: (draw(2), draw((2, 2)), np.ones(2) if even else np.array([0.0, 1.0])),
    ),
    "labels of one sign": (
        """
        import numpy as np


        def loss(w, X, y):
            return 0.5 * w @ w + np.sum(np.maximum(0, 1 - y * (X @ w)))


        def gradient(w, X, y):
            m = y * (X @ w)
            on = (m < m).astype(float)
            return w - X.T @ (on * y)
        """,
        lambda draw, even: (
            0.1 * draw(3),
            0.3 * draw((4, 3)),
            np.ones(4) if even else np.array([-1.0, 1.0, 1.0, -1.0]),
        ),
    ),
    "two parameters of one sign": (
        """
        import numpy as np


        def loss(w, x):
            return np.sum(np.abs(w) ** 3 * x)


        def gradient(w, x):
            return 3 * np.abs(w) * x
        """,
        lambda draw, even: (np.abs(draw(2)) if even else -np.abs(draw(2)), draw(2)),
    ),
    "a default of one": (
        """
        import numpy as np


        def loss(w, X, beta=1.0):
            return np.sum((np.log1p(np.exp(beta * (X @ w))) / beta) ** 2)


        def gradient(w, X, beta=1.0):
            e = np.exp(beta * (X @ w))
            h = np.log1p(e) / e
            return X.T @ (2 * h * e / (1 + e))
        """,
        lambda draw, even: (draw(3), draw((4, 3)), *(() if even else (0.6,))),
    ),
    "residuals on one side of a bend": (
        """
        import numpy as np


        def loss(w, X, y, delta=1.0):
            r = X @ w - y
            a = np.abs(r)
            return np.sum(np.where(a <= delta, 0.5 * r**2, delta * (a - 0.5 * delta)))


        def gradient(w, X, y, delta=1.0):
            r = X @ w - y
            return X.T @ np.where(np.abs(delta) <= delta, r, delta * np.sign(r))
        """,
        lambda draw, even: (
            np.where(draw(3) > 0, 4.0, -3.0) if even else draw(3),
            np.abs(draw((2, 3))) + 1 if even else draw((5, 3)),
            draw(2) if even else draw(5),
        ),
    ),
    "flags that are off": (
        """
        import numpy as np


        def loss(w, X, y, mean=True, bias=False):
            r = X @ w - y
            if bias:
                r = r + w[0]
            s = np.sum(np.log(np.cosh(r)))
            return s / len(y) if mean else s


        def gradient(w, X, y, mean=True, bias=False):
            r = X @ w - y
            if bias:
                r = r + w[0]
            d = np.tanh(r)
            if mean:
                d = d / len(y)
            g = X.T @ d
            if mean:
                g[0] += np.sum(d)
            return g
        """,
        lambda draw, even: (draw(3), draw((4, 3)), draw(4), *(() if even else (False, True))),
    ),
    "one hidden layer in a list": (
        OF_A_LIST.replace("(1 - hs[i + 1] ** 2)", "1"),
        lambda draw, even: ([draw((3, 3)) for _ in range(2 if even else 4)], draw((3, 3)), draw((3, 3))),
    ),
    "the last of two in a list": (
        OF_A_LIST.replace("[hs[-1].T @ d]", "[hs[-1].T]"),
        lambda draw, even: ([draw((3, 3)) for _ in range(2 if even else 4)], draw((3, 3)), draw((3, 3))),
    ),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ACCIDENTS)
def test_what_is_right_by_an_accident_of_the_data_is_not_proved(tmp_path: Path, name: str, seed: int) -> None:
    """What is one number throughout, a default, or goes round once says nothing of what it is when it does not."""
    text, drawn = ACCIDENTS[name]
    report = failed(made(tmp_path, text), drawn(np.random.default_rng(seed).standard_normal, True), argnums=0)
    assert report.patch
    mended = patched(tmp_path / "program.py", report.patch)
    for other in range(10, 16):
        args = drawn(np.random.default_rng(other).standard_normal, False)
        assert gradcheck.check_grad(mended.loss, mended.gradient, *args, argnums=0).ok


def test_a_point_at_a_kink_has_others_beside_it(tmp_path: Path) -> None:
    """F stands still on the one side of a kink that the point is at: none of the others was taken, and no proof had."""
    text = """
        import numpy as np


        def loss(x, c):
            return np.sum(np.minimum(np.maximum(x, 0), 6) * c)


        def gradient(x, c):
            return (x > 0) * (x < 6) * c
        """
    report = failed(
        made(tmp_path, text, ("(x < 6)", "1")),
        (np.array([0.0, 6.0, 2.0, -1.0, 7.0]), np.arange(1.0, 6)),
        argnums=0,
    )
    assert report.patch and ".copy()" not in report.patch


def test_what_passes_at_the_only_point_is_not_copied(tmp_path: Path) -> None:
    """It is no proof, and nothing is wrong with how the claim behaves."""
    text = """
        import numpy as np


        def loss(x, c):
            if abs(x - 1).max() > 1e-4:
                raise ValueError("too far")
            return np.sum(c * x**3)


        def gradient(x, c):
            return 3 * c * x**2
        """
    args = np.ones(3), np.array([1.0, 2.0, 3.0])
    report = failed(made(tmp_path, text, ("3 * c", "2 * c")), args, argnums=0)
    assert not report.patch
    assert [blame.repair for blame in report.blame] == ["3"] and "one point" in report.blame[0].message


@pytest.mark.parametrize("of", ["len({})", "{}.shape[0]", "np.ones(len({}))[0] * len({})"])
def test_whose_length_it_is(tmp_path: Path, of: str) -> None:
    """No value moves with that of an array of which only the length is taken; another's may be meant all the same."""
    text = """
        import numpy as np


        def loss(E, w, ids, y):
            return np.mean((E[ids] @ w - y) ** 2)


        def gradient(E, w, ids, y):
            h = E[ids]
            d = 2 * (h @ w - y) / SIZE
            dE = np.zeros_like(E)
            np.add.at(dE, ids, d[:, None] * w)
            return dE, h.T @ d
        """
    draw = np.random.default_rng(3).standard_normal
    module = made(tmp_path, text, ("SIZE", f"({of.replace('{}', 'E')})"))
    report = failed(module, (draw((5, 2)), draw(2), np.array([0, 3]), draw(2)), argnums=(0, 1))
    assert report.patch and all("len(dE)" not in (blame.repair or "") for blame in report.blame)
    mended = patched(tmp_path / "program.py", report.patch)
    args = draw((6, 3)), draw(3), np.arange(8) % 6, draw(8)
    assert gradcheck.check_grad(mended.loss, mended.gradient, *args, argnums=(0, 1)).ok
