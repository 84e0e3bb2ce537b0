"""Losses take targets that fit, keep their dtype, and tell what does not fit: nothing is repeated until it does."""

import numpy as np
import pytest

import gradcheck
from reference_impls import elementwise
from reference_impls.ctc import ctc, ctc_gradient
from reference_impls.losses import LOSSES, Loss
from reference_impls.margin_losses import MARGIN_LOSSES
from reference_impls.softmax_losses import SOFTMAX_LOSSES

ALL = LOSSES | MARGIN_LOSSES | SOFTMAX_LOSSES
BY_ROW = [
    "softmax_cross_entropy",
    "multiclass_hinge",
    "negative_log_likelihood",
    "label_smoothing",
    "focal",
]
BY_ENTRY = sorted(ALL.keys() - set(BY_ROW))
ROWS = {name: ALL[name] for name in BY_ROW}
ROWS["in blocks"] = Loss(*(lambda z, k, n=n: elementwise.softmax_cross_entropy(z, k)[n] for n in (0, 1)))


def outputs(*shape, dtype="float64"):
    return np.random.default_rng(0).uniform(0.1, 0.9, shape).astype(dtype)


@pytest.mark.parametrize("name", BY_ENTRY)
@pytest.mark.parametrize(
    "shape, other", [((3, 1), (3,)), ((3,), (3, 1)), ((3, 2), ()), ((3, 2), (1, 2)), ((1, 2), (3, 2))]
)
def test_targets_of_another_shape_are_told(name, shape, other) -> None:
    for of in ALL[name]:
        with pytest.raises(
            ValueError, match=r"(targets|labels) has the shape .*, and the outputs .*: give one for each"
        ):
            of(outputs(*shape), np.ones(other))


@pytest.mark.parametrize("name", BY_ENTRY)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("given", ["int64", "int8", "float32", "float64"])
def test_the_loss_has_the_dtype_of_the_outputs(name, dtype, given) -> None:
    z = outputs(4, 3, dtype=dtype)
    ones = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    value, gradient = ALL[name]
    own, converted = ones.astype(dtype), ones.astype(given)
    assert value(z, converted).dtype == gradient(z, converted).dtype == dtype
    assert value(z, converted) == value(z, own)
    np.testing.assert_array_equal(gradient(z, converted), gradient(z, own))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("classes", [4, 100])
@pytest.mark.parametrize(
    "labels, message",
    [
        ([[0], [1], [2]], r"labels is int64 of shape \(3, 1\); wanted whole numbers of shape \(3,\)"),
        ([0, 1], r"labels is int64 of shape \(2,\); wanted"),
        ([1], r"labels is int64 of shape \(1,\); wanted"),
        ([0.0, 1.0, 2.0], "labels is float64"),
        ([True, False, True], "labels is bool"),
        ([0, -1, 2], "labels holds -1; wanted from 0 to"),
        ([0, 1, 100], "labels holds 100; wanted from 0 to"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_are_told(name, classes, labels, message) -> None:
    for of in ROWS[name]:
        with pytest.raises(ValueError, match=message):
            of(outputs(3, classes), np.array(labels))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("shape", [(3,), (3, 4, 2)])
def test_outputs_that_are_no_rows_are_told(name, shape) -> None:
    for of in ROWS[name]:
        with pytest.raises(ValueError, match=r"the outputs have the shape .*; wanted \(examples, classes\)"):
            of(outputs(*shape), np.zeros(3, int))


@pytest.mark.parametrize("labels, steps, message", [
    ([[1, 2]], None, r"labels is int64 of shape \(1, 2\); wanted whole numbers of shape \(3, 2\)"),
    ([1, 2], None, r"labels is int64 of shape \(2,\); wanted whole numbers of shape \(3, 2\)"),
    ([[1.0, 2.0]] * 3, None, "labels is float64"),
    ([[1, 2]] * 3, [7], r"steps is int64 of shape \(1,\); wanted whole numbers of shape \(3,\)"),
    ([[1, 2]] * 3, [7.0, 7.0, 7.0], "steps is float64"),
])  # fmt: skip
def test_labels_and_lengths_of_sequences_that_do_not_fit_are_told(labels, steps, message) -> None:
    for of in (ctc, ctc_gradient):
        with pytest.raises(ValueError, match=message):
            of(outputs(7, 3, 4), np.array(labels), None if steps is None else np.array(steps))


@pytest.mark.parametrize("name", sorted(ALL))
def test_targets_in_a_list_are_told(name) -> None:
    for of in ALL[name]:
        with pytest.raises(TypeError, match=r"(targets|labels) is a list; wanted an array"):
            of(outputs(3, 3), [0, 1, 2] if name in BY_ROW else np.eye(3).tolist())


@pytest.mark.parametrize("name", sorted(ALL))
def test_outputs_in_a_list_are_told(name) -> None:
    for of in ALL[name]:
        with pytest.raises(TypeError, match=r"outputs is a list; wanted an array"):
            of(np.eye(3).tolist(), np.array([0, 1, 2]) if name in BY_ROW else np.eye(3))


def test_sequences_in_a_list_are_told() -> None:
    logits, labels = outputs(7, 3, 4), np.ones((3, 2), int)
    for of in (ctc, ctc_gradient):
        with pytest.raises(TypeError, match="logits is a list"):
            of(logits.tolist(), labels)
        with pytest.raises(TypeError, match="labels is a list"):
            of(logits, labels.tolist())
        with pytest.raises(
            ValueError, match=r"logits has the shape \(7, 3\); wanted \(time, batch, classes\)"
        ):
            of(logits[:, :, 0], labels)


@pytest.mark.parametrize(
    "name, setting, wrong",
    [
        ("huber", "delta", -1.0),
        ("label_smoothing", "smoothing", 1.5),
        ("label_smoothing", "smoothing", -0.1),
        ("focal", "gamma", -2.0),
        ("binary_focal", "gamma", "2"),
    ],
)
def test_settings_beyond_their_range_are_told(name, setting, wrong) -> None:
    """A Huber loss with a negative delta fell as the errors grew."""
    targets = np.zeros(3, int) if name in BY_ROW else np.ones((3, 4))
    for of in ALL[name]:
        with pytest.raises(ValueError, match=f"{setting}={wrong!r}; wanted a number from 0"):
            of(outputs(3, 4), targets, **{setting: wrong})


def test_a_setting_may_be_traced_and_an_array_of_one_number() -> None:
    def by_delta(outputs, targets, delta):
        return np.maximum(np.abs(outputs - targets) - delta, 0).mean()

    errors, huber = 2 * outputs(3, 4), ALL["huber"].value
    report = gradcheck.check_grad(huber, by_delta, errors, np.zeros((3, 4)), 0.7, argnums=2)
    assert "autograd" in [oracle.name for oracle in report.oracles if oracle.used]
    assert huber(errors, np.zeros((3, 4)), np.array(0.7)) == huber(errors, np.zeros((3, 4)), 0.7)


def test_the_likelihood_of_whole_numbers_has_a_slope() -> None:
    """It was one of whole numbers, which cut -1 / n off to 0."""
    gradient = ALL["negative_log_likelihood"].gradient(np.full((4, 2), -1), np.array([0, 1, 1, 0]))
    np.testing.assert_array_equal(gradient.min(axis=1), -0.25)


def test_what_blocks_cannot_fill_is_told() -> None:
    z, labels = outputs(3, 4), np.array([0, 1, 2])
    for out in (np.empty((4, 3)), np.empty((1, 3, 4)), np.empty((3, 4), np.float32), np.empty((3, 4), int)):
        with pytest.raises(ValueError, match=r"out is .*, and logits float64 of \(3, 4\)"):
            elementwise.softmax_cross_entropy(z, labels, out=out)
    for of in (
        elementwise.relu,
        elementwise.sigmoid,
        lambda z, _: elementwise.softmax_cross_entropy(z, labels),
    ):
        for whole in (np.ones((3, 4), int), [[1.0]]):
            with pytest.raises(TypeError, match=r"(z|logits) is .*; wanted (floats|an array)"):
                of(whole, whole)
