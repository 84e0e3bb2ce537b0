"""What is said to be proved is right where nobody has looked: random edits of random programs."""

from __future__ import annotations

import ast
import tempfile
from itertools import pairwise
from pathlib import Path
from textwrap import indent
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck import Report, Verdict
from tests.blame.programs import loaded, patched
from tests.slips import changes_of, spoil

ACTIVATIONS = [
    ("np.tanh({z})", "(1 - {h} ** 2)"),
    ("np.sin({z})", "np.cos({z})"),
    ("1 / (1 + np.exp(-{z}))", "{h} * (1 - {h})"),
    ("{z} ** 2", "(2 * {z})"),
    ("np.maximum({z}, 0)", "({z} > 0)"),
    ("np.log1p(np.exp({z}))", "(1 - np.exp(-{h}))"),
]
"""A function and its derivative, of its argument z and its value h."""
LOSSES = [
    ("0.5 * np.sum(({o} - Y) ** 2)", "{o} - Y"),
    ("np.mean(({o} - Y) ** 2)", "2 * ({o} - Y) / Y.size"),
    ("np.sum(np.log(np.cosh({o} - Y))) / len(X)", "np.tanh({o} - Y) / len(X)"),
    ("np.sum(np.sqrt(1 + ({o} - Y) ** 2))", "({o} - Y) / np.sqrt(1 + ({o} - Y) ** 2)"),
]
"""A loss and its derivative, of the output o."""


def written(layers: list[tuple[str, str]], loss: tuple[str, str], decay: float) -> str:
    """A function and its gradient, for layers with these activations, the last of which has none."""
    count = len(layers) + 1
    weights = ", ".join(f"W{k}, b{k}" for k in range(1, count + 1))
    forward, backward, before = [], [f"d = {loss[1].format(o=f'z{count}')}"], "X"
    for k in range(1, count + 1):
        forward.append(f"z{k} = {before} @ W{k} + b{k}")
        if k < count:
            forward.append(f"h{k} = {layers[k - 1][0].format(z=f'z{k}')}")
            before = f"h{k}"
    for k in range(count, 0, -1):
        below = f"h{k - 1}" if k > 1 else "X"
        more = f" + {decay} * W{k}" if decay else ""
        backward += [f"dW{k} = {below}.T @ d{more}", f"db{k} = d.sum(axis=0)"]
        if k > 1:
            slope = layers[k - 2][1].format(z=f"z{k - 1}", h=f"h{k - 1}")
            backward.append(f"d = d @ W{k}.T * {slope}")
    extra = "".join(f" + {decay / 2} * np.sum(W{k} ** 2)" for k in range(1, count + 1)) if decay else ""
    gradients = ", ".join(f"dW{k}, db{k}" for k in range(1, count + 1))
    value, both = f"return {loss[0].format(o=f'z{count}')}{extra}", "\n".join(forward)
    return (
        f"import numpy as np\n\n\ndef f({weights}, X, Y):\n{indent(both, '    ')}\n    {value}\n\n\n"
        f"def claim({weights}, X, Y):\n{indent(both, '    ')}\n"
        + indent("\n".join([*backward, f"return {gradients}"]), "    ")
        + "\n"
    )


def checked(module: Any, widths: list[int], rows: int, seed: int) -> Report:
    draw = np.random.default_rng(seed).standard_normal
    layers = pairwise(widths)
    weights = [part for width, other in layers for part in (draw((width, other)), draw(other))]
    args = (*weights, draw((rows, widths[0])), draw((rows, widths[-1])))
    argnums = tuple(range(len(weights)))
    return gradcheck.check_grad(module.f, module.claim, *args, argnums=argnums, raise_on_failure=False)


def test_proved_is_right_at_a_point_that_was_not_tried() -> None:
    """Widths and rows are often equal by accident; the edit has to hold with other numbers and other rows."""
    proved: list[bool] = []

    @settings(
        max_examples=10,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(st.sampled_from(ACTIVATIONS), max_size=2),
        st.sampled_from(LOSSES),
        st.sampled_from([0.0, 0.1]),
        st.lists(st.integers(2, 4), min_size=4, max_size=4),
        st.integers(2, 5),
        st.integers(0, 10**6),
    )
    def holds(layers: Any, loss: Any, decay: float, widths: list[int], rows: int, choice: int) -> None:
        text, widths = written(layers, loss, decay), widths[: len(layers) + 2]
        function = ast.parse(text).body[-1]
        assert isinstance(function, ast.FunctionDef)
        changes = list(changes_of(function))
        node, _, new = changes[choice % len(changes)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.py"
            path.write_bytes(spoil(text.encode(), node, new))
            report = checked(loaded(path), widths, rows, choice)
            assume(report.verdict is Verdict.FAIL)
            proved.append(any(blame.proved for blame in report.blame))
            if proved[-1]:
                mended = patched(path, report.patch)
                for others in (rows, rows + 3):
                    assert checked(mended, widths, others, choice + 1).verdict is Verdict.PASS, report.patch

    holds()
    assert sum(proved) >= 0.8 * len(proved) and len(proved) >= 8
