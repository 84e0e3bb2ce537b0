"""One function that returns a loss and its gradient, which f and the claim call: its edit leaves the loss alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcheck import Report, Verdict, check_grad, check_layer
from tests.blame.programs import made, patched

Drawn = np.random.Generator

SOFTMAX = """
    import numpy as np

    def loss_and_gradient(W, X, y, reg):
        loss, dW = 0.0, np.zeros_like(W)
        for i in range(len(X)):
            s = X[i] @ W
            p = np.exp(s - s.max())
            p /= p.sum()
            loss += -np.log(p[y[i]])
            for j in range(W.shape[1]):
                dW[:, j] += (p[j] - (j == y[i])) * X[i]
        loss = loss / len(X) + reg * np.sum(W * W)
        dW = dW / len(X) + 2 * reg * W
        return loss, dW

    def f(W, X, y, reg):
        return loss_and_gradient(W, X, y, reg)[0]

    def claim(W, X, y, reg):
        return loss_and_gradient(W, X, y, reg)[1]
"""
HINGE = """
    import numpy as np

    def loss_and_gradient(W, X, y, reg):
        dW = np.zeros(W.shape)
        loss = 0.0
        for i in range(X.shape[0]):
            scores = X[i].dot(W)
            for j in range(W.shape[1]):
                if j == y[i]:
                    continue
                margin = scores[j] - scores[y[i]] + 1
                if margin > 0:
                    loss += margin
                    dW[:, j] += X[i]
                    dW[:, y[i]] -= X[i]
        return loss / X.shape[0] + reg * np.sum(W * W), dW / X.shape[0] + 2 * reg * W

    def f(W, X, y, reg):
        return loss_and_gradient(W, X, y, reg)[0]

    def claim(W, X, y, reg):
        return loss_and_gradient(W, X, y, reg)[1]
"""
MODEL = """
    import numpy as np

    def tanh_backward(d, t):
        return d * (1 - t ** 2)

    class Net:
        def __init__(self):
            self.grads = {}

        def loss(self, W, b, X, Y):
            t = np.tanh(X @ W + b)
            r = t - Y
            d = tanh_backward(r / len(X), t)
            self.grads['W'] = X.T @ d
            self.grads['b'] = d.sum(axis=0)
            return 0.5 * np.sum(r ** 2) / len(X)

    net = Net()

    def f(W, b, X, Y):
        return net.loss(W, b, X, Y)

    def claim(W, b, X, Y):
        net.loss(W, b, X, Y)
        return net.grads['W'], net.grads['b']
"""
VALLEY = """
    import numpy as np

    def fun(x):
        value = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        slope = np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])
        return value, slope

    f = lambda x: fun(x)[0]
    claim = lambda x: fun(x)[1]
"""


def arguments(name: str, draw: Drawn) -> tuple[Any, ...]:
    normal = draw.standard_normal
    if name in ("softmax", "hinge"):
        return normal((4, 3)), normal((6, 4)), draw.integers(0, 3, 6), 0.3
    if name == "model":
        return normal((4, 3)), normal(3), normal((6, 4)), normal((6, 3))
    return (normal(2),)


PROGRAMS = {
    "softmax": (SOFTMAX, 0), "hinge": (HINGE, 0), "model": (MODEL, (0, 1)), "valley": (VALLEY, 0)
}  # fmt: skip
MISTAKES = [
    ("softmax", "p[j] - (j == y[i])", "p[j] + (j == y[i])", "p[j] - (j == y[i])"),
    ("softmax", "dW / len(X) + 2 * reg", "dW + 2 * reg", "len(X)"),
    ("softmax", "dW / len(X) + 2 * reg * W", "dW / len(X) + reg * W", "2 * reg"),
    ("softmax", "(p[j] - (j == y[i]))", "p[j]", "dW[:, y[i]] -="),
    ("hinge", "                dW[:, y[i]] -= X[i]\n", "", "dW[:, y[i]] -= X[i]"),
    ("hinge", "dW[:, j] += X[i]", "dW[:, j] -= X[i]", "dW[:, j] += X[i]"),
    ("hinge", "+ 2 * reg * W", "+ reg * W", "2 * reg"),
    ("model", "X.T @ d", "X.T @ r", "d"),
    ("model", "d.sum(axis=0)", "d.mean(axis=0)", "d.sum(axis=0)"),
    ("model", "1 - t ** 2", "1 - t", "t ** 2"),
    ("model", "tanh_backward(r / len(X), t)", "tanh_backward(r, t)", "len("),
    ("valley", "200 * (x[1] - x[0] ** 2)", "200 * (x[1] - x[0])", "x[0] ** 2"),
    ("valley", "- 2 * (1 - x[0]), 200", "+ 2 * (1 - x[0]), 200", "x[0] - 1"),
]


def checked(name: str, module: Any, seed: int) -> Report:
    args = arguments(name, np.random.default_rng(seed))
    return check_grad(module.f, module.claim, *args, argnums=PROGRAMS[name][1], raise_on_failure=False)


@pytest.mark.parametrize(("name", "old", "new", "written"), MISTAKES)
def test_the_gradient_is_mended_and_the_loss_is_what_it_was(
    tmp_path: Path, name: str, old: str, new: str, written: str
) -> None:
    module = made(tmp_path, PROGRAMS[name][0], (old, new))
    report = checked(name, module, 3)
    assert report.verdict is Verdict.FAIL
    (blame,) = report.blame
    assert blame.proved and blame.repair is not None
    assert written in blame.repair or written in report.patch
    mended = patched(Path(blame.file), report.patch)
    for other in (13, 23):
        assert checked(name, mended, other).verdict is Verdict.PASS
        args = arguments(name, np.random.default_rng(other))
        assert module.f(*args) == mended.f(*args)


KERNEL = """
    import numpy as np

    def kernel(length, X, with_gradient=False):
        D = (X[:, None, :] - X[None, :, :]) ** 2
        K = np.exp(-0.5 * (D / length**2).sum(2))
        if with_gradient:
            G = D / length**3
            G = G * K[:, :, None]
            return K, G
        return K

    def f(length, X, U):
        return np.sum(U * kernel(length, X))

    def claim(length, X, U):
        _, G = kernel(length, X, with_gradient=True)
        return (U[:, :, None] * G).sum((0, 1))
"""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("length**3", "length**2"),
        ("G * K[:, :, None]", "G * X[:, :, None]"),  # raises
        ("G = D / length**3", "G = G / length**3"),  # before there is a number that is the claim's alone
        ("G * K[:, :, None]", "G / K[:, :, None]"),
        ("D / length**3", "D * length**3"),
        ("return K, G", "return G, K"),
    ],
)
def test_what_a_flag_asks_for_is_the_claims_alone(tmp_path: Path, right: str, wrong: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    module = made(tmp_path, KERNEL, (right, wrong))
    args = rng.uniform(0.5, 1.5, 2), rng.normal(size=(5, 2)), rng.normal(size=(5, 5))
    report = check_grad(module.f, module.claim, *args, argnums=0, raise_on_failure=False)
    assert report.verdict is Verdict.FAIL
    assert report.blame and report.blame[0].proved, report.blamed.remark
    mended = patched(Path(module.__file__), report.patch)
    assert check_grad(mended.f, mended.claim, *args, argnums=0).ok


def test_an_edit_that_would_change_f_is_none(tmp_path: Path) -> None:
    """With another constant the gradient were what it should be, too: but f were another function."""
    module = made(
        tmp_path,
        """
        import numpy as np

        def both(w):
            k = 3.0
            return k * np.sum(w * w), k * w

        f = lambda w: both(w)[0]
        claim = lambda w: both(w)[1]
        """,
    )
    w = np.array([0.3, -0.7, 1.1])
    report = check_grad(module.f, module.claim, w, raise_on_failure=False)
    (blame,) = report.blame
    assert blame.proved and "+    return k * np.sum(w * w), 2 * k * w" in report.patch.splitlines()
    mended = patched(Path(blame.file), report.patch)
    assert mended.f(w) == module.f(w)


DENSE = """
    import numpy as np

    class Dense:
        def __init__(self, W, b):
            self.W, self.b = W, b

        def forward(self, x):
            z = x @ self.W + self.b
            y = np.tanh(z)
            self.cache = x, y
            return y

        def backward(self, dy):
            x, y = self.cache
            dz = dy * (1 - y ** 2)
            self.dW, self.db = x.T @ dz, dz.sum(axis=0)
            return dz @ self.W.T
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.cache = x, y", "self.cache = x, z"),
        ("1 - y ** 2", "1 - y"),
        ("self.cache = x, y", "self.cache = 2 * x, y"),
    ],
)
def test_what_a_layer_keeps_on_its_way_forward_is_mended(tmp_path: Path, old: str, new: str) -> None:
    module = made(tmp_path, DENSE, (old, new))

    def report(module: Any, seed: int) -> Report:
        normal = np.random.default_rng(seed).standard_normal
        layer = module.Dense(normal((4, 3)), normal(3))
        return check_layer(layer, normal((5, 4)), raise_on_failure=False)

    found = report(module, 3)
    assert found.verdict is Verdict.FAIL
    (blame,) = found.blame
    assert blame.proved
    assert report(patched(Path(blame.file), found.patch), 13).verdict is Verdict.PASS
