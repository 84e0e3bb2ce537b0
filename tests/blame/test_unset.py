"""Memory that a claim never writes into: what an earlier call left there is no answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck.explain.blame.unset import unset_as_nan
from tests.blame.programs import made, patched

ROTATED = """
    import numpy as np

    def f(x, c):
        return np.sum(x[:, 0::2] * c + x[:, 1::2] ** 2)

    def claim(x, c):
        d = np.empty_like(x)
        d[:, 0::2] = c
        d[:, 1::2] = 2 * x[:, 1::2]
        return d
"""


def test_it_is_no_number_and_numpy_is_as_before_afterwards() -> None:
    before = np.empty, np.empty_like
    with unset_as_nan():
        made_here = [np.empty((3, 2)), np.empty_like(np.ones(4)), np.empty(2, dtype=complex)]
        whole = np.empty(3, dtype=int), np.empty_like(np.ones(2, bool)), np.empty(2, dtype=object)
    assert all(np.isnan(array).all() for array in made_here)
    assert [array.dtype.kind for array in whole] == ["i", "b", "O"]
    assert (np.empty, np.empty_like) == before


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("old", "new"), [("0::2] = c", "0::3] = c"), ("1::2] = 2", "1::4] = 2"), ("1::2] = 2", "0::2] = 2")]
)
def test_an_entry_that_is_never_set_is_mended(tmp_path: Path, old: str, new: str, seed: int) -> None:
    program = made(tmp_path, ROTATED, (old, new))
    draw = np.random.default_rng(seed).standard_normal
    x, c = draw((3, 6)), draw((3, 3))
    with unset_as_nan():  # else the memory may hold the very gradient by accident
        report = gradcheck.check_grad(program.f, program.claim, x, c, argnums=0, raise_on_failure=False)
    (blame,) = report.blame
    assert blame.proved and blame.line in (8, 9)
    mended = patched(tmp_path / "program.py", report.patch)
    assert gradcheck.check_grad(mended.f, mended.claim, x + 1.0, c, argnums=0).ok
