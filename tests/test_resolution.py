"""Resolution: what a pass by differences alone says it would have caught, it catches."""

import math
from functools import cache

import numpy as np
import pytest

from gradcheck import check_grad
from gradcheck.findings import Verdict
from gradcheck.judge.entrywise import Entrywise
from gradcheck.judge.facts import Fact, Purpose, Question
from gradcheck.judge.judge import case_of, judge
from gradcheck.judge.resolution import by_directions, entrywise, miss_probability
from gradcheck.judge.slope import Slope
from gradcheck.oracles.ball import MARGIN, Ball
from tests.pairings import pairing

SIZE = 12
A = np.random.default_rng(1).normal(size=(7, SIZE)) / np.sqrt(SIZE)
X = np.random.default_rng(2).uniform(0.5, 1.5, SIZE)
LEAVES = (8, 4)


def smooth(x):
    return float(np.sum(np.sin(A @ x)))


def gradient(x):
    return A.T @ np.cos(A @ x)


def noisy(x):
    """The same with noise of 1e-9, drawn anew for each double: as an f of some thousand steps has it."""
    return smooth(x) + 1e-9 * math.sin(1e18 * float(np.sum(x)))


FUNCTIONS = {"smooth": (smooth, 0.0), "noisy": (noisy, 2e-9)}
SEEDS = {"smooth": 1000, "noisy": 300}
"""So many that a rate of a hundredth is told from one of half of it where a seed costs a millisecond."""


def judged(name, claim, seed, rtol=1e-2):
    f, spread = FUNCTIONS[name]
    made = pairing(f, claim, X, leaves=LEAVES, spread=spread, magnitude=7.0)
    return judge(case_of(made, None, rtol), np.random.default_rng(seed))


@cache
def stated(name, seed):
    """Of each leaf the resolution that a right claim passes with; None where there is none."""
    right = judged(name, gradient, seed)
    return [one.resolution if right.verdict is Verdict.PASS else None for one in right.seen]


def planted(kind, leaf, relative, seed):
    """The gradient with an error of ``relative`` times the leaf's norm in one leaf."""
    generator = np.random.default_rng(10_000 + seed)
    part = slice(0, LEAVES[0]) if leaf == 0 else slice(LEAVES[0], SIZE)
    right = gradient(X)[part]
    if kind == "uniform":
        error = right / np.linalg.norm(right)
    elif kind == "signs":
        error = np.abs(right) * generator.choice((-1.0, 1.0), right.size)
        error /= np.linalg.norm(error)
    else:
        error = np.zeros(right.size)
        error[generator.integers(right.size)] = 1.0
    off = np.zeros(SIZE)
    off[part] = relative * np.linalg.norm(right) * error
    return lambda x: gradient(x) + off


@pytest.mark.parametrize("kind", ["uniform", "signs", "single"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_of_three_resolutions_do_not_pass(name, kind) -> None:
    missed = tested = 0
    for seed in range(SEEDS[name]):
        leaf = seed % 2
        resolution = stated(name, seed)[leaf]
        if resolution is None:
            continue
        tested += 1
        missed += judged(name, planted(kind, leaf, 3.0 * resolution, seed), seed).verdict is Verdict.PASS

    assert tested > 0.95 * SEEDS[name]
    assert missed / tested < 0.01


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_right_claim_passes_with_a_resolution_that_is_neither_zero_nor_all(name) -> None:
    for seed in range(20):
        seen = judged(name, gradient, seed).seen
        assert all(0.0 < one.resolution < 0.3 for one in seen)


def test_a_sharper_function_is_resolved_more_sharply() -> None:
    sharp, dull = (judged(name, gradient, 0).seen[0].resolution for name in FUNCTIONS)

    assert 10.0 * sharp < dull


@pytest.mark.parametrize("relative", [0.003, 0.01, 0.03])
def test_the_probability_of_a_miss_bounds_what_is_seen(relative) -> None:
    """Errors spread over a leaf with signs at random, small enough to be missed now and then."""
    bounds, missed = [], 0
    for seed in range(300):
        facts, made = looked(seed, radius=0.02)
        bounds.append(min(1.0, miss_probability(made.slots, made, facts, relative)))
        off = planted("signs", 0, relative, seed)(X) - gradient(X)
        missed += all(abs(float(off @ fact.question.v)) <= fact.radius for fact in facts)

    # three standard deviations of a count
    assert missed / 300 <= np.mean(bounds) + 3.0 * np.sqrt(0.25 / 300)
    assert relative < 0.03 or np.mean(bounds) < 1.0


def looked(seed, radius, directions=1):
    """Facts about one group of all entries, each with ``radius`` as a share of what the leaf contributes."""
    made = pairing(smooth, gradient, X, leaves=LEAVES)
    generator, mask = np.random.default_rng(seed), np.ones(SIZE, dtype=bool)
    facts = []
    for _ in range(directions):
        v = generator.uniform(0.5, 1.5, SIZE) * generator.choice((-1.0, 1.0), SIZE) * X
        value = float(gradient(X) @ v)
        share = radius * float(np.linalg.norm((gradient(X) * v)[: LEAVES[0]]))
        claim = Ball(np.asarray(value), np.asarray(0.0))
        facts.append(
            Fact(Question(Purpose.GROUP, v, mask), claim, None, Slope(value, value, share), made.span(v))
        )
    return facts, made


def test_more_directions_sharpen_the_look() -> None:
    seen = []
    for directions in (1, 2, 3):
        facts, made = looked(0, 1e-4, directions)
        seen.append(by_directions(made.slots[0], made, facts, 0.0).resolution)

    assert seen[0] > seen[1] > seen[2]
    assert miss_probability(made.slots, made, facts, 0.1) < miss_probability(made.slots, made, facts[:1], 0.1)


def test_what_no_direction_looked_at_is_hidden() -> None:
    facts, made = looked(0, 1e-6)

    assert by_directions(made.slots[0], made, [], 0.0).hidden == LEAVES[0]
    assert by_directions(made.slots[0], made, [], 0.0).resolution is None
    assert by_directions(made.slots[0], made, facts, 0.0).hidden == 0


def test_a_look_too_dull_for_the_leaf_itself_is_no_look() -> None:
    facts, made = looked(0, 2.0)
    seen = by_directions(made.slots[0], made, facts, 0.0)

    assert seen.resolution is None
    assert seen.hidden == LEAVES[0]


def test_entry_by_entry_the_largest_radius_counts_relative_to_the_largest_entry() -> None:
    made = pairing(smooth, gradient, X, leaves=LEAVES)
    value, radius = np.full(SIZE, 2.0), np.full(SIZE, 1e-9)
    value[0], radius[1], value[LEAVES[0] :] = 10.0, 1e-6, 0.0
    both = Ball(value, 0.5 * radius)
    entries = Entrywise(both, both, np.zeros(SIZE))

    # caught whoever else is silent
    assert entrywise(made.slots[0], entries).resolution == pytest.approx(MARGIN * 1e-7)
    assert entrywise(made.slots[1], entries).resolution is None  # a leaf of zeros was not tested


@pytest.mark.parametrize("seed", [295, 943])
def test_noise_that_leaves_the_engine_two_steps_is_no_crash(seed) -> None:
    report = check_grad(noisy, gradient, X, oracles="differences", seed=seed, raise_on_failure=False)

    assert report.verdict != "fail"
