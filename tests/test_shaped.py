"""Tests over shapes and precisions that are written as words."""

import numpy as np
import pytest

import gradcheck


def points(**given):
    """The points by their ids."""
    mark = gradcheck.shapes(**given).mark
    names, found = mark.args
    return {point.id: dict(zip(names, point.values, strict=True)) for point in found}


@gradcheck.shapes(
    X="n d", W="d h", b="h", ids="int n < d", n=[1, 3, 8], d=[1, 4], dtype=["float64", "float32"]
)
def test_a_test_gets_arrays_of_these_shapes(X, W, b, ids, request):
    n, d = X.shape
    assert f"[n{n}-d{d}-{X.dtype}]" in request.node.name
    assert W.shape == (d, *b.shape)
    assert W.dtype == b.dtype == X.dtype
    assert ids.shape == (n,)
    assert ids.max() < d


def test_every_choice_comes_once_and_in_order():
    assert [*points(X="n d", n=[1, 3], d=[4, 2], dtype=["float64", "float32"])] == [
        "n1-d4-float64", "n1-d4-float32", "n1-d2-float64", "n1-d2-float32",
        "n3-d4-float64", "n3-d4-float32", "n3-d2-float64", "n3-d2-float32",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_axes_that_are_not_given_are_unlike_any_other(seed):
    for point in points(X="n d", W="d h", n=[2, 3, 4], seed=seed).values():
        sizes = [*point["X"].shape, point["W"].shape[1]]
        assert len(set(sizes)) == 3
        assert min(sizes) >= 2


def test_the_same_seed_draws_the_same_and_another_does_not():
    def drawn(seed):
        return points(X="n 3", n=4, seed=seed)["n4-float64"]["X"]

    assert np.array_equal(drawn(0), drawn(0))
    assert not np.array_equal(drawn(0), drawn(1))


def test_no_two_points_share_memory():
    arrays = [point["X"] for point in points(X="n", n=[3, 4], dtype=["float64", "float32"]).values()]

    assert not any(np.shares_memory(one, other) for i, one in enumerate(arrays) for other in arrays[:i])


def test_lengths_may_be_one_and_precisions_may_be_types():
    (point,) = points(X="n", s="", n=0, dtype=np.float32).values()

    assert point["X"].shape == (0,)
    assert type(point["s"]) is np.float32


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({}, TypeError, "takes a shape for each argument"),
        ({"n": [1]}, TypeError, "takes a shape for each argument"),
        ({"X": "... d", "...": 3}, ValueError, r"\.\.\.=3, and no shape has an axis"),
        ({"X": "n d", "m": [1]}, ValueError, r"m=\[1\], and no shape has an axis m; the axes are n, d"),
        ({"X": "n", "n": [1.5]}, TypeError, r"n=\[1.5\]; write a length or several"),
        ({"X": "n", "n": []}, TypeError, "write a length or several"),
        ({"X": "n", "n": -1}, TypeError, "write a length or several"),
        ({"X": "n", "n": True}, TypeError, "write a length or several"),
        ({"X": "n", "dtype": "int64"}, ValueError, "dtype='int64', which is no precision of floats"),
        ({"X": "n", "dtype": "float63"}, ValueError, "dtype='float63', which is no precision of floats"),
        ({"X": "n-1"}, ValueError, "'n-1' is no axis"),
        ({"ids": "int n < v", "v": 0}, ValueError, "the indices ids lie below 0"),
    ],
)
def test_what_is_none_is_refused_by_name(given, error, told):
    with pytest.raises(error, match=told):
        gradcheck.shapes(**given)
