"""A part of an array that is written nowhere, or elsewhere: the statement is found, in scatters and windows too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Report, Verdict
from tests.blame.programs import made, patched

Drawn = np.random.Generator

EMBEDDING = """
    import numpy as np

    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def f(E, W, b, ids, y):
        h = np.tanh(E[ids].mean(axis=1))
        p = softmax(h @ W + b)
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    def claim(E, W, b, ids, y):
        n, length = ids.shape
        h = np.tanh(E[ids].mean(axis=1))
        d = softmax(h @ W + b)
        d[np.arange(n), y] -= 1
        d /= n
        dW = h.T @ d
        db = d.sum(axis=0)
        dh = (d @ W.T) * (1 - h ** 2)
        dx = np.repeat(dh[:, None, :], length, axis=1) / length
        dE = np.zeros_like(E)
        np.add.at(dE, ids, dx)
        return dE, dW, db
"""
GRAPH = """
    import numpy as np

    def f(H, W, src, dst, Y):
        m = np.zeros((len(H), W.shape[1]))
        Z = H @ W
        m = np.eye(len(H))[dst].T @ Z[src]
        return 0.5 * np.sum((np.tanh(m) - Y) ** 2)

    def claim(H, W, src, dst, Y):
        Z = H @ W
        m = np.zeros_like(Z)
        np.add.at(m, dst, Z[src])
        a = np.tanh(m)
        dm = (a - Y) * (1 - a ** 2)
        dZ = np.zeros_like(Z)
        np.add.at(dZ, src, dm[dst])
        return dZ @ W.T, H.T @ dZ
"""
GATES = """
    import numpy as np

    def f(W, U, x):
        z = x @ W
        n = z.shape[1] // 2
        gate = 1 / (1 + np.exp(-z[:, :n]))
        return np.sum((gate * np.tanh(z[:, n:])) @ U)

    def claim(W, U, x):
        z = x @ W
        n = z.shape[1] // 2
        gate, cand = 1 / (1 + np.exp(-z[:, :n])), np.tanh(z[:, n:])
        out = gate * cand
        dout = np.ones((len(x), U.shape[1])) @ U.T
        dz = np.zeros_like(z)
        dz[:, :n] = dout * cand * gate * (1 - gate)
        dz[:, n:] = dout * gate * (1 - cand ** 2)
        dW = x.T @ dz
        dU = out.T @ np.ones((len(x), U.shape[1]))
        return dW, dU
"""
VARIATION = """
    import numpy as np

    def f(image, w):
        dx = image[:, 1:] - image[:, :-1]
        dy = image[1:, :] - image[:-1, :]
        return w * (np.sum(dx ** 2) + np.sum(dy ** 2))

    def claim(image, w):
        g = np.zeros_like(image)
        dx = image[:, 1:] - image[:, :-1]
        dy = image[1:, :] - image[:-1, :]
        g[:, 1:] += 2 * w * dx
        g[:, :-1] -= 2 * w * dx
        g[1:, :] += 2 * w * dy
        g[:-1, :] -= 2 * w * dy
        return g
"""
CLASSES = """
    import numpy as np

    def f(W, X, y):
        z = X @ W
        z = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])

    def claim(W, X, y):
        z = X @ W
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[range(len(y)), y] -= 1
        return X.T @ p / len(y)
"""
POOLED = """
    import numpy as np

    def forward(x, k, stride):
        n, H, W = x.shape
        Ho, Wo = (H - k) // stride + 1, (W - k) // stride + 1
        out = np.zeros((n, Ho, Wo))
        for i in range(Ho):
            for j in range(Wo):
                out[:, i, j] = x[:, i * stride:i * stride + k, j * stride:j * stride + k].max(axis=(1, 2))
        return out

    def backward(dout, x, k, stride):
        n, H, W = x.shape
        Ho, Wo = (H - k) // stride + 1, (W - k) // stride + 1
        dx = np.zeros_like(x)
        for i in range(Ho):
            for j in range(Wo):
                top, left = i * stride, j * stride
                window = x[:, top:top + k, left:left + k]
                mask = window == window.max(axis=(1, 2), keepdims=True)
                dx[:, top:top + k, left:left + k] += mask * dout[:, i, j][:, None, None]
        return dx
"""
LARGEST = """
    import numpy as np

    def forward(x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))

    def backward(dout, x):
        dx = np.zeros_like(x)
        n, c, h, w = x.shape
        for i in range(n):
            for ch in range(c):
                for r in range(h // 2):
                    for s in range(w // 2):
                        patch = x[i, ch, 2 * r:2 * r + 2, 2 * s:2 * s + 2]
                        a, b = np.unravel_index(np.argmax(patch), patch.shape)
                        dx[i, ch, 2 * r + a, 2 * s + b] = dout[i, ch, r, s]
        return dx
"""
HINGE = """
    import numpy as np

    def f(W, X, y):
        z = X @ W
        margins = np.maximum(0, z - z[np.arange(len(y)), y][:, None] + 1)
        margins = margins * (np.arange(z.shape[1]) != y[:, None])
        return margins.sum() / len(X) + 0.1 * np.sum(W * W)

    def claim(W, X, y):
        z = X @ W
        above = (z - z[np.arange(len(y)), y][:, None] + 1 > 0) * 1.0
        above[np.arange(len(y)), y] = 0
        above[np.arange(len(y)), y] = -above.sum(axis=1)
        return X.T @ above / len(X) + 0.2 * W
"""
RIDGE = """
    import numpy as np

    def f(w, X, y, reg):
        return np.mean(np.log1p(np.exp(-y * (X @ w)))) + 0.5 * reg * np.sum(w[1:] ** 2)

    def claim(w, X, y, reg):
        p = 1 / (1 + np.exp(y * (X @ w)))
        return -X.T @ (y * p) / len(y) + reg * np.r_[0, w[1:]]
"""
LAST = """
    import numpy as np

    def f(W, X, Y, reg):
        return 0.5 * np.sum((X @ W.T - Y) ** 2) + 0.5 * reg * np.sum(W[:, :-1] ** 2)

    def claim(W, X, Y, reg):
        dW = (X @ W.T - Y).T @ X
        dW += reg * np.c_[W[:, :-1], 0 * W[:, -1:]]
        return dW
"""
CONV = """
    import numpy as np

    def forward(x, W):
        n, c, H, width = x.shape
        f, _, k, _ = W.shape
        out = np.zeros((n, f, H - k + 1, width - k + 1))
        for p in range(k):
            for q in range(k):
                out += np.einsum('nchw,fc->nfhw', x[:, :, p:H - k + 1 + p, q:width - k + 1 + q], W[:, :, p, q])
        return out

    def backward(dout, x, W):
        dx = np.zeros_like(x)
        k = W.shape[2]
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                for r in range(k):
                    for s in range(k):
                        dx[:, :, i + r, j + s] += dout[:, :, i, j] @ W[:, :, r, s]
        return dx
"""


def arguments(name: str, draw: Drawn) -> tuple[Any, ...]:
    normal, integers = draw.standard_normal, draw.integers
    if name == "embedding":
        return normal((6, 4)), normal((4, 3)), normal(3), integers(0, 6, (5, 3)), integers(0, 3, 5)
    if name == "graph":
        return normal((5, 3)), normal((3, 4)), integers(0, 5, 9), integers(0, 5, 9), normal((5, 4))
    return {
        "gates": lambda: (normal((3, 8)), normal((4, 2)), normal((5, 3))),
        "variation": lambda: (normal((5, 6)), 0.7),
        "classes": lambda: (normal((4, 3)), normal((6, 4)), integers(0, 3, 6)),
        "hinge": lambda: (normal((4, 3)), normal((6, 4)), integers(0, 3, 6)),
        "conv": lambda: (normal((2, 2, 5, 6)), normal((3, 2, 3, 3))),
        "ridge": lambda: (normal(4), normal((7, 4)), np.sign(normal(7)), 0.3),
        "last": lambda: (normal((3, 4)), normal((7, 4)), normal((7, 3)), 0.3),
        "pooled": lambda: (normal((2, 6, 7)), 2, 2),
        "largest": lambda: (normal((2, 2, 4, 6)),),
    }[name]()


PROGRAMS = {
    "embedding": (EMBEDDING, (0, 1, 2)), "graph": (GRAPH, (0, 1)), "gates": (GATES, (0, 1)),
    "variation": (VARIATION, 0), "classes": (CLASSES, 0), "pooled": (POOLED, 0), "largest": (LARGEST, 0),
    "conv": (CONV, 0), "hinge": (HINGE, 0), "ridge": (RIDGE, 0), "last": (LAST, 0),
}  # fmt: skip
MISTAKES = [  # others stand in tests/test_golden_programs.py, with their reports
    ("embedding", "    np.add.at(dE, ids, dx)\n", "", "np.add.at(dE, ids, dx)"),
    (
        "gates",
        "    dz[:, n:] = dout * gate * (1 - cand ** 2)\n",
        "",
        "* (1 - cand ** 2)",
    ),
    ("gates", "dz[:, n:] = dout * gate", "dz[:, n - 1:-1] = dout * gate", "dz[:, n:] = dout * gate"),
    ("classes", "    p[range(len(y)), y] -= 1\n", "", "y] -= 1"),
    ("hinge", "    above[np.arange(len(y)), y] = -above.sum(axis=1)\n", "", "y] -= above.sum(axis=-1)"),
    ("hinge", "= -above.sum(axis=1)", "= -1", "above.sum(axis=-1)"),
    ("conv", "W[:, :, r, s]\n", "W[:, :, s, r]\n", "r, s"),
    ("conv", "i + r, j + s]", "i + s, j + r]", "s, r"),
    ("conv", "@ W[:, :, r, s]", "@ W[:, :, r, s - 1]", "s"),
    ("ridge", "reg * np.r_[0, w[1:]]", "reg * w", "np.r_[0, w[1:]]"),
    ("last", "reg * np.c_[W[:, :-1], 0 * W[:, -1:]]", "reg * W", "np.c_[W[:, :-1], 0 * W[:, -1:]]"),
]


def checked(name: str, module: Any, seed: int) -> Report:
    args, (_, argnums) = arguments(name, np.random.default_rng(seed)), PROGRAMS[name]
    if name in ("pooled", "largest", "conv"):
        return gradcheck.check_vjp(
            module.forward, module.backward, *args, argnums=argnums, raise_on_failure=False
        )
    return gradcheck.check_grad(module.f, module.claim, *args, argnums=argnums, raise_on_failure=False)


@pytest.mark.parametrize("seed", [3])
@pytest.mark.parametrize(("name", "old", "new", "written"), MISTAKES)
def test_the_statement_is_written_and_right_elsewhere(
    tmp_path: Path, name: str, old: str, new: str, written: str, seed: int
) -> None:
    report = checked(name, made(tmp_path, PROGRAMS[name][0], (old, new)), seed)
    assert report.verdict is Verdict.FAIL
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None and written in blame.repair
    mended = patched(Path(blame.file), report.patch)
    for other in (seed + 10, seed + 20):
        assert checked(name, mended, other).verdict is Verdict.PASS
