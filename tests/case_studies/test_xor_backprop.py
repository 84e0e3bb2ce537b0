"""XOR by backpropagation: the seven losses, the exact relu network, pictures and animation."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck import GradientMismatch, check_grad
from reference_impls.case_studies import xor_backprop
from reference_impls.case_studies.xor_backprop import SOLUTION, X, Y, gradient, loss, start, train
from reference_impls.case_studies.xor_backprop.__main__ import main
from reference_impls.case_studies.xor_backprop.against_autograd import differences

SEVEN = [
    2.9991464995409807,
    2.850067543754094,
    2.5045921819726082,
    1.5756597251036364,
    0.5779054501565161,
    0.3097308274202594,
    0.2028529568023768,
]


def test_seven_losses_to_twelve_digits():
    losses = train().losses
    assert losses.shape == (140,)
    np.testing.assert_allclose(losses[::20], SEVEN, rtol=1e-12, atol=0)


def test_twelve_digits_would_notice_a_millionth():
    losses = train(learning_rate=1 + 1e-6).losses
    assert np.max(np.abs(losses[::20] / SEVEN - 1)) > 1e-8


def test_relu_network_is_xor_exactly():
    assert np.array_equal(xor_backprop.relu_network(X, *SOLUTION), Y)
    assert not np.array_equal(xor_backprop.relu_network(X, *start()), Y)


def test_gradient_agrees_with_autograd_everywhere():
    found = differences(*start())
    assert list(found) == ["W1", "b1", "W2", "b2"]
    assert max(found.values()) < 1e-14


def without_hidden_derivative(X, Y, W1, b1, W2, b2):
    """The gradient by someone who forgot the hidden sigmoid's derivative."""
    A1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
    dz2 = 1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y
    dZ1 = dz2 @ W2.T
    return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dz2, dz2.sum(axis=0)


def test_wrong_twin_fails_in_the_first_layer_only():
    point = (X, Y, *start())
    with pytest.raises(GradientMismatch) as caught:
        check_grad(loss, without_hidden_derivative, *point, argnums=(2, 3, 4, 5))
    verdicts = {leaf.path: str(leaf.verdict) for leaf in caught.value.report.leaves}
    assert verdicts == {"W1": "fail", "b1": "fail", "W2": "pass", "b2": "pass"}


def test_training_with_the_wrong_twin_is_another_training():
    assert not np.allclose(train(gradient=without_hidden_derivative).losses, train().losses)
    assert np.allclose(train(gradient=gradient).losses, train().losses)


def test_loss_is_finite_for_huge_weights():
    huge = [1e4 * np.ones_like(parameter) for parameter in start()]
    assert np.isfinite(loss(X, Y, *huge))
    assert all(np.isfinite(part).all() for part in gradient(X, Y, *huge))


def test_command_prints_progress(capsys):
    main(["--steps", "21"])
    printed = capsys.readouterr().out
    assert "step     20  loss 2.85006754375" in printed
    assert "exact: True" in printed


def test_command_draws_pictures_and_an_animation(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra plots")
    image = pytest.importorskip("PIL.Image", reason="needs the extra plots")
    main(["--steps", "10", "--pictures", str(tmp_path / "new")])
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"xor_start.png", "xor_trained.png", "xor_training.gif", "xor_losses.png"}
    with image.open(tmp_path / "new" / "xor_training.gif") as animation:
        assert animation.n_frames == 3  # before steps 0 and 5, and after the last
        assert animation.info["loop"] == 0
        first = np.asarray(animation.convert("RGB"))
        animation.seek(2)
        assert not np.array_equal(first, np.asarray(animation.convert("RGB")))
    with image.open(tmp_path / "new" / "xor_trained.png") as picture:
        assert len(np.unique(np.asarray(picture).reshape(-1, 4), axis=0)) > 20
