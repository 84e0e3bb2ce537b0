"""Where no edit mends it, the first value is named that is none of f's and no derivative, with what it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.blame.programs import NETWORK, made, network
from tests.blame.test_blame import failed


@pytest.fixture(autouse=True)
def in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found, however good the search."""
    monkeypatch.setattr("gradcheck.explain.blame.repair.hunt", lambda scene, suspects, settled: (None, 1))


LOST = {
    "behind the second layer": (
        ("d2 @ W2.T * (z1 > 0)", "d2 @ W2.T * np.cos(3 * a1) ** 3"),
        "d2 @ W2.T * np.cos(3 * a1) ** 3 (line 13) is neither a value of f nor a derivative of its result; "
        "d2 @ W2.T is the derivative by np.maximum(X @ W1 + b1, 0)",
    ),
    "a term": (
        ("d2.sum(0)\n", "(np.hypot(d2, a1[:, :3] + 2.0) + 7 * d2 ** 3).sum(0)\n"),
        "np.hypot(d2, a1[:, :3] + 2.0) (line 15) is neither a value of f nor a derivative of its result; "
        "d2 is the derivative by a1 @ W2 + b2",
    ),
    "of a multiple": (
        ("d2.sum(0)\n", "(np.cosh(d2 / 3) * np.exp(z1[:, :3]) + y).sum(0)\n"),
        "np.cosh(d2 / 3) (line 15) is neither a value of f nor a derivative of its result; "
        "d2 / 3 is 0.3333 times the derivative by a1 @ W2 + b2",
    ),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("change", "said"), LOST.values(), ids=LOST)
def test_the_first_unknown_value_is_named(
    tmp_path: Path, change: tuple[str, str], said: str, seed: int
) -> None:
    report = failed(made(tmp_path, NETWORK, change), network(seed), argnums=(0, 1, 2, 3))
    assert report.blame == ()
    assert said in report.blamed.remark


def test_what_is_made_of_no_derivative_is_not_named(tmp_path: Path) -> None:
    text = """
        import numpy as np


        def loss(x):
            return np.sum(np.arctan(np.sinh(x ** 3) + x * np.exp(x)))


        def gradient(x):
            return np.cosh(x) + np.arctan(x) ** 2
    """
    report = failed(made(tmp_path, text), (np.random.default_rng(0).standard_normal(6),))
    assert report.blame == () and "neither a value of f" not in report.blamed.remark
