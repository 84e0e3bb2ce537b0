"""NumPy 2.0 lacks some functions of later ones: without them everything else is as it was."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradcheck

LATER = ("matvec", "vecmat", "unstack", "cumulative_sum", "cumulative_prod")

OLDER = f"""
import numpy as np

for name in {LATER}:
    if hasattr(np, name):
        delattr(np, name)

import gradcheck

x = np.array([0.3, -1.2, 2.0])
report = gradcheck.check_grad(lambda x: np.sum(np.cumsum(x) ** 2), lambda x: 2 * np.cumsum(np.cumsum(x)[::-1])[::-1], x)
assert not any(hasattr(np, name) for name in {LATER})
print(report.verdict, *(one.name for one in report.oracles if one.used))
"""


def test_a_check_needs_nothing_that_the_oldest_numpy_does_not_have():
    root = Path(__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", OLDER], cwd=root, capture_output=True, text=True)

    assert (ran.stdout, ran.stderr) == ("pass autograd differences\n", "")


@pytest.mark.parametrize(
    ("name", "f", "gradient"),
    [
        ("matvec", lambda x, A: np.sum(np.matvec(A, x) ** 2), lambda x, A: 2 * A.T @ (A @ x)),
        ("vecmat", lambda x, A: np.sum(np.vecmat(x, A) ** 2), lambda x, A: 2 * A @ (x @ A)),
        ("unstack", lambda x, A: np.unstack(x)[0] ** 2, lambda x, A: np.eye(len(x))[0] * 2 * x[0]),
        ("cumulative_sum", lambda x, A: np.cumulative_sum(x)[-1], lambda x, A: np.ones(len(x))),
        ("cumulative_prod", lambda x, A: np.cumulative_prod(x)[-1], lambda x, A: np.prod(x) / x),
    ],
)
def test_autograd_testifies_of_what_a_later_numpy_has(name, f, gradient):
    if not hasattr(np, name):
        pytest.skip(f"this NumPy has no np.{name}")
    rng = np.random.default_rng(0)
    report = gradcheck.check_grad(f, gradient, rng.standard_normal(3), rng.standard_normal((3, 3)), argnums=0)

    assert [one.name for one in report.oracles if one.used] == ["autograd", "differences"]
