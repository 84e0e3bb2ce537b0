"""The rounding of a claim, measured from the claim: at least what it is, nowhere near an error."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from gradcheck.judge.rounding import FACTOR, measured, ulps
from tests.pairings import answer, met, pairing

DOUBLE, SINGLE = 2.0**-53, 2.0**-24
POINTS = {
    "near one": np.array([1.1, -0.7, 2.3, 0.2]),
    "small": np.array([1.1, -0.7, 2.3, 0.2]) * 1e-8,
    "large": np.array([1.1, -0.7, 2.3, 0.2]) * 1e8,
}


def deviation(claim, x, unit=DOUBLE, **fields):
    """The measured radius less the claim's own last digits, in deviations."""
    made = pairing(lambda at: 1.0, claim, x, unit=unit, **fields)
    with np.errstate(all="ignore"):
        return (measured(made.claim, made) - ulps(made.claim)) / FACTOR


@pytest.mark.parametrize("place", POINTS)
def test_a_clean_claim_shows_next_to_none(place) -> None:
    x = POINTS[place]

    # a thousandth of what is anywhere asked of a claim: curvature over the longest step counts as rounding
    assert np.all(deviation(lambda x: 3.0 * x**2, x) <= 1e-12 * 3.0 * x**2)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_cancellation_is_seen_at_its_own_size(offset) -> None:
    def claim(x):
        return (x + offset) - offset

    x = POINTS["near one"]
    error = np.abs(claim(x) - x)
    found = deviation(claim, x)

    assert FACTOR * found.max() >= error.max()
    assert np.all(found <= 64.0 * offset * DOUBLE)


def test_single_precision_inside_is_seen_when_the_claim_is_single() -> None:
    def claim(x):
        return np.cos(x.astype(np.float32)).astype(float)

    x = POINTS["near one"]
    found = deviation(claim, x, unit=SINGLE)

    assert np.all(found <= 1e-5)
    assert np.all(FACTOR * found + SINGLE >= np.abs(claim(x) - np.cos(x)))


@pytest.mark.parametrize("error", [1e-2, 0.5, 2.0])
def test_a_wrong_claim_shows_no_more_rounding_than_a_right_one(error) -> None:
    x = POINTS["near one"]
    right, wrong = deviation(np.cos, x), deviation(lambda x: (1.0 + error) * np.cos(x), x)

    assert np.all(wrong <= (1.0 + error) * right + 1e-15)


def test_a_jump_within_an_ulp_is_no_rounding() -> None:
    x = POINTS["near one"]

    assert np.all(deviation(lambda at: np.where(at == x, np.cos(x), 1.5 * np.cos(x)), x) <= 1e-14)


def test_a_claim_that_cannot_be_asked_again_shows_its_last_digits_alone() -> None:
    x = POINTS["near one"]

    assert np.all(deviation(lambda at: np.cos(x) if np.array_equal(at, x) else None, x) == 0.0)


def test_the_spread_from_call_to_call_is_part_of_it() -> None:
    x = POINTS["near one"]
    made = pairing(lambda at: 1.0, np.cos, x)
    noisy = answer(np.cos, x, spread=np.full(4, 1e-12))

    assert np.all(measured(noisy, made) >= 4e-12)


@pytest.mark.parametrize("unit", [DOUBLE, SINGLE])
def test_runs_with_random_rounding_count_where_the_code_can_be_met(unit) -> None:
    x = POINTS["near one"]
    made = pairing(lambda at: 1.0, np.cos, x)
    runs = [np.cos(x) + shift for shift in (1e-12, -3e-12, 2e-12)]
    met = type(made.claim)(np.cos(x), unit, made.claim.at, lambda count: runs, whole=True)

    assert np.all(measured(met, made) >= FACTOR * 3e-12)


def test_not_finite_beside_the_point_is_no_rounding() -> None:
    x = POINTS["near one"]
    with np.errstate(all="ignore"):
        found = deviation(lambda at: np.where(at == x, 1.0, np.nan), x)

    assert np.all(found == 0.0)


# --- against the truth ---------------------------------------------------------------------------------------


def layer(x):
    weight = WEIGHT.astype(x.dtype)
    return (x.dtype.type(1.0) - np.tanh(weight @ x) ** 2) @ weight


def layer_truth(x):
    weight = WEIGHT.astype(x.dtype)
    z = [mpmath.fsum(exact(a) * exact(b) for a, b in zip(row, x, strict=True)) for row in weight]
    slope = [1 - mpmath.tanh(value) ** 2 for value in z]
    return [mpmath.fsum(exact(w) * s for w, s in zip(column, slope, strict=True)) for column in weight.T]


def softmax(x):
    shifted = np.exp(x - x.max())
    return shifted / shifted.sum() - np.eye(x.size, dtype=x.dtype)[x.argmax()]


def softmax_truth(x):
    powers = [mpmath.exp(exact(value)) for value in x]
    one = np.argmax(x)
    # -sum of the others: 1 - p itself would cancel
    rest = mpmath.fsum(power for number, power in enumerate(powers) if number != one)
    total = mpmath.fsum(powers)
    return [-rest / total if number == one else power / total for number, power in enumerate(powers)]


EPSILON = 2.0**-17


def normalised(x):
    """Of ``sum(w * (x + b - mean) / deviation)`` by x, and by the bias b, which the mean takes out again."""
    w = NORM_WEIGHTS.astype(x.dtype)
    centred = x - x.mean()
    deviation = np.sqrt(np.mean(centred**2) + x.dtype.type(EPSILON))
    hat = centred / deviation
    slopes = (w - w.mean() - hat * np.mean(w * hat)) / deviation
    return np.append(slopes, slopes.sum())


def normalised_truth(x):
    w, x = [exact(v) for v in NORM_WEIGHTS.astype(x.dtype)], [exact(v) for v in x]
    n = len(x)
    centred = [value - mpmath.fsum(x) / n for value in x]
    deviation = mpmath.sqrt(mpmath.fsum(c**2 for c in centred) / n + mpmath.mpf(EPSILON))
    hat = [c / deviation for c in centred]
    mean, along = mpmath.fsum(w) / n, mpmath.fsum(a * b for a, b in zip(w, hat, strict=True)) / n
    return [*((a - mean - h * along) / deviation for a, h in zip(w, hat, strict=True)), mpmath.mpf(0)]


def cancelled(x):
    return 2.0 * ((x + x.dtype.type(1000.0)) - x.dtype.type(1000.0))


def small(x):
    root = np.sqrt(x.dtype.type(1.0) + x**2)
    return (root - x.dtype.type(1.0)) * x / root


def small_truth(x):
    roots = [mpmath.sqrt(1 + exact(v) ** 2) for v in x]
    return [(root - 1) * exact(v) / root for root, v in zip(roots, x, strict=True)]


def products(x):
    return np.prod(np.cos(x)) * -np.tan(x)


def products_truth(x):
    whole = mpmath.mpf(1)
    for value in x:
        whole *= mpmath.cos(exact(value))
    return [-whole * mpmath.tan(exact(value)) for value in x]


def exact(value):
    return mpmath.mpf(float(value))


WEIGHT = np.random.default_rng(10).normal(size=(4, 5))
NORM_WEIGHTS = np.random.default_rng(11).normal(size=5)

KNOWN = {
    "a tanh layer": (layer, layer_truth, 1.0),
    "a saturated tanh layer": (layer, layer_truth, 3.0),
    "softmax": (softmax, softmax_truth, 3.0),
    "a bias before a batch norm": (normalised, normalised_truth, 1.0),
    "cancellation": (cancelled, lambda x: [2 * exact(value) for value in x], 1.0),
    "a root less one": (small, small_truth, 0.03),
    "products": (products, products_truth, 1.0),
}
SEEDS = 60


def errors_and_radii(name, dtype):
    """Of `SEEDS` points: how far each entry is off, and its measured radius."""
    gradient, truth, size = KNOWN[name]
    unit = SINGLE if dtype == "float32" else DOUBLE
    errors, radii = [], []
    for seed in range(SEEDS):
        x = (size * np.random.default_rng(100 + seed).normal(size=5)).astype(dtype)
        claim = met(gradient, x, unit)
        at = x
        if claim.value.size != x.size:  # one entry more: a parameter beside x
            at, claim = np.append(x, 0.0), replace(claim, at=lambda point, of=claim: of.at(point[:-1]))
        # f computes in double precision, as autograd heard it
        made = replace(pairing(lambda x: 1.0, np.ones_like, at, precise=True), claim=claim)
        with mpmath.workdps(50), np.errstate(all="ignore"):
            errors += [abs(float(exact(c) - t)) for c, t in zip(claim.value, truth(x), strict=True)]
            radii += measured(claim, made).tolist()
    return np.array(errors), np.array(radii)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_radius_holds_the_error_and_is_not_absurdly_wide(dtype) -> None:
    ratios = []
    for name in KNOWN:
        errors, radii = errors_and_radii(name, dtype)
        off = errors > 0.0
        ratios.append(radii[off] / errors[off])
        assert np.mean(errors <= radii) >= 0.995, name

    assert np.median(np.concatenate(ratios)) < 100.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_last_digits_alone_would_not_hold_it(dtype) -> None:
    """What the measurement is for: of the same entries the last digits hold far fewer."""
    held = []
    for name in ("a saturated tanh layer", "a bias before a batch norm", "cancellation"):
        gradient, truth, size = KNOWN[name]
        for seed in range(10):
            x = (size * np.random.default_rng(100 + seed).normal(size=5)).astype(dtype)
            claim = met(gradient, x, SINGLE if dtype == "float32" else DOUBLE)
            with mpmath.workdps(50):
                errors = [abs(float(exact(c) - t)) for c, t in zip(claim.value, truth(x), strict=True)]
            held.append(np.mean(errors <= ulps(claim)))

    assert np.mean(held) < 0.8
