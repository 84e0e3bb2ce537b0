"""Each kind of mistake that a search mends: the edit is found, and right at points that the search never saw."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Report, Verdict
from gradcheck.explain.blame import synthesis
from gradcheck.explain.blame.edits import Edit
from gradcheck.explain.blame.hunt import in_force
from gradcheck.explain.blame.reached import reached
from gradcheck.explain.blame.sight import Candidate
from tests.blame.programs import loaded, made, patched


@dataclass(frozen=True)
class Kind:
    """A function of one argument and more, a wrong derivative of it, and what mends it."""

    f: str
    claim: str
    old: str
    new: str
    shapes: tuple[tuple[int, ...], ...]
    check: str = "grad"


KINDS = {
    "a matrix taken for symmetric": Kind(
        "x, A: 0.5 * x @ A @ x", "x, A: A @ x", "A", "(A + A.T) / 2", ((4,), (4, 4))
    ),
    "a matrix taken for symmetric, no half": Kind(
        "x, A: x @ A @ x", "x, A: A @ x", "A", "(A + A.T)", ((4,), (4, 4))
    ),
    "the diagonal of a softmax": Kind(
        "z: np.exp(z) / np.exp(z).sum()",
        "z: p = np.exp(z) / np.exp(z).sum(); return np.diag(p * (1 - p))",
        "np.diag(p * (1 - p))",
        "np.diag(p) - np.outer(p, p)",
        ((5,),),
        "jacobian",
    ),
    "a norm taken for a constant": Kind(
        "x, w: np.sum(w * x / np.sqrt(np.sum(x ** 2, axis=-1, keepdims=True)))",
        "x, w: w / np.sqrt(np.sum(x ** 2, axis=-1, keepdims=True))",
        "",
        "",
        ((3, 4), (3, 4)),
    ),
    "logits for probabilities": Kind(
        "z, y: np.sum(np.logaddexp(0, z) - z * y)", "z, y: z - y", "z", "1 / (1 + np.exp(-z))", ((6,), (6,))
    ),
    "the slope of what f applies": Kind(
        "x, w: np.sum(w * np.arctan(x))", "x, w: w", "w", "w * (1 / (1 + x ** 2))", ((6,), (6,))
    ),
    "numbers for a formula that f tells": Kind(
        "x, A: np.sum((A @ x) ** 4)", "x, A: np.array([0.3, 0.1, 0.9, 0.4])", "", "", ((4,), (4, 4))
    ),
    "the slope of log1p": Kind(
        "x: np.log1p(np.sum(x ** 2))",
        "x: s = np.sum(x ** 2); return 2 * x",
        "2 * x",
        "2 * x / (1 + s)",
        ((5,),),
    ),
    "the bounds of a clip": Kind(
        "x, w: np.sum(w * np.clip(x, -0.5, 0.5))",
        "x, w: w",
        "w",
        "w * ((x > -0.5) & (x < 0.5))",
        ((9,), (9,)),
    ),
    "a quotient that is no number at unit tangents": Kind(
        "W, x: np.tanh(x @ W)",
        "dW, W, x: return (1 - np.tanh(x @ W) ** 2) / (x @ dW)",
        "(1 - np.tanh(x @ W) ** 2) / (x @ dW)",
        "(1 - np.tanh(x @ W) ** 2) * (x @ dW)",
        ((3, 4), (5, 3)),
        "jvp",
    ),
    "what is no number is upstream of what is": Kind(
        "w, X: np.sum(np.log(1 + np.exp(X @ w)))",
        "w, X: s = 1 / (1 - np.exp(-0.0 * (X @ w))); return X.T @ s",
        "",
        "",
        ((3,), (5, 3)),
    ),
    "one less what stands there": Kind(
        "W, x: np.tanh(x @ W)",
        "dW, W, x: return np.tanh(x @ W) ** 2 * (x @ dW)",
        "np.tanh(x @ W) ** 2",
        "(1 - np.tanh(x @ W) ** 2)",
        ((3, 4), (5, 3)),
        "jvp",
    ),
}


def failed(folder: Path, kind: Kind, seed: int = 0) -> Report:
    path = folder / "program.py"
    path.write_text(f"import numpy as np\n\n\n{_defined('f', kind.f)}\n\n\n{_defined('claim', kind.claim)}\n")
    report = checked(path, kind, seed)
    assert report.verdict is Verdict.FAIL
    return report


def _defined(name: str, text: str) -> str:
    arguments, body = text.split(": ", 1)
    return f"def {name}({arguments}): {body if 'return' in body else 'return ' + body}"


def checked(path: Path, kind: Kind, seed: int) -> Report:
    module = loaded(path)
    draw = np.random.default_rng(seed).standard_normal
    check: Callable[..., Report] = getattr(gradcheck, f"check_{kind.check}")
    args = tuple(draw(shape) for shape in kind.shapes)
    return check(module.f, module.claim, *args, argnums=0, raise_on_failure=False)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_it_is_mended_and_right_at_other_points(tmp_path: Path, kind: Kind) -> None:
    report = failed(tmp_path, kind)
    (blame,) = report.blame
    assert blame.proved
    if kind.new:
        assert (blame.expression, blame.repair) == (kind.old, kind.new)
    lines = (tmp_path / "program.py").read_bytes().split(b"\n")
    line = lines[blame.line - 1]
    assert blame.repair is not None
    lines[blame.line - 1] = line[: blame.column] + blame.repair.encode() + line[blame.end_column :]
    (tmp_path / "program.py").write_bytes(b"\n".join(lines))
    for seed in (5, 6, 7):
        assert checked(tmp_path / "program.py", kind, seed).verdict is Verdict.PASS


DICTS = """
    import numpy as np


    def loss(p, X):
        return np.sum((X * p["scale"] + p["shift"]) ** 2)


    def gradient(p, X):
        r = 2 * (X * p["scale"] + p["shift"])
        return {}
"""


@pytest.mark.parametrize(
    ("returned", "new"),
    [
        ('{"scale": r.sum(0), "shift": (r * X).sum(0)}', '{"scale": (r * X).sum(0), "shift": r.sum(0)}'),
        ('[{"scale": (r * X).sum(0), "shift": r.sum(0)}]', '{"scale": (r * X).sum(0), "shift": r.sum(0)}'),
    ],
)
def test_what_is_returned_in_the_wrong_place_is_put_right(tmp_path: Path, returned: str, new: str) -> None:
    path = tmp_path / "program.py"
    path.write_text("\n".join(line[4:] for line in DICTS.replace("{}", returned).split("\n")).lstrip())
    module, draw = loaded(path), np.random.default_rng(0).standard_normal
    point = {"scale": draw(3), "shift": draw(3)}, draw((5, 3))
    report = gradcheck.check_grad(module.loss, module.gradient, *point, argnums=0, raise_on_failure=False)
    (blame,) = report.blame
    assert (blame.expression, blame.repair, blame.proved) == (returned, new, True)


NOT_MENDED: dict[str, Any] = {
    "another norm": Kind(
        "x, w: np.sum(w * x / np.sum(np.abs(x) ** 3, axis=-1, keepdims=True) ** 0.3)",
        "x, w: np.array([[0.1, 0.2, 0.7, 0.3]] * 3)",
        "",
        "",
        ((3, 4), (3, 4)),
    ),
}


@pytest.mark.parametrize("kind", NOT_MENDED.values(), ids=NOT_MENDED)
def test_what_no_edit_mends_is_not_said_to_be_mended(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradcheck.explain.blame.blamed.SECONDS", 4.0)
    assert not any(blame.proved for blame in failed(tmp_path, kind).blame)


def test_an_entry_that_is_small_beside_others_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        "import numpy as np\n\n\ndef loss(x):\n    return np.sum(x ** 2)\n\n\n"
        "def gradient(x):\n    g = 2 * x\n    g[1] = 3 * x[1]\n    return g\n"
    )
    module = loaded(path)
    report = gradcheck.check_grad(
        module.loss, module.gradient, np.array([1.0, 1e-9, -2.0]), raise_on_failure=False
    )
    (blame,) = report.blame
    assert blame.line == 10 and blame.proved


def test_without_a_repair_the_first_unexplained_value_is_said_as_that(tmp_path: Path) -> None:
    kind = Kind(
        "x, w: np.sum(w * np.arctan(np.sinh(x ** 3) + x * np.exp(x)))",
        "x, w: d = w * 3.7; return d",
        "",
        "",
        ((5,), (5,)),
    )
    report = failed(tmp_path, kind)
    assert report.blame == ()
    assert (
        "With another value of w * 3.7 (line 7) every leaf would be right here; none was found"
        in " ".join(str(report).split())
    )


def test_an_edit_that_is_no_code_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("def f(x):\n    return 2 * x\n")
    module = loaded(path)
    (one,) = reached(partial(module.f, 1.0))
    node = next(node for node in ast.walk(one.node) if isinstance(node, ast.Constant))
    offers = [
        ((1.0, 0.0, 0.0), one, Edit(1, "constant", node, text))
        for text in ("3", "await x", "4", "nonsense (")
    ]
    assert [(offer[2].text, module.f(1.0)) for offer in in_force(offers) if offer[2].text != "await x"] == [
        ("3", 3.0),
        ("4", 4.0),
    ]
    assert module.f(1.0) == 2.0


def test_of_data_whose_rows_are_equal_not_every_product_is_looked_at(monkeypatch) -> None:
    looked_at = []
    constants = synthesis._constants
    monkeypatch.setattr(synthesis, "_constants", lambda *args: looked_at.append(1) or constants(*args))
    sight = tuple(Candidate(f"x{k}", (np.full((6, 3), 0.1 + np.sqrt(k)),)) for k in range(80))
    target = (np.full((6, 3), np.pi),)
    view = synthesis.View.of(target, sight)
    assert not [text for text in view.products(target) if "x" not in text]
    assert len(looked_at) < 1000


PAIRS = """
    import numpy as np


    def f(x, w):
        n, total = len(x), 0.0
        for p in range(n):
            for q in range(p + 1, n):
                total = total + w[p] * w[q] * (x[p] - x[q]) ** 2
        for s in range(1, n - 1):
            total = total + (x[s + 1] - 2 * x[s] + x[s - 1]) ** 4
        return total


    def claim(x, w):
        n, g = len(x), np.zeros_like(x)
        for i in range(n):
            for j in range(i + 1, n):
                d = 2 * w[i] * w[j] * (x[i] - x[j])
                g[i] += d
                g[j] -= d
        for t in range(1, n - 1):
            d = 4 * (x[t + 1] - 2 * x[t] + x[t - 1]) ** 3
            g[t + 1] += d
            g[t] -= 2 * d
            g[t - 1] += d
        return g
"""


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("range(i + 1, n)", "range(1, n)"),
        ("t in range(1, n - 1)", "t in range(1, n)"),
        ("t in range(1, n - 1)", "t in range(n - 1)"),
    ],
)
def test_a_loop_that_starts_or_ends_elsewhere_is_mended_where_it_is_said(
    tmp_path: Path, was: str, now: str
) -> None:
    module = made(tmp_path, PAIRS, (was, now))
    draw = np.random.default_rng(3).standard_normal
    report = gradcheck.check_grad(module.f, module.claim, draw(6), draw(6), argnums=0, raise_on_failure=False)
    assert report.verdict == "fail"
    (blame,) = report.blame
    assert blame.proved and "range(" in blame.expression, blame
    mended = patched(tmp_path / "program.py", report.patch)
    for n in (4, 9):
        assert gradcheck.check_grad(mended.f, mended.claim, draw(n), draw(n), argnums=0).ok


GROUPED = """
    import numpy as np


    def loss(W, v, X, y, lam):
        h = np.tanh(X @ W)
        r = h @ v - y
        return r @ r / (2 * len(y)) + lam * (W * W).sum() / 2 - lam * (v @ v - 1)


    def gradient(W, v, X, y, lam):
        h = np.tanh(X @ W)
        r = h @ v - y
        d = r / len(y)
        dz = np.outer(d, v) * (1 - h ** 2)
        return X.T @ dz + lam * W, h.T @ d - 2 * lam * v
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(1 - h ** 2)", "(1 - h) ** 2"),
        ("X.T @ dz + lam * W", "(X.T @ dz + lam) * W"),
        ("h.T @ d - 2 * lam * v", "(h.T @ d - 2 * lam) * v"),
    ],
)
def test_what_is_grouped_otherwise_is_grouped_as_it_should_be(
    tmp_path: Path, right: str, wrong: str, seed: int
) -> None:
    """The square of a difference was mended by the terms that it lacks, or by a quotient."""
    draw = np.random.default_rng(seed).standard_normal
    args = draw((3, 4)), draw(4), draw((6, 3)), draw(6), 0.3
    module = made(tmp_path, GROUPED, (right, wrong))
    report = gradcheck.check_grad(module.loss, module.gradient, *args, argnums=(0, 1), raise_on_failure=False)
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None
    assert blame.repair.replace(" ", "").strip("()") in right.replace(" ", "")


TOLD = """
    import numpy as np

    SCALE = 0.5


    def loss(W, X, M, y, margin=0.3):
        r = M * (X @ W - y)
        over = X @ W - y + margin
        return SCALE * np.sum(r**2) / M.sum() + np.maximum(over, 0).mean()


    def gradient(W, X, M, y, margin=0.3):
        n = M.sum()
        over = (X @ W - y + margin > 0) / y.size
        return 2 * SCALE * X.T @ (M * (X @ W - y)) / n + X.T @ over
"""


@pytest.mark.parametrize(
    ("right", "wrong", "mended"),
    [
        ("n = M.sum()", "n = M.size", ("M.size", "M.sum()")),
        ("n = M.sum()", "n = len(M)", ("len(M)", "M.sum()")),
        ("/ y.size", "/ len(y)", ("len(y)", "y.size")),
        ("/ y.size", "/ y.shape[0]", ("y.shape[0]", "y.size")),
        ("X @ W - y + margin > 0", "X @ W - y > 0", ("X @ W - y", "X @ W - y + margin")),
        ("2 * SCALE * X.T", "2 * X.T", None),
    ],
)
def test_what_f_tells_is_written_as_it_stands_there(
    tmp_path: Path, right: str, wrong: str, mended: tuple[str, str] | None
) -> None:
    """Sums of what a length is asked of were tried, and quotients of two of them; what f adds, or reads, was not."""
    draw = np.random.default_rng(0).standard_normal
    args = draw((4, 2)), draw((6, 4)), (draw((6, 2)) > -0.5) * 1.0, draw((6, 2))
    module = made(tmp_path, TOLD, (right, wrong))
    report = gradcheck.check_grad(module.loss, module.gradient, *args, argnums=0, raise_on_failure=False)
    (blame,) = report.blame
    assert blame.proved
    if mended is None:
        assert blame.repair is not None and "SCALE" in blame.repair
    else:
        assert (blame.expression, blame.repair) == mended


STEPS = """
    import numpy as np


    def loss(u, k, steps=3):
        for _ in range(steps):
            flux = k * (u[1:] - u[:-1])
            u = u + 0.1 * (np.r_[flux, 0] - np.r_[0, flux])
        return 0.5 * np.sum(u**2)


    def gradient(u, k, steps=3):
        us = [u]
        for _ in range(steps):
            flux = k * (us[-1][1:] - us[-1][:-1])
            us.append(us[-1] + 0.1 * (np.r_[flux, 0] - np.r_[0, flux]))
        g = us.pop()
        dk = np.zeros_like(k)
        while us:
            u = us.pop()
            d = 0.1 * (g[:-1] - g[1:])
            dk += d * (u[1:] - u[:-1])
            g = g.copy()
            g[1:] += k * d
            g[:-1] -= k * d
        return g, dk
"""


@pytest.mark.parametrize("right", ["g[1:] += k * d\n", "g[:-1] -= k * d\n"])
def test_what_is_added_to_one_slice_is_taken_from_another(tmp_path: Path, right: str) -> None:
    """Forces on pairs were, at places; differences along an axis were not."""
    module = made(tmp_path, STEPS, ("        " + right, ""))
    draw = np.random.default_rng(0).standard_normal
    report = gradcheck.check_grad(module.loss, module.gradient, draw(6), draw(5), raise_on_failure=False)
    assert f"+        {right}" in report.patch
