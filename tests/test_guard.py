"""Calling what the user wrote: counted, exceptions kept, nothing left behind, writing noticed."""

import random
import warnings

import numpy as np
import pytest

from gradcheck.ask.calls import Counted, NotNumeric, Raised, flat, identical, real, undisturbed, written


def test_calls_are_counted_also_those_that_raise() -> None:
    counted = Counted(lambda x: 1.0 / x, "f")
    counted(2.0)
    with pytest.raises(Raised):
        counted(0)

    assert counted.calls == 2


def test_an_exception_keeps_its_cause_and_tells_its_place() -> None:
    def broken(x):
        return [][x]

    with pytest.raises(
        Raised, match=r"grad raised IndexError: list index out of range \(in broken, test_guard.py:"
    ) as raised:
        Counted(broken, "grad")(3)

    assert isinstance(raised.value.__cause__, IndexError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_passes_through(error) -> None:
    def f():
        raise error

    with pytest.raises(error):
        Counted(f, "f")()


def state():
    return np.random.get_state()[1].tolist(), random.getstate(), np.geterr(), list(warnings.filters)  # noqa: NPY002


@pytest.mark.parametrize("ending", [None, ValueError])
def test_undisturbed_restores_everything_however_it_ends(ending) -> None:
    before = state()
    try:
        with undisturbed():
            np.random.rand(5)  # noqa: NPY002
            random.seed(1)
            np.seterr(all="raise")
            warnings.simplefilter("error")
            if ending:
                raise ending
    except ValueError:
        pass

    assert state() == before


def test_undisturbed_is_silent() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with undisturbed():
            np.log(np.array(-1.0))
            np.exp(np.array(1e4))
            warnings.warn("deprecated", DeprecationWarning, stacklevel=1)

    assert not caught


@pytest.mark.parametrize(
    "result, entries",
    [
        (1.5, [1.5]),
        (2, [2.0]),
        (True, [1.0]),
        (np.float32(0.5), [0.5]),
        (np.array(3.0), [3.0]),
        (np.array([[1, 2], [3, 4]]), [1, 2, 3, 4]),
        ({"a": [1.0, np.array([2.0, 3.0])], "b": (np.zeros((0,)), 4.0)}, [1, 2, 3, 4]),
        ([], []),
    ],
)
def test_flat_reads_trees_of_real_numbers(result, entries) -> None:
    assert flat(result, "f").dtype == np.float64
    assert np.array_equal(flat(result, "f"), entries)


@pytest.mark.parametrize(
    "result, words",
    [
        (None, "f returned None"),
        ("1.0", "f returned str"),
        (1j, "f returned complex"),
        (np.array([1j]), "f returned complex128 array"),
        (np.array([1.0], dtype=object), "f returned object array"),
        ({"a": [1.0, None]}, r"f\['a'\]\[1\] returned None"),
        (np.array(["a"]), "f returned <U1 array"),
    ],
)
def test_flat_refuses_what_is_none(result, words) -> None:
    with pytest.raises(NotNumeric, match=f"{words}.* where real numbers are needed"):
        flat(result, "f")


def test_real_copies() -> None:
    mine = np.ones((2, 2))

    assert real(mine, "f").shape == (2, 2)
    assert not np.shares_memory(real(mine, "f"), mine)


ARRAY = np.array([1.0, np.nan, 3.0])


@pytest.mark.parametrize(
    "before, after, path",
    [
        (ARRAY, ARRAY.copy(), None),
        (ARRAY, np.array([1.0, np.nan, 3.5]), "x"),
        (ARRAY, ARRAY.astype(np.float32), "x"),
        (ARRAY, ARRAY[:2], "x"),
        ({"a": [ARRAY, 1.0]}, {"a": [ARRAY.copy(), 1.0]}, None),
        ({"a": [ARRAY, 1.0]}, {"a": [ARRAY + 1.0, 1.0]}, "x['a'][0]"),
        ({"a": [ARRAY, 1.0]}, {"a": [ARRAY.copy(), 2.0]}, "x['a'][1]"),
        ({"a": 1.0}, {"a": 1.0, "b": 2.0}, "x['b']"),
        ({"a": 1.0, "b": 2.0}, {"a": 1.0}, "x['b']"),
        ([1.0], [1.0, 2.0], "x[1]"),
        ({"n": np.nan}, {"n": np.nan}, None),
        ("mean", "mean", None),
        (np.array([1, 2]), np.array([1, 3]), "x"),
        (np.array(["a"]), np.array(["b"]), "x"),
    ],
)
def test_written_names_the_first_change(before, after, path) -> None:
    assert written((before,), (after,), ("x",)) == path


@pytest.mark.parametrize(
    "a, b, same",
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([0.0]), np.array([0.0]), True),
        (np.array([1.0]), np.array([1.0 + 2.0**-52]), False),
        (np.array([1.0]), np.array([1]), False),
        (np.zeros(2), np.zeros((1, 2)), False),
        (np.array([1, 2]), np.array([1, 2]), True),
        (np.array(["a"]), np.array(["a"]), True),
    ],
)
def test_identical(a, b, same) -> None:
    assert identical(a, b) is same
    assert identical(b, a) is same
