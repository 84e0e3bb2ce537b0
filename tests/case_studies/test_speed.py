"""The fast trainings and the ones in the manner of the originals are the same trainings."""

from __future__ import annotations

import numpy as np
import pytest

from reference_impls.case_studies import (
    column_major,
    functional_layers,
    logistic_network,
    speed,
    xor_backprop,
)
from reference_impls.case_studies.digits import one_hot, shipped
from reference_impls.case_studies.layer_network import digits, mse_gradient, shifted
from reference_impls.case_studies.layer_network.network import assemble
from reference_impls.case_studies.layer_network.one_at_a_time import one_at_a_time
from reference_impls.case_studies.layer_network.weights import ACTIVATIONS


@pytest.mark.parametrize("contest", speed.RACES, ids=lambda contest: contest.name)
def test_both_ways_give_the_same_losses(contest):
    steps = min(contest.timed_steps, 50)
    theirs, ours = contest.theirs(steps), contest.ours(steps=steps).losses
    assert theirs.shape == ours.shape == (steps,)
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=0)


@pytest.mark.parametrize("study", [column_major, functional_layers, logistic_network, xor_backprop])
def test_the_fast_default_trains_as_the_readable_gradient_does(study):
    seen = []

    def watch(step, loss, parameters, gradients):
        seen.append([loss, *(array.copy() for array in (*parameters, *gradients))])

    core = study.train(steps=50, watch=watch)
    readable = study.train(steps=50, gradient=study.gradient, watch=watch)
    np.testing.assert_allclose(core.losses, readable.losses, rtol=1e-11)
    for ours, theirs in zip(core.parameters, readable.parameters, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    for ours, theirs in zip(seen[7], seen[57], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_inked_pixels_train_as_the_network_does():
    few = shipped()._replace(images=shipped().images[:20], labels=shipped().labels[:20])
    fast = digits.train(shifted(), few, steps=2)
    network = assemble(shifted(), ACTIVATIONS)
    slow = one_at_a_time(
        network,
        few.images,
        one_hot(few.labels),
        correct=lambda y_pred, y: bool(y_pred.argmax() == y.argmax()),
        epochs=2,
        learning_rate=0.1,
        loss_gradient=mse_gradient,
    )
    np.testing.assert_allclose(fast.losses, slow.losses, rtol=1e-12)
    assert np.array_equal(fast.accuracies, slow.accuracies)
    for ours, theirs in zip(fast.parameters, slow.parameters, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_command_prints_a_line_a_training(capsys, monkeypatch):
    quick = [
        contest._replace(timed_steps=2, all_steps=3)
        for contest in speed.RACES
        if "digits" not in contest.name
    ]
    monkeypatch.setattr(speed, "RACES", quick)
    speed.main(["--rounds", "1", "--full"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(quick)
    assert all("taken" in line and float(line.split("us")[2].split()[0]) > 0 for line in lines[1:])
