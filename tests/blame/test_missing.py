"""What a claim does not have at all is written: a factor, a term, a statement, in loops too, and proved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Report, Verdict
from reference_impls.layers import attention
from tests.blame.programs import loaded, made, patched

Draw = Callable[..., Any]

RNN = """
    import numpy as np

    def loss(Wx, Wh, b, Wy, xs, ys):
        h = np.zeros(Wh.shape[0])
        total = 0.0
        for t in range(len(xs)):
            h = np.tanh(xs[t] @ Wx + h @ Wh + b)
            total = total + 0.5 * np.sum((h @ Wy - ys[t]) ** 2)
        return total

    def bptt(Wx, Wh, b, Wy, xs, ys):
        T = len(xs)
        hs = {-1: np.zeros(Wh.shape[0])}
        errs = {}
        for t in range(T):
            hs[t] = np.tanh(xs[t] @ Wx + hs[t-1] @ Wh + b)
            errs[t] = hs[t] @ Wy - ys[t]
        dWx, dWh, db, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b), np.zeros_like(Wy)
        dhnext = np.zeros(Wh.shape[0])
        for t in reversed(range(T)):
            dWy += np.outer(hs[t], errs[t])
            dh = errs[t] @ Wy.T + dhnext
            dz = dh * (1 - hs[t] ** 2)
            dWx += np.outer(xs[t], dz)
            dWh += np.outer(hs[t-1], dz)
            db += dz
            dhnext = dz @ Wh.T
        return dWx, dWh, db, dWy
"""

LSTM = """
    import numpy as np

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def loss(Wx, Wh, b, xs, y):
        n = Wh.shape[0]
        h, c = np.zeros(n), np.zeros(n)
        for x in xs:
            z = x @ Wx + h @ Wh + b
            i, f, o, g = sigmoid(z[:n]), sigmoid(z[n:2*n]), sigmoid(z[2*n:3*n]), np.tanh(z[3*n:])
            c = f * c + i * g
            h = o * np.tanh(c)
        return 0.5 * np.sum((h - y) ** 2)

    def backward(Wx, Wh, b, xs, y):
        n = Wh.shape[0]
        h, c = np.zeros(n), np.zeros(n)
        cache = []
        for x in xs:
            z = x @ Wx + h @ Wh + b
            i, f, o, g = sigmoid(z[:n]), sigmoid(z[n:2*n]), sigmoid(z[2*n:3*n]), np.tanh(z[3*n:])
            c_new = f * c + i * g
            tc = np.tanh(c_new)
            cache.append((x, h, c, i, f, o, g, tc))
            h, c = o * tc, c_new
        dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        dh, dc = h - y, np.zeros(n)
        for x, hp, cp, i, f, o, g, tc in reversed(cache):
            do = dh * tc
            dc = dc + dh * o * (1 - tc ** 2)
            di = dc * g
            df = dc * cp
            dg = dc * i
            dz = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)])
            dWx += np.outer(x, dz)
            dWh += np.outer(hp, dz)
            db += dz
            dh = Wh @ dz
            dc = dc * f
        return dWx, dWh, db
"""

NETWORK = """
    import numpy as np

    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(params, X, y, reg):
        h1 = np.tanh(X @ params["W1"] + params["b1"])
        h2 = np.tanh(h1 @ params["W2"] + params["b2"])
        scores = h2 @ params["W3"] + params["b3"]
        p = softmax(scores)
        n = len(X)
        data = -np.sum(np.log(p[np.arange(n), y])) / n
        return data + 0.5 * reg * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2) + np.sum(params["W3"] ** 2))

    def grads(params, X, y, reg):
        W1, W2, W3 = params["W1"], params["W2"], params["W3"]
        h1 = np.tanh(X @ W1 + params["b1"])
        h2 = np.tanh(h1 @ W2 + params["b2"])
        p = softmax(h2 @ W3 + params["b3"])
        n = X.shape[0]
        ds = p.copy()
        ds[np.arange(n), y] -= 1
        ds /= n
        g = {}
        g["W3"] = h2.T @ ds + reg * W3
        g["b3"] = ds.sum(axis=0)
        dh2 = ds @ W3.T
        dz2 = dh2 * (1 - h2 ** 2)
        g["W2"] = h1.T @ dz2 + reg * W2
        g["b2"] = dz2.sum(axis=0)
        dh1 = dz2 @ W2.T
        dz1 = dh1 * (1 - h1 ** 2)
        g["W1"] = X.T @ dz1 + reg * W1
        g["b1"] = dz1.sum(axis=0)
        return g
"""

MARGINS = """
    import numpy as np

    def loss(W, X, y, reg):
        total = 0.0
        for i in range(len(X)):
            s = X[i] @ W
            for j in range(W.shape[1]):
                if j != y[i]:
                    total += np.maximum(0, s[j] - s[y[i]] + 1)
        return total / len(X) + reg * np.sum(W * W)

    def grad(W, X, y, reg):
        dW = np.zeros_like(W)
        n = X.shape[0]
        for i in range(n):
            scores = X[i].dot(W)
            for j in range(W.shape[1]):
                if j == y[i]:
                    continue
                margin = scores[j] - scores[y[i]] + 1
                if margin > 0:
                    dW[:, j] += X[i]
                    dW[:, y[i]] -= X[i]
        dW /= n
        dW += 2 * reg * W
        return dW
"""

LAYER_NORM = """
    import numpy as np

    EPS = 1e-6

    def layer_norm(x, g, b):
        m = x.mean(-1, keepdims=True)
        v = ((x - m) ** 2).mean(-1, keepdims=True)
        return g * (x - m) / np.sqrt(v + EPS) + b

    def layer_norm_vjp(dy, x, g, b):
        D = x.shape[-1]
        m = x.mean(-1, keepdims=True)
        s = np.sqrt(((x - m) ** 2).mean(-1, keepdims=True) + EPS)
        n = (x - m) / s
        dn = dy * g
        dx = (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)) / s
        return dx, (dy * n).sum((0, 1)), dy.sum((0, 1))
"""

WINDOWS = """
    import numpy as np

    def im2col(x, k):
        N, C, H, W = x.shape
        Ho, Wo = H - k + 1, W - k + 1
        cols = np.zeros((N, C, k, k, Ho, Wo))
        for i in range(k):
            for j in range(k):
                cols[:, :, i, j] = x[:, :, i:i+Ho, j:j+Wo]
        return cols.transpose(0, 4, 5, 1, 2, 3).reshape(N * Ho * Wo, -1)

    def forward(x, w):
        N, C, H, W = x.shape
        F, _, k, _ = w.shape
        out = im2col(x, k) @ w.reshape(F, -1).T
        return out.reshape(N, H - k + 1, W - k + 1, F).transpose(0, 3, 1, 2)

    def col2im(cols, shape, k):
        N, C, H, W = shape
        Ho, Wo = H - k + 1, W - k + 1
        cols = cols.reshape(N, Ho, Wo, C, k, k).transpose(0, 3, 4, 5, 1, 2)
        x = np.zeros(shape)
        for i in range(k):
            for j in range(k):
                x[:, :, i:i+Ho, j:j+Wo] += cols[:, :, i, j]
        return x

    def backward(dout, x, w):
        F, _, k, _ = w.shape
        cols = im2col(x, k)
        d = dout.transpose(0, 2, 3, 1).reshape(-1, F)
        dw = (d.T @ cols).reshape(w.shape)
        dcols = d @ w.reshape(F, -1)
        return col2im(dcols, x.shape, k), dw
"""


def labels(draw: Draw, count: int) -> Any:
    return np.argsort(draw(3 * count))[:count] % 3


@dataclass(frozen=True)
class Program:
    """A right program: its text, the names of f and of the claim, the kind of check, and arguments drawn for it."""

    text: str
    f: str
    claim: str
    args: Callable[[Draw], tuple[Any, ...]]
    argnums: tuple[int, ...]
    check: str = "grad"

    def checked(self, module: Any, seed: int) -> Report:
        check = getattr(gradcheck, f"check_{self.check}")
        f, claim = getattr(module, self.f), getattr(module, self.claim)
        args = self.args(np.random.default_rng(seed).standard_normal)
        return check(f, claim, *args, argnums=self.argnums, raise_on_failure=False)


PROGRAMS = {
    "rnn": Program(
        RNN,
        "loss",
        "bptt",
        lambda r: (r((3, 4)), 0.5 * r((4, 4)), r(4), r((4, 2)), r((5, 3)), r((5, 2))),
        (0, 1, 2, 3),
    ),
    "lstm": Program(
        LSTM,
        "loss",
        "backward",
        lambda r: (r((3, 12)), 0.5 * r((3, 12)), r(12), r((4, 3)), r(3)),
        (0, 1, 2),
    ),
    "network": Program(
        NETWORK,
        "loss",
        "grads",
        lambda r: (
            {"W1": r((4, 5)), "b1": r(5), "W2": r((5, 6)), "b2": r(6), "W3": r((6, 3)), "b3": r(3)},
            r((7, 4)),
            labels(r, 7),
            0.1,
        ),
        (0,),
    ),
    "margins": Program(MARGINS, "loss", "grad", lambda r: (r((4, 3)), r((6, 4)), labels(r, 6), 0.05), (0,)),
    "layer norm": Program(
        LAYER_NORM, "layer_norm", "layer_norm_vjp", lambda r: (r((2, 3, 5)), r(5), r(5)), (0, 1, 2), "vjp"
    ),
    "windows": Program(
        WINDOWS, "forward", "backward", lambda r: (r((2, 2, 4, 5)), r((3, 2, 2, 2))), (0, 1), "vjp"
    ),
}

RECURRENT = [
    ("rnn", " + dhnext\n", "\n", "errs[t] @ Wy.T + dhnext"),
    ("rnn", "dz = dh * (1 - hs[t] ** 2)", "dz = dh", "(1 - hs[t] ** 2)"),
]
MISTAKES = [  # others stand in tests/test_golden_programs.py, with their reports
    ("rnn", "        dhnext = dz @ Wh.T\n", "", "dhnext = "),
    ("lstm", "dc = dc * f\n", "dc = dc * i\n", "f"),
    ("lstm", "di * i * (1 - i)", "di", "i * (1 - i)"),
    ("network", "dz1 = dh1 * (1 - h1 ** 2)", "dz1 = dh1", "dh1 * (1 - h1 ** 2)"),
    ("network", "dh1 = dz2 @ W2.T", "dh1 = W2.T", "dz2 @ "),
    ("network", "h1.T @ dz2 + reg * W2", "dz2 + reg * W2", "h1.T @ "),
    ("margins", "    dW /= n\n", "", "dW = dW / "),
    ("layer norm", "dn = dy * g", "dn = dy", "dy * g"),
    ("windows", "dcols = d @ w", "dcols = w", "d @ "),
]


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize(("name", "old", "new", "written"), MISTAKES)
def test_what_is_missing_is_written_and_right_elsewhere(
    tmp_path: Path, name: str, old: str, new: str, written: str, seed: int
) -> None:
    program = PROGRAMS[name]
    report = program.checked(made(tmp_path, program.text, (old, new)), seed)
    assert report.verdict is Verdict.FAIL
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None and written in blame.repair
    mended = patched(Path(blame.file), report.patch)
    for other in (seed + 10, seed + 20):
        assert program.checked(mended, other).verdict is Verdict.PASS


@pytest.mark.parametrize(("name", "old", "new", "written"), RECURRENT)
def test_a_state_may_begin_as_a_number_and_become_an_array(
    tmp_path: Path, name: str, old: str, new: str, written: str
) -> None:
    program = PROGRAMS[name]
    zeros = "dhnext = np.zeros(Wh.shape[0])", "dhnext = 0"
    report = program.checked(made(tmp_path, program.text, zeros, (old, new)), 0)
    assert report.verdict is Verdict.FAIL
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None and written in blame.repair


CLASSIFIER = """
    import numpy as np

    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(W, V, X, y):
        p = softmax(np.tanh(X @ W) @ V)
        return -np.log(p[np.arange(len(y)), y]).mean()

    def gradient(W, V, X, y):
        n = len(y)
        h = np.tanh(X @ W)
        p = softmax(h @ V)
        d = p.copy()
        d[np.arange(n), y] -= 1
        return X.T @ (d @ V.T * (1 - h ** 2)), h.T @ d
"""


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("together", ["d = p.copy(); d[np.arange(n), y] -= 1", ""])
def test_a_statement_more_goes_where_its_line_goes_on(tmp_path, together, seed):
    """The mean of the loss, forgotten: one statement mends every leaf, on a line of its own or after another."""
    apart = "d = p.copy()\n        d[np.arange(n), y] -= 1"
    text = CLASSIFIER.replace(apart, together or apart)
    program = made(tmp_path, text)
    draw = np.random.default_rng(seed)
    args = (*(draw.standard_normal(shape) for shape in ((4, 5), (5, 3), (6, 4))), draw.integers(0, 3, 6))
    report = gradcheck.check_grad(
        program.loss, program.gradient, *args, argnums=(0, 1), raise_on_failure=False
    )
    (blame,) = report.blame
    assert blame.proved
    assert ("; d = d / " if together else "\n    d = d / ") in blame.repair
    assert "after it, every leaf is right" in blame.message
    mended = patched(tmp_path / "program.py", report.patch)
    assert gradcheck.check_grad(mended.loss, mended.gradient, *args, argnums=(0, 1)).ok


def test_a_column_of_f_is_a_row_of_numbers_in_a_claim(tmp_path: Path) -> None:
    module = made(
        tmp_path,
        """
        import numpy as np

        def f(p, X, z):
            Xc = X + p
            return np.sum((1.3 * Xc[:, :2] / Xc[:, 2:] - z) ** 2)

        def claim(p, X, z):
            Xc = X + p
            d = 2 * 1.3 * (1.3 * Xc[:, :2] / Xc[:, 2:] - z) / Xc[:, 2:]
            dz = -np.sum(d * Xc[:, :2], 1)
            return np.r_[d.sum(0), dz.sum()]
        """,
    )
    draw = np.random.default_rng(3).standard_normal
    p = np.array([0.1, 0.2, 3.0])
    report = gradcheck.check_grad(
        module.f, module.claim, p, draw((5, 3)), draw((5, 2)), argnums=0, raise_on_failure=False
    )
    (blame,) = report.blame
    assert blame.proved and blame.repair == "-np.sum(d * Xc[:, :2], 1) / Xc[:, 2:][:, 0]"


FACTORS = """
    import numpy as np

    def loss(w, V, X, y):
        s = X @ V
        z = X @ w + 0.5 * np.sum(s**2 - X**2 @ V**2, axis=1)
        return 0.5 * np.mean((z - y) ** 2)

    def gradient(w, V, X, y):
        s = X @ V
        z = X @ w + 0.5 * np.sum(s**2 - X**2 @ V**2, axis=1)
        d = (z - y) / len(y)
        return X.T @ d, X.T @ (d[:, None] * s) - V * ((X**2).T @ d)[:, None]
    """
WORDS = """
    import numpy as np

    ids = np.array([0, 2, 2, 4, 1])

    def loss(U, V):
        z = np.sum(U * V[ids], axis=1)
        return np.sum(np.log(1 + np.exp(-z)))

    def gradient(U, V):
        v = V[ids]
        g = -1 / (1 + np.exp(np.sum(U * v, axis=1)))[:, None]
        dV = np.zeros_like(V)
        np.add.at(dV, ids, g * U)
        return g * v, dV
    """
CLASSES = """
    import numpy as np

    labels = np.array([0, 2, 1, 1, 2])

    def loss(W, X):
        s = X @ W
        return np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(5), labels])

    def gradient(W, X):
        p = np.exp(X @ W)
        p = p / p.sum(axis=1, keepdims=True)
        p[np.arange(5), labels] -= 1
        return X.T @ p / 5
    """
SPREAD = [
    (CLASSES, "p / p.sum(axis=1, keepdims=True)", "p.sum(axis=1, keepdims=True)", ((4, 3), (5, 4)), 0),
    (FACTORS, "d[:, None] * s", "d[:, None]", ((4,), (4, 3), (7, 4), (7,)), (0, 1)),
    (FACTORS, "d[:, None] * s", "s", ((4,), (4, 3), (7, 4), (7,)), (0, 1)),
    (WORDS, "ids, g * U", "ids, g", ((5, 3), (6, 3)), (0, 1)),
    (WORDS, "return g * v", "return g * np.ones(3)", ((5, 3), (6, 3)), (0, 1)),
]


@pytest.mark.parametrize(("text", "old", "new", "shapes", "argnums"), SPREAD)
def test_a_factor_without_which_an_array_is_spread_over_an_axis_is_written(
    tmp_path: Path, text: str, old: str, new: str, shapes: Any, argnums: Any
) -> None:
    module = made(tmp_path, text, (old, new))
    report = checked_at(module, shapes, argnums, seed=0)
    assert [blame.proved for blame in report.blame] == [True], str(report)
    assert checked_at(patched(tmp_path / "program.py", report.patch), shapes, argnums, seed=1).ok


def checked_at(module: Any, shapes: Any, argnums: Any, seed: int) -> Report:
    draw = np.random.default_rng(seed).standard_normal
    args = map(draw, shapes)
    return gradcheck.check_grad(module.loss, module.gradient, *args, argnums=argnums, raise_on_failure=False)


def test_what_is_no_number_anywhere_does_not_end_the_search(tmp_path: Path) -> None:
    file = tmp_path / "angles.py"
    file.write_text(
        "import numpy as np\n\n\ndef f(a, b):\n    return np.sum(np.arctan2(a, b) * np.arange(1, len(a) + 1))\n\n\n"
        "def gradient(a, b):\n    k = np.arange(1, len(a) + 1)\n    r = a * a + b * b\n"
        "    return k * b / r, -a / r * k\n"
    )
    module = loaded(file)
    report = gradcheck.check_grad(module.f, module.gradient, np.zeros(1), np.zeros(1), raise_on_failure=False)
    assert "the search for a repair failed" not in str(report)


def test_where_one_expression_is_no_number_at_any_visit_the_others_are_looked_at(tmp_path: Path) -> None:
    right = Path(attention.__file__).read_text(encoding="utf-8")
    file = tmp_path / "attention_turned.py"
    file.write_text(
        right.replace('dout @ params[f"W{name}"].T', 'dout @ params[f"W{name}"]'), encoding="utf-8"
    )
    module = loaded(file)
    (case,) = (one for one in module.cases() if one.name == "attention/heads")
    report = gradcheck.check_layer(case.f, *case.args, raise_on_failure=False)
    assert report.verdict == "fail"
    assert "the search for a repair failed" not in str(report)
