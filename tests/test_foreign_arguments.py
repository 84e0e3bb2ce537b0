"""Arguments that are arrays of another library, tables or operators: named, with what makes a plain array of them."""

from __future__ import annotations

import io

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


@pytest.mark.parametrize("dtypes", [("Float64",), ("int64", "double[pyarrow]")])
def test_floats_have_many_names(dtypes):
    data = Frame()
    data.dtypes = dtypes
    with pytest.raises(TypeError, match="a table"):
        gradcheck.check_grad(loss, grad, np.ones(3), data)


def test_a_table_of_whole_numbers_is_data():
    assert gradcheck.check_grad(loss, grad, np.ones(3), Counts()).ok


class Dense:
    """Whatever is an array to NumPy will do for its weight, and for its input."""

    def __init__(self, W=None):
        self.W, self.b = np.full((3, 2), 0.5) if W is None else W, np.array([0.1, -0.2])

    def forward(self, x, options=None):
        self.x = np.asarray(x, dtype=float)
        return np.tanh(self.x @ np.asarray(self.W) + self.b)

    def backward(self, d):
        dz = d * (1 - np.tanh(self.x @ np.asarray(self.W) + self.b) ** 2)
        self.dW, self.db = self.x.T @ dz, dz.sum(0)
        return dz @ np.asarray(self.W).T


class Table(Frame):
    def to_numpy(self):
        return np.arange(6.0).reshape(3, 2) / 5.0


POINT = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


@pytest.mark.parametrize(
    ("layer", "inputs", "name", "whole"),
    [
        (Dense(), (POINT, [Table()]), "options[0]", "options"),
        (Dense(), (POINT, {"data": Table()}), "options['data']", "options"),
        (Dense(Table()), (POINT,), "W", "W"),
    ],
)
def test_of_a_layer_it_is_named_with_what_leaves_it_out(layer, inputs, name, whole):
    with pytest.raises(TypeError) as error:
        gradcheck.check_layer(layer, *inputs)

    message = str(error.value)
    assert message.startswith(f"{name} is a table (Table)")
    assert f"{name}.to_numpy()" in message
    assert f"params={{{whole!r}: None}}" in message
    assert gradcheck.check_layer(layer, *inputs, params={whole: None}).ok


@pytest.mark.parametrize("kind", [kind for kind, *_ in KINDS])
def test_the_input_of_a_layer_is_no_silent_change_of_subject(kind):
    with pytest.raises(TypeError, match=r"x is an? .* \((Frame|Tensor|Sparse|Operator|Other)\)"):
        gradcheck.check_layer(Dense(), kind())


def test_a_table_that_the_output_does_not_depend_on_is_the_layers_own_business():
    layer = Dense()
    layer.history = Table()
    assert gradcheck.check_layer(layer, POINT).ok


def test_an_object_that_has_whatever_it_is_asked_for_is_no_array():
    class Anything:
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *args: self

    for one in (Anything(), io.TextIOWrapper(io.BytesIO())):
        assert gradcheck.check_grad(loss, grad, np.ones(3), one).ok
        assert gradcheck.check_layer(Dense(), POINT, one).ok
