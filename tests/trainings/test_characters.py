"""The LSTM on sums in words: right as a whole, repeatable, and step by step what torch makes of the same model."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import gradcheck
from reference_impls.layers.layer import Layer
from reference_impls.trainings import characters, chosen
from reference_impls.trainings.adam import Adam
from reference_impls.trainings.sums import ALPHABET, LINES, encoded, in_words, known, least, line
from reference_impls.trainings.torch_characters import torch_losses


@pytest.mark.parametrize("case", characters.cases(), ids=lambda case: case.name)
def test_gradients_of_the_whole_model_are_right(case):
    case.check()


@pytest.mark.gradcheck(budget=0)  # the mistake is not looked for: other tests are of that
@pytest.mark.parametrize("name", ["0.W", "1.Wx", "1.Wh", "1.b", "3.W", "3.b"])
def test_a_slip_anywhere_in_the_model_is_caught(name):
    (case,) = characters.cases()
    report = gradcheck.check_grad(
        case.f,
        lambda params: (grads := case.claim(params)) | {name: 1.25 * grads[name]},
        *case.args,
        raise_on_failure=False,
    )
    assert [leaf.path for leaf in report.leaves if leaf.verdict == "fail"] == [f"params[{name!r}]"]


def test_chosen_is_right():
    x, mask = np.random.default_rng(0).standard_normal((3, 4, 2)), np.tri(3, 4) > 0
    gradcheck.check_layer(Layer(chosen.forward, chosen.backward, {}, mask=mask), x)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_the_losses_are_torchs_for_20_steps(dtype, rtol):
    pytest.importorskip("torch", reason="needs the extra peers")
    lines, _ = characters.split(0)
    net = characters.network(np.random.default_rng(3), units=16, dtype=dtype)
    first = {name: array.copy() for name, array in net.params.items()}
    ours = characters.train(net, lines, steps=20, rate=0.01)
    theirs = torch_losses(first, characters.batches(lines, 20, 0), steps=20, rate=0.01)
    np.testing.assert_allclose(ours, theirs, rtol)
    assert ours[-1] < 0.9 * ours[0]


def test_it_learns_and_the_same_seed_learns_the_same():
    lines, _ = characters.split(0)
    first, again = (
        characters.train(characters.start(0, units=16), lines, steps=30, rate=0.02) for _ in range(2)
    )
    other = characters.train(characters.start(1, units=16), lines, steps=2, seed=1)
    assert first[-1] < 0.8 * first[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:2], other)


def test_what_scores_as_right_is_written_so(monkeypatch):
    """A model that has learned three lines by heart, and one of them with another sum."""
    lines = [line(1, 2), line(10, 11), line(42, 9)]
    net = characters.start(0, units=32)
    monkeypatch.setattr(characters, "BATCH", 6)
    characters.train(net, lines, steps=150, rate=0.02)
    found = characters.score(net, [*lines, lines[0].replace("three", "four")])
    assert found.right == 0.75
    for each in lines:
        assert characters.written(net, each[: known(each)]) == each[known(each) :]


def test_held_out_lines_are_not_learned_from():
    lines, held_out = characters.split(0)
    assert len(held_out) == 250
    assert sorted(lines + held_out) == sorted(LINES)


def test_numbers_in_words():
    numbers = {0: "zero", 13: "thirteen", 20: "twenty", 61: "sixty-one", 99: "ninety-nine"}
    assert {n: in_words(n) for n in numbers} == numbers
    assert len({in_words(n) for n in range(100)}) == 100
    assert line(42, 9) == "forty-two plus nine is fifty-one."


def test_lines_are_read_one_character_before_they_are_said():
    read, said = encoded(["six plus six is twelve.", "one plus one is two."])
    assert "".join(ALPHABET[n] for n in read[:, 0]) == ".six plus six is twelve"
    assert "".join(ALPHABET[n] for n in said[:, 0]) == "six plus six is twelve."
    assert "".join(ALPHABET[n] for n in said[:20, 1]) == "one plus one is two."
    assert (said[20:, 1] == -1).all()


def test_the_least_possible_loss_is_that_of_the_lines_shown():
    """A model that gives each of ``n`` lines its due, ``1 / n``, has lost ``log n`` by the end of each."""
    assert least(["ab.", "cdefg."]) == pytest.approx(2 * np.log(2) / 9)
    shown, held_out = characters.split(0)
    assert len(shown) + len(held_out) == 2_500
    assert least(shown) == pytest.approx(len(shown) * np.log(2_250) / sum(map(len, shown)))


def test_adam_is_torchs():
    torch = pytest.importorskip("torch", reason="needs the extra peers")
    rng = np.random.default_rng(4)
    ours = {"a": rng.standard_normal((3, 2)), "b": rng.standard_normal(2)}
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in ours.items()}
    adam, peer = Adam(ours), torch.optim.Adam(theirs.values(), lr=0.1)
    for step in range(5):
        grads = {name: 10.0 ** (-2 * step) * rng.standard_normal(array.shape) for name, array in ours.items()}
        for name, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[name])
        adam.step(grads, 0.1)
        peer.step()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name].detach().numpy(), rtol=1e-12)


@pytest.fixture
def small(monkeypatch):
    """A model of 8 units, tried on 20 lines."""
    lines, held_out = characters.split(0)
    monkeypatch.setattr(characters, "start", lambda seed: characters.network(np.random.default_rng(seed), 8))
    monkeypatch.setattr(characters, "split", lambda seed: (lines, held_out[:20]))


def test_the_command_prints_figures_and_draws(small, tmp_path, capsys):
    pytest.importorskip("torch", reason="needs the extra peers")
    pytest.importorskip("matplotlib", reason="needs the extra plots")
    picture = tmp_path / "characters.png"
    characters.main(["--steps", "2", "--picture", str(picture)])
    told = capsys.readouterr().out
    assert "NumPy: 2 steps" in told
    assert "torch: 2 steps" in told
    assert "largest relative difference" in told
    assert 1000 < picture.stat().st_size < 100_000


def test_without_extras_the_command_trains_and_names_them(small, monkeypatch, tmp_path, capsys):
    for module in ("torch", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    characters.main(["--steps", "1", "--picture", str(tmp_path / "none.png")])
    told = capsys.readouterr().out
    assert "NumPy: 1 steps" in told
    assert 'torch is not installed, and this part needs it: pip install "gradcheck[peers]"' in told
    assert 'matplotlib is not installed, and this part needs it: pip install "gradcheck[plots]"' in told


def test_no_steps_are_refused(capsys):
    with pytest.raises(SystemExit):
        characters.main(["--steps", "0"])
    assert "--steps 0: at least 1 is needed" in capsys.readouterr().err
