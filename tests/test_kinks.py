"""At kinks: every subgradient is accepted and the report says so; what is none fails; nothing else is hidden."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import check_grad, check_vjp

X = np.array([1.2, 0.0, -0.7, 0.4])
W = np.array([0.5, -2.0, 1.5, 3.0])
ORACLES = pytest.mark.parametrize("oracles", [None, "differences"])


def verdict_of(f, claim, x, oracles=None):
    return check_grad(f, claim, x, oracles=oracles, raise_on_failure=False)


def relu(x):
    return np.sum(W * np.maximum(x, 0.0) + x**2)


def relu_grad(at_zero):
    return lambda x: W * np.where(x > 0.0, 1.0, np.where(x < 0.0, 0.0, at_zero)) + 2.0 * x


@ORACLES
@pytest.mark.parametrize("at_zero", [0.0, 0.25, 0.5, 1.0])
def test_subgradients_of_relu_pass_and_the_kink_is_told(at_zero, oracles) -> None:
    report = verdict_of(relu, relu_grad(at_zero), X, oracles)

    assert report.ok, str(report)
    assert "kink" in " ".join([*report.notes, *(leaf.note for leaf in report.leaves)])


@pytest.mark.parametrize(
    ("at_zero", "oracles"), [(-0.01, None), (1.01, "differences"), (2.0, None), (-1.0, "differences")]
)
def test_a_value_outside_the_slopes_fails_as_a_kink(at_zero, oracles) -> None:
    report = verdict_of(relu, relu_grad(at_zero), X, oracles)

    assert report.verdict == "fail", str(report)
    assert "kink" in [diagnosis.kind for diagnosis in report.diagnoses]
    assert "x[1]" in str(report)


@ORACLES
@pytest.mark.parametrize("entry", [0, 2, 3])
@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_a_kink_does_not_hide_an_error_elsewhere(entry, at_zero, oracles) -> None:
    def wrong(x):
        gradient = relu_grad(at_zero)(x)
        gradient[entry] *= 1.001
        return gradient

    assert verdict_of(relu, wrong, X, oracles).verdict == "fail"


@ORACLES
@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, -1e-10, -1e-6, -1e-3])
def test_a_kink_beside_the_point_is_stepped_under(distance, oracles) -> None:
    beside = X.copy()
    beside[1] = distance

    assert verdict_of(relu, relu_grad(0.0), beside, oracles).ok
    report = verdict_of(relu, lambda x: relu_grad(0.0)(x) * [1.0, 1.0, 1.0, 1.001], beside, oracles)
    assert report.verdict == "fail"


@ORACLES
@pytest.mark.parametrize("at_zero, verdict", [(-1.0, "pass"), (0.0, "pass"), (1.0, "pass"), (1.5, "fail")])
def test_the_absolute_value_at_zero(at_zero, verdict, oracles) -> None:
    report = verdict_of(
        lambda x: np.sum(np.abs(x) * [1.0, 2.0, 3.0, 4.0]),
        lambda x: np.where(x == 0.0, at_zero, np.sign(x)) * [1.0, 2.0, 3.0, 4.0],
        X,
        oracles,
    )

    assert report.verdict == verdict


TIE = np.array([0.3, 1.7, -0.2, 1.7])


@ORACLES
@pytest.mark.parametrize("first, second", [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.2, 0.8)])
def test_at_a_tie_of_max_the_entries_share_the_one(first, second, oracles) -> None:
    report = verdict_of(
        lambda x: 2.0 * np.max(x), lambda x: 2.0 * np.array([0.0, first, 0.0, second]), TIE, oracles
    )

    assert report.ok, str(report)


@ORACLES
@pytest.mark.parametrize(
    "first, second", [(1.0, 1.0), (0.0, 0.0), (0.9, 0.6), (0.5, 0.6), (0.5, 0.2), (1.0, 0.3)]
)
def test_at_a_tie_of_max_both_or_neither_is_no_subgradient(first, second, oracles) -> None:
    report = verdict_of(
        lambda x: 2.0 * np.max(x), lambda x: 2.0 * np.array([0.0, first, 0.0, second]), TIE, oracles
    )

    assert report.verdict == "fail", str(report)
    assert "kink" in [diagnosis.kind for diagnosis in report.diagnoses]


MARGINS = np.array([1.0, 0.2, 1.6, -0.5])


@ORACLES
@pytest.mark.parametrize("at_one, verdict", [(0.0, "pass"), (-1.0, "pass"), (-0.5, "pass"), (0.5, "fail")])
def test_the_hinge_at_its_margin(at_one, verdict, oracles) -> None:
    report = verdict_of(
        lambda m: np.sum(np.maximum(0.0, 1.0 - m)),
        lambda m: np.where(m == 1.0, at_one, np.where(m < 1.0, -1.0, 0.0)),
        MARGINS,
        oracles,
    )

    assert report.verdict == verdict, str(report)


@ORACLES
@pytest.mark.parametrize("at_bound, verdict", [(0.0, "pass"), (1.0, "pass"), (-0.2, "fail")])
def test_the_bound_of_a_clip(at_bound, verdict, oracles) -> None:
    point = np.array([0.3, 1.0, 2.0, -0.4])

    report = verdict_of(
        lambda x: np.sum(W * np.clip(x, -1.0, 1.0)),
        lambda x: W * np.where(x == 1.0, at_bound, np.where(np.abs(x) < 1.0, 1.0, 0.0)),
        point,
        oracles,
    )

    assert report.verdict == verdict, str(report)


@ORACLES
def test_many_dead_inputs_at_the_kink(oracles) -> None:
    images = np.abs(np.random.default_rng(3).normal(size=(5, 30)))
    images[:, ::2] = 0.0  # black pixels, as of digits

    report = verdict_of(lambda x: np.sum(np.maximum(x, 0.0) ** 1), lambda x: (x > 0.0) * 1.0, images, oracles)

    assert report.verdict != "fail", str(report)


@ORACLES
def test_a_network_with_a_unit_at_its_kink(oracles) -> None:
    generator = np.random.default_rng(5)
    inputs, weights, out = (
        generator.normal(size=(6, 3)),
        generator.normal(size=(3, 4)),
        generator.normal(size=4),
    )
    weights[:, 2] = 0.0  # this unit sits at 0 for every example

    def f(weights):
        return np.sum(np.maximum(inputs @ weights, 0.0) @ out)

    def claim(weights):
        return inputs.T @ ((inputs @ weights > 0.0) * out)

    def wrong(weights):
        return claim(weights) * [1.0, 1.0, 1.0, 1.01]

    assert verdict_of(f, claim, weights, oracles).verdict != "fail"
    assert verdict_of(f, wrong, weights, oracles).verdict == "fail"


@ORACLES
def test_a_vjp_at_a_kink(oracles) -> None:
    def vjp(u, x):
        return u * (x > 0.0)

    right = check_vjp(lambda x: np.maximum(x, 0.0), vjp, X, oracles=oracles)
    wrong = check_vjp(
        lambda x: np.maximum(x, 0.0), lambda u, x: u * (x > 0.5), X, oracles=oracles, raise_on_failure=False
    )

    assert right.ok
    assert wrong.verdict == "fail"


@ORACLES
def test_a_jump_is_no_kink(oracles) -> None:
    report = verdict_of(lambda x: np.sum(x**2) + (x[1] > 0.0), lambda x: 2.0 * x, X, oracles)

    assert report.verdict != "fail"


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 1.0), st.sampled_from([None, "differences"]))
def test_any_mixture_of_two_planes_passes(seed, share, oracles) -> None:
    generator = np.random.default_rng(seed)
    a, b, x = generator.normal(size=(3, 4))
    gap = float((a - b) @ x)

    def f(x):
        return np.maximum(a @ x - gap, b @ x)

    # the two planes meet at x exactly, or the point is beside the kink and one of them is the gradient
    high, low = float(a @ x - gap), float(b @ x)
    mixture = share * a + (1.0 - share) * b
    claim = mixture if high == low else a if high > low else b

    assert verdict_of(f, lambda x: claim.copy(), x, oracles).verdict != "fail"


@settings(derandomize=True, max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from([-0.3, 1.3, 2.0, -1.0]), st.sampled_from([None, "differences"])
)
def test_no_extrapolation_of_two_planes_passes(seed, share, oracles) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(2, 4))
    origin = np.zeros(4)

    report = verdict_of(
        lambda x: np.maximum(a @ x, b @ x), lambda x: share * a + (1.0 - share) * b, origin, oracles
    )

    assert report.verdict != "pass", str(report)


def _relu(z):
    return np.maximum(z, 0)


def _network(W1, W2, X, Y):
    return np.mean((_relu(X @ W1) @ W2 - Y) ** 2)


def _network_grad(slope_at_zero, factor=1.0):
    def grad(W1, W2, X, Y):
        z = X @ W1
        h = _relu(z)
        d = 2 * (h @ W2 - Y) / Y.size
        return X.T @ ((d @ W2.T) * ((z > 0) + slope_at_zero * (z == 0))) * factor, h.T @ d

    return grad


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dead", [slice(1, 2), slice(None)])
@pytest.mark.parametrize("slope_at_zero", [0.0, 1.0])
def test_dead_columns_before_a_relu_are_right_as_every_framework_has_them(seed, dead, slope_at_zero) -> None:
    r = np.random.default_rng(seed).standard_normal
    W1, W2, X, Y = r((3, 4)), r((4, 2)), r((6, 3)), r((6, 2))
    W1[:, dead] = 0

    def check(claim):
        return check_grad(_network, claim, W1, W2, X, Y, argnums=(0, 1), raise_on_failure=False)

    report = check(_network_grad(slope_at_zero))
    assert report.verdict == "pass"
    assert "at a kink, accepted as subgradients" in report.leaves[0].note
    assert check(_network_grad(-1.0)).verdict == "fail"
    if dead == slice(1, 2):
        assert check(_network_grad(slope_at_zero, 2.0)).verdict == "fail"


@pytest.mark.parametrize("f", [np.fmax, np.minimum, np.fmin, np.maximum])
@pytest.mark.parametrize("first", [True, False])
def test_a_tie_of_two_that_vary_goes_to_either(f, first) -> None:
    a = np.array([0.3, -1.2, 2.0])
    X = np.random.default_rng(1).standard_normal((5, 3))

    def loss(a, b):
        return np.sum(f(X * a, X * b) ** 2)

    def grad(a, b):
        is_a = (f(X * a, X * b) == X * a) & ((X * a != X * b) | first)
        g = 2 * f(X * a, X * b) * X
        return np.sum(g * is_a, 0), np.sum(g * ~is_a, 0)

    assert check_grad(loss, grad, a, a.copy()).ok


@pytest.mark.parametrize(
    ("f", "claim", "x"),
    [
        (lambda x: np.sum(np.where(x >= 0, x + 1, x)), np.ones_like, [0.0, 1.0, -1.0]),
        (lambda x: np.sum(np.floor(x) + x**2), lambda x: 2 * x, [1.0, 0.5]),
        (lambda x: np.sum(x % 1.0), np.ones_like, [1.0, 0.5, 2.0]),
        (lambda x: np.sum(np.round(x) + 3 * x), lambda x: 3 + 0 * x, [0.5, 0.7]),
    ],
)
def test_where_f_jumps_at_the_very_point_nothing_is_said(f, claim, x) -> None:
    for size in (1.0, 1e-4, 1e4):
        report = check_grad(lambda x, f=f, c=size: c * f(x), lambda x, c=size: c * claim(x), np.array(x),
                            raise_on_failure=False)  # fmt: skip
        assert report.verdict == "inconclusive"
        assert "f jumps" in report.reasons[0]
    assert check_grad(f, claim, np.array(x) + 0.013).ok


def test_one_sided_domains_and_kinks_are_no_jumps() -> None:
    def root(x):
        return np.sum(x * np.sqrt(x) + x)

    assert check_grad(root, lambda x: 1.5 * np.sqrt(x) + 1, np.array([0.0, 1.0, 2.0])).ok
    assert check_grad(lambda t: t * t if t >= 1 else t, lambda t: 2 * t if t >= 1 else 1.0, 1.0).ok


@pytest.mark.parametrize("x", [np.zeros(4), np.array([1.0, 1.0, 2.0, 2.0, 2.0]), np.array([3.0, 1.0, 1.0])])
def test_equal_entries_may_be_sorted_in_the_order_that_the_code_gives_them(x) -> None:
    def scattered(u, x):
        dx = np.zeros_like(x)
        dx[np.argsort(x, kind="stable")] = u
        return dx

    def verdict(vjp):
        return check_vjp(np.sort, vjp, x, raise_on_failure=False).verdict

    assert verdict(scattered) == "pass"
    assert verdict(lambda u, x: scattered(u[::-1], x)) == "fail"
    assert verdict(lambda u, x: 2.0 * scattered(u, x)) == "fail"
