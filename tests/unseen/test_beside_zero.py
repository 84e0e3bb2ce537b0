"""What is at 0, or cut off there in any way, has two sides beside it; a tie of the point itself has none."""

import numpy as np
import pytest

import gradcheck
from gradcheck.findings import Blind

X = np.array([0.3, -1.2, 2.0])


@pytest.mark.parametrize("x", [[0.0, 0.0, 1.0, 2.0], [0.0, 0.5, 1.0]])
@pytest.mark.parametrize("f", [lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, x, 0.1 * x)])
def test_what_lies_on_the_kink_shows_no_side(f, x) -> None:
    report = gradcheck.check_vjp(f, lambda u, x: u, np.array(x), strict=True, raise_on_failure=False)
    assert report.verdict == "inconclusive"
    assert {one.kind for one in report.unseen} == {Blind.BRANCH}


def test_beyond_all_bounds_there_is_no_side() -> None:
    def f(x):
        m = -np.inf
        for t in x:
            m = max(m, t)
        y = np.minimum(np.maximum(-np.inf, x), np.inf)
        return m**2 + np.sum(np.clip(y, -np.inf, None) ** 2 * (x < np.inf)) + np.sum(np.clip(x, None, np.inf))

    assert not gradcheck.check_grad(f, lambda x: 2 * x + 1 + 2 * x * (x == x.max()), X).unseen


def _rectified(x):
    return np.maximum(x, 0.0)


def _by_mask(u, x):
    h = np.maximum(x, 0.0)
    du = u.copy()
    du[h <= 0] = 0
    return du


def _by_product(u, x):
    h = np.maximum(x, 0.0)
    return u * (h > 0)


def _in_place(u, x):
    h = x.copy()
    h[h < 0] = 0.0
    return np.where(h > 0, u, 0.0)


def _by_out(u, x):
    h = x.copy()
    np.maximum(h, 0.0, out=h)
    mask = h <= 0
    return u * ~mask


def _itself(u, x):
    return u * (x > 0)


@pytest.mark.parametrize("claim", [_by_mask, _by_product, _in_place, _by_out])
def test_the_output_of_a_relu_beside_zero_has_two_sides(claim) -> None:
    assert not gradcheck.check_vjp(_rectified, claim, X, strict=True).unseen
    off = gradcheck.check_vjp(_rectified, claim, np.abs(X)).unseen
    assert {one.where for one in off} == {"f", "vjp"}


def test_a_tie_of_the_point_itself_is_no_side() -> None:
    tied = np.where(X > 0, X, 0.0)
    assert {one.where for one in gradcheck.check_vjp(_rectified, _itself, tied).unseen} == {"f", "vjp"}


def _copied(copy):
    def f(x):
        x = copy(x)
        positive = x > 0
        return x * positive

    return f


@pytest.mark.parametrize(
    "copy",
    [
        np.array, np.asarray, np.copy, np.ascontiguousarray, np.vstack, lambda x: np.concatenate([x]),
        lambda x: np.pad(x, 0), lambda x: 1.0 * x, lambda x: np.dot(np.eye(len(x)), x),
    ],
)  # fmt: skip
def test_a_tie_of_the_point_is_no_side_in_a_copy_of_it(copy) -> None:
    tied = np.array([[0.3, 0.0, 2.0], [0.0, 1.4, 0.7]])
    told = gradcheck.check_vjp(_copied(copy), _itself, tied).unseen
    assert {one.where for one in told if one.kind is Blind.BRANCH} == {"f", "vjp"}


def _by_view(h):
    flat = h.ravel()
    flat[flat < 0] = 0.0
    return h


def _by_copyto(h):
    np.copyto(h, 0.0, where=h < 0)
    return h


def _by_factor(h):
    h *= h > 0
    return h


def _by_loop(h):
    for place in range(len(h)):
        if h[place] < 0:
            h[place] = 0.0
    return h


@pytest.mark.parametrize("cut", [_by_view, _by_copyto, _by_factor, _by_loop])
def test_what_is_cut_off_in_place_has_two_sides_beside_zero(cut) -> None:
    def claim(u, x):
        h = cut(x.copy())
        positive = h > 0
        return u * positive

    x = X.ravel()
    assert not gradcheck.check_vjp(_rectified, claim, x, strict=True).unseen
    assert {one.where for one in gradcheck.check_vjp(_rectified, claim, np.abs(x)).unseen} == {"f", "vjp"}


def _largest(x):
    return x.max(axis=1)


def _of_the_largest(u, x):
    first = x >= x.max(axis=1, keepdims=True)
    return u[:, None] * first


def test_the_largest_of_a_row_is_beside_itself() -> None:
    x = np.array([[0.3, -1.2, 2.0], [0.9, 1.4, -0.7]])
    assert not gradcheck.check_vjp(_largest, _of_the_largest, x, strict=True).unseen


@pytest.mark.parametrize("dtype", [int, float, bool])
def test_labels_of_0_and_1_are_on_both_sides_of_0(dtype) -> None:
    def f(w, labels):
        ours = np.asarray(labels) > 0
        return np.sum(ours * w**2)

    def grad(w, labels):
        ours = labels > 0
        return 2 * ours * w

    labels = np.array([0, 1, 1], dtype)
    assert not gradcheck.check_grad(f, grad, X, labels, argnums=0, strict=True).unseen
    told = gradcheck.check_grad(f, grad, X, np.ones_like(labels), argnums=0).unseen
    assert {one.where for one in told if one.kind is Blind.BRANCH} == {"f", "grad"}


def test_the_root_of_a_square_is_an_absolute_value_in_place_too() -> None:
    def f(x):
        size = x * x
        np.sqrt(size, out=size)
        return size

    def claim(u, x):
        return u * x / np.abs(x)

    assert {one.where for one in gradcheck.check_vjp(f, claim, np.abs(X)).unseen} == {"f", "vjp"}


def test_the_root_of_a_square_and_more_is_smooth() -> None:
    def f(x):
        size = x * x
        size += 0.1
        return np.sqrt(size)

    def claim(u, x):
        return u * x / np.sqrt(x * x + 0.1)

    assert not gradcheck.check_vjp(f, claim, np.abs(X)).unseen
