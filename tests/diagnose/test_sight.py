"""Stray factors are recognised against the sizes and constants of the check."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcheck.explain.diagnose.sight import batch_sizes, recognise
from tests.diagnose.planted import System, right

R = np.random.default_rng(8)


def loss(W, X, y, temperature):
    return np.mean((X @ W - y) ** 2) / temperature


EVIDENCE = right(
    System(
        "loss",
        loss,
        {
            "W": R.normal(size=(5, 3)),
            "X": R.normal(size=(7, 5)),
            "y": R.normal(size=(7, 3)),
            "temperature": 0.37,
        },
        1,
    )
)


@pytest.mark.parametrize(
    ("factor", "meaning"),
    [
        (7.0, "the batch size"),
        (1 / 7, "1 / the batch size"),
        (2.0, "2"),
        (-2.0, "2"),
        (0.5, "1 / 2"),
        (1.5, "3/2"),
        (2 / 3, "2/3"),
        (math.log(2.0), "ln 2"),
        (7 / 6, "n / (n - 1), n = 7 being the batch size"),
        (0.37, "temperature"),
        (21.0, "the number of entries of y"),
        (math.sqrt(7), "the square root of the batch size"),
    ],
)
def test_factor_is_named(factor, meaning):
    found = recognise(factor, EVIDENCE)

    assert found is not None
    assert found.meaning == meaning


def test_any_other_factor_is_not_named():
    assert recognise(1.2345678, EVIDENCE) is None


def test_batch_is_the_axis_that_the_data_share():
    assert batch_sizes(EVIDENCE) == {7}


def test_batch_in_columns_is_found_as_well():
    def column_major(W, X, y):
        return np.mean((W @ X - y) ** 2)

    args = {"W": R.normal(size=(2, 3)), "X": R.normal(size=(3, 4)), "y": R.normal(size=(2, 4))}

    assert batch_sizes(right(System("columns", column_major, args, 1))) == {4}
