"""Every kind of tests/kinds: no right one is accused, nearly all pass, and wrong twins fail where they can be told."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import gradcheck
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


TWINS = ((scaled, 2.0, 0.5), (scaled, 1.1, 0.1), (one_entry, 1.5, 0.3))


@pytest.mark.gradcheck(budget=0)  # the mistake is not looked for: other tests are of that
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.shows])
def test_wrong_twins_fail_where_the_resolution_is_finer(name) -> None:
    """Each twin of a point of its own, or of the first that resolves it."""
    for number, (spoil, factor, size) in enumerate(TWINS):
        for seed in np.roll(SEEDS, -number).tolist():
            right = report(name, seed)
            resolutions = [leaf.resolution for leaf in right.leaves if leaf.resolution is not None]
            if right.ok and resolutions and max(resolutions) < size / 3.0:
                found = spoil(KINDS[name].draw(seed), factor).report(seed=seed)
                told = f"{spoil.__name__} by {factor}, seed {seed}, resolution {max(resolutions):.2g}"
                assert found.verdict == "fail", f"{told}\n{found}"
                break


@pytest.mark.gradcheck(budget=0)
@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith(("inside/", "rounding/"))])
def test_an_error_of_three_resolutions_is_caught(name) -> None:
    """Also where a claim as exact as autograd passes at once: f may round where neither sees it."""
    for seed in SEEDS:
        for leaf in report(name, seed).leaves:
            if leaf.resolution is not None and leaf.resolution < 0.3:
                wrong = scaled(KINDS[name].draw(seed), 1.0 + 3.0 * leaf.resolution)
                assert wrong.report(seed=seed).verdict == "fail", f"seed {seed}, {leaf.resolution:.2g}"
                break


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("far", [50.0, 300.0, 700.0])
def test_a_tail_that_autograd_rounds_to_zero_accuses_nobody(far, seed) -> None:
    z = far * np.random.default_rng(seed).uniform(-1.0, 1.0, (3, 4))

    def elu(z):
        return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))

    def elu_vjp(u, z):
        return u * np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))

    def tanh_vjp(u, z):
        return u * 4.0 * np.exp(-2.0 * np.abs(z)) / (1.0 + np.exp(-2.0 * np.abs(z))) ** 2

    assert gradcheck.check_vjp(elu, elu_vjp, z).ok
    assert gradcheck.check_vjp(np.tanh, tanh_vjp, z).verdict != "fail"
    with pytest.raises(gradcheck.GradientMismatch):
        gradcheck.check_vjp(elu, lambda u, z: 1.001 * elu_vjp(u, z), z)
