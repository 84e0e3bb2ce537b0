"""Every kind of mistake, planted in right gradients, is named, with leaf and entry."""

from __future__ import annotations

import pytest

import gradcheck.explain.diagnose
from gradcheck.explain.diagnose import diagnose
from tests.diagnose.planted import Planted, in_several, planted, right, systems


@pytest.fixture(autouse=True)
def _no_breakdown(monkeypatch):
    """A hypothesis that raises is a bug here."""
    monkeypatch.setattr(
        gradcheck.explain.diagnose, "tested", lambda hypothesis, about, budget: list(hypothesis(about))
    )


def assert_named(case: Planted) -> None:
    found = diagnose(case.evidence)

    assert found[0].kind in case.kinds, (case.name, found[0])
    assert found[0].leaf in case.leaves, (case.name, found[0])
    if case.entry is not None:
        assert tuple(found[0].evidence["index"]) == case.entry, case.name


def spread(seed: int, traced: bool, stride: int) -> list[Planted]:
    return list(planted(seed, traced))[seed % stride :: stride]


@pytest.mark.parametrize("case", spread(3, traced=True, stride=17), ids=lambda case: case.name)
def test_a_planted_mistake_is_named(case):
    assert_named(case)


@pytest.mark.parametrize("case", spread(4, traced=False, stride=17), ids=lambda case: case.name)
def test_a_planted_mistake_in_one_leaf_is_named_without_a_trace(case):
    assert_named(case)


CHAINS = [case for system in systems(5) for case in in_several(system, right(system, 5))]


@pytest.mark.parametrize("case", CHAINS, ids=lambda case: case.name)
def test_a_slip_in_the_chain_is_named_for_all_the_leaves_that_it_spoils(case):
    assert_named(case)
    first = diagnose(case.evidence)[0]
    told = first.evidence.get("leaves", [first.leaf])

    assert set(told) <= set(case.leaves)


def test_every_diagnosis_names_a_known_kind_and_ends_in_a_full_stop():
    from gradcheck.findings import KINDS

    for case in CHAINS[::3]:
        for found in diagnose(case.evidence):
            assert found.kind in KINDS
            assert found.message.rstrip()[-1] in ".?"
            assert found.certainty in ("certain", "likely", "possible")
