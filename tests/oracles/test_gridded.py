"""Functions on a coarse grid: the bound holds in each precision, and is not absurdly wide."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcheck.oracles.derivative import derivative
from gradcheck.oracles.gridded import gridded
from gradcheck.oracles.ladder import Samples

ml_dtypes = pytest.importorskip("ml_dtypes")

FORMATS = {"single": np.float32, "half": np.float16, "bfloat16": ml_dtypes.bfloat16}

FUNCTIONS = {
    "sine": (lambda t, a: np.sin(a + t), np.cos),
    "exponential": (lambda t, a: np.exp(a + 0.7 * t), lambda a: 0.7 * np.exp(a)),
    "linear": (lambda t, a: a + 1.7 * a * t, lambda a: 1.7 * a),
    "square": (lambda t, a: (a + t) ** 2 + 3.0, lambda a: 2.0 * a),
    "logarithm": (lambda t, a: np.log(2.0 + a * a + t), lambda a: 1.0 / (2.0 + a * a)),
    "steep": (lambda t, a: np.tanh(a + 2.0 * t), lambda a: 2.0 * (1.0 - np.tanh(a) ** 2)),
    "offset": (lambda t, a: 10.0 + np.sin(a + t), np.cos),
}


def drawn(name, seed):
    f, slope = FUNCTIONS[name]
    a = np.random.default_rng([seed, 3]).normal()
    return (lambda t: f(t, a)), slope(a)


@pytest.mark.parametrize("precision", FORMATS)
def test_the_bound_holds_and_is_no_wider_than_it_must_be(precision) -> None:
    kind = FORMATS[precision]
    held, ratios = [], []
    for name in FUNCTIONS:
        for seed in range(30):
            f, exact = drawn(name, seed)
            estimate = derivative(lambda t, f=f: float(np.asarray(f(t)).astype(kind)))
            held.append(abs(estimate.value - exact) <= estimate.error)
            ratios.append(estimate.error / max(abs(estimate.value - exact), 1e-300))
            assert estimate.evaluations <= 60

    assert np.mean(held) >= 0.995
    assert np.median(ratios) < 50.0


@pytest.mark.parametrize("precision", FORMATS)
def test_an_argument_that_is_rounded_first(precision) -> None:
    kind = FORMATS[precision]
    held, ratios = [], []
    for name in FUNCTIONS:
        for seed in range(30):
            f, exact = drawn(name, seed)
            place, speed = 0.7 + 0.1 * seed, 10.0 ** (seed % 4 - 2)
            estimate = derivative(
                lambda t, f=f, b=place, s=speed: f(float(np.asarray(b + s * t).astype(kind)) - b)
            )
            held.append(abs(estimate.value - speed * exact) <= estimate.error)
            ratios.append(estimate.error / max(abs(estimate.value - speed * exact), 1e-300))
            assert estimate.evaluations <= 60

    assert np.mean(held) >= 0.98
    assert np.median(ratios) < 50.0


@pytest.mark.parametrize("exponent", [-3, -1, 1, 3])
def test_no_scale_is_presumed_on_a_grid(exponent) -> None:
    scale = 1.7 * 10.0**exponent
    for seed in range(20):
        f, exact = drawn("sine", seed)
        estimate = derivative(lambda t, f=f: float(np.float32(f(scale * t))))
        assert abs(estimate.value - scale * exact) <= estimate.error < 0.01 * scale


@pytest.mark.parametrize(
    ("phi", "size"),
    [
        (lambda t: float(np.float32(np.sin(1 + t))), 2.0**-25),
        (lambda t: float(f"{np.sin(1 + t):.4f}"), 5e-5),
        (lambda t: 1e9 + np.sin(1 + t), 6e-8),
    ],
    ids=["single", "text", "offset"],
)
def test_the_noise_of_one_value_is_told(phi, size) -> None:
    assert 0.1 * size < derivative(phi).noise < 20.0 * size


def test_a_stair_is_not_taken_for_a_constant_where_the_grid_is_known() -> None:
    grid = 2.0**-16
    for seed in range(30):
        slope = np.random.default_rng(seed).uniform(-1.0, 1.0) * 2e-4
        estimate = derivative(lambda t, s=slope: grid * np.round((1.0 + s * t) / grid), grid=grid)
        assert abs(estimate.value - slope) <= estimate.error


@pytest.mark.parametrize("digits", [3, 6])
def test_text_with_a_few_decimals(digits) -> None:
    for name in FUNCTIONS:
        f, exact = drawn(name, 1)
        estimate = derivative(lambda t, f=f: float(f"{f(t):.{digits}f}"), grid=10.0**-digits)
        assert abs(estimate.value - exact) <= estimate.error < 1e3 * 10.0**-digits


@pytest.mark.parametrize("slope", [1.0, -3.0])
def test_a_kink_at_zero_is_told_with_both_slopes(slope) -> None:
    estimate = derivative(lambda t: float(np.float32(2.0 + slope * max(t, 0.0))))

    assert not estimate.smooth
    assert sorted((estimate.left, estimate.right)) == pytest.approx(sorted((0.0, slope)), abs=1e-3)


def test_what_is_not_callable_is_named() -> None:
    with pytest.raises(TypeError, match="phi must be callable, got phi=3"):
        derivative(3)


def test_a_part_in_single_precision_beside_one_in_double() -> None:
    held = []
    for seed in range(60):
        (crude, slope), (fine, other) = drawn("sine", seed), drawn("exponential", seed + 60)
        share = 10.0 ** np.random.default_rng(seed).uniform(-2.0, 0.5)
        estimate = derivative(lambda t, f=crude, g=fine, s=share: float(np.float32(f(t))) + s * g(t))
        held.append(abs(estimate.value - slope - share * other) <= estimate.error)

    # where a stair ends beside 0 the step looks like a jump: known to be missed
    assert np.mean(held) >= 0.9


def test_no_steps_are_asked_for_that_see_the_part_in_double_alone() -> None:
    for seed in range(60):
        (crude, slope), (fine, other) = drawn("square", seed), drawn("exponential", seed + 60)
        memory = Samples(lambda t, f=crude, g=fine: float(np.float32(f(t))) + 0.5 * g(t), None)
        estimate = gridded(
            memory, 2.0**-52, 1e-9
        )  # that phi's values lie on a grid coarser than this is not seen
        assert abs(estimate.value - slope - 0.5 * other) <= estimate.error < 1e-3
        assert type(estimate.value) is type(estimate.error) is float


@pytest.mark.parametrize("narrow", [np.float32, np.float16])
@pytest.mark.parametrize("n", [3, 10])
def test_stairs_beneath_all_levels_are_no_flat_function(narrow, n):
    """What is narrowed inside and summed in double has ever finer stairs: the last of them looks like a plateau."""
    far = []
    for seed in range(50):
        w, d, c = np.random.default_rng(seed).standard_normal((3, n))
        found = derivative(lambda t, w=w, d=d, c=c: float(np.sum(c * narrow(w + t * d).astype(float))))
        if abs(found.value - c @ d) > 10.0 * found.error:
            far.append((seed, found.value, found.error, float(c @ d)))
    assert far == []


@pytest.mark.parametrize("edge", [1e-8, 1e-6, 1e-4, 1e-2])
def test_a_dead_zone_is_flat_for_all_that(edge):
    found = derivative(lambda t: math.copysign(max(abs(t) - edge, 0.0), t))

    assert found.value == 0.0
    assert found.error < 1e-3


@pytest.mark.parametrize("slope", [0.8e-4, 1e-4, 1.2e-4])
@pytest.mark.parametrize("scale", [20.0, 60.0])
def test_a_slope_that_steps_near_one_hardly_tell_is_told_by_longer_ones(slope, scale) -> None:
    estimate = derivative(
        lambda t: float(np.float32(57.0 + slope * scale * math.sin(t / scale))), grid=2.0**-18
    )

    assert abs(estimate.value - slope) <= estimate.error <= 0.03 * slope
