"""Networks of layer objects: shapes, the factor and sign as found, the step function, XOR and digits."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck import check_grad
from reference_impls.case_studies.digits import Digits, one_hot, shipped
from reference_impls.case_studies.layer_network import (
    STEP,
    Layer,
    Network,
    as_called_mse_gradient,
    as_found_mse_gradient,
    digits,
    fit_weights,
    gradient,
    loss,
    mse_gradient,
    trained,
    weights,
    xor,
)
from reference_impls.case_studies.layer_network.__main__ import main
from reference_impls.case_studies.layer_network.network import assemble
from reference_impls.case_studies.layer_network.weights import ACTIVATIONS, accuracy


def layer(inputs, outputs, activation="sigmoid"):
    return Layer(np.ones((outputs, inputs)), activation=activation)


def test_layers_are_added_at_a_position_and_removed():
    network = Network([layer(2, 3)])
    network.add_layer(layer(3, 1, "relu"))
    network.add_layer(layer(3, 3, "softmax"), 1)
    assert repr(network) == "Network(sigmoid layer 2 -> 3, softmax layer 3 -> 3, relu layer 3 -> 1)"
    assert network.forward(np.ones(2)).shape == (1,)
    removed = network.remove_layer(1)
    assert repr(removed) == "softmax layer 3 -> 3"
    assert network.remove_layer().activation == "relu"
    assert repr(network) == "Network(sigmoid layer 2 -> 3)"


def test_mismatch_names_both_layers_and_changes_nothing():
    network = Network([layer(2, 3), layer(3, 1, "relu")])
    before = repr(network)
    message = r"layer 0 \(sigmoid layer 2 -> 3\) gives 3 outputs, but layer 1 \(step layer 4 -> 3\) takes 4"
    with pytest.raises(ValueError, match=message):
        network.add_layer(layer(4, 3, "step"), 1)
    with pytest.raises(ValueError, match=r"layer 0 .* layer 1"):
        Network([layer(2, 3), layer(2, 1)])
    network.add_layer(layer(3, 3), 1)
    network.layers[1] = Layer(np.ones((3, 3)))
    network.remove_layer(1)
    assert repr(network) == before


def test_removing_a_layer_that_joins_two_sizes_is_refused():
    network = Network([layer(2, 3), layer(3, 4), layer(4, 1)])
    with pytest.raises(
        ValueError, match=r"layer 0 \(sigmoid layer 2 -> 3\) .* layer 1 \(sigmoid layer 4 -> 1\)"
    ):
        network.remove_layer(1)
    assert len(network.layers) == 3


def test_unknown_activation_and_unfit_biases_are_refused():
    with pytest.raises(ValueError, match="activation='swish' is unknown; known are sigmoid"):
        layer(2, 3, "swish")
    with pytest.raises(ValueError, match=r"biases has the shape \(2,\).*need \(3,\)"):
        Layer(np.ones((3, 2)), np.ones(2))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_huge_inputs_do_not_overflow(activation):
    network = Network([Layer(np.array([[1e4, 0.0], [0.0, -1e4]]), activation=activation)])
    with np.errstate(over="raise", invalid="raise"):
        output = network.forward(np.ones(2))
        network.backward(np.ones(2))
    np.testing.assert_allclose(output, [1, 0], atol=1e-300)
    assert np.isfinite(network.layers[0].weights_gradient).all()


def test_as_found_factor_is_the_number_of_outputs():
    images, labels = shipped()
    point = (trained(), images[0], one_hot(labels)[0], ACTIVATIONS)
    for right, found in zip(gradient(*point), gradient(*point, as_called_mse_gradient), strict=True):
        for name in ("weights", "biases"):
            np.testing.assert_allclose(found[name], 10 * right[name], rtol=1e-12)


def test_as_found_factor_is_invisible_on_xor():
    point = (xor.start(), xor.X[1], xor.Y[1], xor.ACTIVATIONS)
    for right, found in zip(gradient(*point), gradient(*point, as_called_mse_gradient), strict=True):
        assert all(np.array_equal(found[name], right[name]) for name in right)


def test_sign_as_found_is_wrong_by_the_argument_names():
    y_pred, y_true = np.array([0.2, 0.9]), np.array([0.0, 1.0])
    assert np.array_equal(as_found_mse_gradient(y_pred, y_true), -2 * mse_gradient(y_pred, y_true))
    assert np.array_equal(as_called_mse_gradient(y_pred, y_true), 2 * mse_gradient(y_pred, y_true))


def test_step_network_says_which_layers_cannot_learn():
    network = assemble(xor.start(), STEP)
    assert network.cut_off() == [0]
    assert assemble(xor.start(), ("sigmoid", "step")).cut_off() == [0, 1]
    assert assemble(xor.start(), xor.ACTIVATIONS).cut_off() == []
    params = xor.start()
    first, last = gradient(params, xor.X, xor.Y, STEP)
    assert not np.any(first["weights"]) and not np.any(first["biases"])
    assert np.any(last["weights"])


def test_report_through_a_step_says_that_the_first_layer_was_not_tested():
    def f(params, x, y):
        return loss(params, x, y, STEP)

    def claim(params, x, y):
        return gradient(params, x, y, STEP)

    params = xor.start()
    params[0]["biases"] += 0.5  # with 0, one sum stands exactly on the jump
    report = check_grad(f, claim, params, xor.X, xor.Y, argnums=0)
    resolution = {leaf.path: leaf.resolution for leaf in report.leaves}
    assert resolution["params[0]['weights']"] is None
    assert resolution["params[0]['biases']"] is None
    assert resolution["params[1]['weights']"] < 1e-6


def test_xor_at_the_three_learning_rates():
    learns = xor.train()
    assert learns.losses.shape == learns.accuracies.shape == (3000,)
    assert learns.losses[-1] < 1e-20
    assert learns.accuracies[-1] == 1
    too_slow, too_fast = (xor.train(learning_rate=rate, steps=500).losses for rate in xor.LEARNING_RATES[1:])
    assert 0.15 < too_slow[-1] < too_slow[100] < 0.21
    assert too_fast[-1] == 0.5  # the relu unit is dead: it says 0 to all four


def test_xor_derivation_as_found_trains_alike():
    right, found = (xor.train(steps=50, loss_gradient=g) for g in (mse_gradient, as_called_mse_gradient))
    assert np.array_equal(right.losses, found.losses)


def test_trained_weights_know_digits_they_have_not_seen():
    assert accuracy(assemble(trained(), ACTIVATIONS), shipped()) > 0.9
    assert accuracy(assemble(digits.random(), ACTIVATIONS), shipped()) < 0.3
    assert accuracy(assemble(digits.shifted(), ACTIVATIONS), shipped()) < 0.7


@pytest.mark.parametrize("name", list(digits.STARTS))
def test_digits_improve_from_every_start(name):
    history = digits.train(digits.STARTS[name](), steps=3)
    assert history.losses.shape == history.accuracies.shape == (3,)
    assert history.losses[2] < history.losses[1] < history.losses[0]


def test_as_found_equals_ten_times_the_learning_rate():
    images, labels = shipped()
    few = shipped()._replace(images=images[:60], labels=labels[:60])
    found = digits.train(digits.shifted(), few, steps=2, loss_gradient=as_called_mse_gradient)
    right = digits.train(digits.shifted(), few, steps=2, learning_rate=1.0)
    np.testing.assert_allclose(found.losses, right.losses, rtol=1e-9)


def test_training_leaves_the_start_alone():
    start = trained()
    digits.train(start, shipped()._replace(images=shipped().images[:5], labels=shipped().labels[:5]), steps=1)
    assert all(np.array_equal(a[n], b[n]) for a, b in zip(start, trained(), strict=True) for n in a)


def test_command_that_fits_the_weights(monkeypatch, tmp_path, capsys):
    images, labels = shipped()
    monkeypatch.setattr(fit_weights, "remaining", lambda: Digits(images[:100], labels[:100]))
    for module in (weights, fit_weights):
        monkeypatch.setattr(module, "FILE", tmp_path / "weights.npz")
    fit_weights.main()
    assert [layer["weights"].shape for layer in trained()] == [(128, 784), (64, 128), (10, 64)]
    fitted = assemble(trained(), ACTIVATIONS)
    assert accuracy(fitted, Digits(images[:100], labels[:100])) > 0.4  # a tenth by chance
    assert "accuracy on the shipped digits" in capsys.readouterr().out


def test_command(capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plots")
    main(["--steps", "60", "--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "learning rate 0.4" in printed
    assert "layer 0 of Network(step layer 2 -> 2, relu layer 2 -> 1) cannot learn" in printed
    assert printed.count("digits from") == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "layer_network_digits.png",
        "layer_network_xor.png",
    ]
