"""What is proved at sizes that are equal by accident holds at others: of batches, channels, windows, heads, classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck import Report, Verdict
from tests.blame.programs import made, patched
from tests.blame.sized import PROGRAMS, Sized

BY_NAME = {one.name: one for one in PROGRAMS}
MISTAKES = {
    "mlp": (" / Y.size", ""),
    "cross entropy": ("X.T @ p / n", "X.T @ p"),
    "smoothed labels": ("p - eps / k", "p - eps"),
    "max pooling": ("None] * mask", "None] * (mask | True)"),
    "mean pooling": ("/ k ** 2", "/ k"),
    "convolution by loops": ("db += d.sum(axis=0)", "db += d.mean(axis=0)"),
    "im2col": ("return dx, dw,", "return dx, dw / n,"),
    "attention with heads": ("keepdims=True)) * scale", "keepdims=True))"),
    "batch norm": ("dxhat.sum(axis=0) / n", "dxhat.sum(axis=0)"),
    "layer norm": ("(d * dxhat -", "(dxhat -"),
    "group norm": ("keepdims=True) / m - yhat", "keepdims=True) - yhat"),
    "instance norm": ("/ (h * w)", "/ h"),
    "huber": ("/ (n * k)", "/ n"),
    "data of a closure": ("/ Y.size + C", "/ len(Y) + C"),
    "ridge with data of a closure": ("reg * w / len(w)", "reg * w"),
    "graph convolution": ("(1 - out ** 2) / n", "(1 - out ** 2)"),
    "recurrence": ("/ (n * steps) + dnext", "/ n + dnext"),
    "gates of a cell": ("dc * g * i * (1 - i)", "dc * g"),
    "variational": ("dz + mu / n", "dz + mu"),
    "bag of words": ("W.T / t", "W.T"),
    "global pooling": ("/ (h * w)", "/ h"),
    "covariance": ("(D + D.T) / (n - 1)", "(D + D.T) / n"),
    "root mean square": ("(d * rms ** 3)", "rms ** 3"),
    "weights of samples": ("(s.sum() * k)", "s.sum()"),
    "contrast of pairs": ("(D + D.T) @ Z / n", "(D + D.T) @ Z"),
    "total variation": ("2 * (x - y) / x.size", "2 * (x - y)"),
    "mixture of experts": ("/ Y.size", "/ len(Y)"),
    "upsampling": ("j::s] / s ** 2", "j::s] / s"),
    "soft position": ("where = np.arange(k) / k", "where = np.arange(k)"),
    "gaussian process": ("diff, axis=1) / d", "diff, axis=1)"),
    "features of two views": ("/ (na * n)", "/ na"),
}


def of_one_length(program: Sized, length: int) -> dict[str, int]:
    """Sizes that are all that length, where that is possible."""
    return {name: length if length in some else some[0] for name, some in program.lengths.items()}


def others(program: Sized, sizes: dict[str, int]) -> Iterator[dict[str, int]]:
    """Sizes of which one is another one, and such as are all others."""
    for name, some in program.lengths.items():
        yield from ({**sizes, name: other} for other in some if other != sizes[name])
    yield {name: some[(k + 1) % len(some)] for k, (name, some) in enumerate(program.lengths.items())}


def spoilt(program: Sized, folder: Path, length: int, dtype: type[np.floating]) -> Report:
    module = made(folder, program.text, MISTAKES[program.name])
    report = program.checked(module, of_one_length(program, length), length, dtype)
    assert report.verdict is Verdict.FAIL
    return report


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=[*MISTAKES])
def test_what_is_proved_is_right_at_all_other_sizes(tmp_path: Path, number: int) -> None:
    program, length = BY_NAME[[*MISTAKES][number]], 2 + number % 3
    dtype = np.float64 if number % 2 else np.float32
    report = spoilt(program, tmp_path, length, dtype)
    assert report.blame and all(blame.proved for blame in report.blame)
    mended = patched(tmp_path / "program.py", report.patch)
    for sizes in others(program, of_one_length(program, length)):
        assert program.checked(mended, sizes, length + 1).verdict is Verdict.PASS, (sizes, report.patch)


STRIDE = """
    import numpy as np


    def loss(k, x, stride=1):
        n = (len(x) - len(k)) // stride + 1
        return sum(np.tanh(x[i * stride : i * stride + len(k)] @ k) for i in range(n))


    def gradient(k, x, stride=1):
        n = (len(x) - len(k)) // stride + 1
        dk, dx = np.zeros_like(k), np.zeros_like(x)
        for i in range(n):
            w = x[i * stride : i * stride + len(k)]
            d = 1 - np.tanh(w @ k) ** 2
            dk += d * w
            dx[i * stride : i * stride + len(k)] += d * k
        return dk, dx
"""


@pytest.mark.parametrize(
    "slip", [("// stride + 1\n    dk", "// 2 + 1\n    dk"), ("w = x[i * stride :", "w = x[i * w :")]
)
def test_a_whole_number_that_is_a_default_is_another_elsewhere(tmp_path: Path, slip: tuple[str, str]) -> None:
    """With a stride of 1 the number of a window is its place."""
    module = made(tmp_path, STRIDE, slip)
    draw = np.random.default_rng(0).standard_normal
    report = gradcheck.check_grad(module.loss, module.gradient, draw(3), draw(8), raise_on_failure=False)
    assert report.blame[0].proved
    mended = patched(tmp_path / "program.py", report.patch)
    assert gradcheck.check_grad(mended.loss, mended.gradient, draw(3), draw(9), 2, argnums=(0, 1)).ok
