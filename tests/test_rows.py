"""Rows of a dense Jacobian: an error in one small row shows beside large ones, saturation in a right one does not."""

import numpy as np
import pytest

from gradcheck import check_jacobian

ROWS, COLUMNS = 6, 5


def layer(seed, dtype=float, activation="tanh"):
    """f, its Jacobian and a point: six outputs of five inputs, some of them saturated."""
    generator = np.random.default_rng(seed)
    A = generator.normal(size=(ROWS, COLUMNS)).astype(dtype)
    b = (2.0 * generator.normal(size=ROWS)).astype(dtype)
    x = generator.normal(size=COLUMNS).astype(dtype)
    one = A.dtype.type(1.0)

    def tanh(x):
        return np.tanh(A @ x + b)

    def tanh_jacobian(x):
        return (one - np.tanh(A @ x + b) ** 2)[:, None] * A

    def sigmoid(x):
        return one / (one + np.exp(-(A @ x + b)))

    def sigmoid_jacobian(x):
        s = sigmoid(x)
        return (s * (one - s))[:, None] * A

    def softmax(x):
        z = A @ x + b
        e = np.exp(z - z.max())
        return e / e.sum()

    def softmax_jacobian(x):
        s = softmax(x)
        return (np.diag(s) - np.outer(s, s)) @ A

    return {
        "tanh": (tanh, tanh_jacobian, x),
        "sigmoid": (sigmoid, sigmoid_jacobian, x),
        "softmax": (softmax, softmax_jacobian, x),
    }[activation]


def report_of(f, jacobian, x, **options):
    return check_jacobian(f, jacobian, x, raise_on_failure=False, **options)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softmax"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_jacobians_with_saturated_rows_pass(activation, dtype) -> None:
    failed = [seed for seed in range(30) if not report_of(*layer(seed, dtype, activation)).ok]

    assert failed == []


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softmax"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_their_wrong_twins_fail(activation, dtype) -> None:
    for seed in range(5):
        f, jacobian, x = layer(seed, dtype, activation)

        def wrong(x, jacobian=jacobian):
            J = jacobian(x)
            J[2] *= J.dtype.type(1.1)
            return J

        assert report_of(f, wrong, x).verdict == "fail", seed


SIZES = np.array([1e6, 1e6, 1e-6, 1.0, 1e6, 1.0])


@pytest.mark.parametrize("row", [2, 3, 5])
@pytest.mark.parametrize("error", [0.5, 1e-3, 1e-6])
@pytest.mark.parametrize("kind", ["factor", "sign", "entry"])
def test_a_small_row_beside_large_ones(row, error, kind) -> None:
    """Twelve orders of magnitude apart: a mixture of the rows shows nothing of the small one."""
    A = SIZES[:, None] * np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    x = np.random.default_rng(1).normal(size=COLUMNS)

    def f(x):
        return A @ np.sin(x)

    def right(x):
        return A * np.cos(x)

    def wrong(x):
        J = right(x)
        if kind == "factor":
            J[row] *= 1.0 + error
        elif kind == "sign":
            J[row] *= -1.0
        else:
            J[row, 1] *= 1.0 + error
        return J

    assert report_of(f, right, x).ok
    assert report_of(f, wrong, x).verdict == "fail"


def test_a_small_row_of_a_single_precision_jacobian() -> None:
    A = (np.array([1e3, 1e3, 1e-3, 1.0])[:, None] * np.random.default_rng(0).normal(size=(4, 5))).astype(
        np.float32
    )
    x = np.random.default_rng(1).normal(size=5).astype(np.float32)

    def right(x):
        return A * np.cos(x)

    def wrong(x):
        J = right(x)
        J[2] *= np.float32(1.2)
        return J

    assert report_of(lambda x: A @ np.sin(x), right, x).ok
    assert report_of(lambda x: A @ np.sin(x), wrong, x).verdict == "fail"


def test_a_row_of_zeros_claimed_as_zeros_passes_and_claimed_as_anything_fails() -> None:
    A = np.random.default_rng(0).normal(size=(4, 5)) * np.array([1.0, 0.0, 1.0, 1.0])[:, None]
    x = np.random.default_rng(1).normal(size=5)

    def wrong(x):
        J = A * np.cos(x)
        J[1] = 1e-3
        return J

    assert report_of(lambda x: A @ np.sin(x), lambda x: A * np.cos(x), x).ok
    assert report_of(lambda x: A @ np.sin(x), wrong, x).verdict == "fail"


def test_a_right_jacobian_costs_no_more_for_its_rows() -> None:
    few = report_of(*layer(0))
    A = np.random.default_rng(0).normal(size=(60, COLUMNS))
    x = np.random.default_rng(1).normal(size=COLUMNS)
    many = report_of(lambda x: np.tanh(A @ x), lambda x: (1.0 - np.tanh(A @ x) ** 2)[:, None] * A, x)

    assert few.ok
    assert many.ok
    assert many.evaluations <= few.evaluations + 2
