"""Mistakes of published code, by their description: the clearest are mended as a person would, of the rest most are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.repairs import checked, outcome
from gradcheck import Verdict
from tests.blame.described import MISTAKES, PLANTED, PUBLISHED
from tests.blame.programs import Right, made

BY_NAME = {one.name: one for one in MISTAKES}
MENDED = {
    "a square matrix is not transposed": ("W", "W.T"),
    "the other axis": ("1", "0"),
    "a name that is none": ("A1", "a1"),
    "gated: gates swapped": ("[dk, df]", "[df, dk]"),
    "conv: pad lost in one index": (
        "dxp[:, :, pad : pad + H, 0 : W]",
        "dxp[:, :, pad : pad + H, pad:pad + W]",
    ),
    "attention: P for P.T": ("P", "P.swapaxes(1, 2)"),
    "gcn: adjacency not transposed": ("A", "A.T"),
    "gcn: relu forgotten": ("dH", "dH * (Z > 0)"),
    "gcn: repeated ids": ("dX[src] += dM @ W.T", "np.add.at(dX, src, dM @ W.T)"),
    "t-sne: two for four": ("2", "4"),
    "crf: the next emission lost": ("beta[t + 1]", "(beta[t + 1] + emit[t + 1])"),
    "mlp: before the activation for after": ("z1", "a1"),
    "norms: input for normalised": ("x", "xhat"),
    "norms: a power": ("2", "3"),
    "recurrent matrix not transposed": ('dz @ P["Wh"]', 'dz @ P["Wh"].T'),
    "kernel flipped": ("w[:, :, ::-1]", "w[:, :, :]"),
    "padding cropped wrongly": ("dx[:, :-2]", "dx[:, 1:-1]"),
    "identity for R": ("np.eye(3)", "R"),
    "projected on the simplex": ("g - g.mean()", "g"),
    "a layer used twice with one cache": ("self.kept[-1]", "self.kept.pop()"),
}
"""What is blamed, and what is written for it."""


@pytest.mark.parametrize("right", {id(one.right): one.right for one in MISTAKES}.values(), ids=lambda _: "")
def test_each_is_made_in_a_right_program(tmp_path: Path, right: Right) -> None:
    module = made(tmp_path, right.text)
    assert [right.checked(module, rows, rows).verdict for rows in (6, 9)] == [Verdict.PASS, Verdict.PASS]


@pytest.mark.parametrize("name", MENDED)
def test_the_clearest_are_mended_as_a_person_would(tmp_path: Path, name: str) -> None:
    slip = BY_NAME[name].slip(tmp_path)
    (blame,) = checked(slip.specimen).blame
    assert (blame.expression, blame.repair) == MENDED[name] and blame.proved and blame.line == slip.line


SLOW = ("lstm: ", "gated: ", "one column", "batch norm", "what comes back")
"""Those of which the search takes seconds; there are others like them in `tests/blame/test_missing.py`."""
OTHERS = [
    one
    for one in MISTAKES[: len(PUBLISHED) + len(PLANTED)]
    if one.name not in MENDED and not one.name.startswith(SLOW)
]


def test_of_the_others_all_are_mended_or_named(tmp_path: Path) -> None:
    became = {one.name: outcome(one.slip(tmp_path))[0].split()[0] for one in OTHERS}
    assert [name for name, what in became.items() if what == "named"] == ["a softmax over one class"]
    assert {*became.values()} == {"mended", "named"}


@pytest.mark.parametrize("rows", [4, 6])
def test_an_f_that_stays_as_it_is_is_what_has_to_be_looked_at(tmp_path: Path, rows: int) -> None:
    report = checked(BY_NAME["a softmax over one class"].slip(tmp_path, rows, seed=rows).specimen)
    assert report.blame == () and report.patch == ""
    which = f"z - z.max(axis=1, keepdims=True) (line 4), of shape ({rows}, 1), is the same at every point. "
    assert f"look at f. {which}report.right_backward()" in report.blamed.remark


DEAD = """
    import numpy as np

    def f(W, X, y):
        return np.mean((np.maximum(X @ W - 50, 0) - y) ** 2)

    def claim(W, X, y):
        h = np.maximum(X @ W - 50, 0)
        return X.T @ (2 * (h - y) / y.size)
"""


def test_units_that_are_all_dead_are_named_in_f(tmp_path: Path) -> None:
    right = Right(DEAD, lambda r, n: (r((3, 2)), r((n, 3)), r((n, 2))))
    report = right.checked(made(tmp_path, DEAD), 6, 0)
    assert report.verdict is Verdict.FAIL and report.blame == ()
    assert "np.maximum(X @ W - 50, 0) (line 4), of shape (6, 2), is the same" in report.blamed.remark
