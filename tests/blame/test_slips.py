"""Slips of one expression, by kind: mended by an edit that is right with other numbers and other numbers of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Verdict
from tests.blame.programs import Right, made, patched

CLASSES = Right(
    """
    import numpy as np

    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def f(W, b, X, Y, mask):
        p = softmax(X @ W + b)
        return -np.sum(mask[:, None] * Y * np.log(p)) / mask.sum()

    def claim(W, b, X, Y, mask):
        p = softmax(X @ W + b)
        d = (p - Y) * mask[:, None] / mask.sum()
        return X.T @ d, d.sum(axis=0)
    """,
    lambda r, n: (r((4, 3)), r(3), r((n, 4)), np.eye(3)[np.argsort(r(n)) % 3], 1.0 + (np.arange(n) % 3 > 0)),
    (0, 1),
)
NEIGHBOURS = Right(
    """
    import numpy as np

    def f(Y, P):
        D = np.sum((Y[:, None] - Y[None]) ** 2, axis=-1)
        num = (1 - np.eye(len(Y))) / (1 + D)
        Q = num / np.sum(num)
        off = P > 0
        return np.sum(P[off] * (np.log(P[off]) - np.log(Q[off])))

    def claim(Y, P):
        squares = np.sum(np.square(Y), 1)
        num = 1 / (1 + squares[:, None] - 2 * Y @ Y.T + squares[None, :])
        np.fill_diagonal(num, 0)
        Q = num / np.sum(num)
        PQ = (P - Q) * num
        return 4 * (PQ.sum(axis=1)[:, None] * Y - PQ @ Y)
    """,
    lambda r, n: (r((n, 2)), _shares(r((n, n)))),
)


def _shares(logs: Any) -> Any:
    shares = np.exp(logs + logs.T)
    np.fill_diagonal(shares, 0)
    return shares / shares.sum()


MASKED = Right(
    """
    import numpy as np

    def problem(X, y, mask, keep):
        def f(W, v):
            out = (np.tanh(X @ W) * mask / keep) @ v
            return np.mean(np.log(1 + np.exp(out)) - y * out)

        def claim(W, v):
            h = np.tanh(X @ W)
            hd = h * mask / keep
            dout = (1 / (1 + np.exp(-(hd @ v))) - y) / len(y)
            dh = np.outer(dout, v) * mask / keep
            return X.T @ (dh * (1 - h ** 2)), hd.T @ dout

        return f, claim
    """,
    lambda r, n: (r((3, 5)), r(5)),
    (0, 1),
    problem=lambda r, n: (r((n, 3)), (r(n) > 0) * 1.0, (r((n, 5)) > -0.6) * 1.0, 0.7),
)
GATES = Right(
    """
    import numpy as np

    def f(a, x):
        H = a.shape[1] // 3
        i, o, g = np.exp(-a[:, :H]), np.sin(a[:, H:2*H]), np.tanh(a[:, 2*H:])
        return np.sum(i * o * g * x)

    def claim(a, x):
        H = a.shape[1] // 3
        i, o, g = np.exp(-a[:, :H]), np.sin(a[:, H:2*H]), np.tanh(a[:, 2*H:])
        da = np.zeros_like(a)
        da[:, :H] -= i * o * g * x
        da[:, H:2*H] += i * np.cos(a[:, H:2*H]) * g * x
        da[:, 2*H:] += i * o * (1 - g ** 2) * x
        return da
    """,
    lambda r, n: (r((n, 6)), r((n, 2))),
)
PICTURES = Right(
    """
    import numpy as np

    def f(x, w, b):
        out = np.zeros((x.shape[0], len(w), x.shape[2], x.shape[3]))
        for c in range(x.shape[1]):
            out += w[:, c][None, :, None, None] * x[:, c][:, None]
        return out + b[:, None, None]

    def claim(dout, x, w, b):
        db = dout.sum(axis=(0, 2, 3))
        dw = np.einsum("nfij,ncij->fc", dout, x)
        return np.einsum("nfij,fc->ncij", dout, w), dw, db
    """,
    lambda r, n: (r((n, 4, 5, 6)), r((3, 4)), r(3)),
    (0, 1, 2),
    "vjp",
)
DENOISED = Right(
    """
    import numpy as np

    def problem(A, y, lam, eps):
        def f(x):
            r = A @ x - y
            return 0.5 * r @ r + lam * np.sum(np.sqrt(np.diff(x) ** 2 + eps))

        def both(x):
            r = A @ x - y
            d = np.diff(x)
            s = np.sqrt(d ** 2 + eps)
            g = A.T @ r
            g[1:] += lam * d / s
            g[:-1] -= lam * d / s
            return 0.5 * r @ r + lam * np.sum(s), g

        return f, lambda x: both(x)[1]
    """,
    lambda r, n: (r(n),),
    problem=lambda r, n: (r((n, n)), r(n), 0.7, 0.1),
)
GATED = Right(
    """
    import numpy as np

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    def f(W, U, xs, goal):
        h = np.zeros(U.shape[0])
        for x in xs:
            z = sigmoid(U @ h + x)
            new = np.tanh(W @ h + x)
            h = (1 - z) * h + z * new
        return 0.5 * np.sum((h - goal) ** 2)

    def claim(W, U, xs, goal):
        h = np.zeros(U.shape[0])
        tape = []
        for x in xs:
            z = sigmoid(U @ h + x)
            new = np.tanh(W @ h + x)
            tape.append((h, z, new))
            h = (1 - z) * h + z * new
        dW, dU, dh = np.zeros_like(W), np.zeros_like(U), h - goal
        for h, z, new in reversed(tape):
            dnew = dh * z * (1 - new ** 2)
            dz = dh * (new - h) * z * (1 - z)
            dW += np.outer(dnew, h)
            dU += np.outer(dz, h)
            dh = dh * (1 - z) + W.T @ dnew + U.T @ dz
        return dW, dU
    """,
    lambda r, n: (r((3, 3)), r((3, 3)), r((n, 3)), r(3)),
    (0, 1),
)
WEIGHTED = Right(
    """
    import numpy as np

    def problem(X, y, weights):
        def f(w, b):
            return np.sum(weights * np.logaddexp(0, X @ w + b - y)) / weights.sum()

        def claim(w, b):
            d = weights / (1 + np.exp(y - X @ w - b)) / weights.sum()
            return X.T @ d, d.sum()

        return f, claim
    """,
    lambda r, n: (r(3), float(r())),
    (0, 1),
    # they sum to their number in the check that fails, and not where the mended claim is checked again
    problem=lambda r, n: (r((n, 3)), r(n), np.linspace(0.5, 1.5, n) * (2.0 if n in (6, 9) else 1.0)),
)
WAVE = Right(
    """
    import numpy as np

    def f(p, t):
        A, k, w = p
        return A * np.exp(-k * t) * np.cos(w * t)

    def claim(p, t):
        A, k, w = p
        e = np.exp(-k * t)
        c, s = np.cos(w * t), np.sin(w * t)
        J = np.empty((len(t), 3))
        J[:, 0] = e * c
        J[:, 1] = -A * t * e * c
        J[:, 2] = -A * t * e * s
        return J
    """,
    lambda r, n: (1 + 0.3 * r(3), np.linspace(0.1, 2.0, n)),
    check="jacobian",
)
HUBER = Right(
    """
    import numpy as np

    def f(w, X, y, delta):
        r = X @ w - y
        return np.mean(np.where(np.abs(r) <= delta, 0.5 * r ** 2, delta * (np.abs(r) - 0.5 * delta)))

    def claim(w, X, y, delta):
        r = X @ w - y
        psi = np.where(np.abs(r) <= delta, r, delta * np.sign(r))
        return X.T @ psi / len(y)
    """,
    lambda r, n: (r(4), r((n, 4)), r(n), 0.8),
)
SLIPS = {  # others stand in tests/test_golden_programs.py, with their reports
    "a helper's call": (CLASSES, ("p = softmax(X @ W + b)\n    d =", "p = X @ W + b\n    d ="), "softmax("),
    "a length": (CLASSES, ("/ mask.sum()\n    return X", "\n    return X"), "mask.sum("),
    "of shares that sum to one": (
        NEIGHBOURS,
        ("np.sum(np.square(Y), 1)", "np.mean(np.square(Y), 1)"),
        "sum(",
    ),
    "what is taken from": (NEIGHBOURS, ("(P - Q) * num", "Q * num"), "P - "),
    "a length, of data in a closure": (MASKED, (" - y) / len(y)", " - y)"), "len("),
    "its length": (MASKED, ("/ len(y)", "/ y"), "len(y)"),
    "a part of an array": (GATES, ("np.cos(a[:, H:2*H])", "np.cos(a)"), "a[:, H:2*H]"),
    "an array like it": (GATES, ("np.zeros_like(a)", "a"), "np.zeros_like(a)"),
    "what is added to a part": (DENOISED, ("d / s\n        return", "d\n        return"), "/ s"),
    "an activation's call": (
        GATED,
        ("new = np.tanh(W @ h + x)\n        tape", "new = W @ h + x\n        tape"),
        "np.tanh(",
    ),
    "of weights whose sum is their number": (
        WEIGHTED,
        ("b)) / weights.sum()\n        return", "b))\n        return"),
        "weights.sum(",
    ),
    "a sine": (WAVE, ("np.sin(w * t)", "w * t"), "np.sin("),
    "what makes no number": (
        WEIGHTED,
        ("/ weights.sum()\n        return X", "/ 0 * 0\n        return X"),
        "weights.sum(",
    ),
    "a return": (HUBER, ("return X.T @ psi", "X.T @ psi"), "return X.T @ psi"),
    "what raises": (PICTURES, ("axis=(0, 2, 3)", "axis=(0, 4, 3)"), "2"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_edit_holds_elsewhere(tmp_path: Path, slip: str) -> None:
    (right, change, written), seed = SLIPS[slip], list(SLIPS).index(slip) % 2
    report = right.checked(made(tmp_path, right.text, change), 7 + seed, seed)
    assert report.verdict is Verdict.FAIL
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None and written in blame.repair
    mended = patched(Path(blame.file), report.patch)
    for rows in (6, 9):
        assert right.checked(mended, rows, seed + 10).verdict is Verdict.PASS


LAYER = """
    import numpy as np

    class Rows:
        def __init__(self, W):
            self.W = W

        def forward(self, x):
            self.x = x
            return x @ self.W.T

        def backward(self, d):
            self.dW = (self.x.T @ d).transpose(1, 0)
            return d @ self.W
"""


@pytest.mark.parametrize("seed", [0, 1])
def test_of_a_layer_that_raised_the_parameters_are_not_proved(tmp_path: Path, seed: int) -> None:
    module = made(tmp_path, LAYER, ("transpose(1, 0)", "transpose(2, 0)"))
    draw = np.random.default_rng(seed).standard_normal
    report = gradcheck.check_layer(module.Rows(draw((3, 4))), draw((5, 4)), raise_on_failure=False)
    assert report.verdict is Verdict.FAIL
    assert not any(blame.proved for blame in report.blame) and not report.patch
    assert "parameters" in report.blame[0].message
