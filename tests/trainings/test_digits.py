"""The conv net on digits: right as a whole, repeatable, and the same for one digit as for many once it is in use."""

from __future__ import annotations

import numpy as np
import pytest

import gradcheck
from reference_impls.case_studies.digits import Digits, shipped
from reference_impls.layers.layer import Layer
from reference_impls.trainings import digits, flat


def some(count: int) -> tuple[Digits, Digits]:
    """So many of the shipped digits to learn from, and 50 others."""
    images, labels = shipped()
    return Digits(images[:count], labels[:count]), Digits(images[count:][:50], labels[count:][:50])


@pytest.mark.parametrize("case", digits.cases(), ids=lambda case: case.name)
def test_gradients_of_the_whole_net_are_right(case):
    case.check()


@pytest.mark.gradcheck(budget=0)  # the mistake is not looked for: other tests are of that
@pytest.mark.parametrize("name", ["0.W", "3.gain", "4.b", "10.W"])
def test_a_slip_anywhere_in_the_net_is_caught(name):
    (case,) = digits.cases()
    report = gradcheck.check_grad(
        case.f,
        lambda params: (grads := case.claim(params)) | {name: 1.25 * grads[name]},
        *case.args,
        raise_on_failure=False,
    )
    assert [leaf.path for leaf in report.leaves if leaf.verdict == "fail"] == [f"params[{name!r}]"]


def test_flat_is_right():
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 5))
    gradcheck.check_layer(Layer(flat.forward, flat.backward, {}), x)
    y, cache = flat.forward({}, x)
    dx, _ = flat.backward(y, cache)
    assert not np.may_share_memory(x, y)
    assert not np.may_share_memory(y, dx)


def test_it_learns_and_the_same_seed_learns_the_same():
    learned, held_out = some(128)
    first, again = (digits.train(learned, held_out, epochs=2) for _ in range(2))
    assert first.losses.shape == (4,)
    assert first.accuracies.shape == (2,)
    assert first.losses[-1] < 0.8 * first.losses[0]
    assert np.array_equal(first.losses, again.losses)
    assert np.array_equal(first.answers, again.answers)
    assert first.accuracies[-1] == np.mean(first.answers == held_out.labels)
    other = digits.train(learned, held_out, epochs=1, seed=1)
    assert not np.array_equal(first.losses[:2], other.losses)


def test_in_use_one_digit_is_read_as_among_others_and_the_net_in_training_is_left_alone():
    rng = np.random.default_rng(1)
    net, images = digits.network(rng, np.float64), digits.as_images(shipped(), np.float64)[:40]
    digits.drop(net, 40, rng)
    before = net.forward(images)
    used = digits.in_use(net, images)
    among = used.forward(images)
    np.testing.assert_allclose(used.forward(images[7:8])[0], among[7], rtol=1e-10)
    assert np.array_equal(net.forward(images), before)
    # what is left between them: no dropout, and the variance of a sample in place of the batch's own
    net.layers[digits.DROPOUT].settings["mask"] = None
    np.testing.assert_allclose(net.forward(images), among, atol=1e-2 * np.abs(among).max())


def test_moved_digits_are_whole_and_lie_elsewhere():
    images = np.zeros((200, 1, 8, 8))
    images[:, :, 3, 4] = np.arange(1, 201)[:, None]
    after = digits.moved(images, np.random.default_rng(0), reach=2)
    assert np.array_equal(after.sum(axis=(1, 2, 3)), np.arange(1, 201))
    _, _, rows, columns = np.nonzero(after)
    assert set(rows) == {1, 2, 3, 4, 5}
    assert set(columns) == {2, 3, 4, 5, 6}
    assert np.array_equal(digits.moved(images, np.random.default_rng(0), reach=0), images)


def test_4000_digits_to_learn_from_and_1000_others(monkeypatch):
    """With other pictures in place of the 4,500 that take seconds to read."""
    others = Digits(2 + np.repeat(np.arange(4500.0)[:, None], 784, axis=1), np.arange(4500) % 10)
    monkeypatch.setattr(digits, "remaining", lambda: others)
    learned, held_out = digits.split()
    assert (len(learned.labels), len(held_out.labels)) == (4000, 1000)
    assert len(np.unique(np.concatenate([learned.images, held_out.images]), axis=0)) == 5000
    assert np.array_equal(held_out.labels[:500], shipped().labels)
    assert np.array_equal(learned.labels, others.labels[500:])


def test_the_command_prints_figures_and_draws(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra plots")
    monkeypatch.setattr(digits, "split", lambda: some(128))
    picture = tmp_path / "digits.png"
    digits.main(["--epochs", "1", "--picture", str(picture)])
    told = capsys.readouterr()
    assert "1 epochs of 128 digits" in told.out
    assert "held-out digits read right" in told.out
    assert str(picture) in told.out
    assert "digits  2/2  loss" in told.err
    assert 1000 < picture.stat().st_size < 100_000
