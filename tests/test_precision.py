"""Unit roundoff: of a dtype, and as numbers show it."""

import numpy as np
import pytest

from gradcheck.ask import precision

HALF = 2.0**-11
BFLOAT, FLOAT8 = 2.0**-8, 2.0**-4
RANDOM = np.random.default_rng(0).normal(size=64)

FORMATS = {
    "float64": (53, precision.DOUBLE),
    "float32": (24, precision.SINGLE),
    "float16": (11, HALF),
    "bfloat16": (8, BFLOAT),
    "float8_e4m3fn": (4, FLOAT8),
}


def rounded(values, name):
    """``values`` as numbers of a format, in double precision."""
    if name in ("bfloat16", "float8_e4m3fn"):
        kind = getattr(pytest.importorskip("ml_dtypes"), name)
        return values.astype(kind).astype(float)
    return values.astype(name).astype(float)


@pytest.mark.parametrize("name", FORMATS)
def test_many_numbers_show_the_format_that_they_come_from(name) -> None:
    bits, unit = FORMATS[name]
    values = rounded(RANDOM, name)

    assert precision.bits(values) == bits
    assert precision.shown(values) == unit


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("factor", [2.0**-40, -1.0, 2.0**40])
def test_neither_sign_nor_exponent_matters(name, factor) -> None:
    values = rounded(RANDOM, name)

    assert precision.shown(factor * values) == FORMATS[name][1]


def test_one_number_of_full_digits_among_coarse_ones_is_enough() -> None:
    values = np.append(rounded(RANDOM, "float16"), 1.0 / 3.0)

    assert precision.bits(values) == 53
    assert precision.shown(values) == precision.DOUBLE


@pytest.mark.parametrize("values", [[], [0.0], [0.0, -0.0], [np.nan, np.inf], [np.nan, 0.0, -np.inf]])
def test_nothing_shows_nothing(values) -> None:
    assert precision.bits(np.array(values, dtype=float)) == 0
    assert precision.shown(np.array(values, dtype=float)) == precision.DOUBLE


@pytest.mark.parametrize(
    "values", [[0.5], [-2.0, 2.0], [0.5, 0.5, 0.0], [1.0, np.inf], [0.75, -0.75, np.nan]]
)
def test_one_round_number_shows_no_format(values) -> None:
    assert precision.shown(np.array(values)) == precision.DOUBLE


def test_what_is_not_finite_is_passed_over() -> None:
    values = np.concatenate([rounded(RANDOM, "float32"), [np.nan, np.inf, -np.inf, 0.0]])

    assert precision.shown(values) == precision.SINGLE


@pytest.mark.parametrize(
    "value, bits", [(1.0, 1), (3.0, 2), (-7.0, 3), (1024.0, 1), (1023.0, 10), (2.0**24 + 1.0, 25), (0.1, 52)]
)
def test_significant_bits(value, bits) -> None:
    assert precision.bits(np.array([value])) == bits


def test_integers_show_as_many_bits_as_they_need() -> None:
    assert precision.bits(np.arange(256.0)) == 8
    assert precision.shown(np.arange(2.0**24 - 40.0, 2.0**24)) == precision.SINGLE
    assert precision.shown(np.arange(2.0**30, 2.0**30 + 8.0)) == precision.DOUBLE


def test_subnormal_numbers_do_not_raise() -> None:
    assert precision.bits(np.array([5e-324])) == 1
    assert precision.shown(np.array([5e-324, 1.0 / 3.0])) == precision.DOUBLE


@pytest.mark.parametrize(
    "name, unit", [(name, FORMATS[name][1]) for name in ("float64", "float32", "float16")]
)
def test_of_a_dtype(name, unit) -> None:
    assert precision.of(name) == unit


@pytest.mark.parametrize("name", ["int64", "bool", "complex128", "none", "", "no such dtype", "longdouble"])
def test_what_is_no_binary_float_below_double_counts_as_double(name) -> None:
    assert precision.of(name) == precision.DOUBLE


@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
@pytest.mark.parametrize("value", [1.0, 1.5, -3.7, 0.1, 1000.0, 2.0**-9])
def test_spacing_is_that_of_the_format(name, value) -> None:
    number = np.dtype(name).type(value)

    assert precision.spacing(float(number), FORMATS[name][1]) == abs(float(np.spacing(number)))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -np.inf])
def test_there_is_no_spacing_at_zero_or_beyond_the_numbers(value) -> None:
    assert precision.spacing(value, precision.SINGLE) == 0.0


@pytest.mark.parametrize(
    "unit, rtol",
    [
        (precision.DOUBLE, 1e-3),
        (precision.SINGLE, 2.0**-5),
        (HALF, 0.3),
        (BFLOAT, 0.3),
        (FLOAT8, 0.3),
    ],
)
def test_the_default_rtol(unit, rtol) -> None:
    assert precision.default_rtol(unit) == rtol


@pytest.mark.parametrize(
    "spacing, rounded",
    [
        (1e-6, lambda value: round(value, 6)),
        (1e-2, lambda value: float(f"{value:.2f}")),
        (1e-4, lambda value: round(value, 4)),
    ],
)
@pytest.mark.parametrize("factor", [1.0, 300.0])
def test_printed_values_show_their_last_decimal_wherever_the_point_is(spacing, rounded, factor) -> None:
    values = np.array([rounded(float(factor * value)) for value in RANDOM])

    assert precision.decimal(values) == pytest.approx(spacing)
    assert precision.of_decimals(values, values) == pytest.approx(0.5 * spacing / np.max(np.abs(values)))


@pytest.mark.parametrize("values", [RANDOM, np.append(np.round(RANDOM, 6), 1.0 / 3.0), np.zeros(3), []])
def test_other_values_show_no_last_decimal(values) -> None:
    values = np.array(values, dtype=float)

    assert precision.decimal(values) == 0.0
    assert precision.of_decimals(values, values) == precision.DOUBLE
