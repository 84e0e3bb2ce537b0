"""The logistic network: what its mistake costs; the digit classifier, and torch beside it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from reference_impls import mlp
from reference_impls.case_studies.digits import Digits, shipped
from reference_impls.case_studies.logistic_network import (
    as_found_gradient,
    classifier,
    data,
    gradient,
    loss,
    start,
    train,
)
from reference_impls.case_studies.logistic_network.__main__ import main, print_norms
from reference_impls.case_studies.logistic_network.against_torch import differences


def test_data_are_two_noisy_ramps_and_their_mean():
    X, Y = data()
    assert X.shape == (1000, 2)
    assert Y.shape == (1000, 1)
    noise = X - np.linspace(0, 1, 1000)[:, None]
    assert 0.049 < np.max(np.abs(noise)) <= 0.05
    np.testing.assert_allclose(Y[:, 0], X.sum(axis=1) / 2)


def test_relative_errors_as_found_at_the_start():
    point = (*data(), *start())
    pairs = zip(gradient(*point), as_found_gradient(*point), strict=True)
    errors = [np.max(np.abs(found - right)) / np.max(np.abs(right)) for right, found in pairs]
    np.testing.assert_allclose(errors, [5.4e-4, 0.156, 0.151, 0.156], rtol=5e-3)


def test_a_thousand_steps_mended_and_as_found():
    mended = train(steps=1001).losses
    found = train(steps=1001, gradient=as_found_gradient).losses
    assert mended[0] == pytest.approx(found[0], rel=1e-13)
    assert mended[1000] == pytest.approx(100, abs=0.5)
    assert found[1000] == pytest.approx(403, abs=0.5)


def test_loss_is_finite_for_huge_weights():
    huge = [1e4 * np.ones_like(parameter) for parameter in start()]
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(loss(*data(), *huge))
        assert all(np.isfinite(part).all() for part in gradient(*data(), *huge))


def test_printed_norm_is_the_length_of_the_step(capsys):
    before, after = train(steps=0).parameters, train(steps=1).parameters
    moved = sum(np.abs(new - old).sum() for old, new in zip(before, after, strict=True))
    train(steps=1, watch=print_norms(500, 1e-4))
    assert capsys.readouterr().out == f"step      0  loss 505.589  L1 norm of the step {moved:.6f}\n"


def test_classifier_learns_real_digits():
    images, labels = shipped()
    fit, test = Digits(images[:400], labels[:400]), Digits(images[400:], labels[400:])
    history = classifier.train(fit, test, epochs=10, learning_rate=0.1)
    assert history.losses.shape == (10 * 13,)
    assert history.accuracies.shape == (10,)
    assert history.losses[-13:].mean() < 0.5 < history.losses[:13].mean()
    assert history.accuracies[-1] > 0.7
    again = classifier.train(fit, test, epochs=1, learning_rate=0.1)
    assert np.array_equal(again.losses, history.losses[:13])


def test_batches_cover_every_digit_once():
    pieces = classifier.batches(70, 32, np.random.default_rng(0))
    assert [len(piece) for piece in pieces] == [32, 32, 6]
    assert sorted(np.concatenate(pieces)) == list(range(70))
    assert list(pieces[0]) != list(range(32))


def test_torch_finds_the_same_gradients():
    pytest.importorskip("torch", reason="needs the extra peers")
    images, labels = shipped()
    params = mlp.initial_parameters(classifier.SIZES, np.random.default_rng(0))
    found = differences(params, Digits(images[:32], labels[:32]))
    assert list(found) == ["loss", "W1", "b1", "W2", "b2"]
    assert max(found.values()) < 1e-12


def test_missing_torch_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    images, labels = shipped()
    params = mlp.initial_parameters(classifier.SIZES, np.random.default_rng(0))
    with pytest.raises(ModuleNotFoundError, match=r'pip install "gradcheck\[peers\]"'):
        differences(params, Digits(images[:2], labels[:2]))


def test_command_works_without_the_heavy_extras(monkeypatch, capsys):
    for module in ("torch", "mlxtend", "mlxtend.data", "matplotlib", "plotext"):
        monkeypatch.setitem(sys.modules, module, None)
    main(["--steps", "2"])
    printed = capsys.readouterr().out
    assert "epoch   9" in printed
    assert 'pip install "gradcheck[digits]"' in printed
    assert 'pip install "gradcheck[peers]"' in printed
