"""The fast form: the textbook's numbers, in memory that behaves."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

from reference_impls import elementwise, fast_losses, fast_mlp, losses, mlp
from reference_impls.fast_mlp import Workspace, loss_and_gradients
from reference_impls.parameters import like, side_by_side

LARGE = fast_mlp.SMALL // 5 + 1
"""Examples for which networks of five units are no longer small: their biases are added by themselves."""


def _problem(sizes: tuple[int, ...], examples: int, loss: str, dtype: Any = np.float64) -> Any:
    rng = np.random.default_rng(7)
    params = mlp.initial_parameters(sizes, rng, dtype)
    for layer in params:
        layer["b"][...] = 0.2 * rng.standard_normal(layer["b"].shape)
    X = rng.standard_normal((examples, sizes[0])).astype(dtype)
    _, targets = losses.example(loss, (examples, sizes[-1]), rng)
    return params, X, targets if targets.dtype.kind == "i" else targets.astype(dtype)


def _assert_close(ours: Any, exact: Any, eps: float) -> None:
    for mine, theirs in zip(ours, exact, strict=True):
        for name in ("W", "b"):
            # a sum over n examples is good to n eps of its largest summands, and these networks have up to 40
            np.testing.assert_allclose(mine[name], theirs[name], atol=100 * eps * np.abs(theirs[name]).max())


@pytest.mark.parametrize("loss", fast_losses.FUSED)
@pytest.mark.parametrize("hidden", fast_mlp.HIDDEN)
@pytest.mark.parametrize("sizes", [(2, 2, 1), (5, 3), (20, 30, 20, 10)])
@pytest.mark.parametrize("examples", [1, 4, 40])
def test_numbers_of_the_textbook(loss: str, hidden: str, sizes: Any, examples: int) -> None:
    """In float64, folded and not, with and without a workspace, and with parameters apart in memory."""
    params, X, targets = _problem(sizes, examples, loss)
    value, gradients = (
        mlp.loss(params, X, targets, hidden, loss),
        mlp.gradients(params, X, targets, hidden, loss),
    )
    apart = copy.deepcopy(params)
    for options in ({}, {"workspace": Workspace()}, {"out": like(params)}):
        for parameters in (params, apart):
            ours, found = loss_and_gradients(parameters, X, targets, hidden, loss, **options)
            assert ours == pytest.approx(value, rel=1e-13)
            _assert_close(found, gradients, np.finfo(float).eps)


@pytest.mark.parametrize("loss", fast_losses.FUSED)
@pytest.mark.parametrize("hidden", fast_mlp.HIDDEN)
@pytest.mark.parametrize("examples", [4, LARGE])
def test_float32_stays_float32(loss: str, hidden: str, examples: int) -> None:
    """And is as near to the float64 gradients as float32 can be."""
    params, X, targets = _problem((6, 5, 3), examples, loss, np.float32)
    value, gradients = loss_and_gradients(params, X, targets, hidden, loss)
    assert value.dtype == np.float32
    assert all(array.dtype == np.float32 for layer in gradients for array in layer.values())
    wide = [{name: array.astype(float) for name, array in layer.items()} for layer in params]
    exact = mlp.gradients(wide, X.astype(float), targets, hidden, loss)
    assert value == pytest.approx(mlp.loss(wide, X.astype(float), targets, hidden, loss), rel=1e-5)
    _assert_close(gradients, exact, np.finfo(np.float32).eps)


def test_folding_needs_w_and_b_side_by_side() -> None:
    """As `initial_parameters` makes them; a deep copy, or rows out of order, does without."""
    layer = mlp.initial_parameters((3, 2), np.random.default_rng(0))[0]
    whole = side_by_side(layer)
    assert whole is not None and whole.shape == (4, 2)
    assert side_by_side(copy.deepcopy(layer)) is None
    assert side_by_side({"W": whole[1:], "b": whole[0]}) is None


def test_results_are_not_overwritten_behind_the_users_back() -> None:
    """Gradients from a workspace survive the next call; those in ``out`` do not, as asked."""
    params, X, targets = _problem((4, 5, 3), 8, "softmax_cross_entropy")
    workspace, out = Workspace(), like(params)
    _, first = loss_and_gradients(params, X, targets, workspace=workspace)
    kept = copy.deepcopy(first)
    _, second = loss_and_gradients(params, 2 * X, targets, workspace=workspace)
    _assert_close(first, kept, 0)
    assert np.abs(second[0]["W"] - first[0]["W"]).max() > 0
    _, third = loss_and_gradients(params, X, targets, workspace=workspace, out=out)
    assert third is out
    _assert_close(out, kept, np.finfo(float).eps)
    loss_and_gradients(params, 2 * X, targets, workspace=workspace, out=out)
    _assert_close(out, second, np.finfo(float).eps)


@pytest.mark.parametrize("examples", [4, LARGE])
def test_arguments_are_left_alone(examples: int) -> None:
    """The parameters, the inputs and the targets, small and large."""
    arguments = _problem((4, 5, 3), examples, "softmax_cross_entropy_one_hot")
    before = copy.deepcopy(arguments)
    loss_and_gradients(*arguments, "sigmoid", "softmax_cross_entropy_one_hot", workspace=Workspace())
    _assert_close(arguments[0], before[0], 0)
    np.testing.assert_array_equal(arguments[1], before[1])
    np.testing.assert_array_equal(arguments[2], before[2])


def test_workspace_follows_what_changes() -> None:
    """Parameters updated in place, arrays replaced, another batch, another loss, another dtype."""
    workspace = Workspace()
    for loss in ("softmax_cross_entropy", "mse_mean"):
        for dtype in (np.float64, np.float32):
            for examples in (8, 3, LARGE, 8):
                params, X, targets = _problem((4, 5, 3), examples, loss, dtype)
                for change in ("nothing", "in place", "replaced"):
                    if change == "in place":
                        params[0]["W"] *= 0.5
                    if change == "replaced":
                        params[1]["b"] = params[1]["b"] + dtype(1)
                    _, found = loss_and_gradients(params, X, targets, loss=loss, workspace=workspace)
                    _assert_close(
                        found, mlp.gradients(params, X, targets, loss=loss), 10 * np.finfo(dtype).eps
                    )


@pytest.mark.parametrize("examples", [6, LARGE])
def test_inputs_of_any_layout(examples: int) -> None:
    """Column by column, every other row, backwards."""
    params, X, targets = _problem((4, 5, 3), examples, "softmax_cross_entropy")
    expected = mlp.gradients(params, X, targets)
    wide = np.repeat(X, 2, axis=0)
    for layout in (np.asfortranarray(X), wide[::2], X[:, ::-1].copy()[:, ::-1]):
        _assert_close(loss_and_gradients(params, layout, targets)[1], expected, 10 * np.finfo(float).eps)


def test_training_with_a_workspace_lowers_the_loss() -> None:
    """Updates in place are seen by the plan."""
    params, X, targets = _problem((4, 16, 3), 32, "softmax_cross_entropy")
    workspace, out = Workspace(), like(params)
    history = []
    for _ in range(200):
        value, gradients = loss_and_gradients(params, X, targets, workspace=workspace, out=out)
        history.append(float(value))
        for layer, gradient in zip(params, gradients, strict=True):
            layer["W"] -= 0.5 * gradient["W"]
            layer["b"] -= 0.5 * gradient["b"]
    assert history[-1] < 0.2 * history[0]


BAD = {
    "unknown activation": ({"hidden": "gelu"}, ValueError, "hidden='gelu'"),
    "unknown loss": ({"loss": "binary_cross_entropy"}, ValueError, "loss='binary_cross_entropy'"),
    "wrong width": ({"X": np.zeros((8, 3))}, ValueError, r"params\[0\]\['W'\] has the shape \(4, 5\)"),
    "other dtype": ({"X": np.zeros((8, 4), np.float32)}, TypeError, r"float64 and X is float32"),
    "integers": ({"X": np.zeros((8, 4), int)}, ValueError, "X is int64"),
    "one-dimensional": ({"X": np.zeros(4)}, ValueError, r"X is float64 of shape \(4,\)"),
    "labels as floats": ({"targets": np.zeros(8)}, TypeError, "targets is float64"),
    "label above": ({"targets": np.full(8, 3)}, ValueError, "targets holds 3; wanted labels from 0 to 2"),
    "label below": ({"targets": np.full(8, -1)}, ValueError, "targets holds -1; wanted labels from 0 to 2"),
    "labels in a column": ({"targets": np.zeros((8, 1), int)}, ValueError, r"targets has the shape \(8, 1\)"),
}


@pytest.mark.parametrize("mistake", BAD)
def test_mistakes_are_named(mistake: str) -> None:
    """The error names the argument, what came and what was wanted."""
    changed, error, message = BAD[mistake]
    params, X, targets = _problem((4, 5, 3), 8, "softmax_cross_entropy")
    with pytest.raises(error, match=message):
        loss_and_gradients(**({"params": params, "X": X, "targets": targets} | changed))


def test_out_must_be_memory_of_its_own() -> None:
    """Writing gradients over the parameters, or into strided arrays, would give wrong numbers."""
    params, X, targets = _problem((4, 5, 3), 8, "softmax_cross_entropy")
    with pytest.raises(ValueError, match="shares memory"):
        loss_and_gradients(params, X, targets, out=params)
    strided = [
        {"W": np.empty(W.shape[::-1]).T, "b": np.empty(len(b))} for W, b in (p.values() for p in params)
    ]
    with pytest.raises(ValueError, match="not contiguous"):
        loss_and_gradients(params, X, targets, out=strided)


@pytest.mark.parametrize("classes", [2, 10, 63, 64, 1000])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_blocked_softmax_cross_entropy(classes: int, dtype: Any) -> None:
    """The textbook's numbers over several blocks, into ``out`` where given."""
    examples = 2 * elementwise.BLOCK // classes + 3
    logits, labels = losses.example("softmax_cross_entropy", (examples, classes), np.random.default_rng(8))
    logits = logits.astype(dtype)
    out = np.empty_like(logits)
    value, gradient = elementwise.softmax_cross_entropy(logits, labels, out)
    assert gradient is out and value.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    assert value == pytest.approx(losses.softmax_cross_entropy(logits, labels), rel=100 * eps)
    expected = losses.softmax_cross_entropy_gradient(logits, labels)
    np.testing.assert_allclose(gradient, expected, rtol=100 * eps, atol=4 * eps / examples)


@pytest.mark.parametrize("kernel", [elementwise.relu, elementwise.sigmoid], ids=lambda k: k.__name__)
def test_elementwise_kernels_take_inputs_of_any_layout(kernel: Any) -> None:
    """Column by column, every other entry, backwards, turned; over more than one block."""
    z, upstream = np.random.default_rng(9).standard_normal((2, 301, elementwise.BLOCK // 200))
    expected = kernel(z, upstream)
    layouts = (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a[::-1].copy()[::-1])
    for first in layouts:
        for second in layouts:
            for ours, theirs in zip(kernel(first(z), second(upstream)), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(kernel(z.T, upstream.T), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs.T)


def test_elementwise_kernels_name_what_does_not_fit() -> None:
    """What would be written to a copy, and then be lost, is refused."""
    z = np.ones((4, 5))
    with pytest.raises(ValueError, match=r"out\[1\] is not contiguous"):
        elementwise.relu(z, z, (np.empty_like(z), np.empty((5, 4)).T))
    for upstream in (z.T, z.astype(np.float32)):
        with pytest.raises(ValueError, match=r"upstream is float.* of shape .*, and z float64 of \(4, 5\)"):
            elementwise.sigmoid(z, upstream)


@pytest.mark.parametrize("kernel", [elementwise.relu, elementwise.sigmoid], ids=lambda k: k.__name__)
def test_elementwise_kernels_write_over_nothing_that_they_need(kernel: Any) -> None:
    """The sigmoid's derivative, written over ``upstream``, was multiplied by what had just been written there."""
    z, upstream, fresh = np.random.default_rng(10).standard_normal((3, 9))
    for out in ((fresh, upstream), (upstream, fresh), (z, fresh), (fresh, fresh)):
        with pytest.raises(ValueError, match=r"out\[[01]\] lies where another array does"):
            kernel(z, upstream, out)


@pytest.mark.parametrize("loss", fast_losses.FUSED)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_of_no_examples_the_loss_is_zero(loss: str, dtype: Any) -> None:
    """And so are all gradients; nothing is warned of."""
    params, X, targets = _problem((4, 5, 3), 2, loss, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, found = loss_and_gradients(params, X[:0], targets[:0], loss=loss)
        plain = mlp.loss(params, X[:0], targets[:0], loss=loss)
        textbook = mlp.gradients(params, X[:0], targets[:0], loss=loss)
    assert value == plain == 0
    assert value.dtype == dtype
    _assert_close(found, textbook, 0)


@pytest.mark.parametrize("classes", [10, 1000])
def test_blocked_softmax_cross_entropy_of_no_examples(classes: int) -> None:
    """The loss is zero."""
    value, gradient = elementwise.softmax_cross_entropy(np.empty((0, classes)), np.empty(0, int))
    assert value == 0
    assert gradient.shape == (0, classes)
