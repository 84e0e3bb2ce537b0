"""Mistakes in loops that add up, in derivatives carried forward, in branches of where: told by what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcheck import Verdict
from tests.blame.programs import made, patched
from tests.blame.test_missing import Program

FILTER = """
    import numpy as np


    def nll(q, r, a, ys):
        m, P, total = 0.0, 1.0, 0.0
        for y in ys:
            m = a * m
            P = a * a * P + q
            S = P + r
            total = total + 0.5 * (np.log(S) + (y - m) ** 2 / S)
            m, P = m + P / S * (y - m), (1 - P / S) * P
        return total


    def gradient(q, r, a, ys):
        m, P = 0.0, 1.0
        dm, dP, g = np.zeros(3), np.zeros(3), np.zeros(3)
        for y in ys:
            dm = a * dm + np.array([0, 0, m])
            m = a * m
            dP = a * a * dP + np.array([1, 0, 2 * a * P])
            P = a * a * P + q
            S = P + r
            dS = dP + np.array([0, 1, 0])
            v = y - m
            g += 0.5 * (dS / S - 2 * v * dm / S - v * v * dS / S ** 2)
            K = P / S
            dK = dP / S - P * dS / S ** 2
            dm = dm + dK * v - K * dm
            m = m + K * v
            dP = (1 - K) * dP - dK * P
            P = (1 - K) * P
        return g[0], g[1], g[2]
"""
SCORES = """
    import numpy as np


    def loss(W, bias, X, y, tags):
        scores = np.where(X @ W > 0, X @ W, 0.2 * (X @ W))
        total = 0.0
        for t in range(1, len(tags)):
            total = total + np.sum((scores[t] - y[t]) ** 2) - bias[tags[t - 1], tags[t]]
        return total


    def gradient(W, bias, X, y, tags):
        z = X @ W
        scores = np.where(z > 0, z, 0.2 * z)
        dW, dbias = np.zeros_like(W), np.zeros_like(bias)
        for t in range(1, len(tags)):
            d = 2 * (scores[t] - y[t]) * np.where(z[t] > 0, 1, 0.2)
            dW += np.outer(X[t], d)
            dbias[tags[t - 1], tags[t]] -= 1
        return dW, dbias
"""
LAYERS = """
    import numpy as np


    def loss(weights, x, y):
        h = x
        for k in range(3):
            z = h @ weights[k]
            h = np.tanh(z) if k < 2 else z
        return np.sum((h - y) ** 2)


    def gradient(weights, x, y):
        acts, grads = [x], [None] * 3
        for k in range(3):
            z = acts[-1] @ weights[k]
            acts.append(np.tanh(z) if k < 2 else z)
        d = 2 * (acts[-1] - y)
        for k in reversed(range(3)):
            grads[k] = acts[k].T @ d
            if k > 0:
                d = d @ weights[k].T * (1 - acts[k] ** 2)
        return grads
"""
POOLED = """
    import numpy as np


    def forward(x):
        n, h, w = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2).max(axis=2).max(axis=3)


    def backward(dout, x):
        n, h, w = x.shape
        dx = np.zeros_like(x)
        for k in range(n):
            for i in range(h // 2):
                for j in range(w // 2):
                    patch = x[k, 2 * i:2 * i + 2, 2 * j:2 * j + 2]
                    dx[k, 2 * i:2 * i + 2, 2 * j:2 * j + 2] = (patch == patch.max()) * dout[k, i, j]
        return dx
"""
WORDS = """
    import numpy as np


    def loss(U, V, b, words, targets):
        h, total = np.zeros(len(b)), 0.0
        for t in range(len(words)):
            h = np.tanh(U[words[t]] + 0.5 * h + b)
            y = V @ h
            total = total + np.log(np.sum(np.exp(y))) - y[targets[t]]
        return total


    def gradient(U, V, b, words, targets):
        hs, ps = {-1: np.zeros(len(b))}, {}
        for t in range(len(words)):
            hs[t] = np.tanh(U[words[t]] + 0.5 * hs[t - 1] + b)
            e = np.exp(V @ hs[t])
            ps[t] = e / np.sum(e)
        dU, dV, db, after = np.zeros_like(U), np.zeros_like(V), np.zeros_like(b), np.zeros(len(b))
        for t in reversed(range(len(words))):
            dy = np.copy(ps[t])
            dy[targets[t]] -= 1
            dV += np.outer(dy, hs[t])
            da = (V.T @ dy + after) * (1 - hs[t] ** 2)
            dU[words[t]] += da
            db += da
            after = 0.5 * da
        return dU, dV, db
"""


def tagged(r: Any) -> tuple[Any, ...]:
    tags = np.array([0, 2, 1, 2, 0, 1])
    return r((3, 2)), r((3, 3)), r((6, 3)), r((6, 2)), tags


PROGRAMS = {
    "filter": Program(FILTER, "nll", "gradient", lambda r: (0.4, 0.7, 0.9, r(5)), (0, 1, 2)),
    "scores": Program(SCORES, "loss", "gradient", tagged, (0, 1)),
    "layers": Program(
        LAYERS, "loss", "gradient", lambda r: ([r((3, 4)), r((4, 5)), r((5, 2))], r((6, 3)), r((6, 2))), (0,)
    ),
    "pooled": Program(POOLED, "forward", "backward", lambda r: (r((2, 4, 6)),), (0,), "vjp"),
    "words": Program(
        WORDS,
        "loss",
        "gradient",
        lambda r: (r((5, 3)), r((4, 3)), r(3), np.array([0, 3, 1, 3]), np.array([2, 0, 3, 1])),
        (0, 1, 2),
    ),
}
MISTAKES = [
    ("filter", " - dK * P\n", "\n", "dK"),
    ("filter", "2 * a * P", "a * P", "2"),
    ("filter", "2 * v * dm / S", "v * dm / S", "2"),
    ("scores", "        dbias[tags[t - 1], tags[t]] -= 1\n", "", "dbias[tags[t - 1], tags[t]] -= 1"),
    ("scores", "np.outer(X[t], d)", "np.outer(X[t], d * d)", "d"),
    ("scores", "np.where(z[t] > 0, 1, 0.2)", "(z[t] > 0)", "np.where("),
    ("layers", " * (1 - acts[k] ** 2)", "", "1 - acts[k] ** 2"),
    ("pooled", " * dout[k, i, j]", "", "dout[k, i, j]"),
    ("words", "        dy[targets[t]] -= 1\n", "", "dy[targets[t]] -= 1"),
]


@pytest.mark.parametrize(("name", "old", "new", "written"), MISTAKES)
def test_what_a_loop_lacks_is_written_and_right_elsewhere(
    tmp_path: Path, name: str, old: str, new: str, written: str
) -> None:
    program = PROGRAMS[name]
    report = program.checked(made(tmp_path, program.text, (old, new)), 0)
    assert report.verdict is Verdict.FAIL
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None and written in blame.repair
    mended = patched(Path(blame.file), report.patch)
    for other in (10, 20):
        assert program.checked(mended, other).verdict is Verdict.PASS


WINDOWS = """
    import numpy as np


    def forward(x):
        out = np.zeros((len(x), x.shape[1] // 3))
        for j in range(x.shape[1] // 3):
            out[:, j] = x[:, 3 * j:3 * j + 3].mean(axis=1)
        return out


    def backward(dout, x):
        dx = np.zeros_like(x)
        for j in range(x.shape[1] // 3):
            dx[:, 3 * j:3 * j + 3] += dout[:, j][:, None] / 3
        return dx
"""


@pytest.mark.parametrize("new", ["", " / 2", " / 6", " * 3"])
def test_what_the_last_round_of_a_loop_left_is_no_quantity(tmp_path: Path, new: str) -> None:
    """Of two windows the last counter is 1, and three times that is their size."""
    program = Program(WINDOWS, "forward", "backward", lambda r: (r((2, 6)),), (0,), "vjp")
    report = program.checked(made(tmp_path, program.text, (" / 3", new)), 0)
    assert report.verdict is Verdict.FAIL
    if report.patch:
        mended = patched(tmp_path / "program.py", report.patch)
        for width in (9, 15):
            other = Program(WINDOWS, "forward", "backward", lambda r, w=width: (r((2, w)),), (0,), "vjp")
            assert other.checked(mended, 1).verdict is Verdict.PASS
