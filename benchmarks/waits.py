"""How long one waits from a fail to the blame: a network, a convolution by loops, an LSTM of fifty steps.

python -m benchmarks.waits
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.blame.programs import made
from tests.blame.test_missing import PROGRAMS, Program

CONVOLUTION = """
    import numpy as np


    def forward(x, w, stride):
        out = np.zeros((len(w), (x.shape[1] - 3) // stride + 1, (x.shape[2] - 3) // stride + 1))
        for f in range(out.shape[0]):
            for i in range(out.shape[1]):
                for j in range(out.shape[2]):
                    out[f, i, j] = np.sum(x[:, i * stride:i * stride + 3, j * stride:j * stride + 3] * w[f])
        return out


    def backward(dout, x, w, stride):
        dx, dw = np.zeros_like(x), np.zeros_like(w)
        for f in range(dout.shape[0]):
            for i in range(dout.shape[1]):
                for j in range(dout.shape[2]):
                    top, left = i * stride, j * stride
                    dw[f] += dout[f, i, j] * x[:, top:top + 3, left:left + 3]
                    dx[:, top:top + 3, left:left + 3] += dout[f, i, j] * w[f]
        return dx, dw
"""
WAITS: dict[str, tuple[Program, list[tuple[str, str]]]] = {
    "network": (
        PROGRAMS["network"],
        [
            ("dz1 = dh1 * (1 - h1 ** 2)", "dz1 = dh1"),
            ("    ds /= n\n", ""),
            ("dh1 = dz2 @ W2.T", "dh1 = dh2 @ W2.T"),
            ('g["b2"] = dz2.sum(axis=0)', 'g["b2"] = dz2.mean(axis=0)'),
            ("X.T @ dz1 + reg * W1", "X.T @ dz1"),
        ],
    ),
    "convolution by loops": (
        Program(
            CONVOLUTION,
            "forward",
            "backward",
            lambda r: (r((2, 7, 7)), r((3, 2, 3, 3)), 2),
            (0, 1),
            "vjp",
        ),
        [
            ("top, left = i * stride, j * stride", "top, left = i * stride, j"),
            ("left:left + 3] += dout[f, i, j] * w[f]", "left:left + 3] = dout[f, i, j] * w[f]"),
            ("+= dout[f, i, j] * w[f]", "+= dout[f, i, j] * w[f, :, ::-1]"),
        ],
    ),
    "LSTM of 50 steps": (
        replace(PROGRAMS["lstm"], args=lambda r: (r((3, 12)), 0.5 * r((3, 12)), r(12), r((50, 3)), r(3))),
        [
            ("dc = dc + dh * o * (1 - tc ** 2)", "dc = dc + dh * o"),
            ("        dc = dc * f\n", "        dc = dc * i\n"),
            ("di * i * (1 - i)", "di"),
        ],
    ),
}
"""Programs, and mistakes in each."""


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (program, mistakes) in WAITS.items():
            took, proved = [], 0
            for mistake in mistakes:
                report = program.checked(made(Path(folder), program.text, mistake), 0)
                start = time.perf_counter()
                blame = report.blame
                took.append(time.perf_counter() - start)
                proved += any(one.proved for one in blame)
            each = ", ".join(f"{seconds:.2f}" for seconds in took)
            print(
                f"{name:22} median {statistics.median(took):.2f} s ({each}), {proved} of {len(took)} mended"
            )


if __name__ == "__main__":
    main()
