"""Several mistakes in one claim: each is mended from where the others left it, and all edits are one patch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck.explain.blame.draft import Passage, Step, _with
from tests.blame.programs import made, network, patched
from tests.blame.test_blame import failed

TANH = """
    import numpy as np


    def loss(W1, b1, W2, b2, X, y):
        h = np.tanh(X @ W1 + b1)
        return np.mean((h @ W2 + b2 - y) ** 2)


    def gradient(W1, b1, W2, b2, X, y):
        h = np.tanh(X @ W1 + b1)
        d2 = 2 * (h @ W2 + b2 - y) / y.size
        d1 = d2 @ W2.T * (1 - h ** 2)
        return X.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step takes all of its time, it shall not be long."""
    monkeypatch.setattr("gradcheck.explain.blame.blamed.SECONDS", 5.0)


FACTOR = (" * (1 - h ** 2)", "")
TWO = {
    "in leaves apart": (("h.T @ d2", "-h.T @ d2"), FACTOR),
    "in one expression": (("d2 @ W2.T * (1 - h ** 2)", "-d2 @ W2.T"),),
    "one leaf with both": (("X.T @ d1,", "-X.T @ d1,"), FACTOR),
    "one hides the other": (("2 * (h", "2 * -(h"), FACTOR),
    "a factor and a mean": (("2 * (h", "(h"), ("d1.sum(0)", "d1.mean(0)")),
    "three": (("2 * (h", "(h"), ("/ y.size", "/ len(y)"), ("(1 - h ** 2)", "(1 - h)")),
}


@pytest.mark.parametrize("changes", TWO.values(), ids=TWO)
def test_all_are_mended_in_one_patch(tmp_path: Path, changes: tuple[tuple[str, str], ...]) -> None:
    report = failed(made(tmp_path, TANH, *changes), network(), argnums=(0, 1, 2, 3))
    assert report.blame and all(blame.proved for blame in report.blame)
    mended = patched(Path(report.blame[0].file), report.patch)
    for seed in (5, 6, 7):
        gradcheck.check_grad(mended.loss, mended.gradient, *network(seed), argnums=(0, 1, 2, 3))


ONE_LEAF = """
    import numpy as np


    def loss(w, X, y):
        return np.mean((np.tanh(X @ w) - y) ** 2)


    def gradient(w, X, y):
        h = np.tanh(X @ w)
        d = 2 * (h - y) / len(y)
        return X.T @ (d * (1 - h ** 2))
"""
BEHIND = {
    "no mean and half of tanh": ((" / len(y)", ""), ("(1 - h ** 2)", "(1 - h)")),
    "no two and the value for the slope": (("2 * (h", "(h"), ("(1 - h ** 2)", "h")),
    "turned round and no slope": (("(h - y)", "(y - h)"), (" * (1 - h ** 2)", "")),
}


@pytest.mark.parametrize("rows", [8, 11])
@pytest.mark.parametrize("changes", BEHIND.values(), ids=BEHIND)
def test_a_leaf_that_is_right_up_to_a_factor_is_nearer(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], rows: int
) -> None:
    draw = np.random.default_rng(rows).standard_normal
    report = failed(made(tmp_path, ONE_LEAF, *changes), (draw(4), draw((rows, 4)), draw(rows)), argnums=0)
    assert report.blame and all(blame.proved and blame.leaves == ("w",) for blame in report.blame)
    mended = patched(Path(report.blame[0].file), report.patch)
    gradcheck.check_grad(mended.loss, mended.gradient, draw(4), draw((rows, 4)), draw(rows), argnums=0)


def test_a_part_of_the_entries_is_progress_too(tmp_path: Path) -> None:
    text = """
        import numpy as np


        def loss(x):
            return np.sum(np.sin(x[:3])) + np.sum(x[3:] ** 3)


        def gradient(x):
            g = np.zeros_like(x)
            g[:3] = np.sin(x[:3])
            g[3:] = 3 * x[3:] ** 3
            return g
    """
    report = failed(made(tmp_path, text), (np.random.default_rng(1).standard_normal(7) + 2.0,))
    assert sorted(blame.line for blame in report.blame) == [10, 11]
    assert all(blame.proved for blame in report.blame)


def test_what_mends_a_part_is_said_to_be_no_proof(tmp_path: Path) -> None:
    """The second mistake is no edit away."""
    lost = ("X.T @ d1,", "np.arange(12.0).reshape(4, 3),")
    report = failed(
        made(tmp_path, TANH, lost, ("d2.sum(0)\n", "d2.mean(0)\n")), network(), argnums=(0, 1, 2, 3)
    )
    (blame,) = report.blame
    assert (blame.leaves, blame.proved, report.patch) == (("b2",), False, "")
    assert blame.message.endswith("b2 is right (tried at 3 points); that is no proof, for W1 stays wrong")


STEP = Step(0)


@pytest.mark.parametrize(
    ("edits", "wanted"),
    [
        ([(2, 4, b"XYZ"), (0, 1, b"A")], [(0, 1, b"A"), (2, 4, b"XYZ")]),
        ([(0, 1, b"ABC"), (4, 5, b"!")], [(0, 1, b"ABC"), (2, 3, b"!")]),
        ([(2, 4, b"XYZ"), (3, 4, b"--")], [(2, 4, b"X--Z")]),
        ([(2, 4, b"XYZ"), (0, 7, b"<all>")], [(0, 6, b"<all>")]),
        ([(1, 2, b"BB"), (4, 5, b"D"), (0, 6, b"#")], [(0, 5, b"#")]),
        ([(1, 2, b"B"), (3, 4, b"D"), (2, 4, b"##")], [(1, 2, b"B"), (2, 4, b"##")]),
    ],
)
def test_edits_of_edits_are_told_in_terms_of_the_first_text(
    edits: list[tuple[int, int, bytes]], wanted: list[tuple[int, int, bytes]]
) -> None:
    text, passages = b"abcdefg", ()
    for start, end, new in edits:
        passages = _with(passages, text, Passage(start, end, new, (STEP,)))
        text = text[:start] + new + text[end:]
    assert [(one.start, one.end, one.text) for one in passages] == wanted
    again = b"abcdefg"
    for one in reversed(passages):
        again = again[: one.start] + one.text + again[one.end :]
    assert again == text


@pytest.mark.parametrize("factor", ["-2", "-2.0"])
def test_a_minus_too_many_is_taken_away_and_not_doubled(tmp_path, factor) -> None:
    changed = made(tmp_path, TANH, ("2 * (h @ W2", f"{factor} * (h @ W2"))
    report = failed(changed, network(), argnums=(0, 1, 2, 3))
    assert "--" not in report.blame[0].repair
    assert report.patch
