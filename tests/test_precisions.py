"""Every kind of tests/kinds: no right one is accused, nearly all pass, and wrong twins fail where they can be told."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.kinds import kinds
from tests.kinds.kind import one_entry, scaled

KINDS = {kind.name: kind for kind in kinds()}
SEEDS = range(3)


@cache
def report(name: str, seed: int):
    return KINDS[name].draw(seed).report(seed=seed)


@pytest.mark.parametrize("name", KINDS)
def test_right_ones_are_not_accused(name) -> None:
    for seed in SEEDS:
        found = report(name, seed)
        assert found.verdict != "fail", f"seed {seed}\n{found}"


def test_nearly_all_right_ones_pass() -> None:
    assert np.mean([report(name, seed).ok for name in KINDS for seed in SEEDS]) >= 0.95


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.shows])
@pytest.mark.parametrize(
    "spoil, factor, size", [(scaled, 2.0, 0.5), (scaled, 1.1, 0.1), (one_entry, 1.5, 0.3)]
)
def test_wrong_twins_fail_where_the_resolution_is_finer(name, spoil, factor, size) -> None:
    for seed in SEEDS:
        right = report(name, seed)
        resolutions = [leaf.resolution for leaf in right.leaves if leaf.resolution is not None]
        if right.ok and resolutions and max(resolutions) < size / 3.0:
            found = spoil(KINDS[name].draw(seed), factor).report(seed=seed)
            assert found.verdict == "fail", f"seed {seed}, resolution {max(resolutions):.2g}\n{found}"
