"""Arguments that are arrays of another library, tables or operators: named, with what makes a plain array of them."""

from __future__ import annotations

import numpy as np
import pytest

import gradcheck


class Frame:
    """As a table of pandas has it."""

    dtypes = ("float64", "int64")

    def to_numpy(self):
        return np.ones((3, 2))

    def __array__(self, dtype=None, copy=None):
        return self.to_numpy()


class Tensor:
    dtype = "torch.float32"

    def detach(self):
        return self

    def numpy(self):
        return np.ones(3, dtype=np.float32)

    def __array__(self, dtype=None, copy=None):
        return self.numpy()


class Sparse:
    dtype = np.dtype(np.float64)

    def toarray(self):
        return np.eye(3)


class Operator:
    dtype = np.dtype(np.float64)

    def matvec(self, v):
        return v


class Other:
    def __array__(self, dtype=None, copy=None):
        return np.ones(3)


class Counts(Frame):
    dtypes = ("int64",)


def loss(w, data):
    return np.sum(np.asarray(w) ** 2)


def grad(w, data):
    return 2 * np.asarray(w)


KINDS = [
    (Frame, "a table (Frame)", ".to_numpy()"),
    (Tensor, "a tensor (Tensor)", ".detach().numpy()"),
    (Sparse, "a sparse matrix (Sparse)", ".toarray()"),
    (Operator, "a linear operator (Operator)", "@ np.eye("),
    (Other, "an array of another library (Other)", "np.asarray("),
]


@pytest.mark.parametrize(("kind", "called", "plain"), KINDS)
@pytest.mark.parametrize("inside", [False, True])
def test_beside_an_array_it_is_no_silent_change_of_subject(kind, called, plain, inside):
    data = [kind()] if inside else kind()

    with pytest.raises(TypeError) as error:
        gradcheck.check_grad(loss, grad, np.ones(3), data)

    message = str(error.value)
    assert message.startswith(f"argument {'data[0]' if inside else 'data'!r} is {called}".replace('"', "'"))
    assert plain in message
    assert "argnums=" in message


@pytest.mark.parametrize(("kind", "called", "plain"), KINDS)
def test_alone_and_by_number_it_is_named_too(kind, called, plain):
    for options in ({}, {"argnums": 0}):
        with pytest.raises(TypeError) as error:
            gradcheck.check_grad(loss, grad, kind(), 1, **options)

        assert called in str(error.value)
        assert plain in str(error.value)
        assert "astype" not in str(error.value)


@pytest.mark.parametrize("kind", [kind for kind, *_ in KINDS])
def test_argnums_says_that_it_is_data(kind):
    assert gradcheck.check_grad(loss, grad, np.ones(3), kind(), argnums=0).ok


def test_a_table_of_whole_numbers_is_data():
    assert gradcheck.check_grad(loss, grad, np.ones(3), Counts()).ok
