"""Margin losses, softmax losses and CTC."""

from __future__ import annotations

import warnings
from functools import partial
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck import Case
from reference_impls import ctc as ctc_file
from reference_impls import margin_losses, softmax_losses
from reference_impls.activations import log_softmax, sigmoid, softmax
from reference_impls.ctc import ctc, ctc_gradient

pytestmark = pytest.mark.gradcheck(budget=0)  # the mistakes are not looked for: other tests are of that

FILES = (margin_losses, softmax_losses)
ALL = {
    name: (pair, file)
    for file, pairs in (
        (margin_losses, margin_losses.MARGIN_LOSSES),
        (softmax_losses, softmax_losses.SOFTMAX_LOSSES),
    )
    for name, pair in pairs.items()
}
CASES = [case for file in (*FILES, ctc_file) for case in file.cases()]


def data(name, dtype=np.float64, shape=(6, 4), seed=0):
    rng = np.random.default_rng(seed)
    outputs = (2 * rng.standard_normal(shape)).astype(dtype)
    return outputs, ALL[name][1].targets_of(name, outputs, rng)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cases_pass(case) -> None:
    case.check()


def _one_hot(k, z):
    return np.eye(z.shape[1])[k]


WRONG = {
    "huber": lambda a, t: (a - t) / a.size,  # not cut off
    "hinge": lambda f, y: -y / f.size,  # the margin forgotten
    "multiclass_hinge": lambda f, k: margin_losses.multiclass_hinge_gradient(f, k) + _one_hot(k, f) / len(f),
    "negative_log_likelihood": lambda z, k: (softmax(z) - _one_hot(k, z)) / len(z),  # of logits
    "label_smoothing": lambda z, k: (softmax(z) - 0.9 * _one_hot(k, z)) / len(z),  # the spread forgotten
    "kl_divergence": lambda z, t: (t - softmax(z)) / len(z),  # the sign
    "focal": lambda z, k: (1 - softmax(z)) ** 2 * (softmax(z) - _one_hot(k, z)) / len(z),
    "binary_focal": lambda z, t: (sigmoid(z) - t) / z.size,  # gamma forgotten
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_slip_is_caught(name, dtype) -> None:
    Case(name, ALL[name][0].value, WRONG[name], data(name, dtype), argnums=0, expect="fail").check()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_safe_at_the_edges(name, dtype) -> None:
    (value, gradient), _ = ALL[name]
    for rows in (1, 3):
        outputs, targets = data(name, dtype, (rows, 4))
        for far in (outputs, 1e3 * np.sign(outputs).astype(dtype)):
            if name == "negative_log_likelihood":
                far = log_softmax(far)
            with np.errstate(all="raise", under="ignore"):
                loss, slope = value(far, targets), gradient(far, targets)
            assert np.isfinite(loss)
            assert slope.dtype == dtype
            assert np.isfinite(slope).all()
    outputs, targets = data(name, dtype, (0, 4))
    assert gradient(outputs, targets).shape == (0, 4)


def test_the_losses_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    def one_sided(f, y):
        return torch.clamp(1 - y * f, min=0).mean()

    theirs = {
        "huber": functional.huber_loss,
        "hinge": one_sided,
        "multiclass_hinge": lambda f, k: functional.multi_margin_loss(f, k) * f.shape[1],
        "negative_log_likelihood": functional.nll_loss,
        "label_smoothing": lambda z, k: functional.cross_entropy(z, k, label_smoothing=0.1),
        "kl_divergence": lambda z, t: functional.kl_div(
            functional.log_softmax(z, 1), t, reduction="batchmean"
        ),
    }
    for name, reference in theirs.items():
        outputs, targets = data(name)
        tensor = torch.tensor(outputs, requires_grad=True)
        loss = reference(tensor, torch.tensor(targets))
        loss.backward()
        (value, gradient), _ = ALL[name]
        assert value(outputs, targets) == pytest.approx(loss.item(), rel=1e-12), name
        np.testing.assert_allclose(
            gradient(outputs, targets), tensor.grad.numpy(), 1e-10, 1e-15, err_msg=name
        )


def test_without_focus_focal_is_cross_entropy() -> None:
    z, k = data("focal")
    assert softmax_losses.focal(z, k, 0.0) == pytest.approx(
        softmax_losses.label_smoothing(z, k, 0.0), rel=1e-14
    )
    np.testing.assert_allclose(
        softmax_losses.focal_gradient(z, k, 0.0),
        softmax_losses.label_smoothing_gradient(z, k, 0.0),
        atol=1e-15,
    )


# --- CTC ------------------------------------------------------------------------------------------------------


def spoken(path):
    """What a way of speaking says: repeats are one letter, blanks are none."""
    return tuple(k for n, k in enumerate(path) if k and (n == 0 or k != path[n - 1]))


@pytest.mark.parametrize("labels", [(), (1,), (1, 2), (1, 1), (2, 1, 2)])
def test_the_probability_is_the_sum_over_all_ways(labels) -> None:
    logits = np.random.default_rng(0).standard_normal((5, 1, 3))
    y = softmax(logits[:, 0])
    ways = sum(
        np.prod([y[t, k] for t, k in enumerate(path)])
        for path in product(range(3), repeat=5)
        if spoken(path) == labels
    )
    given_labels = np.array([[*labels, 0]])
    assert ctc(logits, given_labels, letters=np.array([len(labels)])) == pytest.approx(
        -np.log(ways), rel=1e-12
    )


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-10), (np.float32, 1e-4)])
def test_ctc_is_that_of_torch(dtype, rtol) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((12, 5, 6)).astype(dtype)
    labels, steps, letters = (
        rng.integers(1, 6, (5, 4)),
        np.array([12, 9, 10, 8, 12]),
        np.array([4, 3, 1, 4, 2]),
    )
    tensor = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.ctc_loss(
        torch.nn.functional.log_softmax(tensor, -1), torch.tensor(labels), torch.tensor(steps), torch.tensor(letters),
        reduction="sum",
    ) / 5  # fmt: skip
    loss.backward()

    assert ctc(logits, labels, steps, letters) == pytest.approx(loss.item(), rel=rtol)
    ours = ctc_gradient(logits, labels, steps, letters)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, tensor.grad.numpy(), rtol, rtol)


@settings(derandomize=True, max_examples=10, deadline=None, database=None)
@given(st.integers(1, 3), st.integers(0, 3), st.integers(2, 4), st.integers(0, 99))
def test_ctc_of_shapes_drawn_at_random(batch, longest, classes, seed) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.integers(2 * longest + 1, 2 * longest + 4, batch)
    logits = rng.standard_normal((2 * longest + 4, batch, classes))
    labels, letters = rng.integers(1, classes, (batch, longest)), rng.integers(0, longest + 1, batch)
    gradcheck.check_grad(ctc, ctc_gradient, logits, labels, steps, letters, argnums=0)


@pytest.mark.parametrize(
    "slip",
    [
        lambda g, z: g + (softmax(z) - g) * 0.25,
        lambda g, z: softmax(z) / z.shape[1],  # the shares forgotten
        lambda g, z: g * z.shape[1],  # a sum for a mean
        lambda g, z: np.where(np.arange(len(z))[:, None, None] == 0, 0.0, g),  # the first step forgotten
    ],
)
def test_slips_in_ctc_are_caught(slip) -> None:
    rng = np.random.default_rng(2)
    logits, labels = rng.standard_normal((7, 3, 4)), rng.integers(1, 4, (3, 2))

    def claim(z, k):
        return slip(ctc_gradient(z, k), z)

    Case("ctc", ctc, claim, (logits, labels), argnums=0, expect="fail").check()


def test_ctc_is_safe_at_the_edges() -> None:
    rng = np.random.default_rng(3)
    for dtype in (np.float64, np.float32):
        logits, labels = (
            (1e3 * np.sign(rng.standard_normal((7, 3, 4)))).astype(dtype),
            rng.integers(1, 4, (3, 2)),
        )
        with np.errstate(all="raise", under="ignore"):
            assert np.isfinite(ctc(logits, labels))
            assert np.isfinite(ctc_gradient(logits, labels)).all()
        assert ctc_gradient(logits[:, :0], labels[:0]).shape == (7, 0, 4)


def test_labels_that_do_not_fit_are_told() -> None:
    with pytest.raises(ValueError, match=r"labels of example 1 need 5 time steps .* it has 4"):
        ctc(np.zeros((4, 2, 3)), np.array([[1, 2, 1], [1, 1, 1]]))


@pytest.mark.parametrize("labels, steps, letters, message", [
    ([[1, -1]], None, None, "labels holds -1; wanted from 1 to 2"),
    ([[1, 0]], None, None, "labels holds 0; wanted from 1 to 2"),
    ([[1, 3]], None, None, "labels holds 3; wanted from 1 to 2"),
    ([[1, 2]], [5], None, "steps holds 5; wanted from 0 to 4"),
    ([[1, 2]], None, [3], "letters holds 3; wanted from 0 to 2"),
])  # fmt: skip
def test_labels_and_lengths_that_are_none_are_told(labels, steps, letters, message) -> None:
    lengths = [None if length is None else np.array(length) for length in (steps, letters)]
    for of in (ctc, ctc_gradient):
        with pytest.raises(ValueError, match=message):
            of(np.zeros((4, 1, 3)), np.array(labels), *lengths)


def test_of_no_steps_there_is_one_way_to_say_nothing() -> None:
    logits, labels = np.random.default_rng(4).standard_normal((4, 2, 3)), np.array([[1], [1]])
    steps, letters = np.array([0, 4]), np.array([0, 1])
    alone = ctc(logits[:, 1:], labels[1:])
    assert ctc(logits, labels, steps, letters) == pytest.approx(alone / 2, rel=1e-14)
    gradient = ctc_gradient(logits, labels, steps, letters)
    assert not gradient[:, 0].any()
    np.testing.assert_allclose(gradient[:, 1:], ctc_gradient(logits[:, 1:], labels[1:]) / 2, rtol=1e-13)
    assert ctc(logits[:0], labels[:, :0]) == 0
    assert ctc_gradient(logits[:0], labels[:, :0]).shape == (0, 2, 3)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_focal_of_any_gamma(gamma, dtype) -> None:
    """Also where a label's probability is 1 to rounding: then the loss has no slope."""
    z, k = data("focal", dtype)
    focal, gradient = (partial(f, gamma=gamma) for f in ALL["focal"][0])
    Case("focal", focal, gradient, (z, k), argnums=0).check()
    sure = 1e3 * _one_hot(k, z).astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        assert focal(sure, k) == 0
        assert not gradient(sure, k).any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_of_no_examples_all_losses_are_zero(dtype) -> None:
    for name in ALL:
        outputs, targets = data(name, dtype, (1, 4))
        value, gradient = ALL[name][0]
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert value(outputs[:0], targets[:0]) == 0, name
            assert gradient(outputs[:0], targets[:0]).shape == (0, 4)
