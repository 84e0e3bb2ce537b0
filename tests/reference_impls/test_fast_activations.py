"""The activations that are made block by block are the plain ones, far out as well."""

import numpy as np
import pytest

import gradcheck
from reference_impls.fast_activations import BLOCK, KERNELS, ROWS, value_and_slope
from reference_impls.layers import activation
from reference_impls.layers.activation import UNITS
from reference_impls.layers.layer import Layer

FAR = np.array(
    [0.0, -0.0, 1e-300, 0.5, -0.5, 3.0, -3.0, 30.0, -30.0, 88.0, -88.0, 700.0, -700.0, 1e3, -1e3, 1e30, -1e30]
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", KERNELS)
def test_value_and_slope_are_those_of_the_plain_form(name, dtype) -> None:
    rng = np.random.default_rng(0)
    with np.errstate(under="ignore"):
        z = np.concatenate([FAR, 3 * rng.standard_normal(BLOCK + 7)]).astype(dtype)
    unit, few = UNITS[name], 40 * np.finfo(dtype).eps
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        value, slope = value_and_slope(name, z)
    assert value.dtype == slope.dtype == z.dtype
    with np.errstate(all="ignore"):  # the plain forms of some overflow far out
        plain, plain_slope = unit.value(z), unit.vjp(np.ones_like(z), z)
    near = np.abs(z) <= 1e3
    np.testing.assert_allclose(value[near], plain[near], rtol=few, atol=few)
    np.testing.assert_allclose(slope[near], plain_slope[near], rtol=few, atol=few)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "silu", "gelu_tanh"])
def test_tails_keep_their_digits(name) -> None:
    z = -np.linspace(1, 300 if name != "gelu_tanh" else 15, 1000)
    unit = UNITS[name]
    value, slope = value_and_slope(name, z)
    np.testing.assert_allclose(value, unit.value(z), rtol=1e-12)
    np.testing.assert_allclose(slope, unit.vjp(np.ones_like(z), z), rtol=1e-12)


def test_the_slope_of_tanh_keeps_its_digits() -> None:
    """Where tanh has rounded to 1, one less its square has none."""
    z = np.linspace(-300, 300, 1000)
    for slope in (value_and_slope("tanh", z)[1], UNITS["tanh"].vjp(np.ones_like(z), z)):
        np.testing.assert_allclose(slope, 1 / np.cosh(z) ** 2, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [*KERNELS, *ROWS])
def test_a_layer_of_saturated_entries_is_right(name, dtype) -> None:
    for sign in ([1, -1, 1], [1, 1, 1], [-1, -1, -1]):
        z = np.array([[9.5, 11.0, 14.0], [20.0, 25.0, 30.0]], dtype) * np.array(sign, dtype)
        gradcheck.check_layer(Layer(activation.forward, activation.backward, {}, name=name), z)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ROWS)
def test_rows_are_those_of_the_plain_form(name, dtype) -> None:
    rng, few = np.random.default_rng(1), 40 * np.finfo(dtype).eps
    for shape in ((3, 5), (2, 700, 200), (4,), (0, 3), (1, 1)):
        z, u = (5 * rng.standard_normal((2, *shape))).astype(dtype)
        value = ROWS[name].value(z)
        np.testing.assert_allclose(value, UNITS[name].value(z), rtol=few, atol=few)
        np.testing.assert_allclose(ROWS[name].vjp(u, value), UNITS[name].vjp(u, z), rtol=few, atol=10 * few)
    turned = rng.standard_normal((6, 4)).astype(dtype).T
    np.testing.assert_allclose(ROWS[name].value(turned), UNITS[name].value(turned), rtol=few, atol=few)


@pytest.mark.parametrize("name", KERNELS)
def test_inputs_stay_and_empty_ones_are_taken(name) -> None:
    z = np.random.default_rng(2).standard_normal((4, 6))[:, ::2]
    before = z.copy()
    value, slope = value_and_slope(name, z)
    np.testing.assert_array_equal(z, before)
    assert value.shape == slope.shape == z.shape
    assert value_and_slope(name, np.empty((0, 3)))[0].shape == (0, 3)


ENDS = {
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "hard_tanh": (-1, 1),
    "hard_sigmoid": (0, 1),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", KERNELS)
def test_far_out_all_are_what_they_tend_to(name, dtype) -> None:
    """Up to the largest number: what stands in for 0 must not be multiplied by that."""
    largest = np.finfo(dtype).max
    for far in (-1e4, -1e30, -largest, 1e4, 1e30, largest):
        z = np.array([far], dtype)
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
            value, slope = value_and_slope(name, z)
        if name in ENDS:
            expected, rises = ENDS[name][int(far > 0)], 0
        elif far > 0 or name == "leaky_relu":
            rises = 1 if far > 0 else z.dtype.type(0.01)
            expected = z * rises
        else:
            expected, rises = (-1 if name == "elu" else 0), 0
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_array_equal(slope, rises)
