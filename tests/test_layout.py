"""Text in the room there is."""

import numpy as np
import pytest

import gradcheck
from gradcheck.report.views.layout import WIDTH, columns, paragraph, within

ROWS = [
    ("leaf", "shape", "dtype", "verdict", "largest relative error", "worst entry", ""),
    ("W1", "(784, 100)", "float64", "fail", "0.333", "[783, 99]", ""),
    ("b1", "(100,)", "float64", "pass", "", "", "3 of 100 entries at a kink, accepted as subgradients"),
]


def test_a_table_that_fits_stands_in_one_block():
    assert columns([row[:4] for row in ROWS]) == [
        "  leaf  shape       dtype    verdict",
        "  W1    (784, 100)  float64  fail",
        "  b1    (100,)      float64  pass",
    ]


def test_columns_without_room_stand_below_beside_the_first():
    with within(44):
        lines = columns([row[:6] for row in ROWS])

    assert lines == [
        "  leaf  shape       dtype    verdict",
        "  W1    (784, 100)  float64  fail",
        "  b1    (100,)      float64  pass",
        "  leaf  largest relative error  worst entry",
        "  W1    0.333                   [783, 99]",
    ]


@pytest.mark.parametrize("width", [44, 60, 80, WIDTH])
def test_no_line_is_longer_than_there_is_room_and_nothing_is_lost(width):
    with within(width):
        lines = columns(ROWS)

    assert max(map(len, lines)) <= width
    words = {word for row in ROWS for cell in row for word in cell.split()}
    assert words <= set(" ".join(lines).split())


def test_remarks_are_broken_into_lines():
    with within(60):
        first, *rest = [line for line in columns(ROWS) if "kink" in line or "subgradients" in line]

    assert first.startswith("  b1 ")
    assert rest and all(line.startswith("     ") for line in rest)


def test_outside_the_block_lines_are_as_long_as_ever():
    with within(30):
        assert max(map(len, paragraph("word " * 40).splitlines())) <= 30

    assert 90 < max(map(len, paragraph("word " * 40).splitlines())) <= WIDTH
    with within(500):
        assert max(map(len, paragraph("word " * 40).splitlines())) <= WIDTH


def test_a_failure_fits_a_narrow_terminal():
    def loss(w, X, y):
        return np.mean((X @ w - y) ** 2)

    rng = np.random.default_rng(0)
    point = rng.standard_normal(3), rng.standard_normal((8, 3)), rng.standard_normal(8)
    report = gradcheck.check_grad(
        loss, lambda w, X, y: 2 * X.T @ (X @ w - y), *point, argnums=0, raise_on_failure=False
    )

    with within(60):
        headline, *lines = str(report).splitlines()

    # code is shown as it is written, and the verdict is one line for who reads no further
    code = [line for line in lines if "X.T @" in line or "^" in line]
    assert headline.startswith("fail: the gradient is wrong in w")
    assert max(len(line) for line in lines if line not in code) <= 60
