"""The column-major network: the ratios of the gradient as found, 4, 1, 4 and 1."""

from __future__ import annotations

import numpy as np
import pytest

from reference_impls.case_studies import column_major
from reference_impls.case_studies.column_major import X, Y, as_found_gradient, gradient, start, train


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_as_found_ratios_are_exactly_the_batch_size_and_one(seed):
    point = (X, Y, *start(seed))
    for ours, found, ratio in zip(gradient(*point), as_found_gradient(*point), (4, 1, 4, 1), strict=True):
        assert np.any(ours != 0)
        assert np.array_equal(found, ratio * ours)


def test_ratio_is_the_batch_size_and_no_other_four():
    point = (np.hstack([X, X[:, :1]]), np.hstack([Y, Y[:, :1]]), *start())
    np.testing.assert_allclose(as_found_gradient(*point)[0], 5 * gradient(*point)[0], rtol=1e-14)


def test_mended_trains_and_as_found_is_another_training():
    mended, found = train().losses, train(gradient=as_found_gradient).losses
    assert mended.shape == found.shape == (100,)
    # the same start: memory laid out otherwise may change the order in which a sum is taken
    assert mended[0] == pytest.approx(found[0], rel=1e-14)
    assert mended[-1] < 0.01 < mended[0]
    assert found[-1] < mended[-1]  # larger steps happen to help here, which is how the mistake stayed unseen


def test_command(capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plots")
    column_major.main(["--steps", "11", "--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "W1 as found is 4 times the derivative" in printed
    assert "b1 as found is 1 times the derivative" in printed
    assert (tmp_path / "column_major_losses.png").read_bytes().startswith(b"\x89PNG")
