"""Every case of the core passes, and for every right derivation a wrong twin fails."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import gradcheck
from gradcheck import Case
from reference_impls import activations, elementwise, fast_activations, fast_mlp, losses, mlp
from reference_impls.activations import log_softmax, sigmoid, softmax
from reference_impls.layers import linear

MODULES = [activations, losses, linear, mlp, fast_mlp, elementwise, fast_activations]
CASES = [case for module in MODULES for case in module.cases()]

verdict_alone = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_right_derivation_passes(case: Case) -> None:
    """As ``gradcheck verify`` would find."""
    case.check()


def test_names_are_unique_and_begin_with_their_module() -> None:
    """A table groups by the part before the slash."""
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {name.split("/")[0] for name in names} == {module.__name__.split(".")[-1] for module in MODULES}


def test_step_is_reported_as_not_tested() -> None:
    """Its derivative is 0 wherever it exists, so that no relative error could have been seen."""
    case = next(case for case in activations.cases() if case.name == "activations/step")
    report = gradcheck.check_vjp(case.f, case.claim, *case.args, raise_on_failure=False)
    assert report.leaves[0].resolution is None
    assert "not tested" in report.leaves[0].note


def _sum_over(z: Any) -> Any:
    return np.sum(z, axis=-1, keepdims=True)


# One plausible slip for each activation.
WRONG_VJPS = {
    "sigmoid": lambda u, z: u * sigmoid(z),  # the factor 1 - s forgotten
    "tanh": lambda u, z: u * (1 - np.tanh(z)),  # the square forgotten
    "relu": lambda u, z: u,  # the mask forgotten
    "leaky_relu": lambda u, z: np.where(z > 0, u, 0),  # the slope forgotten
    "softplus": lambda u, z: u * np.tanh(z),  # another sigmoid
    "elu": lambda u, z: u * np.exp(z),  # the other side forgotten
    "hard_tanh": lambda u, z: u * (z < 1),  # one corner forgotten
    "hard_sigmoid": lambda u, z: u * (np.abs(z) < 3),  # the 1/6 forgotten
    "softmax": lambda u, z: u * softmax(z) * (1 - softmax(z)),  # the diagonal only
    "log_softmax": lambda u, z: u - softmax(z),  # the sum of upstream forgotten
    "step": lambda u, z: u * sigmoid(z) * sigmoid(-z),  # a smooth step's derivative
}


@verdict_alone
@pytest.mark.parametrize("name", activations.ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wrong_activation_fails(name: str, dtype: Any) -> None:
    """A twin with one slip."""
    z = (2 * np.random.default_rng(0).standard_normal((4, 5))).astype(dtype)
    value = activations.ACTIVATIONS[name].value
    Case(name, value, WRONG_VJPS[name], (z,), kind="vjp", expect="fail").check()


# One plausible slip for each loss, as a function of outputs and targets.
WRONG_GRADIENTS = {
    "mse_mean": lambda a, t: 2 * (a - t) / len(a),  # divided by the examples, not by the entries
    "mse_sum": lambda a, t: a - t,  # the 2 forgotten
    "binary_cross_entropy": lambda p, t: (p - t) / p.size,  # the gradient with respect to the logits
    "binary_cross_entropy_with_logits": lambda z, t: sigmoid(z) - t,  # 1/N forgotten
    "logistic": lambda z, y: -y * (y * z) / z.size,  # y f where sigmoid(-y f) belongs
    "softmax_cross_entropy": lambda z, k: softmax(z) / len(z),  # the label's 1 forgotten
    "softmax_cross_entropy_one_hot": lambda z, t: (t - softmax(z)) / len(z),  # the sign
}


@verdict_alone
@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wrong_loss_fails(name: str, dtype: Any) -> None:
    """A twin with one slip."""
    outputs, targets = losses.example(name, (6, 4), np.random.default_rng(1))
    if targets.dtype == np.float64:
        targets = targets.astype(dtype)
    args = (outputs.astype(dtype), targets)
    Case(name, losses.LOSSES[name].value, WRONG_GRADIENTS[name], args, argnums=0, expect="fail").check()


def test_one_hot_targets_that_do_not_sum_to_one() -> None:
    """The sum of the targets belongs to the gradient: right with it, wrong without."""
    rng = np.random.default_rng(3)
    args = rng.standard_normal((4, 3)), rng.uniform(0, 2, (4, 3))
    value, gradient = losses.LOSSES["softmax_cross_entropy_one_hot"]
    Case("right", value, gradient, args, argnums=0).check()
    Case("wrong", value, lambda z, t: (softmax(z) - t) / len(z), args, argnums=0, expect="fail").check()


LINEAR_SLIPS = {
    "dX is not weighted": lambda u, X, W, b: (u @ np.ones_like(W).T, X.T @ u, u.sum(0)),
    "dW is a mean": lambda u, X, W, b: (u @ W.T, X.T @ u / len(X), u.sum(0)),
    "db is a mean": lambda u, X, W, b: (u @ W.T, X.T @ u, u.mean(0)),
    "db is not summed": lambda u, X, W, b: (u @ W.T, X.T @ u, u),
}


@verdict_alone
@pytest.mark.parametrize("slip", LINEAR_SLIPS)
def test_wrong_linear_layer_fails(slip: str) -> None:
    """A twin with one slip."""
    rng = np.random.default_rng(2)
    args = rng.standard_normal((5, 3)), rng.standard_normal((3, 4)), rng.standard_normal(4)
    Case(slip, linear.linear, LINEAR_SLIPS[slip], args, kind="vjp", expect="fail").check()


def _scaled(gradients: Any, factor: float, layer: int, name: str) -> Any:
    copies = [dict(entry) for entry in gradients]
    copies[layer][name] = factor * copies[layer][name]
    return copies


@verdict_alone
@pytest.mark.parametrize("case", [*mlp.cases(), *fast_mlp.cases()], ids=lambda case: case.name)
def test_wrong_network_fails(case: Case) -> None:
    """One leaf of the gradient, the first layer's bias, is off by one part in a hundred."""

    def wrong(*args: Any) -> Any:
        return _scaled(case.claim(*args), 1.01, 0, "b")

    Case("wrong", case.f, wrong, case.args, argnums=0, expect="fail").check()


def test_network_without_the_activation_derivative_fails() -> None:
    """Backpropagation that steps over the hidden activation."""
    case = next(case for case in mlp.cases() if case.name == "mlp/tanh_4_6_5_4_3_softmax")

    def careless(params: Any, X: Any, labels: Any) -> Any:
        inputs = [X]
        for layer in params[:-1]:
            inputs.append(np.tanh(linear.linear(inputs[-1], layer["W"], layer["b"])))
        upstream = np.exp(log_softmax(linear.linear(inputs[-1], **params[-1])))
        upstream[np.arange(len(X)), labels] -= 1
        upstream /= len(X)
        found = []
        for k in reversed(range(len(params))):
            upstream, dW, db = linear.linear_vjp(upstream, inputs[k], **params[k])
            found.insert(0, {"W": dW, "b": db})
        return found

    with pytest.raises(gradcheck.GradientMismatch):
        gradcheck.check_grad(case.f, careless, *case.args, argnums=0)


@verdict_alone
def test_wrong_elementwise_kernels_fail() -> None:
    """The blocks' last entries carry the upstream of others."""
    z = np.random.default_rng(4).standard_normal(elementwise.BLOCK + 5)
    for kernel, value in ((elementwise.relu, activations.relu), (elementwise.sigmoid, sigmoid)):
        wrong = partial(lambda kernel, u, z: kernel(z, u[::-1].copy())[1], kernel)
        Case("wrong", value, wrong, (z,), kind="vjp", expect="fail").check()
