"""A point drawn for shapes in words."""

import numpy as np
import pytest

from gradcheck.dimensions.drawing import lengths_of, point_of
from gradcheck.dimensions.shape import shape_of


def shapes(**texts):
    return {name: shape_of(name, text) for name, text in texts.items()}


def drawn(seed=0, dtype="float64", asked=None, **texts):
    generator = np.random.default_rng(seed)
    lengths = lengths_of(shapes(**texts), asked or {}, generator)
    return lengths, point_of(shapes(**texts), lengths, generator, dtype)


@pytest.mark.parametrize("seed", range(20))
def test_lengths_are_at_least_2_and_all_different(seed):
    lengths, _ = drawn(seed, W="d h", X="n d", Z="n k 2*h")

    assert len({*lengths.values()}) == 4
    assert all(2 <= length <= 9 for length in lengths.values())


@pytest.mark.parametrize("seed", range(20))
def test_lengths_asked_for_are_taken_and_no_other_is_like_them(seed):
    lengths, _ = drawn(seed, asked={"n": 3, "d": 3}, W="d h", X="n d")

    assert (lengths["n"], lengths["d"]) == (3, 3)
    assert lengths["h"] != 3


def test_equal_names_are_equal_lengths_and_numbers_stand_for_themselves():
    lengths, point = drawn(W="d h", X="n d", b="4*h 1")

    assert point["X"].shape[1] == point["W"].shape[0] == lengths["d"]
    assert point["b"].shape == (4 * lengths["h"], 1)


def test_dots_are_the_same_axes_wherever_they_are_written():
    lengths, point = drawn(X="... d", Y="3 ...", mask="bool ...", ids="int ... < v")

    assert list(lengths) == ["...1", "...2", "d", "v"]
    assert point["X"].shape == (*point["mask"].shape, lengths["d"])
    assert point["Y"].shape == (3, *point["ids"].shape)
    assert len({*lengths.values()}) == 4


def test_dots_stand_once_in_a_shape():
    with pytest.raises(ValueError, match=r"shapes\['X'\] = '\.\.\. d \.\.\.'.*once"):
        shape_of("X", "... d ...")


@pytest.mark.parametrize("seed", range(20))
def test_indices_lie_below_and_one_comes_twice(seed):
    lengths, point = drawn(seed, ids="int n m < v")

    ids = point["ids"]
    assert ids.min() >= 0 and ids.max() < lengths["v"]
    assert len(np.unique(ids)) < ids.size


@pytest.mark.parametrize("seed", range(20))
def test_masks_are_true_and_false(seed):
    assert {*drawn(seed, mask="bool n")[1]["mask"].tolist()} == {True, False}


def test_without_axes_they_are_numbers():
    _, point = drawn(dtype="float32", s="", i="int < 3", m="bool")

    assert type(point["s"]) is np.float32
    assert type(point["i"]) is int
    assert type(point["m"]) is bool


def test_the_dtype_is_that_of_floats_alone():
    _, point = drawn(dtype="float32", X="n", ids="int n < 4")

    assert point["X"].dtype == np.float32
    assert point["ids"].dtype.kind == "i"


def test_the_seed_decides():
    assert np.array_equal(drawn(1, asked={"n": 4}, X="n")[1]["X"], drawn(1, asked={"n": 4}, X="n")[1]["X"])
    assert not np.array_equal(
        drawn(1, asked={"n": 4}, X="n")[1]["X"], drawn(2, asked={"n": 4}, X="n")[1]["X"]
    )


def test_indices_below_nothing_are_refused():
    with pytest.raises(ValueError, match="the indices ids lie below 0"):
        drawn(asked={"v": 0}, ids="int n < v")
