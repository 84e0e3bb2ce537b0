"""What would mend a claim of the wrong shape."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.explain.diagnose import diagnose
from gradcheck.explain.evidence import Evidence, LeafEvidence
from gradcheck.findings import Diagnosis

TRUTH = np.arange(12.0).reshape(3, 4) - 5.0
BIAS = np.array([1.0, -2.0, 4.0])
NOTHING = np.zeros(1)


def explained(claimed, truth) -> Diagnosis:
    leaf = LeafEvidence(
        "b", 0, truth, np.asarray(claimed, dtype=float), truth, np.zeros(truth.shape), wrong=True
    )
    return diagnose(Evidence((leaf,), (), np.zeros(()), None))[0]


def test_missing_sum_over_the_batch_is_named_with_its_axis():
    found = explained(np.stack([0.25 * BIAS, 0.75 * BIAS]), BIAS)

    assert found.kind == "shape"
    assert found.evidence["mended_by"] == "its sum over axis 0"


def test_missing_mean_over_the_batch_is_told_from_a_missing_sum():
    found = explained(np.stack([0.5 * BIAS, 1.5 * BIAS]), BIAS)

    assert found.evidence["mended_by"] == "its mean over axis 0"


@pytest.mark.parametrize(
    ("claimed", "truth", "words"),
    [
        (BIAS[None], BIAS, "axis of length 1 was kept"),
        (BIAS, BIAS[None], "axis of length 1 was lost"),
        (BIAS[:, None], BIAS[None], "stands elsewhere"),
        (TRUTH.ravel(), TRUTH, "flattened or regrouped"),
        (2.0, np.full(3, 2.0), "one number stands for all"),
        (np.full(3, 6.0), np.full((3, 2), 3.0), "summed over axis 1"),
    ],
)
def test_axes_kept_lost_and_summed(claimed, truth, words):
    found = explained(claimed, truth)

    assert found.kind == "shape"
    assert words in found.message


def test_transposed_values_of_another_shape_are_a_transpose():
    assert explained(TRUTH.T, TRUTH).kind == "transpose"


def test_wrong_values_in_a_wrong_shape_are_not_said_to_be_right():
    found = explained(np.ones((4, 3)), TRUTH)

    assert found.kind == "shape"
    assert "values are right" not in found.message
    assert "mended_by" not in found.evidence


def test_truth_that_is_not_known_proves_nothing():
    truth = np.full(3, np.nan)

    assert "values are right" not in explained(np.ones((2, 3)), truth).message
