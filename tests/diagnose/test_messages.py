"""The sentences that a user reads, word for word."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gradcheck
from gradcheck.explain.diagnose import diagnose
from gradcheck.findings import Diagnosis
from tests.diagnose.planted import inside, right, systems, with_claims

SYSTEMS = {system.name: system for system in systems(2)}


def told(one: Diagnosis) -> str:
    """What was seen, and where to look."""
    return f"{one.message} {one.advice}".rstrip()


def first(name, claims):
    base = right(SYSTEMS[name], 2)
    return told(diagnose(with_claims(base, claims(base.leaves)))[0])


def slip(name, what):
    base = right(SYSTEMS[name], 2)
    claims = next(claims for given, _, claims in inside(SYSTEMS[name]) if given == what)
    wrong = {
        i: c for i, c in enumerate(claims) if not np.allclose(c, base.leaves[i].truth, rtol=1e-9, atol=0.0)
    }
    return told(diagnose(with_claims(base, wrong))[0])


def test_weights_off_by_the_batch_size():
    message = first("tanh_mse", lambda leaves: {0: 7 * leaves[0].truth, 2: 7 * leaves[2].truth})

    assert message == (
        "W1 and W2 are 7 times the truth; 7 is the batch size. "
        "Divide by 7: is the loss a mean where the gradient is a sum, or the other way round?"
    )


def test_sign():
    message = first("rosenbrock", lambda leaves: {0: -leaves[0].truth})

    assert message == (
        "x has the wrong sign: the claim is -1 times the truth in every entry. "
        "Look for a lost or doubled minus, or for arguments swapped in a difference."
    )


def test_leaves_exchanged():
    message = first("square_net", lambda leaves: {0: leaves[1].truth, 1: leaves[0].truth})

    assert message == ("A and B carry each other's gradient. Exchange A and B in what the claim returns.")


def test_activation_forgotten_in_a_hidden_layer():
    assert slip("tanh_mse", "activation forgotten") == (
        "W1 and b1 are as if the derivative of the tanh of the sum of shape (7, 5) were left out (taken as 1); "
        "the error enters between W2 and b1. "
        "Multiply by that derivative where the chain goes through it."
    )


def test_softmax_with_its_diagonal_only():
    assert slip("attention", "softmax's diagonal only") == (
        "Q and K are as if the softmax had as its derivative only the diagonal of its Jacobian, p (1 - p); "
        "the error enters between V and K. The pullback of p = softmax(z) is p * (g - sum(p * g)): "
        "every output depends on every input."
    )


def test_one_entry():
    def claims(leaves):
        wrong = leaves[0].truth.copy()
        wrong[2, 1] = 0.0
        return {0: wrong}

    truth = right(SYSTEMS["tanh_mse"], 2).leaves[0].truth[2, 1]

    assert first("tanh_mse", claims) == (
        f"one entry of W1 is wrong: [2, 1] is 0, the truth {truth:.6g}. "
        "Look at how that entry is indexed: first, last, a boundary, a branch that only it takes."
    )


def test_penalty_forgotten_says_its_coefficient():
    message = slip("logistic_l2", "penalty forgotten")

    assert "0.3 times w" in message
    assert "left out" in message or "too few" in message


@pytest.mark.parametrize("name", ["tanh_mse", "lstm"])
def test_an_error_of_no_known_kind_is_described(name):
    noise = np.random.default_rng(1)
    message = first(
        name,
        lambda leaves: {
            i: leaf.truth * noise.uniform(-3, 3, leaf.truth.shape) for i, leaf in enumerate(leaves)
        },
    )

    assert "in no way known here" in message
    assert "cosine" in message


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1.5, "w is 1.5 times the truth. Divide by 1.5: look for a constant that was lost, or taken twice."),
        (0.5, "w is 0.5 times the truth. Look at the derivative of a square, and at a 1/2 in the loss."),
        (-2.0, "w is minus 2 times the truth. Look at the derivative of a square, and at a 1/2 in the loss."),
        (
            1 / 3,
            "w is 1 / 3 times the truth. Multiply by 3: look for a constant that was lost, or taken twice.",
        ),
    ],
)
def test_a_number_is_not_explained_by_itself(factor, said):
    message = first("logistic_l2", lambda leaves: {0: factor * leaves[0].truth})

    assert message == said


def test_the_same_by_another_name_is_kept_as_data_and_not_told():
    X = np.random.default_rng(0).standard_normal((6, 3))

    def loss(w):
        return np.sum(np.exp(X @ w))

    def gradient(w):
        return X.T @ np.ones(6)

    report = gradcheck.check_grad(loss, gradient, np.array([0.3, -0.2, 0.5]), raise_on_failure=False)

    synonyms = [one.kind for one in report.diagnoses if one.evidence.get("synonym_of")]
    assert synonyms == ["wrong_activation_derivative"]
    assert report.diagnoses[0].kind == "missing_activation_derivative"
    for view in (str(report), report.to_html()):
        assert "may be called" not in view
        assert "missing activation derivative" in view


@pytest.mark.parametrize("share", [1e-3, 2e-7, -3e-9])
def test_one_entry_is_shown_beside_the_truth_with_digits_that_tell_them_apart(share) -> None:
    def nearly(x):
        return np.cos(x) * np.where(np.arange(x.size) == 2, 1.0 + share, 1.0)

    x = np.array([0.3, 1.2, 2.0, 0.7])
    report = gradcheck.check_grad(lambda x: np.sum(np.sin(x)), nearly, x, raise_on_failure=False)
    (message,) = (told(one) for one in report.diagnoses if one.kind == "single_entry")
    claimed, truth = re.search(r"\[2\] is (\S+), the truth (\S+)\.", message).groups()

    assert claimed != truth
    assert float(truth) == pytest.approx(np.cos(2.0), rel=abs(share))
