"""What all five studies promise: cases come out as expected, training repeats itself and disturbs nothing."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from reference_impls.case_studies import (
    column_major,
    functional_layers,
    layer_network,
    logistic_network,
    xor_backprop,
)

STUDIES = [column_major, functional_layers, layer_network, logistic_network, xor_backprop]
CASES = list(chain.from_iterable(study.cases() for study in STUDIES))

study = pytest.mark.parametrize("study", STUDIES, ids=lambda module: module.__name__.rpartition(".")[2])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_comes_out_as_expected(case):
    case.check()


@study
def test_names_begin_with_the_module(study):
    prefix = study.__name__.removeprefix("reference_impls.") + "/"
    names = [case.name for case in study.cases()]
    assert all(name.startswith(prefix) for name in names)
    assert len(set(names)) == len(names)


@study
def test_every_right_derivation_has_a_wrong_twin(study):
    expected = {case.expect for case in study.cases()}
    assert expected == {"pass", "fail"}


@study
def test_training_returns_one_loss_a_step_and_brings_it_down(study):
    history = study.train(steps=60)
    assert history.losses.shape == (60,)
    assert np.isfinite(history.losses).all()
    assert history.losses[-1] < history.losses[0]


@study
def test_losses_are_taken_before_the_step(study):
    one, two, tiny = study.train(steps=1), study.train(steps=2), study.train(steps=2, learning_rate=1e-9)
    assert one.losses[0] == two.losses[0]
    assert two.losses[1] != two.losses[0]
    assert tiny.losses[1] == pytest.approx(tiny.losses[0], rel=1e-5)


@study
def test_training_is_deterministic_and_follows_its_seed(study):
    first, again, other = study.train(steps=5), study.train(steps=5), study.train(steps=5, seed=1)
    assert np.array_equal(first.losses, again.losses)
    assert all(map(np.array_equal, first.parameters, again.parameters))
    assert not np.array_equal(first.losses, other.losses)


@study
def test_learning_rate_is_the_length_of_the_step(study):
    start = study.train(steps=0).parameters
    moved = [study.train(steps=1, learning_rate=rate).parameters for rate in (1e-6, 2e-6)]
    for origin, once, twice in zip(start, *moved, strict=True):
        # one example at a time, later examples of a pass see earlier steps, a second-order effect of size 1e-6
        np.testing.assert_allclose(twice - origin, 2 * (once - origin), rtol=1e-3, atol=1e-13)


@study
def test_global_random_state_is_left_alone(study):
    np.random.seed(7)  # noqa: NPY002  (the legacy global state is what is being watched)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    study.train(steps=2)
    study.cases()
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@study
def test_training_writes_to_nothing_that_it_was_given(study):
    first = study.train(steps=3).losses
    study.train(steps=40)
    assert np.array_equal(first, study.train(steps=3).losses)


@study
def test_negative_steps_are_refused(study):
    with pytest.raises(ValueError, match="steps=-1"):
        study.train(steps=-1)
