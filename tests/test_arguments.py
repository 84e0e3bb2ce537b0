"""The checked arguments as one flat vector: names, places, copies, dtypes."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from gradcheck.ask.point import argument_names, describe, floating_argnums, point

MATRIX = np.arange(6.0).reshape(2, 3)


def f(a, b, c=0.0, *rest, key=None):
    return a


def test_leaves_lie_in_the_order_of_the_arguments() -> None:
    where = point(f, (MATRIX, [1.5, {"k": np.array([7.0, 8.0])}]), None)

    assert [slot.path for slot in where.slots] == ["a", "b[0]", "b[1]['k']"]
    assert [(slot.start, slot.stop) for slot in where.slots] == [(0, 6), (6, 7), (7, 9)]
    assert [slot.shape for slot in where.slots] == [(2, 3), (), (2,)]
    assert [slot.size for slot in where.slots] == [6, 1, 2]
    assert np.array_equal(where.x, [0, 1, 2, 3, 4, 5, 1.5, 7, 8])


def test_argnums_set_the_order() -> None:
    where = point(f, (MATRIX, np.ones(2), 3.0), (2, 0))

    assert where.argnums == (2, 0)
    assert [slot.path for slot in where.slots] == ["c", "a"]
    assert where.x[0] == 3.0


def test_integer_leaves_are_no_slots() -> None:
    where = point(f, ({"w": MATRIX, "n": 3, "index": np.array([1, 2]), "mask": np.array([True])},), None)

    assert [slot.path for slot in where.slots] == ["a['w']"]


@pytest.mark.parametrize(
    "function, count, names",
    [
        (f, 2, ("a", "b")),
        (f, 5, ("a", "b", "c", "rest[0]", "rest[1]")),
        (lambda *xs: 0, 2, ("xs[0]", "xs[1]")),
        (np.tanh, 1, None),
        (dict.get, 2, None),
        (max, 2, ("args[0]", "args[1]")),
    ],
)
def test_arguments_have_the_names_of_the_signature(function, count, names) -> None:
    found = argument_names(function, count)

    assert len(found) == count
    assert len(set(found)) == count
    assert names is None or found == names


def test_methods_are_named_without_self() -> None:
    class Model:
        def loss(self, weights, bias):
            return 0.0

    assert argument_names(Model().loss, 2) == ("weights", "bias")


def test_place_puts_each_entry_where_it_was_taken_from() -> None:
    args = (MATRIX, [1.5, {"k": np.array([7.0, 8.0])}], "mean")
    where = point(f, args, None)

    placed = where.place(where.x)
    moved = where.place(where.x + 1.0)

    assert np.array_equal(placed[0], MATRIX)
    assert placed[1][0] == 1.5
    assert type(placed[1][0]) is float
    assert np.array_equal(moved[0], MATRIX + 1.0)
    assert moved[1][0] == 2.5
    assert np.array_equal(moved[1][1]["k"], [8.0, 9.0])
    assert moved[2] == "mean"


def test_place_keeps_the_kinds_of_containers_and_scalars() -> None:
    Pair = namedtuple("Pair", "w b")
    tree = OrderedDict(pair=Pair(np.float32(1.0), np.array(2.0)), rest=(3.0, [np.float64(4.0)]))
    where = point(f, (tree,), None)
    placed = where.place(where.x, native=True)[0]

    assert type(placed) is OrderedDict
    assert type(placed["pair"]) is Pair
    assert type(placed["pair"].w) is np.float32
    assert type(placed["pair"].b) is np.ndarray
    assert placed["pair"].b.shape == ()
    assert type(placed["rest"]) is tuple
    assert type(placed["rest"][0]) is float
    assert type(placed["rest"][1][0]) is np.float64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f8"])
def test_native_rounds_to_the_leafs_own_dtype(dtype) -> None:
    where = point(f, (np.array([1.0, 1.0 / 3.0], dtype=dtype),), None)

    assert where.place(where.x, native=True)[0].dtype == np.dtype(dtype)
    assert where.place(where.x)[0].dtype == np.float64


def test_the_callers_arrays_are_copied() -> None:
    mine = MATRIX.copy()
    where = point(f, (mine, [mine]), 0)

    assert not np.shares_memory(where.args[0], mine)
    assert not np.shares_memory(where.args[1][0], mine)
    assert not np.shares_memory(where.x, mine)
    assert not np.shares_memory(where.copied(where.args)[1][0], where.args[1][0])


@pytest.mark.parametrize("layout", [np.asfortranarray, np.ascontiguousarray])
def test_copies_keep_the_memory_layout(layout) -> None:
    where = point(f, (layout(MATRIX),), None)

    assert where.args[0].strides == layout(MATRIX).strides


def test_doubled_widens_every_array_and_leaves_the_point() -> None:
    where = point(f, (np.float32([0.1, 0.2]), {"data": np.float16([1.0]), "n": np.array([1])}), 0)
    double = where.doubled()

    assert double.args[0].dtype == np.float64
    assert double.args[1]["data"].dtype == np.float64
    assert double.args[1]["n"].dtype == where.args[1]["n"].dtype
    assert np.array_equal(double.x, where.x)


def test_moved_rounds_the_point_to_what_the_leaf_can_hold() -> None:
    where = point(f, (np.float32([0.5]), np.array([0.5])), None)
    moved = where.moved(where.x + 1e-12)

    assert moved.x[0] == 0.5
    assert moved.x[1] == 0.5 + 1e-12
    assert moved.args[0].dtype == np.float32


def test_floating_argnums_finds_them_in_trees() -> None:
    assert floating_argnums((1, 1.0, [2, {"k": np.float32(3)}], "x", np.arange(3), [])) == (1, 2)


@pytest.mark.parametrize(
    "argnums, error, message",
    [
        (3, ValueError, "argnums=3 is out of range: f was given 3 argument"),
        (-4, ValueError, "out of range"),
        ((0, -3), ValueError, "names an argument twice"),
        ([], ValueError, "argnums is empty"),
        ({0}, TypeError, "argnums must be an int or a tuple of ints"),
        (False, TypeError, "argnums must be an int or a tuple of ints"),
        ((0, 1.0), TypeError, "argnums must be an int or a tuple of ints"),
        (1, TypeError, r"argument 'b' \(argnums 1\) is int64 array of shape \(3,\)"),
        (2, TypeError, r"argument 'c' \(argnums 2\) is complex128 array of shape \(2,\)"),
    ],
)
def test_misuse_of_argnums(argnums, error, message) -> None:
    with pytest.raises(error, match=message):
        point(f, (MATRIX, np.arange(3), np.zeros(2, dtype=complex)), argnums)


@pytest.mark.parametrize(
    "args", [(), (np.arange(3),), ("x", None), ([], {}), (np.array([1.0], dtype=object),)]
)
def test_nothing_floating_point_is_a_type_error(args) -> None:
    with pytest.raises(TypeError, match="no floating-point argument to differentiate"):
        point(f, args, None)


def test_nothing_but_empty_leaves_is_a_value_error() -> None:
    with pytest.raises(ValueError, match=r"nothing to check: a, b\[0\]"):
        point(f, (np.zeros((0, 2)), [np.zeros(0)]), None)


@pytest.mark.parametrize(
    "value, words",
    [
        (MATRIX, "float64 array of shape (2, 3)"),
        (np.float32(1.0), "float32 scalar"),
        (1.0, "float"),
        (None, "None"),
        ([], "empty list"),
        ((1, "a"), "tuple of 2 (int, str)"),
        ({"a": 1}, "dict with keys ['a']"),
    ],
)
def test_values_in_a_few_words(value, words) -> None:
    assert describe(value) == words


def test_long_containers_are_cut_short() -> None:
    assert len(describe(list(range(1000)))) < 80
