"""A selection of the derivatives that public packages ship: right ones pass, wrong ones fail, and none is slow."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from tests.real_code.mutations import moved, planted
from tests.real_code.run import judge
from tests.real_code.shipped import Shipped

# module of the collection, what it needs, every how many-th of its derivatives is taken
SELECTION = (
    ("numpy_polynomial", "numpy", 3),
    ("autograd_rules", "autograd", 8),
    ("scipy_special", "scipy", 4),
    ("scipy_numerics", "scipy", 6),
    ("sklearn_losses", "sklearn", 5),
    ("sklearn_models", "sklearn", 12),
    ("statsmodels_pointwise", "statsmodels", 6),
    ("astropy_models", "astropy", 5),
    ("chemicals_correlations", "chemicals", 6),
)


@cache
def shipped_by(module: str, package: str) -> list[Shipped]:
    pytest.importorskip(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(importlib.import_module(f"tests.real_code.{module}").derivatives())


def selected(module: str, package: str, stride: int) -> Iterator[Shipped]:
    everything = shipped_by(module, package)
    yield from (s for s in everything if s.label == "wrong")
    yield from [s for s in everything if s.label == "right"][::stride]


@pytest.mark.parametrize(("module", "package", "stride"), SELECTION, ids=[row[0] for row in SELECTION])
def test_verdicts_are_the_labels(module: str, package: str, stride: int) -> None:
    outcomes = [judge(shipped) for shipped in selected(module, package, stride)]
    assert outcomes
    accused = [o.shipped.title for o in outcomes if o.shipped.label == "right" and o.verdict == "fail"]
    missed = [o.shipped.title for o in outcomes if o.shipped.label == "wrong" and o.verdict != "fail"]
    assert (accused, missed) == ([], [])
    # f may hide its derivative in its own rounding: undecided is fair there, but rare
    undecided = [f"{o.shipped.title} ({o.reason})" for o in outcomes if o.verdict == "inconclusive"]
    assert len(undecided) <= max(1, len(outcomes) // 100), undecided
    ordinary = [o.evaluations for o in outcomes if o.shipped.label == "right" and not o.shipped.point]
    # one of them to see which branches the point takes, one more where an object keeps what it saw then
    assert np.median(ordinary) <= 10


@pytest.mark.parametrize(
    ("module", "package"), [row[:2] for row in SELECTION], ids=[row[0] for row in SELECTION]
)
def test_titles_are_unique_and_labels_explained(module: str, package: str) -> None:
    everything = shipped_by(module, package)
    titles = [s.title for s in everything]
    assert len(set(titles)) == len(titles)
    assert all(s.reason for s in everything if s.label != "right")


def test_a_planted_error_is_caught_and_the_claim_left_alone() -> None:
    pytest.importorskip("sklearn")
    shipped = shipped_by("sklearn_losses", "sklearn")[0]
    spoiled = planted(shipped, np.random.default_rng(5))
    assert spoiled is not None
    assert spoiled.label == "wrong"
    assert judge(spoiled).verdict == "fail"
    assert judge(shipped).verdict == "pass"


def test_a_moved_point_is_another_point_where_f_is_finite() -> None:
    shipped = shipped_by("numpy_polynomial", "numpy")[0]
    elsewhere = moved(shipped, "jitter 5 %", np.random.default_rng(6))
    assert elsewhere is not None
    assert not np.array_equal(elsewhere.args[0], shipped.args[0])
    assert np.isfinite(elsewhere.f(*elsewhere.args)).all()
