"""Functional layers: the two mistakes apart and together, the layers by themselves, the plots."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reference_impls.case_studies.functional_layers import (
    as_found_gradient,
    as_found_sigmoid_gradient,
    data,
    fudged_gradient,
    gradient,
    layers,
    predict,
    start,
    train,
)
from reference_impls.case_studies.functional_layers.__main__ import main, points_plot, predictions_plot


def errors(claim, seed):
    """Largest error of each gradient over its largest entry."""
    point = (*data(seed), *start(seed))
    pairs = zip(gradient(*point), claim(*point), strict=True)
    return [np.max(np.abs(found - right)) / np.max(np.abs(right)) for right, found in pairs]


def test_size_of_the_mistakes():
    both, fudge, sigmoid = (
        errors(claim, seed=2) for claim in (as_found_gradient, fudged_gradient, as_found_sigmoid_gradient)
    )
    assert 0.22 < min(both) <= max(both) < 0.60
    assert 1.8e-4 < min(fudge) <= max(fudge) < 1.0e-3
    assert not np.allclose(both, sigmoid, rtol=1e-6)


def test_cross_entropy_needs_no_fudge_where_the_prediction_is_exactly_right():
    certain = np.array([[1.0], [0.0]])
    layer = layers.cross_entropy(certain)
    assert np.array_equal(layers.vjp(layer, "X", certain, np.ones((2, 1))), [[-1.0], [1.0]])


def test_sigmoid_pullback_does_not_overflow():
    far = np.array([[-2e3, 2e3]])
    with np.errstate(all="raise"):
        assert np.array_equal(layers.vjp(layers.sigmoid, "X", far, np.ones((1, 2))), [[0.0, 0.0]])


def test_gradient_of_a_chain_has_a_dict_a_layer():
    X, T = data()
    W0, B0, W1, B1 = start()
    chain = [
        layers.linear(W0, B0),
        layers.relu,
        layers.linear(W1, B1),
        layers.sigmoid,
        layers.cross_entropy(T),
    ]
    found = layers.gradient(chain)(X)
    assert [sorted(part) for part in found] == [["B", "W", "X"], ["X"], ["B", "W", "X"], ["X"], ["X"]]
    assert found[0]["X"].shape == X.shape
    assert np.array_equal(found[0]["W"], gradient(X, T, W0, B0, W1, B1)[0])


def test_unknown_parameter_is_named():
    with pytest.raises(ValueError, match="parameter='b': this layer has X, W, B"):
        layers.vjp(layers.linear(np.ones((2, 1)), np.ones(1)), "b", np.ones((3, 2)), np.ones((3, 1)))


def test_biases_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"B \(3,\); B needs the shape \(4,\)"):
        layers.linear(np.ones((2, 4)), np.ones(3))


def test_training_moves_predictions_to_the_truth():
    X, T = data()
    before, after = predict(X, *start()), predict(X, *train().parameters)
    assert train().losses.shape == (200,)
    assert np.mean(np.abs(after - T)) < np.mean(np.abs(before - T))
    assert not np.allclose(train(gradient=as_found_gradient).losses, train().losses)


def test_terminal_plots_show_every_point():
    pytest.importorskip("plotext", reason="needs the extra plots")
    X, T = data()
    picture = points_plot(X, T)
    body = [re.split("[│┤]", line)[1] for line in picture.splitlines() if re.search("[│┤]", line)]
    drawn = "".join(body)
    assert drawn.count("0") == np.sum(T == 0)
    assert drawn.count("1") == np.sum(T == 1)
    assert predictions_plot(T, T / 2 + 0.25) != predictions_plot(T, T / 2)
    assert points_plot(X, T) == picture  # plotext keeps one figure for all: nothing of the last plot may stay


def test_command(capsys, tmp_path):
    pytest.importorskip("plotext", reason="needs the extra plots")
    pytest.importorskip("matplotlib", reason="needs the extra plots")
    main(["--steps", "20", "--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert printed.count("truth: x, prediction: o") == 2
    assert "step     10  loss 6.96158812935" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["functional_layers_losses.png"]
