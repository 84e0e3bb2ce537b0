"""No overflow, no NaN, no warning and no lost digits for logits up to 1e4, and float32 stays float32."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest

from reference_impls import elementwise, fast_losses, fast_mlp, mlp
from reference_impls.activations import ACTIVATIONS, sigmoid, softplus
from reference_impls.losses import LOSSES

DTYPES = [np.float64, np.float32]


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


def _logits(dtype: Any) -> Any:
    return np.array([[-1e4, -90, -1, 0, 1], [1e4, 90, 710, -710, 1e4], [-1e4, -1e4, -1e4, 0, 37]], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_of_huge_logits(name: str, dtype: Any) -> None:
    """Value and pullback are finite and keep the dtype."""
    z = _logits(dtype)
    value = ACTIVATIONS[name].value(z)
    slope = ACTIVATIONS[name].vjp(np.ones_like(z), z)
    assert value.dtype == slope.dtype == dtype
    assert np.isfinite(value).all() and np.isfinite(slope).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_huge_logits(name: str, dtype: Any) -> None:
    """Value and gradient are finite and keep the dtype, at the worst targets too."""
    z = _logits(dtype)
    targets = _worst_targets(name, z)
    if name == "binary_cross_entropy":
        z = sigmoid(z)
    value, gradient = LOSSES[name].value(z, targets), LOSSES[name].gradient(z, targets)
    assert value.dtype == gradient.dtype == dtype
    assert np.isfinite(value) and np.isfinite(gradient).all()


def _worst_targets(name: str, z: Any) -> Any:
    """Targets that the logits get wrong."""
    if name == "softmax_cross_entropy":
        return np.argmin(z, axis=1)
    if name == "softmax_cross_entropy_one_hot":
        return np.eye(z.shape[1], dtype=z.dtype)[np.argmin(z, axis=1)]
    return np.where(z > 0, -1 if name == "logistic" else 0, 1).astype(z.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", fast_losses.FUSED)
def test_fused_loss_of_huge_logits(name: str, dtype: Any) -> None:
    """The fused form agrees with the textbook's there."""
    z = _logits(dtype)
    targets = _worst_targets(name, z)
    gradient, evaluate = fast_losses.FUSED[name](np.ascontiguousarray(z.T))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(evaluate(targets), LOSSES[name].value(z, targets), rtol=8 * eps)
    expected = LOSSES[name].gradient(z, targets)
    # exp(z - softplus(z)) has the absolute error of its exponent, eps |z|, wherever it is not tiny itself
    np.testing.assert_allclose(gradient.T, expected, rtol=100 * eps, atol=4 * eps * np.abs(expected).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", fast_mlp.HIDDEN)
@pytest.mark.parametrize("examples", [2, fast_mlp.SMALL // 4 + 1])
def test_network_of_huge_inputs(hidden: str, dtype: Any, examples: int) -> None:
    """Hidden values of 1e4 and logits beyond, in the textbook form and in the fast one, folded and not."""
    rng = np.random.default_rng(0)
    params = mlp.initial_parameters((3, 4, 2), rng, dtype)
    X = (1e4 * rng.standard_normal((examples, 3))).astype(dtype)
    labels = rng.integers(2, size=examples)
    value, gradients = fast_mlp.loss_and_gradients(params, X, labels, hidden)
    assert np.isfinite(value) and value.dtype == dtype
    np.testing.assert_allclose(value, mlp.loss(params, X, labels, hidden), rtol=200 * np.finfo(dtype).eps)
    for ours, textbook in zip(gradients, mlp.gradients(params, X, labels, hidden), strict=True):
        for name in ("W", "b"):
            # where the textbook's sigmoid is 0, the fast one stops near the smallest normal number
            atol = 1000 * np.finfo(dtype).eps * np.abs(textbook[name]).max() + 1e6 * float(
                np.finfo(dtype).tiny
            )
            assert ours[name].dtype == textbook[name].dtype == dtype
            np.testing.assert_allclose(ours[name], textbook[name], atol=atol)


@pytest.mark.parametrize("z", [-700.0, -40.0, -1.0, 0.0, 1e-9, 3.0, 40.0])
def test_sigmoid_and_softplus_keep_their_digits(z: float) -> None:
    """Against 50 digits, in the tails where 1 - s or log(1 + e) would lose them all."""
    with mpmath.workdps(50):
        e = mpmath.exp(-mpmath.mpf(z))
        exact = 1 / (1 + e)
        slope, log_form = exact * (1 - exact), mpmath.log(1 + 1 / e)
    # an exponential has the relative error of its argument's rounding, eps |z|
    rtol = 4 * np.finfo(float).eps * max(1, abs(z))
    assert float(sigmoid(np.array(z))) == pytest.approx(float(exact), rel=rtol)
    assert float(softplus(np.array(z))) == pytest.approx(float(log_form), rel=rtol)
    assert float(ACTIVATIONS["sigmoid"].vjp(np.array(1.0), np.array(z))) == pytest.approx(
        float(slope), rel=rtol
    )
    _, fused = elementwise.sigmoid(np.array([z]), np.ones(1))
    assert fused[0] == pytest.approx(float(slope), rel=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
def test_elementwise_kernels_of_huge_logits(dtype: Any) -> None:
    """Finite, of the dtype, and the textbook's numbers."""
    z = np.linspace(-1e4, 1e4, 2 * elementwise.BLOCK + 1).astype(dtype)
    upstream = np.cos(z)
    for kernel, name in ((elementwise.relu, "relu"), (elementwise.sigmoid, "sigmoid")):
        value, derivative = kernel(z, upstream)
        assert value.dtype == derivative.dtype == dtype
        tiny = np.finfo(dtype).tiny
        np.testing.assert_allclose(
            value, ACTIVATIONS[name].value(z), rtol=200 * np.finfo(dtype).eps, atol=2 * tiny
        )
        expected = ACTIVATIONS[name].vjp(upstream, z)
        np.testing.assert_allclose(derivative, expected, rtol=200 * np.finfo(dtype).eps, atol=2 * tiny)
