"""A check as data."""

import numpy as np
import pytest

from gradcheck.findings import Verdict
from gradcheck.report.report import GradientMismatch, InconclusiveCheck
from gradcheck.verify.case import Case, UnexpectedOutcome

X = np.array([0.3, -1.2, 2.0])
RNG = np.random.default_rng(0)


def square(x):
    return np.sum(x**2)


def right(x):
    return 2 * x


def half(x):
    return 1 * x


def noisy(x):
    return np.sum(x) + RNG.random()


def test_a_right_claim_is_as_expected():
    assert Case("square", square, right, (X,)).check().ok


def test_a_wrong_claim_raises():
    with pytest.raises(GradientMismatch) as caught:
        Case("square", square, half, (X,)).check()

    assert caught.value.report.verdict is Verdict.FAIL


def test_an_undecidable_case_raises():
    with pytest.raises(InconclusiveCheck):
        Case("noisy", noisy, np.ones_like, (X,)).check()


def test_a_specimen_that_fails_is_as_expected():
    assert Case("square", square, half, (X,), expect="fail").check().verdict is Verdict.FAIL


def test_a_specimen_that_passes_raises_with_its_name():
    with pytest.raises(UnexpectedOutcome, match=r"^squares/right should fail but passed\n\npass: ") as caught:
        Case("squares/right", square, right, (X,), expect="fail").check()

    assert caught.value.report.ok


def test_what_should_be_undecidable_and_is_not_raises():
    with pytest.raises(UnexpectedOutcome, match="should be inconclusive but failed"):
        Case("square", square, half, (X,), expect="inconclusive").check()


def test_undecidable_as_expected():
    assert Case("noisy", noisy, np.ones_like, (X,), expect="inconclusive").check().reasons


def test_the_expected_diagnosis_is_looked_at():
    assert not Case("s", square, half, (X,), expect="fail", diagnosis="scale").check().ok
    with pytest.raises(UnexpectedOutcome, match="should be diagnosed as sign, but the diagnoses are scale"):
        Case("s", square, half, (X,), expect="fail", diagnosis="sign").check()


def test_the_expected_leaf_is_looked_at():
    def two(a, b):
        return np.sum(a * b)

    def claim(a, b):
        return b.copy(), 2 * a

    assert not Case("two", two, claim, (X, X + 1), expect="fail", leaf="b").check().ok
    with pytest.raises(UnexpectedOutcome, match="should fail in a, but the leaves found wrong are b"):
        Case("two", two, claim, (X, X + 1), expect="fail", leaf="a").check()


def test_running_never_raises_for_a_verdict():
    assert Case("square", square, half, (X,)).run().verdict is Verdict.FAIL


def test_options_reach_the_check():
    assert Case("square", square, right, (X,), seed=5).run().seed == 5


def test_argnums_reach_the_check():
    def product(a, b):
        return np.sum(a * b)

    report = Case("product", product, lambda a, b: a.copy(), (X, X + 1), argnums=1).check()

    assert [leaf.path for leaf in report.leaves] == ["b"]


KINDS = {
    "grad": (square, right, ()),
    "vjp": (np.sin, lambda u, x: u * np.cos(x), ()),
    "jvp": (np.sin, lambda v, x: v * np.cos(x), ()),
    "jacobian": (np.sin, lambda x: np.diag(np.cos(x)), ()),
    "hessian": (square, lambda x: 2 * np.eye(x.size), ()),
    "hvp": (square, lambda v, x: 2 * v, ()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs_its_check(kind):
    f, claim, _ = KINDS[kind]

    report = Case(kind, f, claim, (X,), kind=kind).check()

    assert report.check == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_catches_a_wrong_twin(kind):
    f, claim, _ = KINDS[kind]

    def twice(*args):
        return 2 * claim(*args)

    assert Case(kind, f, twice, (X,), kind=kind, expect="fail").check().check == kind


def test_a_layer_is_a_pair_of_functions_or_one_object():
    class Sine:
        def forward(self, x):
            self.x = x
            return np.sin(x)

        def backward(self, cotangent):
            return cotangent * np.cos(self.x)

    def forward(x):
        return np.sin(x)

    def backward(cotangent, x):
        return cotangent * np.cos(x)

    assert Case("object", Sine(), None, (X,), kind="layer").check().check == "layer"
    assert Case("pair", forward, backward, (X,), kind="layer").check().check == "layer"


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"kind": "gradient"}, ValueError, "kind='gradient' of case 'c' is none of grad, vjp, "),
        ({"expect": "error"}, ValueError, "expect='error' of case 'c' is none of pass, fail, inconclusive"),
        (
            {"expect": "fail", "diagnosis": "factor"},
            ValueError,
            "diagnosis='factor' of case 'c' is none of scale, ",
        ),
        ({"args": X}, TypeError, r"args of case 'c' is a ndarray, not a tuple: write args=\(x,\)"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(given, error, words):
    with pytest.raises(error, match=words):
        Case(**({"name": "c", "f": square, "claim": right, "args": (X,)} | given))


def test_a_case_cannot_be_changed():
    case = Case("square", square, right, (X,))

    with pytest.raises(AttributeError):
        case.name = "other"


@pytest.mark.parametrize("case", [Case("squares/right", square, right, (X,))])
def test_pytest_names_a_test_after_its_case(case, request):
    assert request.node.callspec.id == "squares/right"
