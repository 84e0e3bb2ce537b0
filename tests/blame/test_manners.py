"""A claim that is right in its values and writes into what it is given, or hands out its memory, is mended, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gradcheck
from tests.blame.programs import loaded

X = np.array([0.3, -1.2, 2.0])

PROGRAMS = {
    "operator": ("g = 2.0 * x\n    x *= 0.5\n    return g", "x *= 0.5", "x = x * 0.5"),
    "sum": ("g = 2.0 * x\n    x += 2.0 * g\n    return g", "x += 2.0 * g", "x = x + 2.0 * g"),
    "mask": (
        "g = 2.0 * x\n    x[x < 0] = 0.0\n    return g",
        "x[x < 0] = 0.0",
        "x = np.where(x < 0, 0.0, x)",
    ),
    "sorted": ("g = 2.0 * x\n    x.sort()\n    return g", "x", "x.copy()"),
}


def check(tmp_path: Path, f: str, body: str) -> gradcheck.Report:
    file = tmp_path / "program.py"
    file.write_text(
        f"import numpy as np\n\n\ndef loss(x):\n    return {f}\n\n\ndef gradient(x):\n    {body}\n"
    )
    module = loaded(file)
    report = gradcheck.check_grad(module.loss, module.gradient, X, raise_on_failure=False)
    assert report.verdict == "fail"
    return report


@pytest.mark.parametrize("name", ["operator", "sum", "mask", "sorted"])
def test_what_writes_into_its_argument_is_mended(tmp_path: Path, name: str) -> None:
    body, old, new = PROGRAMS[name]
    (one,) = check(tmp_path, "np.sum(x**2)", body).blame
    assert (one.expression, one.repair, one.proved) == (old, new, True)
    assert one.leaves == ()
    assert "the whole check passes" in one.message


def test_what_hands_out_its_argument_is_mended(tmp_path: Path) -> None:
    (one,) = check(tmp_path, "0.5 * np.sum(x**2)", "return x").blame
    assert (one.expression, one.repair) == ("x", "x.copy()")


def test_the_patch_makes_it_pass(tmp_path: Path) -> None:
    report = check(tmp_path, "np.sum(x**2)", PROGRAMS["operator"][0])
    assert "-    x *= 0.5\n+    x = x * 0.5" in report.patch


def test_two_faults_of_which_one_is_of_conduct(tmp_path: Path) -> None:
    report = check(tmp_path, "np.sum(x**2)", "g = 3.0 * x\n    x *= 0.5\n    return g")
    assert len(report.blame) == 2
    assert report.blame[1].repair == "x = x * 0.5"
    assert all(one.proved for one in report.blame)


@pytest.mark.parametrize(
    ("body", "old", "new"),
    [
        ("g = (2.0 * x).astype(np.float32)\n    return g", "(2.0 * x).astype(np.float32)", "2.0 * x"),
        (
            "return np.asarray(2.0 * x, dtype=np.float32)",
            "np.asarray(2.0 * x, dtype=np.float32)",
            "np.asarray(2.0 * x)",
        ),
    ],
)
def test_digits_that_are_thrown_away_are_kept(tmp_path: Path, body: str, old: str, new: str) -> None:
    (one,) = check(tmp_path, "np.sum(x**2)", body).blame
    assert (one.expression, one.repair) == (old, new)


def test_a_return_that_is_forgotten_is_written(tmp_path: Path) -> None:
    (one,) = check(tmp_path, "np.sum(x**2)", "g = 2.0 * x").blame
    assert (one.expression, one.repair, one.proved) == ("g = 2.0 * x", "return 2.0 * x", True)
