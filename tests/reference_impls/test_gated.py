"""Gated units, the error function, and the activations as layers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcheck import Case
from reference_impls import gated
from reference_impls.activations import sigmoid
from reference_impls.erf import erf, erfc
from reference_impls.layers import activation
from tests.reference_impls.layered import as_torch, caught, safe, slips

X = np.concatenate(
    [np.linspace(-7, 7, 20001), np.logspace(-300, 3, 500), -np.logspace(-300, 1.4, 500), [0.46875, 4.0, -4.0]]
)


@pytest.mark.parametrize("case", [*gated.cases(), *activation.cases()], ids=lambda case: case.name)
def test_cases_pass(case) -> None:
    case.check()


def test_erf_is_that_of_the_standard_library() -> None:
    for ours, theirs in ((erf, math.erf), (erfc, math.erfc)):
        exact = np.array([theirs(x) for x in X])
        far = np.abs(ours(X) - exact) / np.maximum(np.spacing(np.abs(exact)), np.finfo(float).tiny)
        assert far.max() <= 12.0  # ulps; math.erfc itself is good to a few


def test_erf_at_the_ends() -> None:
    np.testing.assert_array_equal(erf(np.array([np.inf, -np.inf, 0.0])), [1.0, -1.0, 0.0])
    np.testing.assert_array_equal(erfc(np.array([np.inf, -np.inf, 0.0])), [0.0, 2.0, 1.0])
    assert np.isnan(erf(np.array([np.nan])))
    mixed = np.array([-7.0, -1.0, -0.0, 0.2, np.nan, 3.0, 6.5])  # none has a say in what another is
    for of in (erf, erfc):
        np.testing.assert_array_equal(of(mixed), [of(np.array([x]))[0] for x in mixed])
    assert erf(np.zeros((0, 3))).shape == (0, 3)
    assert erf(np.ones(2, np.float32)).dtype == np.float32


WRONG = {
    "silu": lambda u, z: u * sigmoid(z),  # z g' forgotten
    "gelu": lambda u, z: u * 0.5 * erfc(-z / np.sqrt(2)),  # the same
    "gelu_tanh": lambda u, z: gated.gelu_vjp(u, z),  # the exact one's
    "hard_swish": lambda u, z: u * np.clip((z + 3) / 6, 0, 1),
}


@pytest.mark.gradcheck(budget=0)  # the mistake is not looked for: other tests are of that
@pytest.mark.parametrize("name", gated.GATED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_slip_is_caught(name, dtype) -> None:
    z = (2 * np.random.default_rng(0).standard_normal((4, 5))).astype(dtype)
    Case(name, gated.GATED[name].value, WRONG[name], (z,), kind="vjp", expect="fail").check()


@pytest.mark.parametrize(
    "name, call",
    [
        ("silu", lambda f, x: f.silu(x)),
        ("gelu", lambda f, x: f.gelu(x)),
        ("gelu_tanh", lambda f, x: f.gelu(x, approximate="tanh")),
        ("hard_swish", lambda f, x: f.hardswish(x)),
        ("elu", lambda f, x: f.elu(x)),
        ("hard_tanh", lambda f, x: f.hardtanh(x)),
        # torch's own hardsigmoid takes 1/6 in single precision on its way back, whatever the dtype
        ("hard_sigmoid", lambda f, x: ((x + 3) / 6).clamp(0, 1)),
        ("softplus", lambda f, x: f.softplus(x, threshold=1e6)),
        ("leaky_relu", lambda f, x: f.leaky_relu(x)),
        ("log_softmax", lambda f, x: f.log_softmax(x, -1)),
    ],
)
def test_units_are_those_of_torch(name, call) -> None:
    functional = pytest.importorskip("torch").nn.functional
    x = 3 * np.random.default_rng(1).standard_normal((6, 5))
    as_torch(activation, lambda p, x: call(functional, x), {}, x, name=name)


@pytest.mark.parametrize("name", activation.UNITS)
def test_units_are_safe_at_the_edges(name) -> None:
    safe(activation, {}, np.random.default_rng(2).standard_normal((4, 5)), name=name)


def test_a_slip_in_the_layer_is_caught_and_an_unknown_name_told() -> None:
    x = np.random.default_rng(3).standard_normal((4, 5))
    caught(activation, slips()["input 0"], {}, x, name="gelu")
    with pytest.raises(ValueError, match="name='gelo' is no activation"):
        activation.forward({}, x, name="gelo")


@pytest.mark.parametrize("name", activation.UNITS)
def test_whole_numbers_are_as_good_as_floats(name) -> None:
    """Half of the root of two was cut off to 0 among them, and gelu was half of its input."""
    z = np.arange(-5, 6)
    unit, ones = activation.UNITS[name], np.ones(11)
    np.testing.assert_allclose(unit.value(z), unit.value(z.astype(float)), rtol=1e-14)
    np.testing.assert_allclose(unit.vjp(ones, z), unit.vjp(ones, z.astype(float)), rtol=1e-14)
    np.testing.assert_allclose(erf(z), [math.erf(x) for x in z], rtol=1e-14)
    assert erf(1.0).dtype == np.float64
