"""Every derivation of the corpus through the checks: wrong ones fail, right ones pass, random ones are neither."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import gradcheck
from tests.corpus import specimens
from tests.corpus.specimen import Specimen

ALL = {s.name: s for s in specimens()}
VERDICTS = {
    "right": {"pass"},
    "wrong": {"fail"},
    "random": {"inconclusive"},
    "kink": {"pass", "inconclusive"},
}


@cache
def report(name: str) -> Any:
    """What the check says at its defaults."""
    s: Specimen = ALL[name]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        check = getattr(gradcheck, f"check_{s.kind}")
        return check(s.f, s.claim, *s.args, argnums=s.argnums, raise_on_failure=False)


@pytest.mark.parametrize("name", ALL)
def test_verdict(name: str) -> None:
    """The verdict fits the label at a bounded cost; a failure has a diagnosis, an abstention a reason."""
    found = report(name)

    assert found.verdict in VERDICTS[ALL[name].label], str(found)
    assert found.evaluations <= 300
    assert bool(found.diagnoses) == (found.verdict == "fail")
    assert bool(found.reasons) == (found.verdict == "inconclusive")


def test_valid_subgradients_pass() -> None:
    """At least 95 % of them; the rest may be left open, none is accused (`test_verdict`)."""
    passed = [report(name).ok for name, s in ALL.items() if s.label == "kink"]

    assert np.mean(passed) >= 0.95


@pytest.mark.parametrize("name", [name for name, s in ALL.items() if s.entry is not None])
def test_the_wrong_entry_is_found(name: str) -> None:
    """Where one entry is wrong, it is the worst one of its leaf."""
    worst = {leaf.path: leaf.worst_index for leaf in report(name).leaves}
    entry = ALL[name].entry

    # of a dense Jacobian the output's index comes first
    assert [worst[path][-len(entry) or None :] for path in ALL[name].leaf] == [entry]
