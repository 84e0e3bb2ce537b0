"""A wrong Jacobian of an f that cannot be traced is shown entry by entry, as a person compares it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import gradcheck


def polar(x):
    r, a = float(x[0]), float(x[1])
    return np.array([r * math.cos(a), r * math.sin(a), math.exp(-r)])


def polar_jac(x):
    r, a = x
    return np.array(
        [[np.cos(a), -r * np.sin(a)], [np.sin(a), r * np.cos(a)], [-np.exp(-r), 0.0]], dtype=x.dtype
    )


def chain(x):
    out = [float(v) for v in x]
    return np.array([math.sin(a * b) for a, b in pairwise(out)])


def chain_jac(x):
    jac = np.zeros((x.size - 1, x.size))
    for i in range(x.size - 1):
        slope = np.cos(x[i] * x[i + 1])
        jac[i, i], jac[i, i + 1] = slope * x[i + 1], slope * x[i]
    return jac


POINTS = [(polar, polar_jac, np.array([1.3, 0.7])), (chain, chain_jac, np.array([0.3, -1.2, 0.8, 1.7]))]


@pytest.mark.parametrize(("f", "jac", "x"), POINTS)
@pytest.mark.parametrize("spoilt", [(0, 0), (1, 1), (-1, 0)])
def test_the_wrong_entry_is_told_by_its_index_and_with_its_truth(f, jac, x, spoilt):
    def wrong(x):
        found = jac(x)
        found[spoilt] += 0.3
        return found

    true = jac(x)
    index = tuple(np.arange(true.shape[k])[spoilt[k]] for k in range(2))
    report = gradcheck.check_jacobian(f, wrong, x, raise_on_failure=False, oracles="differences")
    (worst, *others) = report.leaves[0].entries

    assert report.verdict == "fail"
    assert all(abs(other.claimed - other.truth) <= other.bound for other in others)
    assert worst.index == index
    assert worst.claimed == pytest.approx(true[index] + 0.3, rel=1e-12)
    assert abs(worst.truth - true[index]) <= worst.bound <= 1e-6


@pytest.mark.parametrize(("f", "jac", "x"), POINTS)
def test_a_factor_is_told_of_all_entries(f, jac, x):
    report = gradcheck.check_jacobian(
        f, lambda x: 2 * jac(x), x, raise_on_failure=False, oracles="differences"
    )

    assert report.diagnoses[0].kind == "scale"
    assert len(report.leaves[0].entries) > 1
    assert gradcheck.check_jacobian(f, jac, x).ok
