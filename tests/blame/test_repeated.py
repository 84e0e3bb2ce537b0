"""A line of the forward pass that backward repeats wrongly is written as it stands in f, though the claim may raise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcheck
from tests.blame.programs import made, patched
from tests.blame.test_blame import failed

DICE = """
    import numpy as np


    def squashed(z):
        return 1 / (1 + np.exp(-z))


    def loss(z, t):
        p, n = squashed(z), len(z)
        both = np.sum(p * t, axis=(1, 2))
        total = np.sum(p, axis=(1, 2)) + np.sum(t, axis=(1, 2))
        return np.sum(1 - 2 * both / total) / n


    def gradient(z, t):
        p, n = squashed(z), len(z)
        both = np.sum(p * t, axis=(1, 2), keepdims=True)
        total = np.sum(p, axis=(1, 2), keepdims=True) + np.sum(t, axis=(1, 2), keepdims=True)
        dp = -(2 * t * total - 2 * both) / total**2
        return dp * p * (1 - p) / n
    """
ROBUST = """
    import numpy as np


    def loss(w, X, y):
        r = X @ w - y
        return np.sum(np.log(1 + r**2))


    def gradient(w, X, y):
        r = X @ w - y
        pull = 2 * r / (1 + r**2)
        return X.T @ pull
    """


def images(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4, 3)), (rng.random((2, 4, 3)) < 0.5).astype(float)


def rows(seed: int) -> tuple[Any, ...]:
    draw = np.random.default_rng(seed).standard_normal
    return draw(3), draw((7, 3)), draw(7)


@pytest.mark.parametrize(
    "text, args, was, now",
    [
        (DICE, images, "p, n = squashed(z), len(z)", "p, n = 1, len(z)"),
        (DICE, images, "p, n = squashed(z), len(z)", "p, n = z, len(z)"),
        (ROBUST, rows, "r = X @ w - y", "r = X - y"),
        (ROBUST, rows, "return X.T @ pull", "return X.T"),
        (ROBUST, rows, "return X.T @ pull", "return pull.T"),
    ],
)
def test_it_is_mended(tmp_path: Path, text: str, args: Any, was: str, now: str) -> None:
    forward, backward = text.split("def gradient")
    module = made(tmp_path, f"{forward}def gradient{backward.replace(was, now)}")
    report = failed(module, args(0), argnums=0)
    assert report.blame and all(blame.proved for blame in report.blame), str(report)
    mended = patched(tmp_path / "program.py", report.patch)
    gradcheck.check_grad(mended.loss, mended.gradient, *args(1), argnums=0)


def test_what_a_name_stands_for_in_f_is_left_alone_where_f_reads_what_the_claim_has_not(
    tmp_path: Path,
) -> None:
    text = """
        import numpy as np


        def loss(x):
            scale = 3.0
            s = scale * x
            return np.sum(s**2)


        def gradient(x):
            s = 2 * x
            return 6 * s
        """
    report = failed(made(tmp_path, text), (np.array([0.3, 1.2, -0.7]),))
    assert report.blame and "scale" not in (report.blame[0].repair or "")
